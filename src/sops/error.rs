//! Why a file cannot be decrypted, never with anything of its plain text.

use std::fmt::Write as _;

use crate::diagnostic::{Diagnostic, Line};

/// Why a file is not one that SOPS has written, and in which line that shows.
pub(super) type Wrong = Diagnostic<Option<Line>>;

/// What is wrong in a line, from 1.
pub(super) fn in_line(line: usize, message: impl Into<String>) -> Wrong {
    Wrong::new(Some(Line(line)), message)
}

/// Why a file cannot be decrypted. Each says what it is after the name of the file: "`a.yaml` …".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Its form is broken.
    #[error("was encrypted with SOPS, and cannot be read any more: {0}")]
    Malformed(Box<Wrong>),
    /// It has encrypted values, and nothing says how they were encrypted.
    #[error("has encrypted values, but not the `sops` section that is needed to decrypt them")]
    NoMetadata,
    /// The section of SOPS does not say what it must.
    #[error("was encrypted with SOPS, but its `sops` section is broken: {0}")]
    Metadata(&'static str),
    /// Its key is shared out.
    #[error("is encrypted for several key groups at once, and skep does not put a key together from shares")]
    KeyGroups,
    /// It is not encrypted for age at all.
    #[error("can be decrypted with {0} only, and skep has keys for age only")]
    OtherService(String),
    /// There is no key to try.
    #[error("is encrypted, and skep has no age key to decrypt it")]
    NoKey,
    /// None of the keys fits.
    #[error("is encrypted for {}, and skep has the key of {}", list(recipients), list(own))]
    OtherKey {
        /// Whom it is encrypted for.
        recipients: Vec<String>,
        /// Who we are.
        own: Vec<String>,
    },
    /// A value cannot be decrypted, though there is a key.
    #[error("was changed after it was encrypted: the value of {0} does not fit its seal")]
    Value(String),
    /// The checksum over all values is missing, or another.
    #[error("was changed after it was encrypted: it does not have the checksum that SOPS sealed")]
    Tampered,
    /// What it holds cannot be written in its format.
    #[error("holds {0}, which has no place in a file of this kind")]
    Unwritable(&'static str),
    /// The key that was asked for is not in it.
    #[error("has no value `{0}`")]
    NoValue(String),
    /// The key that was asked for is no single value.
    #[error("has {kind} at `{key}`, and one value is needed")]
    NotOne {
        /// The key.
        key: String,
        /// What is there.
        kind: &'static str,
    },
}

impl Error {
    /// What to do about it.
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
                "encrypt it for skep, too: `sops rotate --in-place --add-age RECIPIENT FILE`; or set the key in `sops.age_key_file`"
            }
            Self::Value(_) | Self::Tampered => "restore the file from before the change, and edit it with `sops edit`",
            Self::Unwritable(_) => "encrypt it anew, in the format that its name says",
            Self::NoValue(_) | Self::NotOne { .. } => "write the keys that lead to one value in `x-skep.key`",
        }
    }
}

/// A few names in one row; the first three of many.
fn list(names: &[String]) -> String {
    let mut text = names.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > 3 {
        let _ = write!(text, " and {} more", names.len() - 3);
    }
    text
}
