//! One stack file laid over another, as `docker stack deploy -c a -c b` and `extends` do, value by value, so that each
//! keeps its place.
//!
//! As docker/cli `loader/merge.go`: services are merged key by key, and a network, volume, config or secret is taken
//! whole from the file that names it last. Lists are put together; what can be there only once (a port, a folder in the
//! container, a file) is replaced; a command is replaced. Where Docker's merge is a trap, the plain meaning is taken: a
//! healthcheck's `test` is replaced and not continued, ports, configs and secrets that the later file does not touch stay
//! as they are, and a later definition that adds labels to a config or secret does not take its content away.
//!
//! What is merged with nothing stays as it is, and it does not matter which of three files are put together first.

mod lists;
mod rules;

use std::collections::HashMap;

use super::yaml::{Mark, Node, Value};
use rules::{Rule, Within};

/// What a value means that is false, 0 or empty, and laid over another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Zeros {
    /// What it says: it takes the other's place.
    #[default]
    Count,
    /// Nothing, as it is for Docker, whose merge cannot tell it from what is not there: the other one stays.
    AreNothing,
}

/// Two stack files, the second laid over the first.
pub fn files(base: Node, over: Node, zeros: Zeros) -> Node {
    merge(&Within::file(), base, over, zeros)
}

/// Two services, the second laid over the first.
pub fn services(base: Node, over: Node, zeros: Zeros) -> Node {
    merge(&Within::service(), base, over, zeros)
}

/// Takes away what is reset, and forgets the other tags.
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
        // What was reset is gone, and so it stays when both are laid over a third.
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

/// Whether a variable or a command says nothing.
fn is_empty(node: &Node) -> bool {
    match &node.value {
        Value::Scalar { .. } => node.is_null() || node.raw().is_empty(),
        Value::Sequence(items) => items.is_empty(),
        Value::Mapping(_) => false,
    }
}

/// Maps are merged and lists put together; anything else takes the place of what was there.
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

/// Lays one entry over the one of the same key.
fn lay(within: &Within<'_>, (known, there): &mut (Node, Node), (key, value): (Node, Node), zeros: Zeros) {
    let (place, base) = (value.span.clone(), std::mem::replace(there, Node::nothing(0..0)));
    *there = merge(&within.below(key.raw()), base, value, zeros);
    // What is taken whole is defined where it stands last.
    if there.span == place {
        *known = key;
    }
}

#[cfg(test)]
mod tests;
