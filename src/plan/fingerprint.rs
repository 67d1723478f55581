//! What binds a deploy to the plan that somebody has seen.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::observed::Observed;
use super::{Action, Plan};
use crate::stack::Stack;

/// How many digits of each hash are shown.
const DIGITS: usize = 8;

/// Three short hashes: of the stack as it should be, of the swarm as it was seen, and of the changes between them. The
/// value of no secret goes into it, but for the hash in a secret's name.
///
/// Three and not one, so that a plan that is out of date can say what has changed since.
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
    /// The fingerprint of a plan, of what it was made for and of what it was made from.
    pub fn of(desired: &Stack, observed: &Observed, plan: &Plan) -> Self {
        // How many tasks run at the moment is no part of it.
        let changes: Vec<_> = plan.changes.iter().map(|change| (&change.subject, kind(&change.action))).collect();
        Self { stack: digits(desired), swarm: digits(&seen(observed)), changes: digits(&changes) }
    }

    /// Whether it was made for the same stack.
    pub fn is_for_the_same_stack(&self, other: &Self) -> bool {
        self.stack == other.stack
    }

    /// Whether it was made from the same swarm, and comes to the same changes or was made for another stack.
    pub fn is_of_the_same_swarm(&self, other: &Self) -> bool {
        self.swarm == other.swarm
    }

    /// What has changed since a plan with this fingerprint was made; nothing if it is the same.
    pub fn since(&self, now: &Self) -> Vec<&'static str> {
        let mut changed = Vec::new();
        if self.stack != now.stack {
            changed.push("the files, the settings or the digests of images are others");
        }
        if self.swarm != now.swarm {
            changed.push("the stack in the swarm was changed");
        }
        if changed.is_empty() && self.changes != now.changes {
            changed.push("the releases of the stack are others, and with them what is removed");
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

/// Everything of the stack that is there, by id and version.
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
