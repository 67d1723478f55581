//! Commands: changes of one stack that a person asks for, and how they are answered. The controller carries them out where
//! there is one; otherwise the command line does.

use serde::{Deserialize, Serialize};

use super::{Cause, Origin, ReleaseId};
use crate::name::{Repository, StackName};
use crate::plan::{Fingerprint, Plan};
use crate::preflight::Consent;
use crate::stack::Stack;

/// What is to be done with one stack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "command")]
pub enum Command {
    /// Record a release, and roll it out: a deploy, a step back to an earlier release, a change of owner.
    Propose(Box<Proposal>),
    /// Record that the stack is to be removed, and remove it.
    Remove {
        /// The stack.
        stack: StackName,
        /// Whether everything goes that bears the stack's label, whoever made it.
        everything: bool,
    },
    /// Remove the records of the stack's releases.
    Forget {
        /// The stack.
        stack: StackName,
        /// The release whose record stays.
        kept: Option<ReleaseId>,
    },
    /// Change back what differs from the release that runs.
    Heal {
        /// The stack.
        stack: StackName,
    },
}

/// How a command was answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "answer")]
pub enum Answer {
    /// Of [`Command::Propose`].
    Proposed(Proposed),
    /// Of [`Command::Remove`]: the stack is removed by this release.
    Removing {
        /// The release.
        release: ReleaseId,
    },
    /// Of [`Command::Forget`].
    Forgotten,
    /// Of [`Command::Heal`]; `healed` is `None` if no release runs, or one is rolling out.
    Healed {
        /// What was done.
        healed: Option<Healed>,
    },
    /// It was not carried out.
    Refused {
        /// Why, in sentences for the person who asked.
        why: String,
    },
}

/// What a stack should become, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proposal {
    /// Where it comes from.
    pub origin: Origin,
    /// Why it is made.
    pub cause: Cause,
    /// What should be.
    pub desired: Stack,
    /// The plan that somebody has seen and agreed to; `None` if any plan will do.
    pub bound: Option<Fingerprint>,
    /// What somebody has agreed to that is not done otherwise.
    pub consent: Consent,
    /// Whether somebody is known to have changed something.
    pub news: bool,
    /// Whether it is what an earlier release was: it is not admitted anew, and nobody has looked for its images since.
    pub is_recorded: bool,
    /// To whom the stack belongs from now on; decided by its admission if `None`.
    pub owner: Option<Repository>,
}

/// What became of a proposal that was not refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposed {
    /// What became of it.
    pub accepted: Accepted,
    /// Notes for the person who asked, in sentences.
    pub notes: Vec<String>,
}

/// The release that a proposal led to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Accepted {
    /// It is what runs already, as this release: nothing was written.
    Unchanged(ReleaseId),
    /// It is being rolled out under this number.
    Rolling(ReleaseId),
}

/// What became of differences from the release that runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Healed {
    /// What was changed back.
    pub done: Plan,
    /// What still differs.
    pub left: Plan,
    /// Why.
    pub trouble: Vec<String>,
}

impl Command {
    /// The stack that it is about.
    pub fn stack(&self) -> &StackName {
        match self {
            Self::Propose(proposal) => &proposal.desired.name,
            Self::Remove { stack, .. } | Self::Forget { stack, .. } | Self::Heal { stack } => stack,
        }
    }

    /// What it is called in logs.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Propose(_) => "propose",
            Self::Remove { .. } => "remove",
            Self::Forget { .. } => "forget",
            Self::Heal { .. } => "heal",
        }
    }

    /// The same, with each repository in it replaced.
    #[must_use]
    pub fn with_repositories(self, replace: impl Fn(Repository) -> Repository) -> Self {
        let Self::Propose(proposal) = self else { return self };
        let Proposal { origin, owner, .. } = *proposal.clone();
        let origin = Origin { repository: replace(origin.repository), ..origin };
        Self::Propose(Box::new(Proposal { origin, owner: owner.map(replace), ..*proposal }))
    }
}

impl Proposal {
    /// One that is bound to no plan, and to which nobody has agreed in advance.
    pub fn new(origin: Origin, cause: Cause, desired: Stack) -> Self {
        Self {
            origin,
            cause,
            desired,
            bound: None,
            consent: Consent::default(),
            news: true,
            is_recorded: false,
            owner: None,
        }
    }
}
