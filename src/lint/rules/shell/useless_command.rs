use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::named;
use crate::lint::subject::DockerfileSubject;

rule! {
    /// A command is useless in a build.
    ///
    /// During a build there are no services, terminals or users: `service`, `mount`, `ssh` or
    /// `top` have no effect or fail.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// RUN service nginx start
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// RUN nginx -t
    /// ```
    "DL3001", Info, Dockerfile(check)
}

/// The names of the programs.
const NAMES: [&str; 9] = ["free", "kill", "mount", "ps", "service", "shutdown", "ssh", "top", "vim"];

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    named(
        subject,
        &NAMES,
        |name| format!("`{name}` is useless during a build"),
        "remove it; start programs of the container in `CMD`",
    )
}
