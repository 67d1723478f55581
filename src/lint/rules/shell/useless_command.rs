use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::named;
use crate::lint::subject::DockerfileSubject;

rule! {
    /// A command has no use in a container.
    ///
    /// A container that is being built has no services, no screen and nobody to talk to: `service`, `mount`, `ssh` or
    /// `top` do nothing there, or fail.
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

/// The programs.
const NAMES: [&str; 9] = ["free", "kill", "mount", "ps", "service", "shutdown", "ssh", "top", "vim"];

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    named(
        subject,
        &NAMES,
        |name| format!("`{name}` has no use while an image is built"),
        "leave it out; what runs in the container belongs into `CMD`",
    )
}
