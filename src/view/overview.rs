//! All of a swarm that skep knows of.

use super::{CommitView, StackView, commit};
use crate::release::{Intent, Upstream};

/// The stacks, the watched repositories, and the commits that do not run as a whole.
#[derive(Debug, Clone)]
pub struct Overview {
    /// Each stack, with the commit of its repository that it waits for, or that did not come to run.
    pub stacks: Vec<StackView>,
    /// The commits that are to run, or did not come to, as far as neither a stack nor a repository tells of it.
    pub commits: Vec<Intent>,
    /// The watched repositories.
    pub upstreams: Vec<Upstream>,
}

impl Overview {
    /// Puts together what is known of stacks, commits and repositories: nothing is told twice.
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
