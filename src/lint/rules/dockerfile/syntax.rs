use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// The Dockerfile cannot be read.
    ///
    /// Docker stops at the first word that is not an instruction, at a flag that it does not know, at arguments that are
    /// missing, and at a document (`<<EOF`) that never ends. The build would fail before its first step.
    ///
    /// ```dockerfile bad
    /// FROM alpine:3.20
    /// RUM apk add curl
    /// ```
    ///
    /// ```dockerfile good
    /// FROM alpine:3.20
    /// RUN apk add curl
    /// ```
    "DL1000", Error, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let problems = subject.file.problems.iter().cloned();
    problems.map(|problem| Found { help: problem.help, ..Found::new(&problem.span, problem.message) }).collect()
}
