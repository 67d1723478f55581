//! All that can happen.

use serde::Serialize;

use crate::health::{Symptom, Waiting};
use crate::name::{ServiceName, StackName};
use crate::plan::Change;
use crate::release::{Away, Outcome, ReleaseId};

/// What happened. Its name in JSON is `event`, such as `build-output`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum What {
    /// The files of a commit are about to be checked.
    Checking {
        /// The first line of the commit's message.
        subject: String,
    },
    /// They passed the checks.
    Checked {
        /// What the checks warn of, in lines.
        warnings: Vec<String>,
    },
    /// A push, or a commit, is refused before anything is built.
    Rejected {
        /// Why, in one line.
        why: String,
        /// All that is to be said of it, in lines.
        details: Vec<String>,
    },
    /// A push is about branches that are not deployed.
    NotForDeploy {
        /// The branch that the repository deploys; none if nothing was deployed yet.
        deployed: Option<String>,
    },
    /// A push is accepted of which nobody waits for the end (`-o async`).
    Accepted,
    /// A controller goes on with what one before it has begun.
    Resumed,
    /// Something that people should know, and that keeps nothing from happening.
    Noted {
        /// In one sentence.
        note: String,
    },
    /// The stacks of a commit are about to be prepared.
    Preparing {
        /// Which.
        stacks: Vec<StackName>,
    },

    /// An image is about to be built.
    BuildBegun {
        /// Of which service.
        service: ServiceName,
    },
    /// The builder, or the test of an image, wrote a line.
    BuildOutput {
        /// Of which service.
        service: ServiceName,
        /// What.
        line: String,
    },
    /// An image passed the test of its own.
    Tested {
        /// Of which service.
        service: ServiceName,
    },
    /// An image was sent to the registry.
    Pushed {
        /// Of which service.
        service: ServiceName,
        /// Its name and tag.
        image: String,
        /// How many layers were sent.
        new_layers: usize,
        /// How many layers the registry had.
        known_layers: usize,
    },
    /// An image was built, and has passed its test and been sent to the registry if it has those.
    Built {
        /// Of which service.
        service: ServiceName,
        /// Its name, with its digest if a registry has it.
        image: String,
        /// How long all of it took.
        seconds: f64,
    },
    /// An image was not built, tested or sent.
    BuildFailed {
        /// Of which service.
        service: ServiceName,
        /// Why.
        why: String,
        /// The last lines of the builder or the test.
        log: Vec<String>,
    },
    /// An image need not be built: it is there.
    ImageFound {
        /// Of which service.
        service: ServiceName,
        /// Its name, with its digest if a registry has it.
        image: String,
    },
    /// An image is the one that already runs, under another name: that name stays.
    ImageKept {
        /// Of which service.
        service: ServiceName,
    },

    /// A stack is not even tried; nothing of it was changed.
    Refused {
        /// Why.
        why: String,
        /// Whether this is the first time that something is told of the commit.
        news: bool,
    },
    /// A release is recorded, and is about to be rolled out.
    RollingOut,
    /// As many other stacks are changed as the settings allow: this one waits for one of them.
    Queued,
    /// A wave of changes is about to be written.
    Wave {
        /// Which.
        changes: Vec<Change>,
    },
    /// Services are waited for.
    Waiting {
        /// For what.
        services: Vec<Waiting>,
    },
    /// All is up, and has only to stay so.
    Settling,
    /// What was removed has not stopped yet.
    Stopping {
        /// How many tasks.
        tasks: usize,
    },
    /// A round could not be made, or not all of it; the next one is made all the same.
    Hindered {
        /// What is in the way.
        why: String,
    },
    /// Nobody watched a rollout for a while: that time does not count.
    Unwatched {
        /// From when to when, and why.
        away: Away,
    },
    /// A release is healthy.
    Promoted,
    /// A release is not healthy, and will not be.
    Failed {
        /// Why.
        symptoms: Vec<Symptom>,
    },
    /// A stack goes back, with the release that the event is about.
    RollingBack {
        /// To the stack of this one; to nothing if there was none.
        to: Option<ReleaseId>,
    },
    /// A release gave way to a newer one before it was settled.
    Superseded {
        /// To which.
        by: ReleaseId,
    },
    /// How a stack fared with a commit, or with what somebody asked for.
    Verdict {
        /// How it ended.
        #[serde(flatten)]
        outcome: Outcome,
        /// Where people reach it.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        urls: Vec<String>,
        /// How long after it was asked for, if that is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        seconds: Option<f64>,
        /// Whether this is the first time that something is told of the commit.
        news: bool,
    },

    /// Somebody else has changed the stack: fields differ from its release.
    Drifted {
        /// Which, such as `service web: replicas`.
        places: Vec<String>,
    },
    /// Fields were changed back that somebody else had changed.
    Healed {
        /// How many.
        fields: usize,
    },
    /// Somebody else changes fields back again and again: they are left alone from now on.
    GivingWay {
        /// Which, such as `service web: replicas`.
        places: Vec<String>,
    },

    /// All stacks of a commit run it, and the branch names it.
    Deployed {
        /// How long after it was asked for, if that is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        seconds: Option<f64>,
    },
    /// A commit does not run as a whole, and nothing more is done about it.
    NotDeployed {
        /// Why.
        why: String,
        /// How many stacks of it were tried.
        stacks: usize,
        /// How many of those do not run it.
        failing: usize,
        /// Whether the branch was there before.
        branch_existed: bool,
        /// Whether this is the first time that this is told of the commit.
        news: bool,
    },
    /// The branch names what runs.
    BranchMoved,
    /// A commit runs, and the branch was not moved to it.
    BranchNotMoved {
        /// Why.
        why: String,
    },
    /// A commit is not tried again, because handling it has ended a controller.
    GivenUp {
        /// That, and what to do.
        why: String,
    },
    /// A watched repository could not be fetched.
    NotFetched {
        /// Why.
        why: String,
        /// Whether that is new.
        news: bool,
    },

    /// Skep itself failed at something, by a fault of its own.
    Broke {
        /// At what, such as `this push`.
        task: String,
        /// The message of the panic.
        why: String,
    },
    /// A part of the controller ended that should not, and is begun again.
    WorkerRestarted {
        /// Which, such as `worker of shop`.
        worker: String,
        /// Why it ended.
        why: String,
    },
    /// Whoever reads this did not keep up, and missed some events, none of which is a verdict unless very many are missed.
    Missed {
        /// How many.
        count: u64,
    },
}

impl What {
    /// Whether it is one of many, and is outdated by what comes after it: a reader who does not keep up misses these first.
    pub fn is_detail(&self) -> bool {
        matches!(self, Self::BuildOutput { .. } | Self::Waiting { .. } | Self::Settling | Self::Stopping { .. })
    }
}
