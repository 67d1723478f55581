use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::{at_name, first_in_each};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// `zypper dist-upgrade` is used.
    ///
    /// It upgrades the system to the current packages, so the same commit may build a different image tomorrow. Use a newer
    /// base image for newer packages.
    ///
    /// ```dockerfile bad
    /// FROM opensuse/leap:15.6
    /// RUN zypper dist-upgrade -y
    /// ```
    ///
    /// ```dockerfile good
    /// FROM opensuse/leap:15.6
    /// RUN zypper install -y curl=8.5.0 && zypper clean
    /// ```
    "DL3035", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    first_in_each(subject, |script, command| {
        command.is(&["zypper"]).then(|| command.behind(&["dist-upgrade", "dup"], &[]))??;
        Some(
            at_name(script, command, "the result depends on the current state of the repositories")
                .help("use a newer base image"),
        )
    })
}
