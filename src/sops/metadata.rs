//! SOPS's own section of a file: its recipients, and which values are encrypted.

use std::collections::BTreeMap;

use regex::bytes::Regex;

use super::Format;
use super::cipher::truth;
use super::error::Error;
use super::tree::{Branch, Entry, Text, Value};

/// The key of the section, and what the keys of its lines begin with in a file of variables.
const SECTION: &str = "sops";
const PREFIX: &str = "sops_";

/// The other services that may hold a key, by the name of their list.
const SERVICES: [(&str, &str); 6] = [
    ("pgp", "PGP"),
    ("kms", "AWS KMS"),
    ("gcp_kms", "Google Cloud KMS"),
    ("azure_kv", "Azure Key Vault"),
    ("hc_vault", "HashiCorp Vault"),
    ("hckms", "Huawei Cloud KMS"),
];

/// The contents of the section.
#[derive(Debug)]
pub(super) struct Metadata {
    /// The key of the values, once for each recipient.
    pub(super) age: Vec<Sealed>,
    /// The sealed checksum over all values.
    pub(super) mac: String,
    /// When it was written; sealed with the checksum.
    pub(super) last_modified: String,
    /// Whether the checksum excludes values that are not encrypted.
    pub(super) mac_only_encrypted: bool,
    /// Which values are encrypted.
    pub(super) rule: Rule,
    /// The names of other services that have the key.
    services: Vec<&'static str>,
    /// Whether the key is split among groups.
    grouped: bool,
}

/// The key of the values, encrypted for one recipient.
#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) recipient: String,
    /// An armoured age file.
    pub(super) key: String,
}

impl Metadata {
    /// Removes the section from a file; `None` if there is none.
    pub(super) fn take(format: Format, branches: &mut [Branch]) -> Result<Option<Self>, Error> {
        let mut lines = BTreeMap::new();
        // Every document of a YAML file has the section; that of the first counts.
        for branch in branches.iter_mut().rev() {
            let found = if format == Format::Dotenv { prefixed(branch) } else { section(branch) };
            lines = found;
        }
        if lines.is_empty() { Ok(None) } else { Self::of(&lines).map(Some) }
    }

    fn of(lines: &BTreeMap<String, String>) -> Result<Self, Error> {
        let line = |key: &str| lines.get(key).filter(|value| !value.is_empty());
        let mac = line("mac").ok_or(Error::Tampered)?;
        let last_modified = line("lastmodified").ok_or(Error::Metadata("`lastmodified` is missing"))?;
        let has = |list: &str| lines.keys().any(|key| key.starts_with(&format!("{list}__list_")));
        Ok(Self {
            age: sealed(lines)?,
            mac: mac.clone(),
            last_modified: last_modified.clone(),
            mac_only_encrypted: line("mac_only_encrypted").and_then(|word| truth(word)).unwrap_or(false),
            rule: Rule::of(lines)?,
            services: SERVICES.iter().filter(|(list, _)| has(list)).map(|(_, name)| *name).collect(),
            grouped: has("key_groups"),
        })
    }

    /// Whether a key of age is enough.
    pub(super) fn check(&self) -> Result<(), Error> {
        match (&self.age[..], &self.services[..]) {
            ([], []) if self.grouped => Err(Error::KeyGroups),
            ([], []) => Err(Error::Metadata("it has no recipients")),
            ([], services) => Err(Error::OtherService(services.join(", "))),
            _ => Ok(()),
        }
    }
}

fn sealed(lines: &BTreeMap<String, String>) -> Result<Vec<Sealed>, Error> {
    let mut all = Vec::new();
    loop {
        let line = |key: &str| lines.get(&format!("age__list_{}__map_{key}", all.len()));
        match (line("recipient"), line("enc")) {
            (None, None) => return Ok(all),
            (Some(recipient), Some(key)) => all.push(Sealed { recipient: recipient.clone(), key: key.clone() }),
            _ => return Err(Error::Metadata("an age recipient has no key, or a key no recipient")),
        }
    }
}

/// The lines of the section `sops`, which leaves the branch. Where it is nested, the keys of the lines are put together
/// as SOPS does it in files without nesting.
fn section(branch: &mut Branch) -> BTreeMap<String, String> {
    let mut lines = BTreeMap::new();
    branch.retain(|entry| match entry {
        Entry::Value(key, value) if key == SECTION => {
            flatten("", value, &mut lines);
            false
        }
        _ => true,
    });
    lines
}

