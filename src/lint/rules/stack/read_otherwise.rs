use std::collections::HashSet;

use crate::diagnostic::{Fix, Span};
use crate::lint::rule::{Found, MAX_LOOKED_AT, rule};
use crate::lint::subject::StackSubject;
use crate::mask;
use crate::stack::yaml::{Node, Scalar};
use crate::text;

rule! {
    /// A value without quotes is read as a number and changes.
    ///
    /// Without quotes YAML reads numbers, and a container or label gets the reformatted number: `1.10`
    /// becomes `1.1`, `017` becomes `15`, `1e3` becomes `1000`. Quotes preserve the text.
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     environment: { API_VERSION: 1.10 }
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     environment: { API_VERSION: "1.10", WORKERS: 4, DEBUG: true, UMASK: "022" }
    /// ```
    "SK2002", Warning, Stack(check), Fixes
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let file = subject.file;
    let Some(services) = file.tree.get("services") else { return Vec::new() };
    let mut seen: HashSet<Span> = HashSet::new();
    let mut found = Vec::new();
    for (_, service) in services.entries() {
        let maps = [&["environment"][..], &["labels"], &["deploy", "labels"], &["build", "args"]];
        let values = maps.into_iter().filter_map(|keys| service.at(keys)).flat_map(Node::entries);
        for (key, value) in values {
            // Many services may use the same anchor.
            if found.len() < MAX_LOOKED_AT && seen.insert(value.span.clone()) {
                found.extend(changed(key, value, subject));
            }
        }
    }
    found
}

fn changed(key: &Node, value: &Node, subject: &StackSubject<'_>) -> Option<Found> {
    let number = matches!(value.scalar()?, Scalar::Int(_) | Scalar::Float(_));
    let (written, meant) = (value.raw(), value.to_text()?);
    if !number || written == meant {
        return None;
    }
    let quoted = format!("\"{written}\"");
    let name = text::cut(key.raw());
    let (message, shown) = if mask::is_secret_name(key.raw()) {
        (format!("the value of `{name}` changes, because it is read as a number"), "it in quotes".to_owned())
    } else {
        (format!("`{}` becomes `{meant}` for `{name}`", text::cut(written)), format!("`{quoted}`"))
    };
    let is_there = subject.file.sources.text(&value.span) == written.as_bytes();
    // The author probably means the text, or would have written the number in its usual form.
    let fix = is_there.then(|| Fix::offered(format!("write {shown}")).replace(&value.span, quoted.clone()));
    Some(Found::new(&value.span, message).help(format!("write {shown} if you mean the text")).fix(fix))
}
