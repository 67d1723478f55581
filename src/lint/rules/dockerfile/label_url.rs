use super::labels;
use crate::lint::rule::{Found, rule};
use crate::lint::settings::LabelType;
use crate::lint::subject::DockerfileSubject;

rule! {
    /// A label of type URL has an invalid value.
    ///
    /// `label-schema` requires a URL.
    ///
    /// ```yml
    /// label-schema: { address: url }
    /// ```
    ///
    /// ```dockerfile bad
    /// FROM node:22
    /// LABEL address=somewhere
    /// ```
    ///
    /// ```dockerfile good
    /// FROM node:22
    /// LABEL address=https://example.com/
    /// ```
    "DL3052", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    labels::unlike(subject, LabelType::Url, "a URL", "https://example.com/", is_one)
}

fn is_one(text: &str) -> bool {
    !text.contains(char::is_whitespace) && url::Url::parse(text).is_ok()
}
