use std::sync::LazyLock;

use regex::Regex;

use super::labels;
use crate::lint::rule::{Found, rule};
use crate::lint::settings::LabelType;
use crate::lint::subject::DockerfileSubject;

rule! {
    /// A label that must be a time is none.
    ///
    /// `label-schema` asks for a time as RFC 3339 writes it, with date, time and offset.
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

/// What `jiff` reads is more than the standard allows: a blank in the place of the `T`, hours alone.
fn is_one(text: &str) -> bool {
    static SHAPE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$").expect("the pattern is one")
    });
    SHAPE.is_match(text) && text.to_ascii_uppercase().parse::<jiff::Timestamp>().is_ok()
}
