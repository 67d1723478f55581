use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::stack::yaml::{Node, Value};
use crate::text;

rule! {
    /// Quotes inside a list item are part of the value.
    ///
    /// In `- NAME="value"` the item begins with a letter, so the quotes are ordinary characters in YAML: they are passed to the
    /// program, and a password or host name with quotes is wrong. Quotes around the whole item
    /// belong to YAML. The rule checks variables and labels.
    ///
    /// ```yaml bad
    /// services:
    ///   db:
    ///     image: postgres:17
    ///     environment:
    ///       - POSTGRES_DB="shop"
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   db:
    ///     image: postgres:17
    ///     environment:
    ///       - POSTGRES_DB=shop
    ///       - "GREETING=good day"
    ///       - HOSTS=["a", "b"]
    ///       - 'MOTTO="so be it"'
    /// ```
    "SK2007", Warning, Stack(check)
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let Some(services) = subject.file.tree.get("services") else { return Vec::new() };
    let lists = [&["environment"][..], &["labels"], &["deploy", "labels"]];
    let entries = services.entries().iter().flat_map(|(_, service)| lists.iter().filter_map(|keys| service.at(keys)));
    entries.flat_map(Node::items).filter_map(told).collect()
}

fn told(item: &Node) -> Option<Found> {
    // Both kinds of quotes together are intended.
    let Value::Scalar { text, plain: true } = &item.value else { return None };
    let (name, value) = text.split_once('=')?;
    let inner = ['"', '\''].into_iter().find_map(|quote| {
        let inner = value.strip_prefix(quote)?.strip_suffix(quote)?;
        (!inner.contains(quote)).then_some(inner)
    })?;
    let name = text::cut(name);
    let instead = text::cut(inner);
    let found = Found::new(&item.span, format!("the quotes are part of the value of `{name}`"));
    Some(found.help(format!("write `- {name}={instead}`, or quote the whole: `- \"{name}={instead}\"`")))
}
