use std::sync::LazyLock;

use regex::Regex;

use super::labels;
use crate::lint::rule::{Found, rule};
use crate::lint::settings::LabelType;
use crate::lint::subject::DockerfileSubject;

rule! {
    /// A label of type version has an invalid value.
    ///
    /// `label-schema` requires a semantic version: three numbers, optionally followed by `-` and `+` suffixes.
    ///
    /// ```yml
    /// label-schema: { release: semver }
    /// ```
    ///
    /// ```dockerfile bad
    /// FROM node:22
    /// LABEL release=v1.2
    /// ```
    ///
    /// ```dockerfile good
    /// FROM node:22
    /// LABEL release=1.2.3-rc.1
    /// ```
    "DL3056", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    labels::unlike(subject, LabelType::Semver, "a semantic version", "1.2.3", is_one)
}

fn is_one(text: &str) -> bool {
    static SHAPE: LazyLock<Regex> = LazyLock::new(|| {
        let (number, name) = (r"(0|[1-9]\d*)", r"(0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)");
        let before = format!(r"^{number}\.{number}\.{number}(-{name}(\.{name})*)?");
        Regex::new(&format!(r"{before}(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$")).expect("a valid pattern")
    });
    SHAPE.is_match(text)
}
