use crate::lint::dockerfile::{Instruction, Keyword};
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// `MAINTAINER` is no longer used.
    ///
    /// The instruction is deprecated. A label can be read from the image. BuildKit: `MaintainerDeprecated`.
    ///
    /// ```dockerfile bad
    /// FROM node:22
    /// MAINTAINER Ada <ada@example.com>
    /// ```
    ///
    /// ```dockerfile good
    /// FROM node:22
    /// LABEL org.opencontainers.image.authors="Ada <ada@example.com>"
    /// ```
    "DL4000", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    subject.file.of(Keyword::Maintainer).map(found).collect()
}

fn found(instruction: &Instruction) -> Found {
    Found::new(&instruction.keyword_span, "`MAINTAINER` is no longer used")
        .help("write `LABEL org.opencontainers.image.authors=\"…\"`")
}
