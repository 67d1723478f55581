use std::collections::BTreeSet;

use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::stack::FileReference;
use crate::stack::file::Spanned;
use crate::text;

rule! {
    /// Two configs, or two secrets, have the same path in a container.
    ///
    /// Swarm refuses such a service.
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     secrets: [{ source: old, target: key }, { source: new, target: key }]
    /// secrets: { old: { external: true }, new: { external: true } }
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     secrets: [{ source: old, target: key.old }, { source: new, target: key }]
    /// secrets: { old: { external: true }, new: { external: true } }
    /// ```
    "SK1017", Error, Stack(check), Holds
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let services = subject.file.services.values();
    services.flat_map(|service| [&service.configs, &service.secrets]).flat_map(|files| duplicates(files)).collect()
}

fn duplicates(files: &[Spanned<FileReference>]) -> Vec<Found> {
    let mut seen = BTreeSet::new();
    let repeated = files.iter().filter(|file| !seen.insert(file.target.as_str()));
    repeated
        .map(|file| {
            Found::new(&file.span, format!("there is already a file `{}`", text::cut(&file.target)))
                .help("give it another `target`")
        })
        .collect()
}
