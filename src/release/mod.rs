//! Releases, their phases and history; the one decision.
//!
//! A release is a stack that was decided to run: it rolls, and is then promoted, or fails. A rollback is a release
//! like any other, with the stack of an older one. A [`Release`] is kept whole in the swarm ([`crate::store`]); its
//! [`Phase`] is all of it that changes.

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

/// A stack that was decided to run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Release {
    /// Its number.
    pub id: ReleaseId,
    /// Where it came from.
    pub origin: Origin,
    /// To whom the stack belongs with this release; unknown in records of old.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Repository>,
    /// Why it was made.
    pub cause: Cause,
    /// When it was made, by the controller's clock.
    pub created: Timestamp,
    /// What runs, by service: the image's name with digest or content tag.
    pub images: BTreeMap<ServiceName, String>,
    /// What should be; absent in the record of an old release, which keeps only its digests.
    pub desired: Option<Stack>,
    /// How far it has got. Kept in the record's labels, not in its payload.
    #[serde(skip, default = "Phase::rolling_since_ever")]
    pub phase: Phase,
    /// The stack, repeated from `desired` for old releases.
    pub stack: StackName,
    /// When the swarm took the record, by the clock of the manager, which also stamps tasks and updates of services.
    #[serde(skip)]
    pub recorded: Timestamp,
}

/// Where a release came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The repository, or what took its place.
    pub repository: Repository,
    /// The branch, if there is one.
    pub branch: Option<String>,
    /// The commit.
    pub commit: CommitId,
    /// Its tree, by which a failed release is known again.
    pub tree: TreeId,
    /// Who made the commit.
    pub author: String,
    /// The first line of its message.
    pub subject: String,
}

impl Origin {
    /// That of a stack which came from nowhere that skep knows.
    #[expect(clippy::missing_panics_doc, reason = "forty digits are the id of a commit and of a tree")]
    pub fn unknown() -> Self {
        let nothing = "0".repeat(40);
        Self {
            repository: Repository::by_hand(),
            branch: None,
            commit: nothing.parse().expect("it has forty digits"),
            tree: nothing.parse().expect("it has forty digits"),
            author: String::new(),
            subject: "what ran before skep".into(),
        }
    }
}

/// Why a release was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// Somebody pushed to the built-in server.
    Push,
    /// A webhook said so.
    Webhook,
    /// It was found when looking.
    Poll,
    /// Somebody ran `skep deploy` or `skep sync`.
    Command,
    /// Somebody ran `skep rollback`.
    GoBack {
        /// The release whose stack this one has.
        to: ReleaseId,
    },
    /// The stack ran before skep knew it; this is what was there.
    Adopt,
    /// A release failed, and this is the one before it.
    RollBack {
        /// The one that failed.
        failed: ReleaseId,
        /// The one whose stack this has; none when there was nothing before.
        to: Option<ReleaseId>,
    },
    /// Somebody ran `skep remove`: there is nothing in it.
    Remove {
        /// Whether everything goes that bears the stack's label, whoever made it.
        everything: bool,
    },
}

impl Cause {
    /// Whether skep found the commit in a repository elsewhere.
    pub fn is_found(&self) -> bool {
        matches!(self, Self::Webhook | Self::Poll)
    }
}

/// How far a release has got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "phase")]
pub enum Phase {
    /// It is being applied and watched.
    Rolling {
        /// Since when, by the controller's clock.
        since: Timestamp,
        /// When a controller last noted that it watches; none before the first note.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        watched: Option<Timestamp>,
        /// Times in which nobody watched.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        away: Vec<Away>,
    },
    /// It was healthy.
    Promoted {
        /// Since when.
        at: Timestamp,
        /// What somebody else changes back again and again, so that it is not healed any more.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        contested: BTreeSet<String>,
        /// Times in which nobody watched the rollout.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        away: Vec<Away>,
    },
    /// It was not.
    Failed {
        /// Since when.
        at: Timestamp,
        /// Why.
        symptoms: Vec<Symptom>,
        /// Times in which nobody watched the rollout.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        away: Vec<Away>,
    },
    /// A newer one took its place before it was settled.
    Superseded {
        /// When.
        at: Timestamp,
        /// By which.
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

    /// Promoted at this time, and nobody contests it.
    pub fn promoted(at: Timestamp) -> Self {
        Self::Promoted { at, contested: BTreeSet::new(), away: Vec::new() }
    }

    /// The same, leaving these fields alone, too, which somebody else changes back; a phase that is not promoted stays.
    #[must_use]
    pub fn contested_by(&self, places: &BTreeSet<String>) -> Self {
        let mut phase = self.clone();
        if let Self::Promoted { contested, .. } = &mut phase {
            contested.extend(places.iter().cloned());
        }
        phase
    }

    /// Failed at this time, because of this.
    pub fn failed(at: Timestamp, symptoms: Vec<Symptom>) -> Self {
        Self::Failed { at, symptoms, away: Vec::new() }
    }

    /// Whether it is being applied and watched.
    pub fn is_rolling(&self) -> bool {
        matches!(self, Self::Rolling { .. })
    }

    /// Whether it was healthy.
    pub fn is_promoted(&self) -> bool {
        matches!(self, Self::Promoted { .. })
    }

    /// Whether it failed because of what was deployed, as far as can be told.
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
