//! The intent to deploy a commit. A repository may have many stacks, each with its own releases; the intent describes the
//! commit as a whole: that it should run, its state, and why it failed.
//!
//! It is recorded before the first stack of the commit is proposed and removed when every stack runs the commit and the
//! branch names it. A controller that starts takes up what is left ([`Intent::resumption`]).

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Cause, Origin};
use crate::name::{CommitId, StackName};

/// How often the stacks of a commit are prepared if the controller ends meanwhile. The cause of that is not known:
/// an operator, a node that restarts, or the commit itself.
const ATTEMPTS: u32 = 2;
/// The longest recorded reason, in characters.
const REASON: usize = 1_000;

/// A commit that should run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Its number among the intents of its repository; only the newest is valid.
    pub number: u64,
    /// The commit and its repository.
    pub origin: Origin,
    /// How skep learned of the commit.
    pub cause: Cause,
    /// When it was requested, by the controller's clock.
    pub created: Timestamp,
    /// The commit of the branch at that time; `None` if the branch did not exist, or the repository is not on skep's
    /// own server.
    pub base: Option<CommitId>,
    /// The user who pushed it.
    pub user: Option<String>,
    /// The options of the push.
    pub options: BTreeSet<String>,
    /// Whether the change is known to come from a person: a removed stack may then come back.
    pub news: bool,
    /// The stacks of the commit; empty until its files have been checked.
    pub stacks: BTreeSet<StackName>,
    /// Its state, kept in the labels of the record and not in its payload.
    #[serde(skip, default = "State::checking")]
    pub state: State,
}

/// The state of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum State {
    /// Its files are being read and checked, by this process alone and within moments.
    Checking,
    /// Its stacks are being prepared and proposed.
    Preparing {
        /// The number of this attempt, from 1; 0 if no attempt has failed and none is under way.
        attempt: u32,
    },
    /// All of its stacks have been proposed and roll out.
    Rolling,
    /// All of its stacks run it; the branch has still to be moved.
    Deployed,
    /// Not all of its stacks run it, and skep does nothing more about it.
    Failed {
        /// When that was.
        at: Timestamp,
        /// The reason, for people.
        why: String,
    },
    /// The controller ended while it handled this commit. It is not tried again.
    GivenUp {
        /// When that was.
        at: Timestamp,
    },
}

/// What a controller that starts does about a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resumption {
    /// Deploys all of it, after it has recorded this state.
    Deploy(State),
    /// Moves the branch.
    MoveBranch,
    /// Gives it up, because handling it has ended a controller.
    GiveUp,
    /// Nothing: it has ended.
    Leave,
}

impl State {
    /// The state of a commit whose files have not been checked.
    pub fn checking() -> Self {
        Self::Checking
    }

    /// The failed state, with the reason cut to the length that a record may hold.
    pub fn failed(at: Timestamp, why: &str) -> Self {
        Self::Failed { at, why: why.chars().take(REASON).collect() }
    }

    /// Whether skep does nothing more about the commit.
    pub fn has_ended(&self) -> bool {
        matches!(self, Self::Failed { .. } | Self::GivenUp { .. })
    }
}

impl Intent {
    /// What a controller that starts does about it.
    pub fn resumption(&self) -> Resumption {
        match self.state {
            State::Checking => Resumption::GiveUp,
            State::Preparing { attempt } if attempt >= ATTEMPTS => Resumption::GiveUp,
            State::Preparing { attempt } => Resumption::Deploy(State::Preparing { attempt: attempt + 1 }),
            State::Rolling => Resumption::Deploy(State::Preparing { attempt: 1 }),
            State::Deployed => Resumption::MoveBranch,
            State::Failed { .. } | State::GivenUp { .. } => Resumption::Leave,
        }
    }

    /// The state to record when the controller is told to stop, so that the current attempt does not count as failed.
    /// `None` if nothing has to be recorded.
    pub fn put_down(&self) -> Option<State> {
        match self.state {
            State::Checking => Some(State::Preparing { attempt: 0 }),
            State::Preparing { attempt } => Some(State::Preparing { attempt: attempt.saturating_sub(1) }),
            _ => None,
        }
    }

    /// Whether the commit was pushed to skep's own Git server, which has a branch to move.
    pub fn is_pushed(&self) -> bool {
        self.cause == Cause::Push
    }

