//! The view of pending and failed commits.

use serde::Serialize;

use super::StackView;
use crate::name::CommitId;
use crate::release::{Handled, Intent, State, Upstream};

/// A commit of a stack's repository that not all stacks run.
#[derive(Debug, Clone, Serialize)]
pub struct CommitView {
    commit: CommitId,
    /// Its state, as a sentence.
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

/// Whether a commit is shown: not if its only stack already shows the failure.
pub(super) fn is_news(intent: &Intent, views: &[StackView]) -> bool {
    let mut stacks = intent.stacks.iter();
    let (Some(only), None, State::Failed { .. }) = (stacks.next(), stacks.next(), &intent.state) else { return true };
    let tried = |view: &StackView| view.attempted_commit.as_ref() == Some(&intent.origin.commit);
    !views.iter().any(|view| view.stack == *only && tried(view))
}

/// Whether the line of a watched repository already shows that this commit does not run, and why.
pub(super) fn is_told_by(intent: &Intent, upstream: &Upstream) -> bool {
    intent.state.has_ended()
        && intent.origin.repository == upstream.repository
        && upstream.commit.as_ref() == Some(&intent.origin.commit)
        && matches!(upstream.handled, Handled::Refused { .. } | Handled::Failed { .. })
}

/// The shown commit that a stack belongs to.
pub(super) fn of<'a>(view: &StackView, commits: &'a [Intent]) -> Option<&'a Intent> {
    let names = |intent: &&Intent| intent.stacks.contains(&view.stack);
    let owns = |intent: &&Intent| view.repository.as_ref() == Some(&intent.origin.repository);
    commits.iter().find(|intent| names(intent) || owns(intent))
}
