//! Commands: changes of one stack that a person asks for, and how they are answered. The controller carries them out
//! where there is one; otherwise the command line does.

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
        /// Whether to remove everything that bears the stack's label, also what skep did not create.
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

/// The answer to a command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "answer")]
pub enum Answer {
    /// The answer to [`Command::Propose`].
    Proposed(Proposed),
    /// Of [`Command::Remove`]: the stack is removed by this release.
    Removing {
        /// The release.
        release: ReleaseId,
    },
    /// The answer to [`Command::Forget`].
    Forgotten,
    /// The answer to [`Command::Heal`]; `healed` is `None` if no release runs, or one is rolling out.
    Healed {
        /// What was done.
        healed: Option<Healed>,
    },
    /// The command was refused or failed.
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
    /// The desired stack.
    pub desired: Stack,
    /// The plan that somebody has seen and agreed to; `None` if any plan will do.
    pub bound: Option<Fingerprint>,
    /// The exceptions that the person agreed to.
    pub consent: Consent,
    /// Whether the change is known to come from a person: a removed stack may then come back.
    pub news: bool,
    /// Whether it repeats an earlier release: it is not admitted again, and its images have not been checked since.
    pub is_recorded: bool,
    /// The owner of the stack from now on; decided by its admission if `None`.
    pub owner: Option<Repository>,
}

/// The result of a proposal that was not refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposed {
    /// Its release.
    pub accepted: Accepted,
    /// Notes for the person who asked, in sentences.
    pub notes: Vec<String>,
}

/// The release that a proposal led to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Accepted {
    /// This release already runs it; nothing was written.
    Unchanged(ReleaseId),
    /// It is being rolled out under this number.
    Rolling(ReleaseId),
}

/// The result of healing differences from the release that runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Healed {
    /// The fields that were changed back.
    pub done: Plan,
    /// The fields that still differ.
    pub left: Plan,
    /// Why.
    pub trouble: Vec<String>,
}

impl Command {
    /// The stack that the command concerns.
    pub fn stack(&self) -> &StackName {
        match self {
            Self::Propose(proposal) => &proposal.desired.name,
            Self::Remove { stack, .. } | Self::Forget { stack, .. } | Self::Heal { stack } => stack,
        }
    }

    /// The name of the command in logs.
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
    /// A proposal that is bound to no plan and has no consent.
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
