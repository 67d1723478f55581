use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::problems;
use crate::lint::subject::DockerfileSubject;

rule! {
    /// The shell cannot parse a script.
    ///
    /// A quote or bracket is not closed, a keyword such as `then` or `done` is missing, or a command is missing.
    /// The build fails at this `RUN`.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// RUN if [ -f /key ]; then cat /key
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// RUN if [ -f /key ]; then cat /key; fi
    /// ```
    "SC1072", Error, Dockerfile(check), OfShell
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    problems(subject, "SC1072")
}
