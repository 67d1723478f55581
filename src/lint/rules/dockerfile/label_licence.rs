use super::labels;
use crate::lint::rule::{Found, rule};
use crate::lint::settings::LabelType;
use crate::lint::subject::DockerfileSubject;

rule! {
    /// A label of type licence has an invalid value.
    ///
    /// `label-schema` requires names of licences from the SPDX list, which may be combined by `AND`, `OR` and `WITH`.
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
