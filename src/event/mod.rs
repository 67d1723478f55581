//! What happened, to what and by whom: one type for everybody who wants to know.
//!
//! An [`Event`] is made at the one place where something happens. All that tells of it is made from the event: the lines
//! of a pusher and of a terminal ([`Narrator`]), the log, the metrics, the reports to forges, the logs of builds that are
//! kept. The names of events and of their fields are a contract (`docs/events.md`): new ones are added, and those there
//! are keep their meaning.
//!
//! No event holds what is known to be a secret: plans come masked, builders' lines do, and the log of a failed container
//! is shown to those who wait, and is not written.

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

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event {
    /// When, by the clock of whoever saw it.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub what: What,
    /// To what.
    #[serde(flatten)]
    pub subject: Subject,
}

/// What an event is about, as far as it is about that: a push that is refused has no release, a worker no commit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Subject {
    /// The repository.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_shown")]
    pub repository: Option<Repository>,
    /// The branch of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitId>,
    /// Who made the commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Who pushed it.
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
    /// The same, with the commit that this came from.
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

    /// A release, with the commit that it was made of.
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
