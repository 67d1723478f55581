//! The contents of a file: values in the order of the file, with comments.

use secrecy::zeroize::Zeroizing;
use sha2::{Digest as _, Sha256};

/// Bytes that may be plain text, and are wiped when dropped. Not always UTF-8, for example in a binary file.
pub(super) type Text = Zeroizing<Vec<u8>>;

/// A map.
pub(super) type Branch = Vec<Entry>;

/// A line of a map.
pub(super) enum Entry {
    /// A comment on its own, or before a value.
    Comment(Comment),
    /// A key and its value.
    Value(String, Value),
}

/// A comment, without the `#`.
pub(super) struct Comment {
    pub(super) text: Text,
    /// Whether it is on the line of the value that follows it here.
    pub(super) inline: bool,
}

/// A value.
pub(super) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// A date and time, as RFC 3339 has it.
    Time(Text),
    Text(Text),
    List(Vec<Self>),
    Map(Branch),
    /// A comment as an item of a list.
    Comment(Comment),
}

impl Entry {
    /// A comment line.
    pub(super) fn comment(text: impl Into<Vec<u8>>) -> Self {
        Self::Comment(Comment { text: Zeroizing::new(text.into()), inline: false })
    }
}

impl Value {
    /// A text.
    pub(super) fn text(text: impl Into<Vec<u8>>) -> Self {
        Self::Text(Zeroizing::new(text.into()))
    }

    /// The kind of value for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
            Self::Comment(_) => "a comment",
            _ => "a value",
        }
    }

    /// The bytes for SOPS's checksum; `None` for values without bytes of their own.
    pub(super) fn bytes(&self) -> Option<Text> {
        Some(Zeroizing::new(match self {
            Self::Text(text) | Self::Time(text) => return Some(text.clone()),
            Self::Bool(true) => b"True".to_vec(),
            Self::Bool(false) => b"False".to_vec(),
            Self::Int(number) => number.to_string().into_bytes(),
            Self::Float(number) => decimal(*number).into_bytes(),
            Self::Null | Self::List(_) | Self::Map(_) | Self::Comment(_) => return None,
        }))
    }
}

/// A number without an exponent, with the fewest digits that tell it apart.
fn decimal(number: f64) -> String {
    match number {
        number if number.is_nan() => "NaN".to_owned(),
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        number => number.to_string(),
    }
}

/// So that a secret cannot be shown by mistake.
impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Entry")
    }
}

pub(super) fn hash_branch(branch: &Branch, hash: &mut Sha256) {
    hash_length(branch.len(), hash);
    for entry in branch {
        match entry {
            Entry::Comment(comment) => hash_bytes(&comment.text, hash),
            Entry::Value(key, value) => {
                hash_bytes(key.as_bytes(), hash);
                hash_value(value, hash);
            }
        }
    }
}

pub(super) fn hash_value(value: &Value, hash: &mut Sha256) {
    match value {
        Value::Map(branch) => hash_branch(branch, hash),
        Value::List(items) => {
            hash_length(items.len(), hash);
            for item in items {
                hash_value(item, hash);
            }
        }
        Value::Comment(comment) => hash_bytes(&comment.text, hash),
        value => hash_bytes(&value.bytes().unwrap_or_default(), hash),
    }
}

pub(super) fn hash_bytes(bytes: &[u8], hash: &mut Sha256) {
    hash_length(bytes.len(), hash);
    hash.update(bytes);
}

/// The length goes first, so that two trees never are the same row of bytes.
fn hash_length(length: usize, hash: &mut Sha256) {
    hash.update((length as u64).to_le_bytes());
}
