use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// Docker refuses the Dockerfile.
    ///
    /// It stops at the first word that is not an instruction, at a flag that it does not know or whose value there is not, at
    /// arguments that are missing, at a quote or a document (`<<EOF`) that never ends, and at a form of `${…}` that it does not fill
    /// in. The build would fail before its first step. What only another build stops at, one of a stage that the last one does not
    /// need or of an image that is made from this one (`ONBUILD`), is a warning, and so is what the build may be told otherwise.
    ///
    /// ```dockerfile bad
    /// FROM alpine:3.20
    /// RUM apk add curl
    /// ```
    ///
    /// ```dockerfile bad
    /// FROM alpine:3.20
    /// LABEL title="Shop
    /// ```
    ///
    /// ```dockerfile bad
    /// FROM alpine:3.20
    /// HEALTHCHECK --interval=5 CMD true
    /// ```
    ///
    /// ```dockerfile bad
    /// FROM alpine:3.20
    /// RUN --mount=type=foo,target=/cache true
    /// ```
    ///
    /// ```dockerfile bad
    /// FROM alpine:3.20
    /// COPY --chmod=999 run.sh /run.sh
    /// ```
    ///
    /// ```dockerfile good
    /// FROM alpine:3.20
    /// LABEL title="Shop"
    /// HEALTHCHECK --interval=5s CMD true
    /// RUN --mount=type=cache,target=/cache --network=none true
    /// COPY --chmod=0755 run.sh /run.sh
    /// ```
    "DL1000", Error, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let problems = subject.file.problems.iter().chain(&subject.file.refused);
    problems.cloned().map(found).collect()
}

fn found(problem: Diagnostic<Span>) -> Found {
    let severity = problem.severity;
    let found = Found::from(problem);
    // What the rule says is left to settings.
    if severity == Severity::Error { found } else { found.severity(severity) }
}
