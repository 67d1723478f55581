use crate::lint::dockerfile::Keyword;
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// The Dockerfile has no `FROM`.
    ///
    /// Every image is based on another one, or on `scratch`, so there is nothing to build.
    ///
    /// ```dockerfile bad
    /// # to be written
    /// ```
    ///
    /// ```dockerfile good
    /// FROM scratch
    /// COPY --from=busybox:1.36 /bin/busybox /
    /// ```
    "SK5001", Error, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let file = subject.file;
    if !file.problems.is_empty() || file.instructions.iter().any(|instruction| instruction.keyword != Keyword::Arg) {
        return Vec::new(); // what stands before a `FROM`, or without one, is told by a rule of its own
    }
    let message = if file.instructions.is_empty() { "the Dockerfile is empty" } else { "the Dockerfile has no `FROM`" };
    vec![Found::new(&(0..0), message).help("begin with the base image: `FROM alpine:3.20`")]
}
