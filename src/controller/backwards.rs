//! A deploy must descend from the running commit, so that an older commit does not replace it unnoticed.
//!
//! A repository on an empty or an old disk accepts any commit as a new branch. The record of the running commit is in the
//! swarm and not on that disk. Watched repositories are not checked: there the forge decides about the branch.

use super::request::DeployRequest;
use crate::name::{CommitId, StackName};
use crate::release::{Cause, History, Origin, Release, ReleaseId};
use crate::source::Ancestry;

/// Why a commit may not replace the running one.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The commit is older than the running one, or its history was rewritten.
    #[error(
        "{commit} does not descend from {running}, which the stack `{stack}` runs as {release}; to go back, use `skep \
         rollback {stack}`; if the history was rewritten on purpose, push with `git push --force -o force`",
        commit = commit.short(), running = running.short()
    )]
    Backwards {
        /// The stack.
        stack: StackName,
        /// The commit that was pushed.
        commit: CommitId,
        /// The commit that runs.
        running: CommitId,
        /// The release that runs.
        release: ReleaseId,
    },
    /// The repository does not contain the running commit.
    #[error(
        "this repository does not have the commit {running}, which the stack `{stack}` runs as {release}: is skep's data \
         folder the same as before? If it is lost, push a history that contains {running}; to start from another one, use \
         `git push -o force`",
        running = running.short()
    )]
    Forgotten {
        /// The stack.
        stack: StackName,
        /// The commit that runs.
        running: CommitId,
        /// The release that runs.
        release: ReleaseId,
    },
}

impl Refusal {
    /// Returns why the commit of `origin` may not replace `running`, given its relation to the running commit.
    fn of(origin: &Origin, running: &Release, ancestry: Ancestry) -> Option<Self> {
        let (stack, release) = (running.stack.clone(), running.id);
        let (commit, running) = (origin.commit.clone(), running.origin.commit.clone());
        match ancestry {
            Ancestry::Descends => None,
            Ancestry::Diverged => Some(Self::Backwards { stack, commit, running, release }),
            Ancestry::Unknown => Some(Self::Forgotten { stack, running, release }),
        }
    }
}

/// The release whose commit a push must descend from: the last good one of the same branch.
fn predecessor<'a>(origin: &Origin, history: &'a History) -> Option<&'a Release> {
    let running = history.promoted()?;
    let is_pushed = !matches!(running.cause, Cause::Adopt | Cause::Remove { .. });
    let is_same = running.origin.repository == origin.repository && running.origin.branch == origin.branch;
    (is_pushed && is_same && running.origin.commit != origin.commit).then_some(running)
}

/// The relation of a commit to the running one. A commit that runs in some stacks only, because others failed, was
/// never the commit of the branch (`base`): it may be amended, like every commit that descends from the branch.
fn standing(
    commit: &CommitId,
    running: &CommitId,
    base: Option<&CommitId>,
    ancestry: impl Fn(&CommitId, &CommitId) -> Ancestry,
) -> Ancestry {
    let goes_on = |commit, base| ancestry(commit, base) == Ancestry::Descends;
    match ancestry(commit, running) {
        Ancestry::Diverged if base.is_some_and(|base| goes_on(running, base) && goes_on(commit, base)) => {
            Ancestry::Descends
        }
        other => other,
    }
}

