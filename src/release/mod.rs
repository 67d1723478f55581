//! Releases, their phases and history; the central decision.
//!
//! A release is a version of a stack that was accepted for deployment: it rolls out, and is then promoted, or fails. A
//! rollback is a release like any other, with the stack of an older one. A [`Release`] is stored in the swarm
//! ([`crate::store`]); only its [`Phase`] changes.

mod admission;
mod arrival;
mod away;
mod command;
mod departure;
mod drift;
mod history;
mod instance;
mod intent;
mod kept_images;
mod memory;
mod next;
mod outcome;
mod shaping;
mod upstream;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::health::{Blame, Symptom};
use crate::name::{CommitId, Repository, ServiceName, StackName, TreeId};
use crate::stack::Stack;

pub use admission::{Admission, Candidate, Refusal, admit};
pub use arrival::{Arrival, unheld};
pub use away::{Absent, Away};
pub use command::{Accepted, Answer, Command, Healed, Proposal, Proposed};
pub use history::History;
pub use instance::{Instance, Process, Standing, TaskLife, TaskName};
pub use intent::{Intent, Resumption, State};
pub use kept_images::{StackImages, StoredImage, Upkeep};
pub use memory::{Consequence, Memory, Written};
pub use next::{Step, counted, differences, due, failed, missing, next, target};
pub use outcome::Outcome;
pub use shaping::{Place, Proxy, Shaping};
pub use upstream::{Handled, Remedy, Trouble, Upstream};

/// The number of a release in its stack: 1, 2, 3…, shown as `r3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReleaseId(pub u64);

impl ReleaseId {
    /// The release after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for ReleaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("r{}", self.0))
    }
}

/// A version of a stack that was accepted for deployment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Release {
    /// Its number.
    pub id: ReleaseId,
    /// Its origin.
    pub origin: Origin,
    /// The owner of the stack with this release; unknown in old records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Repository>,
    /// Its cause.
    pub cause: Cause,
    /// When it was made, by the controller's clock.
    pub created: Timestamp,
    /// The images by service, with digest or content tag.
    pub images: BTreeMap<ServiceName, String>,
    /// The desired stack; absent in the record of an old release, which keeps only its digests.
    pub desired: Option<Stack>,
    /// Its phase. Kept in the record's labels, not in its payload.
    #[serde(skip, default = "Phase::rolling_since_ever")]
    pub phase: Phase,
    /// The stack, repeated from `desired` for old releases.
    pub stack: StackName,
    /// When the record was created, by the clock of the manager, which also stamps tasks and updates of services.
    #[serde(skip)]
    pub recorded: Timestamp,
}

/// The origin of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The repository, or its substitute.
    pub repository: Repository,
    /// The branch, if there is one.
    pub branch: Option<String>,
    /// The commit.
    pub commit: CommitId,
    /// Its tree, which identifies a failed release.
    pub tree: TreeId,
    /// The author of the commit.
    pub author: String,
    /// The first line of its message.
    pub subject: String,
}

impl Origin {
    /// The origin of a stack that skep did not deploy.
    #[expect(clippy::missing_panics_doc, reason = "forty digits are the id of a commit and of a tree")]
    pub fn unknown() -> Self {
        let nothing = "0".repeat(40);
        Self {
            repository: Repository::by_hand(),
            branch: None,
            commit: nothing.parse().expect("a valid id"),
            tree: nothing.parse().expect("a valid id"),
            author: String::new(),
            subject: "what ran before skep".into(),
        }
    }
}

/// The cause of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// A push to the built-in server.
    Push,
    /// A webhook.
    Webhook,
    /// A poll.
    Poll,
    /// `skep deploy` or `skep sync`.
    Command,
    /// `skep rollback`.
    GoBack {
        /// The release whose stack this one has.
        to: ReleaseId,
    },
    /// Adoption: the stack as it ran before skep.
    Adopt,
    /// Automatic rollback after a failure.
    RollBack {
        /// The failed release.
        failed: ReleaseId,
        /// The release whose stack this one has; `None` for an empty stack.
        to: Option<ReleaseId>,
    },
    /// `skep remove`: the release is empty.
    Remove {
        /// Whether everything with the stack's label is removed, including objects that skep did not create.
        everything: bool,
    },
}

impl Cause {
    /// Whether the commit is from a watched repository.
    pub fn is_found(&self) -> bool {
        matches!(self, Self::Webhook | Self::Poll)
    }
}

/// The phase of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "phase")]
pub enum Phase {
    /// It is rolling out.
    Rolling {
        /// Since when, by the controller's clock.
        since: Timestamp,
        /// When a controller last noted that it observes; `None` before the first note.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        watched: Option<Timestamp>,
        /// The outages.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        away: Vec<Away>,
    },
    /// It was healthy.
    Promoted {
        /// Since when.
        at: Timestamp,
        /// The contested fields, which are no longer healed.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        contested: BTreeSet<String>,
        /// The outages during the rollout.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        away: Vec<Away>,
    },
    /// It failed.
    Failed {
        /// Since when.
        at: Timestamp,
        /// The symptoms.
        symptoms: Vec<Symptom>,
        /// The outages during the rollout.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        away: Vec<Away>,
    },
    /// A newer release superseded it.
    Superseded {
        /// When.
        at: Timestamp,
        /// The newer release.
        by: ReleaseId,
    },
}

impl Release {
    /// The release that was not healthy: of a rollback, the one that is taken back, and else itself.
    pub fn failed_version(&self) -> ReleaseId {
        match self.cause {
            Cause::RollBack { failed, .. } => failed,
            _ => self.id,
        }
    }
}

impl Phase {
    /// A rollout that begins at this time.
    pub fn rolling(since: Timestamp) -> Self {
        Self::Rolling { since, watched: None, away: Vec::new() }
    }

    /// Promoted at this time, without contested fields.
    pub fn promoted(at: Timestamp) -> Self {
        Self::Promoted { at, contested: BTreeSet::new(), away: Vec::new() }
    }

    /// Adds contested fields to a promoted phase; other phases are unchanged.
    #[must_use]
    pub fn contested_by(&self, places: &BTreeSet<String>) -> Self {
        let mut phase = self.clone();
        if let Self::Promoted { contested, .. } = &mut phase {
            contested.extend(places.iter().cloned());
        }
        phase
    }

    /// Failed at this time with these symptoms.
    pub fn failed(at: Timestamp, symptoms: Vec<Symptom>) -> Self {
        Self::Failed { at, symptoms, away: Vec::new() }
    }

    /// Whether it is rolling out.
    pub fn is_rolling(&self) -> bool {
        matches!(self, Self::Rolling { .. })
    }

    /// Whether it was healthy.
    pub fn is_promoted(&self) -> bool {
        matches!(self, Self::Promoted { .. })
    }

    /// Whether it probably failed because of the deployed files.
    pub fn is_blamed(&self) -> bool {
        let Self::Failed { symptoms, .. } = self else { return false };
        symptoms.is_empty() || symptoms.iter().any(|symptom| symptom.blame == Blame::Version)
    }

    fn rolling_since_ever() -> Self {
        Self::rolling(Timestamp::UNIX_EPOCH)
    }
}

#[cfg(test)]
mod tests;
