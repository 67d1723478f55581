use super::labels;
use crate::lint::rule::{Found, rule};
use crate::lint::settings::LabelType;
use crate::lint::subject::DockerfileSubject;

rule! {
    /// A label that must be a licence is none.
    ///
    /// `label-schema` asks for licences by their names in the list of SPDX; `AND`, `OR` and `WITH` may stand between them.
    ///
    /// ```yml
    /// label-schema: { licence: spdx }
    /// ```
    ///
    /// ```dockerfile bad
    /// FROM node:22
    /// LABEL licence=mine
    /// ```
    ///
    /// ```dockerfile good
    /// FROM node:22
    /// LABEL licence="MIT OR Apache-2.0"
    /// ```
    "DL3054", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    labels::unlike(subject, LabelType::Spdx, "a licence of the SPDX list", "Apache-2.0", is_one)
}

fn is_one(text: &str) -> bool {
    spdx::Expression::parse(text).is_ok()
}
