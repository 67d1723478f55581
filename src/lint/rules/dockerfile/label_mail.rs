use std::sync::LazyLock;

use regex::Regex;

use super::labels;
use crate::lint::rule::{Found, rule};
use crate::lint::settings::LabelType;
use crate::lint::subject::DockerfileSubject;

rule! {
    /// A label of type e-mail address has an invalid value.
    ///
    /// `label-schema` requires an e-mail address.
    ///
    /// ```yml
    /// label-schema: { contact: email }
    /// ```
    ///
    /// ```dockerfile bad
    /// FROM node:22
    /// LABEL contact=Ada
    /// ```
    ///
    /// ```dockerfile good
    /// FROM node:22
    /// LABEL contact=ada@example.com
    /// ```
    "DL3058", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    labels::unlike(subject, LabelType::Email, "an e-mail address", "ada@example.com", is_one)
}

fn is_one(text: &str) -> bool {
    static SHAPE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$")
            .expect("a valid pattern")
    });
    SHAPE.is_match(text)
}
