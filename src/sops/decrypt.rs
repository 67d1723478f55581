//! Decrypts a tree of sealed values, and verifies the checksum over it.

use sha2::{Digest as _, Sha512};

use super::cipher;
use super::error::Error;
use super::keys::DataKey;
use super::metadata::Metadata;
use super::tree::{Branch, Comment, Entry, Text, Value};

/// The prefix of a checksum over sealed values only, so that it cannot be confused with one over all values.
const ONLY_ENCRYPTED: [u8; 32] = [
    0x8a, 0x3f, 0xd2, 0xad, 0x54, 0xce, 0x66, 0x52, 0x7b, 0x10, 0x34, 0xf3, 0xd1, 0x47, 0xbe, 0x0b, 0x0b, 0x97, 0x5b,
    0x3b, 0xf4, 0x4f, 0x72, 0xc6, 0xfd, 0xad, 0xec, 0x81, 0x76, 0xf2, 0x7d, 0x69,
];

/// Decrypts the tree; an error unless it is authentic.
pub(super) fn decrypt(branches: Vec<Branch>, metadata: &Metadata, key: &DataKey) -> Result<Vec<Branch>, Error> {
    let mut walk = Walk { metadata, key, checksum: Sha512::new(), path: Vec::new(), comments: Vec::new() };
    if metadata.mac_only_encrypted {
        walk.checksum.update(ONLY_ENCRYPTED);
    }
    let plain = branches.into_iter().map(|branch| walk.branch(branch)).collect::<Result<Vec<_>, _>>()?;
    let computed = hex::encode_upper(walk.checksum.finalize());
    match cipher::open(metadata.mac.as_bytes(), key, &metadata.last_modified) {
        Some(Value::Text(sealed)) if *sealed == computed.as_bytes() => Ok(plain),
        _ => Err(Error::Tampered),
    }
}

struct Walk<'a> {
    metadata: &'a Metadata,
    key: &'a DataKey,
    checksum: Sha512,
    /// The path of keys to the current value; items of a list have none of their own.
    path: Vec<String>,
    /// The comments before the current value, and before the values that contain it.
    comments: Vec<Vec<Text>>,
}

impl Walk<'_> {
    fn branch(&mut self, branch: Branch) -> Result<Branch, Error> {
        self.comments.push(Vec::new());
        let plain = branch.into_iter().map(|entry| self.entry(entry)).collect();
        self.comments.pop();
        plain
    }

    fn entry(&mut self, entry: Entry) -> Result<Entry, Error> {
        match entry {
            Entry::Comment(comment) => {
                self.remember(&comment);
                Ok(Entry::Comment(self.comment(comment)))
            }
            Entry::Value(key, value) => {
                self.path.push(key.clone());
                let value = self.value(value)?;
                self.path.pop();
                self.forget();
                Ok(Entry::Value(key, value))
            }
        }
    }

    fn list(&mut self, items: Vec<Value>) -> Result<Vec<Value>, Error> {
        self.comments.push(Vec::new());
        let plain = items.into_iter().map(|item| self.item(item)).collect();
        self.comments.pop();
        plain
    }

    fn item(&mut self, item: Value) -> Result<Value, Error> {
        if let Value::Comment(comment) = item {
            self.remember(&comment);
            return Ok(Value::Comment(self.comment(comment)));
        }
        let plain = self.value(item)?;
        self.forget();
        Ok(plain)
    }

    fn value(&mut self, value: Value) -> Result<Value, Error> {
        match value {
            Value::Map(branch) => self.branch(branch).map(Value::Map),
            Value::List(items) => self.list(items).map(Value::List),
            Value::Null => Ok(Value::Null),
            leaf => self.leaf(leaf),
        }
    }

    fn leaf(&mut self, leaf: Value) -> Result<Value, Error> {
        let encrypted = self.is_encrypted(false);
        let plain = match leaf {
            Value::Text(sealed) if encrypted => {
                cipher::open(&sealed, self.key, &self.place()).ok_or_else(|| Error::Value(self.shown()))?
            }
            _ if encrypted => return Err(Error::Value(self.shown())),
            leaf => leaf,
        };
        if encrypted || !self.metadata.mac_only_encrypted {
            self.checksum.update(plain.bytes().unwrap_or_default());
        }
        Ok(plain)
    }

    /// Decrypts a comment. Comments are not part of the checksum, and one that cannot be decrypted is kept, because
    /// older versions of SOPS did not encrypt them.
    fn comment(&self, comment: Comment) -> Comment {
        if !self.is_encrypted(true) {
            return comment;
        }
        match cipher::open(&comment.text, self.key, &self.place()) {
            Some(Value::Comment(plain)) => plain,
            Some(Value::Text(text)) => Comment { text, inline: comment.inline },
            _ => comment,
        }
    }

    fn remember(&mut self, comment: &Comment) {
        if let Some(comments) = self.comments.last_mut() {
            comments.push(comment.text.clone());
        }
    }

    fn forget(&mut self) {
        if let Some(comments) = self.comments.last_mut() {
            comments.clear();
        }
    }

    fn is_encrypted(&self, comment: bool) -> bool {
        self.metadata.rule.encrypts(&self.path, &self.comments, comment)
    }

    /// The place that is authenticated together with a value, so that the value cannot be moved.
    fn place(&self) -> String {
        format!("{}:", self.path.join(":"))
    }

    fn shown(&self) -> String {
        format!("`{}`", self.path.join("."))
    }
}
