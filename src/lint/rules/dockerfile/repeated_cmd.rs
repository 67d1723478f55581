use super::repeated_healthcheck::later;
use crate::lint::dockerfile::Keyword;
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// A stage has several `CMD` instructions.
    ///
    /// Only the last one has an effect. BuildKit: `MultipleInstructionsDisallowed`.
    ///
    /// ```dockerfile bad
    /// FROM node:22
    /// CMD ["node", "migrate.js"]
    /// CMD ["node", "server.js"]
    /// ```
    ///
    /// ```dockerfile good
    /// FROM node:22
    /// CMD ["sh", "-c", "node migrate.js && exec node server.js"]
    /// ```
    "DL4003", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    later(subject.file, Keyword::Cmd)
}
