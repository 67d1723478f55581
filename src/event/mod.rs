//! Events: a record of what happened, with its time and subject, for all readers.
//!
//! An [`Event`] is created at the place where something happens. All reports are made from events: the lines of a pusher
//! and of a terminal ([`Narrator`]), the log, the metrics, the reports to forges, and build logs. The names of events and
//! of their fields are a contract (`docs/events.md`): new ones may be added, and existing ones keep their meaning.
//!
//! No event contains a known secret: plans and lines of builders are masked, and the log of a failed container is shown
//! to the person who waits, and is not written.

mod narrator;
#[cfg(test)]
mod tests;
mod what;
mod words;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::name::{CommitId, Repository, StackName};
use crate::release::{Origin, Release, ReleaseId};

pub use narrator::Narrator;
pub use what::What;
pub use words::{build_line, failed, symptom, verdict};

/// An event.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event {
    /// When it happened, by the clock of the process that saw it.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
    /// What it concerns.
    #[serde(flatten)]
    pub subject: Subject,
}

/// What an event concerns; `None` where nothing applies: a push that is refused has no release, a worker no commit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Subject {
    /// The repository.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_shown")]
    pub repository: Option<Repository>,
    /// The branch of the repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitId>,
    /// The author of the commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// The user who pushed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The stack.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stack: Option<StackName>,
    /// The release of the stack.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<ReleaseId>,
}

impl Subject {
    /// The same, with the commit of this origin.
    #[must_use]
    pub fn from_origin(self, origin: &Origin) -> Self {
        let known = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        Self {
            repository: Some(origin.repository.clone()),
            branch: origin.branch.clone(),
            commit: Some(origin.commit.clone()),
            author: known(&origin.author),
            ..self
        }
    }

    /// A release with its commit.
    pub fn of_release(release: &Release) -> Self {
        let (stack, release_id) = (Some(release.stack.clone()), Some(release.id));
        Self { stack, release: release_id, ..Self::default().from_origin(&release.origin) }
    }

    /// The branch as a person writes it.
    pub(crate) fn branch_shown(&self) -> &str {
        self.branch.as_deref().unwrap_or("the branch")
    }
}

#[expect(clippy::ref_option, reason = "serde gives the field as it is")]
fn as_shown<S: Serializer>(repository: &Option<Repository>, serializer: S) -> Result<S::Ok, S::Error> {
    match repository {
        Some(repository) => serializer.collect_str(repository),
        None => serializer.serialize_none(),
    }
}
