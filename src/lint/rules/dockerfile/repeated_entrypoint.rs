use super::repeated_healthcheck::later;
use crate::lint::dockerfile::Keyword;
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// A stage has several `ENTRYPOINT` instructions.
    ///
    /// Only the last one has an effect. BuildKit: `MultipleInstructionsDisallowed`.
    ///
    /// ```dockerfile bad
    /// FROM node:22
    /// ENTRYPOINT ["/init"]
    /// ENTRYPOINT ["node"]
    /// ```
    ///
    /// ```dockerfile good
    /// FROM node:22
    /// ENTRYPOINT ["/init", "node"]
    /// ```
    "DL4004", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    later(subject.file, Keyword::Entrypoint)
}
