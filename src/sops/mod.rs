//! Recognises, checks and decrypts files encrypted with [SOPS](https://getsops.io) for age keys, in memory.
//!
//! A [`Document`] is such a file while it is still encrypted; [`Document::decrypt`] needs one of the
//! [`Keys`] and returns the output of `sops --decrypt`, or a single value. Nothing is decrypted without
//! verifying the file's checksum over all values (the MAC), so a modified file is refused.
//!
//! Knowingly not handled: keys that are split among several key groups, services other than age (PGP and the clouds'
//! key managers), SSH keys and plugins of age. Each is refused with a sentence that says what is missing.
//!
//! No crate is used for the format: the existing one (`rops`) supports neither dotenv nor binary files, does not write
//! YAML as SOPS does, and its licence is not among ours. age's own format is read by the crate of that name.

mod cipher;
mod decrypt;
mod dotenv;
mod error;
mod ini;
mod json;
mod keys;
mod metadata;
mod pick;
mod tree;
mod yaml;

use secrecy::zeroize::Zeroizing;
use sha2::{Digest as _, Sha256};

use crate::name::RepoPath;
use crate::stack::SecretBytes;
use metadata::Metadata;
use tree::Branch;

pub use error::Error;
use error::Wrong;
pub use keys::{Keys, NotKeys};

/// The prefix of every encrypted value.
const MARK: &[u8] = b"ENC[AES256_GCM,";

/// The format of the plain text, which SOPS derives from the name of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Yaml,
    Json,
    Dotenv,
    Ini,
    /// Anything, as one value in a JSON file.
    Binary,
}

impl Format {
    fn of(path: &RepoPath) -> Self {
        match path.as_str().rsplit_once('.').map(|(_, ending)| ending) {
            Some("yaml" | "yml") => Self::Yaml,
            Some("json") => Self::Json,
            Some("env") => Self::Dotenv,
            Some("ini") => Self::Ini,
            _ => Self::Binary,
        }
    }

    fn read(self, text: &[u8]) -> Result<Vec<Branch>, Wrong> {
        match self {
            Self::Yaml => yaml::read(text),
            Self::Json | Self::Binary => json::read(text).map(|branch| vec![branch]),
            Self::Dotenv => dotenv::read(text).map(|branch| vec![branch]),
            Self::Ini => ini::read(text).map(|branch| vec![branch]),
        }
    }

    fn write(self, branches: &[Branch]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let first = || branches.first().map(Vec::as_slice).unwrap_or_default();
        match self {
            Self::Yaml => yaml::write(branches),
            Self::Json => Ok(json::write(first())),
            Self::Dotenv => dotenv::write(first()),
            Self::Ini => ini::write(first()),
            Self::Binary => json::binary(first()),
        }
    }
}

/// A parsed encrypted file, not yet decrypted.
#[derive(Debug)]
pub struct Document {
    format: Format,
    /// One for each document of a YAML file, else one; without SOPS's own section.
    branches: Vec<Branch>,
    metadata: Metadata,
}

impl Document {
    /// Parses a file; `None` if it was not encrypted with SOPS.
    pub fn read(path: &RepoPath, text: &[u8]) -> Result<Option<Self>, Error> {
        if !text.windows(MARK.len()).any(|window| window == MARK) {
            return Ok(None);
        }
        let format = Format::of(path);
        // An image or an archive may have these bytes in it by chance.
        let Ok(text) = std::str::from_utf8(text) else { return Ok(None) };
        let mut branches = match format.read(text.as_bytes()) {
            Ok(branches) => branches,
            Err(_) if format == Format::Binary => return Ok(None),
            Err(reason) => return Err(Error::Malformed(Box::new(reason))),
        };
        let Some(metadata) = Metadata::take(format, &mut branches)? else { return Err(Error::NoMetadata) };
        Ok(Some(Self { format, branches, metadata }))
    }

    /// Checks whether an age key could decrypt it.
    pub fn check(&self) -> Result<(), Error> {
        self.metadata.check()
    }

    /// The output of `sops --decrypt`, or the single value at the path `key`.
    pub fn decrypt(self, keys: &Keys, key: &[String]) -> Result<SecretBytes, Error> {
        self.check()?;
        let data_key = keys.unlock(&self.metadata)?;
        let branches = decrypt::decrypt(self.branches, &self.metadata, &data_key)?;
        let mut plain = match key {
            [] => self.format.write(&branches)?,
            key => pick::text(pick::value(&branches, key)?, key)?,
        };
        Ok(SecretBytes::new(std::mem::take(&mut *plain)))
    }

    /// Twelve digits that identify the contents without revealing anything about them: they are derived from the
    /// ciphertext, which contains a random number in each value. So they need no key, and cannot be used to guess
    /// passwords, unlike digits derived from the plain text. SOPS keeps the ciphertext of unchanged values; the
    /// recipients do not matter.
    pub fn digits(&self, key: &[String]) -> Result<String, Error> {
        let mut hash = Sha256::new();
        if key.is_empty() {
            self.branches.iter().for_each(|branch| tree::hash_branch(branch, &mut hash));
        } else {
            for name in key {
                tree::hash_bytes(name.as_bytes(), &mut hash);
            }
            tree::hash_value(pick::value(&self.branches, key)?, &mut hash);
        }
        Ok(hex::encode(hash.finalize())[..12].to_owned())
    }
}

#[cfg(test)]
mod tests;
