use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::{at_name, first_in_each};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// `zypper dist-upgrade` is used.
    ///
    /// It moves the system to whatever the repositories hold today: the same commit builds into something else. A newer
    /// base image has the newer packages.
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
            at_name(script, command, "the system becomes whatever the repositories hold today")
                .help("build on a newer image"),
        )
    })
}
