use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::{at_name, first_in_each};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// `zypper` asks a question.
    ///
    /// Nobody can answer during a build, so the build fails.
    ///
    /// ```dockerfile bad
    /// FROM opensuse/leap:15.6
    /// RUN zypper install curl=8.5.0 && zypper clean
    /// ```
    ///
    /// ```dockerfile good
    /// FROM opensuse/leap:15.6
    /// RUN zypper --non-interactive install curl=8.5.0 && zypper clean
    /// ```
    "DL3034", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    first_in_each(subject, |script, command| {
        command.is(&["zypper"]).then(|| command.behind(&ASKING, &[]))??;
        if command.has_flag("non-interactive", 'n') || command.has_flag("no-confirm", 'y') {
            return None;
        }
        Some(
            at_name(script, command, "`zypper` waits for an answer")
                .help("add `-y` after the command, or `-n` before it"),
        )
    })
}

/// Commands that ask for confirmation.
const ASKING: [&str; 7] = ["install", "in", "remove", "rm", "source-install", "si", "patch"];
