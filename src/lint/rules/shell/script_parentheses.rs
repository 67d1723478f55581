use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::problems;
use crate::lint::subject::DockerfileSubject;

rule! {
    /// The shell cannot parse a parenthesis.
    ///
    /// Outside of quotes, `(` begins a list of commands, and is allowed only where a command is. The build fails at
    /// this `RUN`.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// RUN echo done (really)
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// RUN echo "done (really)"
    /// ```
    "SC1088", Error, Dockerfile(check), OfShell
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    problems(subject, "SC1088")
}
