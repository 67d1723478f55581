use std::collections::BTreeSet;

use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;
use crate::text;

rule! {
    /// Two stages have the same name.
    ///
    /// `COPY --from` and a target then mean one of them, and which one is not what everybody expects; upper and lower
    /// case are the same. BuildKit: `DuplicateStageName`.
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
        .map(|name| Found::new(&name.span, format!("there is a stage `{}` before", text::cut(&name.text))))
        .collect()
}
