//! The tree of a YAML file, shared by lint and deploy: values with their places.
//!
//! Read from granit-parser's events, first document only, with a budget on size, depth and aliases, so that a
//! "billion laughs" file ends in an error. Scalars keep their text and style; what a plain scalar means
//! (`yes`, `017`, `1.10`) is decided by [`Node`]'s accessors, by the rules of Docker's parser (go.yaml.in/yaml/v3).
//! One deliberate difference: a date stays as written, where Docker converts it to `2024-01-01 00:00:00 +0000 UTC`, as
//! [`Node::to_go_text`] does.

mod read;
mod scalar;
mod time;
mod words;

use std::collections::HashMap;

use crate::diagnostic::Span;

/// The number of bytes of text that count as one value ([`Node::size`]).
pub const BYTES_OF_A_VALUE: usize = 64;

pub use read::parse;
pub use scalar::{Scalar, go_float};

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Its place. For a value from an alias, the place of the alias; values inside it keep the
    /// places where they are written.
    pub span: Span,
    /// The value.
    pub value: Value,
    /// How it is merged over another value, by its tag.
    pub mark: Mark,
}

/// How a value is merged over another one, by the tags of Compose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mark {
    /// No tag: the two are merged.
    #[default]
    None,
    /// `!reset`: the key is removed.
    Reset,
    /// `!override`: it replaces the other value.
    Override,
}

/// The value of a node.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A scalar: text, or the meaning of plain text.
    Scalar {
        /// The text after unescaping and folding.
        text: String,
        /// Whether it is without quotes, so that `true`, `1` and `~` are not strings.
        plain: bool,
    },
    /// A list.
    Sequence(Vec<Node>),
    /// Keys and values, in the order of the file; merge keys (`<<`) are already resolved.
    Mapping(Vec<(Node, Node)>),
}

impl Node {
    /// A value at a place.
    pub fn new(span: Span, value: Value) -> Self {
        Self { span, value, mark: Mark::None }
    }

    /// A quoted text at a place.
    pub fn text(span: Span, text: impl Into<String>) -> Self {
        Self::new(span, Value::Scalar { text: text.into(), plain: false })
    }

    /// A null value at a place.
    pub fn nothing(span: Span) -> Self {
        Self::new(span, Value::Scalar { text: "~".to_owned(), plain: true })
    }

    /// Shifts all its places by a number of bytes.
    pub fn shift(&mut self, by: usize) {
        self.span = self.span.start + by..self.span.end + by;
        match &mut self.value {
            Value::Scalar { .. } => {}
            Value::Sequence(items) => items.iter_mut().for_each(|item| item.shift(by)),
            Value::Mapping(entries) => entries.iter_mut().for_each(|(key, value)| {
                key.shift(by);
                value.shift(by);
            }),
        }
    }

    /// Its size in values, where 64 bytes of text count as one.
    pub fn size(&self) -> usize {
        match &self.value {
            Value::Scalar { text, .. } => 1 + text.len() / BYTES_OF_A_VALUE,
            Value::Sequence(items) => 1 + items.iter().map(Self::size).sum::<usize>(),
            Value::Mapping(entries) => 1 + entries.iter().map(|(key, value)| key.size() + value.size()).sum::<usize>(),
        }
    }

    /// Removes a key and its value from a map.
    pub fn remove(&mut self, key: &str) -> Option<(Self, Self)> {
        let Value::Mapping(entries) = &mut self.value else { return None };
        let at = entries.iter().position(|(name, _)| name.raw() == key)?;
        Some(entries.remove(at))
    }

    /// Whether both are equal, apart from their places.
    pub fn says_the_same(&self, other: &Self) -> bool {
        match (&self.value, &other.value) {
            (Value::Sequence(one), Value::Sequence(two)) => {
                one.len() == two.len() && one.iter().zip(two).all(|(one, two)| one.says_the_same(two))
            }
            (Value::Mapping(one), Value::Mapping(two)) => {
                let known: HashMap<&str, &Self> = two.iter().map(|(key, value)| (key.raw(), value)).collect();
                one.len() == two.len()
                    && one.iter().all(|(key, value)| known.get(key.raw()).is_some_and(|two| value.says_the_same(two)))
            }
            (one, two) => one == two,
        }
    }

