use std::collections::BTreeSet;

use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;
use crate::text;

rule! {
    /// Two stages have the same name.
    ///
    /// `COPY --from` and a build target then select one of them, which may not be the expected one. Upper and lower
    /// case do not matter. BuildKit: `DuplicateStageName`.
    ///
    /// ```dockerfile bad
    /// FROM node:22 AS build
    /// FROM golang:1.23 AS Build
    /// ```
    ///
    /// ```dockerfile good
    /// FROM node:22 AS frontend
    /// FROM golang:1.23 AS backend
    /// ```
    "DL3024", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let mut seen = BTreeSet::new();
    let names = subject.file.stages().filter_map(|stage| stage.name());
    names
        .filter(|name| !seen.insert(name.text.to_ascii_lowercase()))
        .map(|name| Found::new(&name.span, format!("an earlier stage is already named `{}`", text::cut(&name.text))))
        .collect()
}
