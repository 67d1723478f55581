use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::named;
use crate::lint::subject::DockerfileSubject;

rule! {
    /// `sudo` is used.
    ///
    /// Commands run as the user of the last `USER`, initially root. `sudo` behaves differently without a
    /// terminal, and an image that contains it lets processes become root.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// RUN sudo apt-get update && rm -rf /var/lib/apt/lists/*
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// USER root
    /// RUN apt-get update && rm -rf /var/lib/apt/lists/*
    /// USER 1000
    /// ```
    "DL3004", Warning, Dockerfile(check)
}

/// The names of the programs.
const NAMES: [&str; 1] = ["sudo"];

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    named(
        subject,
        &NAMES,
        |name| format!("`{name}` behaves differently without a terminal"),
        "switch with `USER root` and back, or use `gosu`",
    )
}
