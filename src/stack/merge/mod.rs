//! Merges a stack file over another one, like `docker stack deploy -c a -c b` and `extends`, value by value, so that each
//! keeps its place.
//!
//! Like docker/cli `loader/merge.go`: services are merged key by key, and a network, volume, config or secret is taken
//! as a whole from the last file that defines it. Lists are concatenated; items that can exist only once (a port, a
//! path in the container, a file) are replaced; a command is replaced. Where Docker's merge is a pitfall, the intended
//! meaning is used: a healthcheck's `test` is replaced instead of extended, ports, configs and secrets that the later
//! file does not mention are unchanged, and a later definition that adds labels to a config or secret does not remove
//! its contents.
//!
//! Merging with an empty file changes nothing, and merging is associative.

mod lists;
mod rules;

use std::collections::HashMap;

use super::yaml::{Mark, Node, Value};
use rules::{Rule, Within};

/// The treatment of a false, 0 or empty value that is merged over another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Zeros {
    /// It replaces the other value.
    #[default]
    Count,
    /// It is ignored, as by Docker, whose merge cannot distinguish it from a missing value.
    AreNothing,
}

/// Merges the second stack file over the first.
pub fn files(base: Node, over: Node, zeros: Zeros) -> Node {
    merge(&Within::file(), base, over, zeros)
}

/// Merges the second service over the first.
pub fn services(base: Node, over: Node, zeros: Zeros) -> Node {
    merge(&Within::service(), base, over, zeros)
}

/// Removes reset keys, and clears the other tags.
pub fn settle(node: &mut Node) {
    node.mark = Mark::None;
    match &mut node.value {
        Value::Scalar { .. } => {}
        Value::Sequence(items) => {
            items.retain(|item| item.mark != Mark::Reset);
            items.iter_mut().for_each(settle);
        }
        Value::Mapping(entries) => {
            entries.retain(|(_, value)| value.mark != Mark::Reset);
            for (_, value) in entries {
                settle(value);
            }
        }
    }
}

fn merge(within: &Within<'_>, base: Node, over: Node, zeros: Zeros) -> Node {
    match (base.mark, over.mark) {
        (_, Mark::Reset | Mark::Override) => return over,
        // A reset key stays removed when the result is merged over a third file.
        (Mark::Reset, Mark::None) => return Node { mark: Mark::Override, ..over },
        (Mark::None | Mark::Override, Mark::None) => {}
    }
    let mark = base.mark;
    Node { mark, ..merged(within, base, over, zeros) }
}

fn merged(within: &Within<'_>, base: Node, over: Node, zeros: Zeros) -> Node {
    let as_docker = zeros == Zeros::AreNothing;
    let base = if as_docker && within.is_service() { lists::in_order(base) } else { base };
    match within.rule() {
        Rule::Variable if as_docker && is_empty(&over) && !is_empty(&base) => base,
        Rule::Replaced if as_docker && within.is_command() && is_empty(&over) => base,
        Rule::Replaced | Rule::Variable | Rule::Label => over,
        _ if over.is_null() => base,
        Rule::Definition if !rules::lacks_origin(&over) => over,
        Rule::Named(form) => maps(within, form.map(base), form.map(over), zeros),
        Rule::Mounts => lists::mounts(base, over),
        Rule::Ports => lists::ports(base, over),
        Rule::Files => lists::files(base, over),
        Rule::Hosts => lists::together(lists::hosts(base), lists::hosts(over)),
        Rule::List => lists::together(base, over),
        Rule::Logging if rules::is_other_driver(&base, &over) => over,
        Rule::Plain | Rule::Definition | Rule::Logging => plainly(within, base, over, zeros),
    }
}

/// Whether a variable or command is empty.
fn is_empty(node: &Node) -> bool {
    match &node.value {
        Value::Scalar { .. } => node.is_null() || node.raw().is_empty(),
        Value::Sequence(items) => items.is_empty(),
        Value::Mapping(_) => false,
    }
}

/// Merges maps and concatenates lists; anything else replaces the earlier value.
fn plainly(within: &Within<'_>, base: Node, over: Node, zeros: Zeros) -> Node {
    match (&base.value, &over.value) {
        (Value::Mapping(_), Value::Mapping(_)) => maps(within, base, over, zeros),
        (Value::Sequence(_), Value::Sequence(_)) => lists::together(base, over),
        (Value::Scalar { .. }, Value::Scalar { .. }) if zeros == Zeros::AreNothing && within.is_zero(&over) => base,
        _ => over,
    }
}

fn maps(within: &Within<'_>, mut base: Node, over: Node, zeros: Zeros) -> Node {
    match (&mut base.value, over) {
        (Value::Mapping(entries), Node { value: Value::Mapping(more), .. }) => {
            let mut places: HashMap<String, usize> = HashMap::new();
            for (at, (key, _)) in entries.iter().enumerate() {
                places.entry(key.raw().to_owned()).or_insert(at);
            }
            for (key, value) in more {
                if let Some(&at) = places.get(key.raw()) {
                    lay(within, &mut entries[at], (key, value), zeros);
                } else {
                    places.insert(key.raw().to_owned(), entries.len());
                    entries.push((key, value));
                }
            }
            base
        }
        (_, over) => over,
    }
}

/// Merges an entry over the one with the same key.
fn lay(within: &Within<'_>, (known, there): &mut (Node, Node), (key, value): (Node, Node), zeros: Zeros) {
    let (place, base) = (value.span.clone(), std::mem::replace(there, Node::nothing(0..0)));
    *there = merge(&within.below(key.raw()), base, value, zeros);
    // A value taken as a whole is defined at its last place.
    if there.span == place {
        *known = key;
    }
}

#[cfg(test)]
mod tests;
