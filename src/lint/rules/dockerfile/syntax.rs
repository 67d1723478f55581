use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// Docker refuses the Dockerfile.
    ///
    /// It refuses unknown instructions, unknown flags or values of flags, missing
    /// arguments, unterminated quotes or here-documents (`<<EOF`), and unsupported forms of `${…}`.
    /// The build would fail before its first step. Problems that affect only another build (of a stage that the last one does not
    /// need, or of an image based on this one with `ONBUILD`), or that depend on build arguments, are warnings.
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
    // Errors keep the severity of the rule, which settings may change.
    if severity == Severity::Error { found } else { found.severity(severity) }
}