    /// The value of a key; `None` if there is none, or if this is not a map.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|(_, value)| value)
    }

    /// A key and its value.
    pub fn entry(&self, key: &str) -> Option<(&Self, &Self)> {
        self.entries().iter().find(|(name, _)| name.raw() == key).map(|(name, value)| (name, value))
    }

    /// The value at a path of keys.
    pub fn at(&self, keys: &[&str]) -> Option<&Self> {
        keys.iter().try_fold(self, |node, key| node.get(key))
    }

    /// Keys and values in the order of the file; empty if this is not a map.
    pub fn entries(&self) -> &[(Self, Self)] {
        if let Value::Mapping(entries) = &self.value { entries } else { &[] }
    }

    /// The items of a list; empty if this is not one.
    pub fn items(&self) -> &[Self] {
        if let Value::Sequence(items) = &self.value { items } else { &[] }
    }

    /// The meaning of a scalar by the rules of yaml.v3; `None` for a list or map.
    pub fn scalar(&self) -> Option<Scalar<'_>> {
        match &self.value {
            Value::Scalar { text, plain: true } => Some(Scalar::of_plain(text)),
            Value::Scalar { text, plain: false } => Some(Scalar::Text(text)),
            _ => None,
        }
    }

    /// The text of a scalar as written, whatever it means; empty for a list or map.
    pub fn raw(&self) -> &str {
        if let Value::Scalar { text, .. } = &self.value { text } else { "" }
    }

    /// The text, if this is a string; `true`, `1` and `~` without quotes are not.
    pub fn as_str(&self) -> Option<&str> {
        if let Some(Scalar::Text(text)) = self.scalar() { Some(text) } else { None }
    }

    /// A scalar as printed by Go, which Docker uses for labels and variables: `017` is `15`, `1.10` is `1.1`.
    /// None for null, a list or a map.
    pub fn to_text(&self) -> Option<String> {
        self.scalar()?.to_text()
    }

    /// Like [`to_text`](Self::to_text), with a date as a point in time, as in Docker.
    pub fn to_go_text(&self) -> Option<String> {
        let moment = if let Value::Scalar { text, plain: true } = &self.value { time::go_time(text) } else { None };
        moment.or_else(|| self.to_text())
    }

    /// The value, if this is `true` or `false` without quotes.
    pub fn as_bool(&self) -> Option<bool> {
        if let Some(Scalar::Bool(value)) = self.scalar() { Some(value) } else { None }
    }

    /// The value, if this is a whole number without quotes.
    pub fn as_int(&self) -> Option<i128> {
        if let Some(Scalar::Int(value)) = self.scalar() { Some(value) } else { None }
    }

    /// Whether this is null: `~`, `null`, or a key without a value.
    pub fn is_null(&self) -> bool {
        matches!(self.scalar(), Some(Scalar::Null))
    }

    /// The kind of value for messages: `a list`, `a number`.
    pub fn kind(&self) -> &'static str {
        match (&self.value, self.scalar()) {
            (Value::Sequence(_), _) => "a list",
            (Value::Mapping(_), _) => "a map",
            (_, Some(Scalar::Null)) => "nothing",
            (_, Some(Scalar::Bool(_))) => "a boolean",
            (_, Some(Scalar::Int(_) | Scalar::Float(_))) => "a number",
            _ => "text",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_key() {
        let node = parse(b"a: {b: [1, two]}\nc: ~").unwrap();
        assert_eq!(node.at(&["a", "b"]).unwrap().items()[1].as_str(), Some("two"));
        assert!(node.get("c").unwrap().is_null() && node.get("d").is_none());
        assert_eq!(node.get("a").unwrap().kind(), "a map");
    }
}