impl DeployRequest {
    /// Whether this request may take the place of what runs, and what is to be known of that.
    pub(super) async fn goes_backwards(&self, history: &History) -> Result<Option<String>, Refusal> {
        let Some(running) = predecessor(&self.origin, history).filter(|_| !self.has("force")) else { return Ok(None) };
        let (objects, commit, base) = (self.objects.clone(), self.origin.commit.clone(), self.base.clone());
        let earlier = running.origin.commit.clone();
        // A history that cannot be read proves nothing.
        let ancestry =
            move |commit: &CommitId, earlier: &CommitId| objects.ancestry(commit, earlier).unwrap_or(Ancestry::Unknown);
        let compared = tokio::task::spawn_blocking(move || standing(&commit, &earlier, base.as_ref(), ancestry)).await;
        let ancestry = compared.unwrap_or(Ancestry::Unknown);
        match Refusal::of(&self.origin, running, ancestry) {
            Some(refusal) if self.cause == Cause::Push => Err(refusal),
            Some(_) => Ok(Some("the branch does not go on from what runs, and is followed all the same".to_owned())),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::Timestamp;

    use super::*;
    use crate::release::Phase;
    use crate::stack::Stack;

    fn origin(digit: &str) -> Origin {
        Origin {
            repository: "shop".into(),
            branch: Some("main".into()),
            commit: digit.repeat(40).parse().unwrap(),
            tree: digit.repeat(40).parse().unwrap(),
            author: "Ada <ada@example.com>".into(),
            subject: "Change".into(),
        }
    }

    fn release(id: u64, digit: &str, cause: Cause, phase: Phase) -> Release {
        let stack = Stack::empty("shop".parse().unwrap());
        Release {
            id: ReleaseId(id),
            stack: stack.name.clone(),
            origin: origin(digit),
            owner: None,
            cause,
            created: Timestamp::UNIX_EPOCH,
            images: BTreeMap::new(),
            desired: Some(stack),
            phase,
            recorded: Timestamp::UNIX_EPOCH,
        }
    }

    fn good(id: u64, digit: &str, cause: Cause) -> Release {
        release(id, digit, cause, Phase::promoted(Timestamp::UNIX_EPOCH))
    }

    fn before(releases: Vec<Release>, digit: &str) -> Option<ReleaseId> {
        predecessor(&origin(digit), &History::new(releases)).map(|release| release.id)
    }

    #[test]
    fn a_push_goes_on_from_the_last_good_release_of_its_branch() {
        let failed = || release(2, "2", Cause::Push, Phase::failed(Timestamp::UNIX_EPOCH, Vec::new()));
        let rolling = || release(2, "2", Cause::Push, Phase::rolling(Timestamp::UNIX_EPOCH));
        assert_eq!(before(Vec::new(), "1"), None, "nothing runs");
        assert_eq!(before(vec![good(1, "1", Cause::Push)], "2"), Some(ReleaseId(1)));
        assert_eq!(before(vec![good(1, "1", Cause::Push)], "1"), None, "it is the same commit");
        assert_eq!(
            before(vec![good(1, "1", Cause::Push), failed()], "3"),
            Some(ReleaseId(1)),
            "what failed is amended"
        );
        assert_eq!(
            before(vec![good(1, "1", Cause::Push), rolling()], "3"),
            Some(ReleaseId(1)),
            "what rolls is amended"
        );
        assert_eq!(before(vec![good(1, "1", Cause::Adopt)], "2"), None, "what ran before skep has no commit");
        assert_eq!(before(vec![good(1, "1", Cause::Remove { everything: false })], "2"), None, "nothing runs any more");
        let elsewhere =
            Release { origin: Origin { branch: Some("master".into()), ..origin("1") }, ..good(1, "1", Cause::Push) };
        assert_eq!(before(vec![elsewhere], "2"), None, "another branch");
    }

    #[test]
    fn what_the_branch_never_named_may_be_amended() {
        // 1 ← 2 ← 3, and 4 after 1, and 5 after nothing.
        let line: BTreeMap<&str, Vec<&str>> = BTreeMap::from([
            ("1", vec!["1"]),
            ("2", vec!["2", "1"]),
            ("3", vec!["3", "2", "1"]),
            ("4", vec!["4", "1"]),
            ("5", vec!["5"]),
        ]);
        let ancestry = |commit: &CommitId, earlier: &CommitId| {
            let goes_on = line[&commit.as_str()[..1]].contains(&&earlier.as_str()[..1]);
            if goes_on { Ancestry::Descends } else { Ancestry::Diverged }
        };
        let id = |digit: &str| origin(digit).commit;
        let stands = |commit: &str, running: &str, base: Option<&str>| {
            standing(&id(commit), &id(running), base.map(id).as_ref(), ancestry)
        };
        assert_eq!(stands("4", "2", Some("1")), Ancestry::Descends, "2 failed in part and is amended");
        assert_eq!(stands("2", "3", Some("1")), Ancestry::Descends, "3 failed in part and is taken back");
        assert_eq!(stands("4", "2", Some("2")), Ancestry::Diverged, "the branch named 2");
        assert_eq!(stands("2", "3", Some("3")), Ancestry::Diverged, "it is older than what runs");
        assert_eq!(stands("4", "2", None), Ancestry::Diverged, "the branch is gone");
        assert_eq!(stands("5", "2", Some("1")), Ancestry::Diverged, "another history");
    }

    #[test]
    fn what_does_not_go_on_from_what_runs_is_refused_with_what_to_do() {
        let running = good(12, "1", Cause::Push);
        let said = |ancestry| Refusal::of(&origin("2"), &running, ancestry).map(|refusal| refusal.to_string());
        assert_eq!(said(Ancestry::Descends), None);
        insta::assert_snapshot!(said(Ancestry::Diverged).unwrap(), @"2222222 does not descend from 1111111, which the stack `shop` runs as r12; to go back, use `skep rollback shop`; if the history was rewritten on purpose, push with `git push --force -o force`");
        insta::assert_snapshot!(said(Ancestry::Unknown).unwrap(), @"this repository does not have the commit 1111111, which the stack `shop` runs as r12: is skep's data folder the same as before? If it is lost, push a history that contains 1111111; to start from another one, use `git push -o force`");
    }
}
