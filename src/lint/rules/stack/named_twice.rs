use std::collections::BTreeSet;

use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::stack::yaml::Node;
use crate::text;

rule! {
    /// A variable or label appears twice in a list, and only the last one counts.
    ///
    /// In a map a duplicate key is an error; in a list the earlier value is silently lost: a second list of middlewares
    /// replaces the first one, whose protection is lost.
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     environment:
    ///       - MODE=production
    ///       - MODE=test
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     environment:
    ///       - MODE=test
    ///       - mode=other
    /// ```
    "SK2008", Warning, Stack(check)
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let Some(services) = subject.file.tree.get("services") else { return Vec::new() };
    let lists = [&["environment"][..], &["labels"], &["deploy", "labels"]];
    let all = services.entries().iter().flat_map(|(_, service)| lists.iter().filter_map(|keys| service.at(keys)));
    all.flat_map(|list| lost(list.items())).collect()
}

/// The items whose name appears again with another value.
fn lost(items: &[Node]) -> Vec<Found> {
    let name = |item: &'_ Node| item.raw().split('=').next().unwrap_or_default().to_owned();
    let mut later: BTreeSet<String> = BTreeSet::new();
    let mut same: BTreeSet<&str> = BTreeSet::new();
    let mut found = Vec::new();
    for item in items.iter().rev() {
        let is_first = later.insert(name(item));
        // Nothing is lost if both values are equal.
        if same.insert(item.raw()) && !is_first {
            let message = format!("`{}` appears again below, and only the last one counts", text::cut(&name(item)));
            found.push(Found::new(&item.span, message).help("remove one of the two, or combine the values"));
        }
    }
    found
}