    /// The state of the commit in one sentence, for people.
    pub fn sentence(&self) -> String {
        let subject =
            if self.origin.subject.is_empty() { String::new() } else { format!(" ({})", self.origin.subject) };
        let commit = format!("{} of {}{subject}", self.origin.commit.short(), self.origin.repository);
        match &self.state {
            State::Checking => format!("{commit} is being checked"),
            State::Preparing { attempt: 0 | 1 } => format!("{commit} is being prepared"),
            State::Preparing { .. } => {
                format!("{commit} is being prepared again, because skep was stopped the first time")
            }
            State::Rolling => format!("{commit} is rolling out"),
            State::Deployed => format!("{commit} runs, and {} is still to be moved to it", self.branch()),
            State::Failed { why, .. } => format!("{commit} was not deployed as a whole: {why}"),
            State::GivenUp { .. } => format!("{commit} {}", self.given_up()),
        }
    }

    /// Why a commit that was given up is not tried again, and what to do.
    pub fn given_up(&self) -> String {
        let again = if self.is_pushed() {
            "push a change, or the same again with `git push -o retry`"
        } else {
            "a newer commit is deployed as usual"
        };
        format!("was given up, because skep ended abruptly while it handled this commit (its log may say why); {again}")
    }

    /// The branch as a person writes it.
    pub fn branch(&self) -> &str {
        self.origin.branch.as_deref().unwrap_or("the branch")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn intent(state: State) -> Intent {
        let id = "1".repeat(40);
        Intent {
            number: 1,
            origin: Origin {
                repository: "shop".into(),
                branch: Some("main".into()),
                commit: id.parse().unwrap(),
                tree: id.parse().unwrap(),
                author: "Ada <ada@example.com>".into(),
                subject: "Sell more".into(),
            },
            cause: Cause::Push,
            created: Timestamp::UNIX_EPOCH,
            base: None,
            user: Some("ada".into()),
            options: BTreeSet::new(),
            news: true,
            stacks: BTreeSet::new(),
            state,
        }
    }

    #[test]
    fn a_commit_that_ends_the_controller_is_given_up() {
        let mut prepared = intent(State::Preparing { attempt: 1 });
        let Resumption::Deploy(again) = prepared.resumption() else { panic!("it may have been an operator") };
        prepared.state = again;
        assert_eq!(prepared.resumption(), Resumption::GiveUp);
        assert_eq!(intent(State::Checking).resumption(), Resumption::GiveUp, "nothing but the commit was at work");
    }

    #[test]
    fn a_controller_that_is_told_to_stop_leaves_no_failed_attempt() {
        let mut stopped = intent(State::Preparing { attempt: 1 });
        for _ in 0..3 {
            stopped.state = stopped.put_down().unwrap();
            let Resumption::Deploy(again) = stopped.resumption() else { panic!("it was told to stop") };
            stopped.state = again;
        }
        assert_eq!(intent(State::Checking).put_down(), Some(State::Preparing { attempt: 0 }));
        assert_eq!(intent(State::Rolling).put_down(), None);
    }

    #[test]
    fn a_rollout_may_be_interrupted_any_number_of_times() {
        let first = Resumption::Deploy(State::Preparing { attempt: 1 });
        assert_eq!(intent(State::Rolling).resumption(), first);
        assert_eq!(intent(State::Deployed).resumption(), Resumption::MoveBranch);
        assert_eq!(intent(State::failed(Timestamp::UNIX_EPOCH, "no")).resumption(), Resumption::Leave);
    }

    #[test]
    fn a_person_reads_how_a_commit_stands() {
        let at = Timestamp::UNIX_EPOCH;
        let states = [
            State::Checking,
            State::Preparing { attempt: 1 },
            State::Preparing { attempt: 2 },
            State::Rolling,
            State::Deployed,
            State::failed(at, "blog r2 was not healthy; r1 runs again"),
            State::GivenUp { at },
        ];
        insta::assert_snapshot!(states.map(|state| intent(state).sentence()).join("\n"), @"
        1111111 of shop (Sell more) is being checked
        1111111 of shop (Sell more) is being prepared
        1111111 of shop (Sell more) is being prepared again, because skep was stopped the first time
        1111111 of shop (Sell more) is rolling out
        1111111 of shop (Sell more) runs, and main is still to be moved to it
        1111111 of shop (Sell more) was not deployed as a whole: blog r2 was not healthy; r1 runs again
        1111111 of shop (Sell more) was given up, because skep ended abruptly while it handled this commit (its log may say why); push a change, or the same again with `git push -o retry`
        ");
    }
}
