use std::collections::BTreeSet;

use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::stack::file::Service;
use crate::text;

rule! {
    /// Two volumes are mounted at the same path.
    ///
    /// Swarm refuses such a service.
    ///
    /// ```yaml bad
    /// services:
    ///   db: { image: "postgres:17", volumes: ["a:/data", "b:/data/"] }
    /// volumes: { a: {}, b: {} }
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   db: { image: "postgres:17", volumes: ["a:/data", "b:/backup"] }
    /// volumes: { a: {}, b: {} }
    /// ```
    "SK1012", Error, Stack(check), Holds
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    subject.file.services.values().flat_map(duplicates).collect()
}

fn duplicates(service: &Service) -> Vec<Found> {
    let mut seen = BTreeSet::new();
    let repeated = service.volumes.iter().chain(&service.tmpfs).filter(|mount| !seen.insert(parts(&mount.target)));
    repeated
        .map(|mount| {
            Found::new(&mount.span, format!("another volume is already mounted at `{}`", text::cut(&mount.target)))
        })
        .collect()
}

/// The parts of a path, normalised.
fn parts(path: &str) -> Vec<&str> {
    path.split('/').filter(|part| !part.is_empty() && *part != ".").collect()
}
