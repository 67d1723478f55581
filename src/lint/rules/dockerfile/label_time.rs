use std::sync::LazyLock;

use regex::Regex;

use super::labels;
use crate::lint::rule::{Found, rule};
use crate::lint::settings::LabelType;
use crate::lint::subject::DockerfileSubject;

rule! {
    /// A label of type time has an invalid value.
    ///
    /// `label-schema` requires a time in the format of RFC 3339, with date, time and offset.
    ///
    /// ```yml
    /// label-schema: { created: rfc3339 }
    /// ```
    ///
    /// ```dockerfile bad
    /// FROM node:22
    /// LABEL created=yesterday
    /// ```
    ///
    /// ```dockerfile good
    /// FROM node:22
    /// LABEL created=2026-01-31T12:00:00Z
    /// ```
    "DL3053", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    labels::unlike(subject, LabelType::Rfc3339, "a time", "2026-01-31T12:00:00Z", is_one)
}

/// Stricter than `jiff`, which accepts more than the standard, such as a space instead of `T`, or hours alone.
fn is_one(text: &str) -> bool {
    static SHAPE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$").expect("a valid pattern")
    });
    SHAPE.is_match(text) && text.to_ascii_uppercase().parse::<jiff::Timestamp>().is_ok()
}
