//! Selects one value of a file.

use secrecy::zeroize::Zeroizing;

use super::error::Error;
use super::tree::{Branch, Entry, Text, Value};
use crate::stack::yaml::go_float;

/// The value at a path of keys; in a list, the number of an item, from 0.
pub(super) fn value<'a>(branches: &'a [Branch], keys: &[String]) -> Result<&'a Value, Error> {
    let missing = || Error::NoValue(keys.join("."));
    let (first, rest) = keys.split_first().ok_or_else(missing)?;
    let top = branches.first().and_then(|branch| of_branch(branch, first)).ok_or_else(missing)?;
    rest.iter().try_fold(top, |value, key| below(value, key)).ok_or_else(missing)
}

fn below<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    match value {
        Value::Map(branch) => of_branch(branch, key),
        Value::List(items) => {
            let mut items = items.iter().filter(|item| !matches!(item, Value::Comment(_)));
            items.nth(key.parse().ok()?)
        }
        _ => None,
    }
}

fn of_branch<'a>(branch: &'a Branch, key: &str) -> Option<&'a Value> {
    branch.iter().find_map(|entry| match entry {
        Entry::Value(name, value) if name == key => Some(value),
        _ => None,
    })
}

/// The bytes of a single value; text is unchanged, without an added line end.
pub(super) fn text(value: &Value, keys: &[String]) -> Result<Text, Error> {
    match value {
        Value::Text(text) | Value::Time(text) => Ok(text.clone()),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => Ok(plain(value)),
        other => Err(Error::NotOne { key: keys.join("."), kind: other.kind() }),
    }
}

/// A value in a file format that has only texts.
pub(super) fn plain(value: &Value) -> Text {
    Zeroizing::new(match value {
        Value::Bool(value) => value.to_string().into_bytes(),
        Value::Int(value) => value.to_string().into_bytes(),
        Value::Float(value) => float(*value).into_bytes(),
        Value::Text(text) | Value::Time(text) => return text.clone(),
        Value::Null => b"<nil>".to_vec(),
        _ => Vec::new(),
    })
}

/// A float that cannot be taken for a whole number.
fn float(value: f64) -> String {
    let text = go_float(value).replace('e', "E");
    if text.contains(['.', 'E', 'I', 'N']) { text } else { format!("{text}.0") }
}
