//! Commits that are to run, or did not come to run as a whole: what the stacks one by one do not tell.

use serde::Serialize;

use super::report::Report;
use crate::name::CommitId;
use crate::release::{Handled, Intent, State, Upstream};

/// A commit of a stack's repository that the stacks do not all run.
#[derive(Debug, Serialize)]
pub(super) struct Pending {
    commit: CommitId,
    /// How it stands, for a person.
    #[serde(rename = "message")]
    pub(super) sentence: String,
    #[serde(flatten)]
    state: State,
}

impl From<&Intent> for Pending {
    fn from(intent: &Intent) -> Self {
        Self { commit: intent.origin.commit.clone(), sentence: intent.sentence(), state: intent.state.clone() }
    }
}

/// Whether a commit is worth a line: not if its only stack tells of its failure already.
pub(super) fn is_news(intent: &Intent, reports: &[Report]) -> bool {
    let mut stacks = intent.stacks.iter();
    let (Some(only), None, State::Failed { .. }) = (stacks.next(), stacks.next(), &intent.state) else { return true };
    let tried = |report: &Report| report.attempted_commit.as_ref() == Some(&intent.origin.commit);
    !reports.iter().any(|report| report.stack == *only && tried(report))
}

/// Whether the line of a watched repository tells of this commit: that it does not run, and why.
pub(super) fn is_told_by(intent: &Intent, upstream: &Upstream) -> bool {
    intent.state.has_ended()
        && intent.origin.repository == upstream.repository
        && upstream.commit.as_ref() == Some(&intent.origin.commit)
        && matches!(upstream.handled, Handled::Refused { .. } | Handled::Failed { .. })
}

/// The commit that a stack belongs to, among those that are worth a line.
pub(super) fn of<'a>(report: &Report, commits: &'a [Intent]) -> Option<&'a Intent> {
    let names = |intent: &&Intent| intent.stacks.contains(&report.stack);
    let owns = |intent: &&Intent| report.repository.as_ref() == Some(&intent.origin.repository);
    commits.iter().find(|intent| names(intent) || owns(intent))
}
