use crate::lint::dockerfile::{Dockerfile, Keyword};
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// A stage has several `HEALTHCHECK` instructions.
    ///
    /// Only the last one has an effect. BuildKit: `MultipleInstructionsDisallowed`.
    ///
    /// ```dockerfile bad
    /// FROM node:22
    /// HEALTHCHECK CMD ["curl", "-f", "http://localhost/ready"]
    /// HEALTHCHECK CMD ["curl", "-f", "http://localhost/alive"]
    /// ```
    ///
    /// ```dockerfile good
    /// FROM node:22
    /// HEALTHCHECK CMD ["curl", "-f", "http://localhost/ready", "http://localhost/alive"]
    /// ```
    "DL3012", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    later(subject.file, Keyword::Healthcheck)
}

/// Every instruction of a kind after the first of its stage.
pub(super) fn later(file: &Dockerfile, keyword: Keyword) -> Vec<Found> {
    let later = file.stages().flat_map(|stage| stage.of(keyword).skip(1));
    later
        .map(|instruction| {
            let message = format!("this is not the first `{keyword}` of the stage; earlier ones have no effect");
            Found::new(&instruction.keyword_span, message).help("keep one of them")
        })
        .collect()
}
