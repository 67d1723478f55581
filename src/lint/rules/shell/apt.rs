use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::named;
use crate::lint::subject::DockerfileSubject;

rule! {
    /// `apt` is used instead of `apt-get`.
    ///
    /// `apt` is for interactive use: its output and options may change, and it warns against use in scripts.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// RUN apt install -y curl=8.5.0
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// RUN apt-get install -y --no-install-recommends curl=8.5.0
    /// ```
    "DL3027", Warning, Dockerfile(check)
}

/// The names of the programs.
const NAMES: [&str; 1] = ["apt"];

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    named(
        subject,
        &NAMES,
        |name| format!("`{name}` is for interactive use, not for scripts"),
        "use `apt-get` or `apt-cache`",
    )
}
