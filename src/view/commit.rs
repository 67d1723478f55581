//! Commits that are to run, or did not come to run as a whole: what the stacks one by one do not tell.

use serde::Serialize;

use super::StackView;
use crate::name::CommitId;
use crate::release::{Handled, Intent, State, Upstream};

/// A commit of a stack's repository that the stacks do not all run.
#[derive(Debug, Clone, Serialize)]
pub struct CommitView {
    commit: CommitId,
    /// How it stands, for a person.
    #[serde(rename = "message")]
    pub sentence: String,
    #[serde(flatten)]
    state: State,
}

impl From<&Intent> for CommitView {
    fn from(intent: &Intent) -> Self {
        Self { commit: intent.origin.commit.clone(), sentence: intent.sentence(), state: intent.state.clone() }
    }
}

/// Whether a commit is worth a line: not if its only stack tells of its failure already.
pub(super) fn is_news(intent: &Intent, views: &[StackView]) -> bool {
    let mut stacks = intent.stacks.iter();
    let (Some(only), None, State::Failed { .. }) = (stacks.next(), stacks.next(), &intent.state) else { return true };
    let tried = |view: &StackView| view.attempted_commit.as_ref() == Some(&intent.origin.commit);
    !views.iter().any(|view| view.stack == *only && tried(view))
}

/// Whether the line of a watched repository tells of this commit: that it does not run, and why.
pub(super) fn is_told_by(intent: &Intent, upstream: &Upstream) -> bool {
    intent.state.has_ended()
        && intent.origin.repository == upstream.repository
        && upstream.commit.as_ref() == Some(&intent.origin.commit)
        && matches!(upstream.handled, Handled::Refused { .. } | Handled::Failed { .. })
}

/// The commit that a stack belongs to, among those that are worth a line.
pub(super) fn of<'a>(view: &StackView, commits: &'a [Intent]) -> Option<&'a Intent> {
    let names = |intent: &&Intent| intent.stacks.contains(&view.stack);
    let owns = |intent: &&Intent| view.repository.as_ref() == Some(&intent.origin.repository);
    commits.iter().find(|intent| names(intent) || owns(intent))
}
