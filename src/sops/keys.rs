//! skep's age keys.

use std::io::Read as _;

use age::x25519::Identity;
use secrecy::ExposeSecret as _;
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;

use super::error::Error;
use super::metadata::Metadata;

/// The key of the values of one file.
pub(super) type DataKey = Zeroizing<[u8; 32]>;

/// Age keys as written by `age-keygen`. Their debug output is only their number.
#[derive(Default)]
pub struct Keys(Vec<Identity>);

/// The error about a line that is not a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {0} is no age key (AGE-SECRET-KEY-1…), as `age-keygen` writes it")]
pub struct NotKeys(pub usize);

impl Keys {
    /// The keys in a text: one a line, with comments and empty lines between them.
    pub fn parse(text: &SecretString) -> Result<Self, NotKeys> {
        let lines = text.expose_secret().lines().enumerate().map(|(number, line)| (number, line.trim()));
        let keys = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        keys.map(|(number, line)| line.parse().map_err(|_| NotKeys(number + 1))).collect::<Result<_, _>>().map(Self)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds other keys.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// The recipients for whom a file must be encrypted, so that these keys decrypt it.
    pub fn recipients(&self) -> Vec<String> {
        self.0.iter().map(|key| key.to_public().to_string()).collect()
    }

    /// Decrypts the key of a file, which is in it once for each recipient.
    pub(super) fn unlock(&self, metadata: &Metadata) -> Result<DataKey, Error> {
        if self.0.is_empty() {
            return Err(Error::NoKey);
        }
        let found = metadata.age.iter().find_map(|sealed| self.open(&sealed.key));
        found.ok_or_else(|| Error::OtherKey {
            recipients: metadata.age.iter().map(|sealed| sealed.recipient.clone()).collect(),
            own: self.recipients(),
        })
    }

    fn open(&self, armored: &str) -> Option<DataKey> {
        let decryptor = age::Decryptor::new(age::armor::ArmoredReader::new(armored.as_bytes())).ok()?;
        let mut plain = decryptor.decrypt(self.0.iter().map(|key| key as &dyn age::Identity)).ok()?;
        let mut key = DataKey::default();
        plain.read_exact(&mut *key).ok()?;
        // Read to the end, so that excess text is noticed.
        (plain.read(&mut [0]).ok()? == 0).then_some(key)
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys({})", self.0.len())
    }
}
