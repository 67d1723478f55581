//! The overview of a swarm.

use super::{CommitView, StackView, commit};
use crate::release::{Intent, Upstream};

/// The stacks, the watched repositories, and the commits that do not fully run.
#[derive(Debug, Clone)]
pub struct Overview {
    /// The stacks, each with the pending or failed commit of its repository.
    pub stacks: Vec<StackView>,
    /// The pending and failed commits that are not shown with a stack or repository.
    pub commits: Vec<Intent>,
    /// The watched repositories.
    pub upstreams: Vec<Upstream>,
}

impl Overview {
    /// Combines stacks, commits and repositories, without repetition.
    pub fn of(mut stacks: Vec<StackView>, commits: impl IntoIterator<Item = Intent>, upstreams: Vec<Upstream>) -> Self {
        let is_news = |intent: &Intent| {
            commit::is_news(intent, &stacks) && !upstreams.iter().any(|it| commit::is_told_by(intent, it))
        };
        let commits: Vec<Intent> = commits.into_iter().filter(is_news).collect();
        for stack in &mut stacks {
            stack.pending = commit::of(stack, &commits).map(CommitView::from);
        }
        Self { stacks, commits, upstreams }
    }
}
