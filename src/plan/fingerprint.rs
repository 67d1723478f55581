//! The fingerprint, which ties a deploy to a reviewed plan.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::observed::Observed;
use super::{Action, Plan};
use crate::stack::Stack;

/// The number of digits shown of each hash.
const DIGITS: usize = 8;

/// Three short hashes: of the desired stack, of the observed swarm, and of the changes between them. No
/// value of a secret goes into it, except for the hash in a secret's name.
///
/// Three hashes rather than one, so that an outdated plan can be told what has changed since.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Fingerprint {
    stack: String,
    swarm: String,
    changes: String,
}

/// A text that is not a fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the fingerprint of a plan, such as 1b9d6bcd-4f0e8a31-07c5d2aa; `skep plan` prints it")]
pub struct NotAFingerprint(String);

impl Fingerprint {
    /// The fingerprint of a plan, with its desired stack and observed state.
    pub fn of(desired: &Stack, observed: &Observed, plan: &Plan) -> Self {
        // The current number of tasks is not included.
        let changes: Vec<_> = plan.changes.iter().map(|change| (&change.subject, kind(&change.action))).collect();
        Self { stack: digits(desired), swarm: digits(&seen(observed)), changes: digits(&changes) }
    }

    /// Whether it was made for the same stack.
    pub fn is_for_the_same_stack(&self, other: &Self) -> bool {
        self.stack == other.stack
    }

    /// Whether it was made for the same observed state, and has the same changes or another stack.
    pub fn is_of_the_same_swarm(&self, other: &Self) -> bool {
        self.swarm == other.swarm
    }

    /// The changes since a plan with this fingerprint was made; empty if it is the same.
    pub fn since(&self, now: &Self) -> Vec<&'static str> {
        let mut changed = Vec::new();
        if self.stack != now.stack {
            changed.push("the files, the settings or the digests of images have changed");
        }
        if self.swarm != now.swarm {
            changed.push("the stack in the swarm has changed");
        }
        if changed.is_empty() && self.changes != now.changes {
            changed.push("the releases of the stack have changed, and with them the removals");
        }
        changed
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.stack, self.swarm, self.changes)
    }
}

impl FromStr for Fingerprint {
    type Err = NotAFingerprint;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = text.split('-').collect();
        let is_hash = |part: &&str| part.len() == DIGITS && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        match parts[..] {
            [stack, swarm, changes] if parts.iter().all(is_hash) => {
                Ok(Self { stack: stack.into(), swarm: swarm.into(), changes: changes.into() })
            }
            _ => Err(NotAFingerprint(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = NotAFingerprint;

    fn try_from(text: String) -> Result<Self, NotAFingerprint> {
        text.parse()
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// All observed objects of the stack, by id and version.
fn seen(observed: &Observed) -> Vec<(&str, u64)> {
    let services = observed.services.values().map(|there| (there.id.as_str(), there.version));
    let networks = observed.networks.values().map(|there| (there.id.as_str(), 0));
    let files = observed.configs.values().chain(observed.secrets.values());
    services.chain(networks).chain(files.map(|there| (there.id.as_str(), there.version))).collect()
}

fn kind(action: &Action) -> impl Serialize + '_ {
    match action {
        Action::Create => ("create", None),
        Action::Update { fields, .. } => ("update", Some(fields)),
        Action::Recreate { fields, .. } => ("recreate", Some(fields)),
        Action::Resume { .. } => ("resume", None),
        Action::Remove => ("remove", None),
    }
}

fn digits(value: &impl Serialize) -> String {
    let json = serde_json::to_vec(value).expect("a stack's parts are plain data");
    hex::encode(Sha256::digest(json))[..DIGITS].to_owned()
}
