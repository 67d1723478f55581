//! What a rollout says while it happens, to whoever wants to hear it.

use serde::Serialize;
use tokio::sync::mpsc;

use crate::health::{Symptom, Waiting};
use crate::plan::Change;
use crate::release::{Away, ReleaseId};

/// Something that happens in a rollout.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum Progress {
    /// As many other stacks are changed as the settings allow: its changes wait for one of them.
    Queued,
    /// A change is written.
    Change {
        /// For which release.
        release: ReleaseId,
        /// Which.
        change: Change,
    },
    /// Nothing to write now; what is waited for. Empty when all is up and has only to stay so.
    Waiting {
        /// Of which release.
        release: ReleaseId,
        /// For what.
        waiting: Vec<Waiting>,
    },
    /// What was removed has not stopped yet.
    Stopping {
        /// For which release.
        release: ReleaseId,
        /// How many tasks.
        tasks: usize,
    },
    /// A round could not be made, or not all of it; the next one is made all the same.
    Trouble {
        /// What is in the way.
        message: String,
    },
    /// Nobody watched for a while: that time does not count.
    Unwatched {
        /// Which release.
        release: ReleaseId,
        /// From when to when, and why.
        away: Away,
    },
    /// Somebody else changes back what is healed: it is left alone from now on.
    GivingWay {
        /// Of which release.
        release: ReleaseId,
        /// What, such as `service web: replicas`.
        places: Vec<String>,
    },
    /// It is healthy.
    Promoted {
        /// Which release.
        release: ReleaseId,
    },
    /// It is not, and will not be.
    Failed {
        /// Which release.
        release: ReleaseId,
        /// Why.
        symptoms: Vec<Symptom>,
    },
    /// The stack goes back.
    RollingBack {
        /// By this release.
        release: ReleaseId,
        /// To the stack of that one; to nothing if there was none.
        to: Option<ReleaseId>,
    },
}

/// Tells followers what happens. It never waits for them: one that does not keep up misses some of it, and the outcome is
/// told elsewhere.
#[derive(Debug, Clone, Default)]
pub struct ProgressSender {
    followers: Vec<mpsc::Sender<Progress>>,
}

impl ProgressSender {
    /// Tells these followers.
    pub fn new(followers: Vec<mpsc::Sender<Progress>>) -> Self {
        Self { followers }
    }

    /// Tells all followers.
    pub fn send(&self, progress: &Progress) {
        for follower in &self.followers {
            // A full or closed channel is the follower's loss.
            drop(follower.try_send(progress.clone()));
        }
    }
}