fn flatten(prefix: &str, value: &Value, lines: &mut BTreeMap<String, String>) {
    let below = |separator: &str, key: &str| match prefix {
        "" => key.to_owned(),
        prefix => format!("{prefix}{separator}{key}"),
    };
    match value {
        Value::Map(branch) => {
            for entry in branch {
                if let Entry::Value(key, value) = entry {
                    flatten(&below("__map_", key), value, lines);
                }
            }
        }
        Value::List(items) => {
            for (number, item) in items.iter().filter(|item| !matches!(item, Value::Comment(_))).enumerate() {
                flatten(&below("__list_", &number.to_string()), item, lines);
            }
        }
        value => {
            let text = value.bytes().unwrap_or_default();
            lines.insert(prefix.to_owned(), String::from_utf8_lossy(&text).replace("\\n", "\n"));
        }
    }
}

/// The lines of the section in a file of variables, which leave the branch.
fn prefixed(branch: &mut Branch) -> BTreeMap<String, String> {
    let mut lines = BTreeMap::new();
    branch.retain(|entry| match entry {
        Entry::Value(key, value) if key.starts_with(PREFIX) => {
            flatten(&key[PREFIX.len()..], value, &mut lines);
            false
        }
        _ => true,
    });
    lines
}

/// Which values are encrypted.
#[derive(Debug)]
pub(super) enum Rule {
    /// All but those below a key with this ending.
    UnencryptedSuffix(String),
    /// Those below a key with this ending.
    EncryptedSuffix(String),
    /// All but those below a key that this matches.
    UnencryptedRegex(Option<Regex>),
    /// Those below a key that this matches.
    EncryptedRegex(Option<Regex>),
    /// All but those after a comment that this matches.
    UnencryptedComment(Option<Regex>),
    /// Those after a comment that this matches.
    EncryptedComment(Option<Regex>),
}

impl Rule {
    fn of(lines: &BTreeMap<String, String>) -> Result<Self, Error> {
        // A pattern that cannot be read matches nothing.
        let given = |key: &str| lines.get(key).filter(|text| !text.is_empty()).cloned();
        let pattern = |key: &str| given(key).map(|text| Regex::new(&text).ok());
        let rules = [
            given("unencrypted_suffix").map(Self::UnencryptedSuffix),
            given("encrypted_suffix").map(Self::EncryptedSuffix),
            pattern("unencrypted_regex").map(Self::UnencryptedRegex),
            pattern("encrypted_regex").map(Self::EncryptedRegex),
            pattern("unencrypted_comment_regex").map(Self::UnencryptedComment),
            pattern("encrypted_comment_regex").map(Self::EncryptedComment),
        ];
        let mut given: Vec<Self> = rules.into_iter().flatten().collect();
        match given.len() {
            0 => Ok(Self::UnencryptedSuffix("_unencrypted".to_owned())),
            1 => Ok(given.remove(0)),
            _ => Err(Error::Metadata("it has two rules about which values are encrypted")),
        }
    }

    /// Whether what is at a path, behind these comments, is encrypted; the comment itself is the last of them.
    pub(super) fn encrypts(&self, path: &[String], comments: &[Vec<Text>], comment: bool) -> bool {
        let ends = |suffix: &String| path.iter().any(|key| key.ends_with(suffix.as_str()));
        let matches = |pattern: &Option<Regex>| {
            pattern.as_ref().is_some_and(|pattern| path.iter().any(|key| pattern.is_match(key.as_bytes())))
        };
        let all = comments.iter().map(Vec::len).sum::<usize>();
        let behind = |pattern: &Option<Regex>, count: usize| {
            let mut comments = comments.iter().flatten().take(count);
            pattern.as_ref().is_some_and(|pattern| comments.any(|text| pattern.is_match(text)))
        };
        match self {
            Self::UnencryptedSuffix(suffix) => !ends(suffix),
            Self::EncryptedSuffix(suffix) => ends(suffix),
            Self::UnencryptedRegex(pattern) => !matches(pattern),
            Self::EncryptedRegex(pattern) => matches(pattern),
            Self::UnencryptedComment(pattern) => !behind(pattern, all),
            // The comment that says so is not encrypted itself.
            Self::EncryptedComment(pattern) => behind(pattern, all.saturating_sub(usize::from(comment))),
        }
    }
}
