//! A YAML file: its tree, with every value inside of the file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use skep::stack::yaml::{Node, Value, parse};

fuzz_target!(|data: &[u8]| {
    if let Ok(tree) = parse(data) {
        is_inside(&tree, data.len());
    }
});

fn is_inside(node: &Node, length: usize) {
    assert!(node.span.start <= node.span.end && node.span.end <= length, "{node:?} of {length}");
    match &node.value {
        Value::Scalar { .. } => {}
        Value::Sequence(items) => items.iter().for_each(|item| is_inside(item, length)),
        Value::Mapping(pairs) => pairs.iter().for_each(|(key, value)| {
            is_inside(key, length);
            is_inside(value, length);
        }),
    }
}
