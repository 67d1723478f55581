//! Merges the other keys of a stack file over the result of its template.

use crate::stack::yaml::{Node, Value};

/// The file's own tree without the reference, with all places shifted by the length of the preceding text.
pub(super) fn own(mut tree: Node, behind: usize) -> Node {
    if let Value::Mapping(entries) = &mut tree.value {
        for (key, value) in entries.iter_mut() {
            if let ("x-skep", Value::Mapping(settings)) = (key.raw(), &mut value.value) {
                settings.retain(|(key, _)| !matches!(key.raw(), "template" | "values"));
            }
        }
    }
    tree.shift(behind);
    tree
}

/// Merges maps; anything else replaces the earlier value.
pub(super) fn overlay(base: &mut Node, over: Node) {
    let Node { span, value, mark } = over;
    match (&mut base.value, value) {
        (Value::Mapping(entries), Value::Mapping(over)) => {
            for (key, value) in over {
                match entries.iter_mut().find(|(known, _)| known.raw() == key.raw()) {
                    Some((_, known)) => overlay(known, value),
                    None => entries.push((key, value)),
                }
            }
        }
        (_, value) => *base = Node { span, value, mark },
    }
}
