//! The kinds of events.

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
    /// The files passed the checks.
    Checked {
        /// The warnings of the checks, in lines.
        warnings: Vec<String>,
    },
    /// A push or a commit is refused before anything is built.
    Rejected {
        /// The reason, in one line.
        why: String,
        /// The details, in lines.
        details: Vec<String>,
    },
    /// A push concerns only branches that are not deployed.
    NotForDeploy {
        /// The branch that the repository deploys; `None` if nothing was deployed yet.
        deployed: Option<String>,
    },
    /// A push with `-o async` is accepted.
    Accepted,
    /// A controller continues the work of an earlier one.
    Resumed,
    /// A note that does not affect the deploy.
    Noted {
        /// The note, in one sentence.
        note: String,
    },
    /// The stacks of a commit are about to be prepared.
    Preparing {
        /// Which.
        stacks: Vec<StackName>,
    },

    /// An image is about to be built.
    BuildBegun {
        /// The service.
        service: ServiceName,
    },
    /// The builder or the test of an image wrote a line.
    BuildOutput {
        /// The service.
        service: ServiceName,
        /// What.
        line: String,
    },
    /// An image passed its test.
    Tested {
        /// The service.
        service: ServiceName,
    },
    /// An image was pushed to the registry.
    Pushed {
        /// The service.
        service: ServiceName,
        /// Its name and tag.
        image: String,
        /// How many layers were pushed.
        new_layers: usize,
        /// How many layers the registry already had.
        known_layers: usize,
    },
    /// An image was built, tested and pushed, as far as it has a test and a registry.
    Built {
        /// The service.
        service: ServiceName,
        /// Its name, with its digest if a registry has it.
        image: String,
        /// The total duration.
        seconds: f64,
    },
    /// Building, testing or pushing an image failed.
    BuildFailed {
        /// The service.
        service: ServiceName,
        /// The reason.
        why: String,
        /// The last lines of the builder or the test.
        log: Vec<String>,
    },
    /// An image already exists and is not built.
    ImageFound {
        /// The service.
        service: ServiceName,
        /// Its name, with its digest if a registry has it.
        image: String,
    },
    /// An image is the same as the running one, whose name is kept.
    ImageKept {
        /// The service.
        service: ServiceName,
    },

    /// A stack is refused; nothing of it was changed.
    Refused {
        /// The reason.
        why: String,
        /// Whether nothing was reported of the commit before.
        news: bool,
    },
    /// A release is recorded and about to be rolled out.
    RollingOut,
    /// The stack waits, because as many other stacks are being changed as the settings allow.
    Queued,
    /// A wave of changes is about to be written.
    Wave {
        /// Which.
        changes: Vec<Change>,
    },
    /// skep waits for services.
    Waiting {
        /// The services and what is missing.
        services: Vec<Waiting>,
    },
    /// All tasks run; skep waits to see whether they stay up.
    Settling,
    /// Removed tasks have not stopped yet.
    Stopping {
        /// How many tasks.
        tasks: usize,
    },
    /// A round failed, at least partly; the next one is made all the same.
    Hindered {
        /// The reason.
        why: String,
    },
    /// A rollout was not observed for a while; this time does not count.
    Unwatched {
        /// The time and the cause.
        away: Away,
    },
    /// A release is healthy.
    Promoted,
    /// A release has failed.
    Failed {
        /// The reason.
        symptoms: Vec<Symptom>,
    },
    /// A stack is rolled back by the release of this event.
    RollingBack {
        /// The release whose contents run again; `None` if there was none.
        to: Option<ReleaseId>,
    },
    /// A release was replaced by a newer one before it ended.
    Superseded {
        /// The newer release.
        by: ReleaseId,
    },
    /// The outcome of a commit or a command for a stack.
    Verdict {
        /// The outcome.
        #[serde(flatten)]
        outcome: Outcome,
        /// The addresses of the stack.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        urls: Vec<String>,
        /// The time since the request, if known.
        #[serde(skip_serializing_if = "Option::is_none")]
        seconds: Option<f64>,
        /// Whether nothing was reported of the commit before.
        news: bool,
    },

    /// The stack was changed by hand: fields differ from its release.
    Drifted {
        /// The fields, such as `service web: replicas`.
        places: Vec<String>,
    },
    /// Fields that were changed by hand were changed back.
    Healed {
        /// How many.
        fields: usize,
    },
    /// Fields are no longer healed, because they are changed again and again.
    GivingWay {
        /// The fields, such as `service web: replicas`.
        places: Vec<String>,
    },

    /// All stacks of a commit run it, and the branch points at it.
    Deployed {
        /// The time since the request, if known.
        #[serde(skip_serializing_if = "Option::is_none")]
        seconds: Option<f64>,
    },
    /// Not all stacks run a commit, and skep does nothing more about it.
    NotDeployed {
        /// The reason.
        why: String,
        /// The number of its stacks.
        stacks: usize,
        /// How many of those do not run it.
        failing: usize,
        /// Whether the branch existed before.
        branch_existed: bool,
        /// Whether this was not reported of the commit before.
        news: bool,
    },
    /// The branch was moved to the running commit.
    BranchMoved,
    /// A commit runs, but the branch was not moved to it.
    BranchNotMoved {
        /// The reason.
        why: String,
    },
    /// A commit is not tried again, because handling it has ended a controller.
    GivenUp {
        /// The reason, and what to do.
        why: String,
    },
    /// A watched repository could not be fetched.
    NotFetched {
        /// The reason.
        why: String,
        /// Whether this was not reported before.
        news: bool,
    },

    /// skep itself failed.
    Broke {
        /// What it failed on, such as `this push`.
        task: String,
        /// The message of the panic.
        why: String,
    },
    /// A part of the controller ended unexpectedly and is restarted.
    WorkerRestarted {
        /// The part, such as `worker of shop`.
        worker: String,
        /// Why it ended.
        why: String,
    },
    /// The reader was too slow and missed some events; only if very many are missed, a verdict is among them.
    Missed {
        /// How many.
        count: u64,
    },
}

impl What {
    /// Whether it is a frequent event that later ones replace: a slow reader misses these first.
    pub fn is_detail(&self) -> bool {
        matches!(self, Self::BuildOutput { .. } | Self::Waiting { .. } | Self::Settling | Self::Stopping { .. })
    }
}
