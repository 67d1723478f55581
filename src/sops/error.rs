//! Why a file cannot be decrypted; errors never contain plain text.

use std::fmt::Write as _;

use crate::diagnostic::{Diagnostic, Line};

/// Why a file is not one that SOPS has written, and in which line that shows.
pub(super) type Wrong = Diagnostic<Option<Line>>;

/// What is wrong in a line, from 1.
pub(super) fn in_line(line: usize, message: impl Into<String>) -> Wrong {
    Wrong::new(Some(Line(line)), message)
}

/// Why a file cannot be decrypted. Messages continue the name of the file: "`a.yaml` …".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The file is malformed.
    #[error("was encrypted with SOPS, and cannot be read any more: {0}")]
    Malformed(Box<Wrong>),
    /// It has encrypted values, but no section of SOPS.
    #[error("has encrypted values, but not the `sops` section that is needed to decrypt them")]
    NoMetadata,
    /// The section of SOPS is incomplete.
    #[error("was encrypted with SOPS, but its `sops` section is broken: {0}")]
    Metadata(&'static str),
    /// Its key is split among key groups.
    #[error("is encrypted for several key groups at once, and skep does not put a key together from shares")]
    KeyGroups,
    /// It is not encrypted for age at all.
    #[error("can be decrypted with {0} only, and skep has keys for age only")]
    OtherService(String),
    /// skep has no key.
    #[error("is encrypted, and skep has no age key to decrypt it")]
    NoKey,
    /// None of skep's keys decrypts it.
    #[error("is encrypted for {}, and skep has the key of {}", list(recipients), list(own))]
    OtherKey {
        /// The recipients of the file.
        recipients: Vec<String>,
        /// The recipients of skep's keys.
        own: Vec<String>,
    },
    /// A value cannot be decrypted although the key is right.
    #[error("was changed after it was encrypted: the value of {0} does not fit its seal")]
    Value(String),
    /// The checksum over all values is missing or wrong.
    #[error("was changed after it was encrypted: it does not have the checksum that SOPS sealed")]
    Tampered,
    /// Its contents cannot be written in its format.
    #[error("holds {0}, which has no place in a file of this kind")]
    Unwritable(&'static str),
    /// It does not contain the requested key.
    #[error("has no value `{0}`")]
    NoValue(String),
    /// The requested key is not a single value.
    #[error("has {kind} at `{key}`, and one value is needed")]
    NotOne {
        /// The key.
        key: String,
        /// The kind of value that it is.
        kind: &'static str,
    },
}

impl Error {
    /// The remedy.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Malformed(_) | Self::NoMetadata | Self::Metadata(_) => {
                "take the file as it was after `sops --encrypt`, and change it with `sops edit` only"
            }
            Self::KeyGroups => {
                "encrypt it for one group of age recipients, without `key_groups` and `shamir_threshold`"
            }
            Self::OtherService(_) => "add skep's age recipient: `sops rotate --in-place --add-age RECIPIENT FILE`",
            Self::NoKey => "set `sops.age_key_file` in skep's settings, or SOPS_AGE_KEY_FILE",
            Self::OtherKey { .. } => {
                "also encrypt it for skep: `sops rotate --in-place --add-age RECIPIENT FILE`; or set the key in `sops.age_key_file`"
            }
            Self::Value(_) | Self::Tampered => "restore the file from before the change, and edit it with `sops edit`",
            Self::Unwritable(_) => "encrypt it again, in the format of its extension",
            Self::NoValue(_) | Self::NotOne { .. } => "write the path of a single value in `x-skep.key`",
        }
    }
}

/// A list of names, shortened to the first three.
fn list(names: &[String]) -> String {
    let mut text = names.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > 3 {
        let _ = write!(text, " and {} more", names.len() - 3);
    }
    text
}
