//! Deploys a commit: the same way for a push, for `-o async`, for a watched repository, and after a restart.
//!
//! A repository may have many stacks, and a controller may be killed between any two of them. The [`Intent`] to deploy
//! the commit as a whole is therefore recorded before its first stack is proposed:
//!
//! 1. the objects of a pushed commit are kept on the disk and pinned (`refs/skep/pushed/<commit>`),
//! 2. the intent is recorded and replaces the previous one: `preparing`,
//! 3. each stack is prepared and proposed; when all of them are: `rolling`,
//! 4. when all of them run the commit: `deployed`; then the branch is moved, the intent and the pin are removed.
//!
//! If a stack fails to run the commit, the intent stays as `failed`, with the reason, until the next commit of the
//! repository replaces it. A controller that starts resumes the intents that have not ended: it proposes the remaining
//! stacks and follows the rollouts. It marks an attempt before it begins, and gives up a commit that ended the controller
//! while its files were read ([`Intent::resumption`]).
//!
//! The intent is a config in the swarm, as releases are, and not a file: the mirror of a watched repository may be lost
//! and so may a disk, two controllers agree about it by compare-and-swap, and `skep status` reads it from any machine.
//!
//! The branch of a repository on skep's own server names the running commit. It is moved only here: Git leaves it to skep
//! ([`crate::cli::branch_hook`]). It is moved after every stack runs the commit, also if nobody waits for it, and that is
//! retried if the disk is full.

use std::path::{Path, PathBuf};

use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;

use super::Controller;
use super::backoff::Backoff;
use super::cluster;
use super::deploy::Deployed;
use super::events::EventSender;
use super::found::rejected;
use super::request::DeployRequest;
use super::supersede::Generation;
use super::supervise::caught;
use crate::event::What;
use crate::name::Repository;
use crate::release::{Intent, Origin, Resumption, State};
use crate::source::server::{self, RepositoryName};
use crate::source::{self, Objects};
use crate::store::{self, Intents};

/// How many commits are resumed at once when a controller starts.
const TAKEN_UP: usize = 8;
/// The most stacks that a reason names.
const NAMED: usize = 3;

/// The result of a commit.
#[derive(Debug)]
pub(super) struct Ended {
    /// The results of its stacks.
    pub(super) results: Vec<Deployed>,
    /// Why not all stacks run it, or why the branch was not moved to it.
    pub(super) why: Option<String>,
}

impl Ended {
    /// Whether the same commit may succeed later without a change: all of its stacks that do not run it were refused
    /// for a reason that may pass.
    pub(super) fn may_pass(&self) -> bool {
        let mut bad = self.results.iter().filter(|result| !result.is_good()).peekable();
        bad.peek().is_some() && bad.all(Deployed::may_pass)
    }

    /// The verdicts of the stacks that do not run the commit; `why` if it was refused as a whole.
    pub(super) fn verdicts(&self, why: &str) -> Vec<String> {
        let bad: Vec<String> = self.results.iter().filter(|it| !it.is_good()).map(Deployed::verdict).collect();
        if bad.is_empty() { vec![why.to_owned()] } else { bad }
    }
}

/// Why the branch was not moved to a commit that runs.
#[derive(Debug, thiserror::Error)]
enum Unfinished {
    #[error(transparent)]
    Record(#[from] cluster::Error),
    #[error(transparent)]
    Branch(#[from] source::Error),
}

impl Unfinished {
    /// Whether the branch will never be moved to this commit.
    fn is_final(&self) -> bool {
        match self {
            Self::Record(error) => matches!(error, cluster::Error::Store(store::Error::Replaced { .. })),
            Self::Branch(error) => matches!(error, source::Error::Moved { .. }),
        }
    }
}

impl Controller {
    /// Records the intent to deploy a commit; returns it with its generation among the commits of its repository.
    pub(super) async fn intend(&self, intent: Intent) -> Result<(Intent, Generation), cluster::Error> {
        // The newest intent and the newest generation must belong to the same commit.
        let _enrolling = self.enrolling.lock().await;
        let intent = self.deployer.cluster.intend(&self.deployer.lease, intent).await?;
        let generation = self.generation(&intent.origin.repository);
        Ok((intent, generation))
    }

    /// Deploys all stacks of a commit and moves the branch when all of them run it. What happens is told as happening to
    /// that commit.
    pub(super) async fn carry_out(&self, intent: Intent, request: DeployRequest, events: &EventSender) -> Ended {
        let events = &events.of_intent(&intent);
        match caught(self.deploy_all(intent.clone(), request, events)).await {
            Ok(ended) => ended,
            Err(panic) => self.refused(intent, &broken(&panic), events).await,
        }
    }

    async fn deploy_all(&self, mut intent: Intent, request: DeployRequest, events: &EventSender) -> Ended {
        let (since, was_told) = (request.since, !intent.is_pushed() && self.verdicts.has(&intent.origin));
        let begun = async { self.note(&mut intent, State::Rolling).await };
        let results = match self.deployer.deploy(request, events, begun).await {
            Ok(results) => results,
            Err(refused) => return self.refused(intent, &refused.to_string(), events).await,
        };
        let took = self.deployer.cluster.clock.now().duration_since(since).unsigned_abs().as_secs_f64();
        for result in &results {
            result.tell(events, took, !was_told || result.is_good());
        }
        let why = match unfinished(&results) {
            Some(why) => {
                self.fail(&mut intent, &why, &results, events).await;
                Some(why)
            }
            None => self.finish(intent, Some(took), events).await.err(),
        };
        Ended { results, why }
    }

    async fn refused(&self, mut intent: Intent, why: &str, events: &EventSender) -> Ended {
        self.fail(&mut intent, why, &[], events).await;
        Ended { results: Vec::new(), why: Some(why.to_owned()) }
    }

    /// Records the state of a commit. Nothing is recorded if a newer commit has replaced it.
    async fn note(&self, intent: &mut Intent, state: State) {
        if let Err(error) = self.deployer.cluster.mark(&self.deployer.lease, intent, state).await {
            tracing::warn!(repository = %intent.origin.repository, commit = %intent.origin.commit, %error, "the state of a commit was not recorded");
        }
    }

    /// Records and tells that a commit does not run as a whole, and that nothing more is done about it.
    async fn fail(&self, intent: &mut Intent, why: &str, tried: &[Deployed], events: &EventSender) {
        let news = self.record_failure(intent, why).await;
        events.of_intent(intent).send(What::NotDeployed {
            why: why.to_owned(),
            stacks: tried.len(),
            failing: tried.iter().filter(|result| !result.is_good()).count(),
            branch_existed: intent.base.is_some(),
            news,
        });
    }

    /// The same of a commit of which no stack was tried, and nobody waits for it.
    pub(super) async fn fail_untried(&self, intent: &mut Intent, why: &str) {
        self.fail(intent, why, &[], &self.events).await;
    }

    /// Records that a commit does not run as a whole; whether that was not told before.
    pub(super) async fn record_failure(&self, intent: &mut Intent, why: &str) -> bool {
        let is_news = self.verdicts.is_news(&intent.origin, why);
        let failed = State::failed(self.deployer.cluster.clock.now(), why);
        self.note(intent, failed).await;
        self.let_go(&intent.origin).await;
        is_news
    }

    /// Records and tells that a commit is not tried again, because handling it has ended a controller.
    pub(super) async fn give_up(&self, intent: &mut Intent, events: &EventSender) {
        let why = format!("{} {}", intent.origin.commit.short(), intent.given_up());
        let at = self.deployer.cluster.clock.now();
        self.note(intent, State::GivenUp { at }).await;
        self.let_go(&intent.origin).await;
        events.of_intent(intent).send(What::GivenUp { why });
    }

    /// Moves the branch to a commit that runs, and removes the intent. A failure is reported, and retried as long as
    /// the reason may pass.
    async fn finish(&self, mut intent: Intent, seconds: Option<f64>, events: &EventSender) -> Result<(), String> {
        let events = &events.of_intent(&intent);
        let error = match self.try_to_finish(&mut intent, events).await {
            Ok(()) => {
                events.send(What::Deployed { seconds });
                return Ok(());
            }
            Err(error) => error,
        };
        let mut why = error.to_string();
        if error.is_final() {
            self.record_failure(&mut intent, &why).await;
        } else {
            why += "; skep tries again until it succeeds";
            drop(self.supervisor().spawn(self.clone().keep_finishing(intent)));
        }
        events.send(What::BranchNotMoved { why: why.clone() });
        Err(why)
    }

    async fn keep_finishing(self, mut intent: Intent) {
        let (clock, events) = (&self.deployer.cluster.clock, self.events.of_intent(&intent));
        let mut backoff = Backoff::default();
        loop {
            clock.wait(backoff.next(clock.now())).await;
            let Err(error) = self.try_to_finish(&mut intent, &events).await else {
                return events.send(What::Deployed { seconds: None });
            };
            let why = error.to_string();
            if error.is_final() {
                self.record_failure(&mut intent, &why).await;
                return events.send(What::BranchNotMoved { why });
            }
            events.send(What::BranchNotMoved { why });
        }
    }

    async fn try_to_finish(&self, intent: &mut Intent, events: &EventSender) -> Result<(), Unfinished> {
        if intent.is_pushed() {
            if intent.state != State::Deployed
                && let Err(error) = self
                    .deployer
                    .cluster
                    .mark(&self.deployer.lease, intent, State::Deployed)
                    .await
                    .map_err(Unfinished::from)
            {
                // Another controller may have finished it while this one was disconnected.
                return if error.is_final() && self.is_at_branch(intent).await { Ok(()) } else { Err(error) };
            }
            if self.move_branch(intent).await? {
                events.send(What::BranchMoved);
            }
        }
        self.deployer.cluster.settle(&self.deployer.lease, intent).await?;
        self.let_go(&intent.origin).await;
        Ok(())
    }

    /// The repository on this disk that a commit was pushed to, and its branch.
    fn branch_of(&self, intent: &Intent) -> Option<(PathBuf, String)> {
        let name = hosted(&intent.origin.repository)?;
        Some((self.server.path(&name), format!("refs/heads/{}", intent.origin.branch.as_ref()?)))
    }

    /// Whether the branch already points at the commit.
    async fn is_at_branch(&self, intent: &Intent) -> bool {
        let Some((path, name)) = self.branch_of(intent) else { return false };
        let there = tokio::task::spawn_blocking(move || server::branch_at(&path, &name)).await;
        there.is_ok_and(|there| there.as_ref() == Some(&intent.origin.commit))
    }

    /// Whether there was a branch to move.
    async fn move_branch(&self, intent: &Intent) -> Result<bool, source::Error> {
        let Some((path, name)) = self.branch_of(intent) else { return Ok(false) };
        let commit = &intent.origin.commit;
        server::move_branch(&path, &name, intent.base.as_ref(), commit).await?;
        Ok(true)
    }

    /// Unpins the objects of a pushed commit, which a branch now keeps or which are no longer needed.
    pub(super) async fn let_go(&self, origin: &Origin) {
        let Some(name) = hosted(&origin.repository) else { return };
        if !self.server.has(&name) {
            return;
        }
        if let Err(error) = server::unpin(&self.server.path(&name), &origin.commit).await {
            tracing::warn!(repository = %name, commit = %origin.commit, %error, "a commit stays pinned");
        }
    }

    /// Resumes the commits of repositories on skep's own server that an earlier controller left. Their generations are
    /// lower than those of all later pushes; the work itself is not waited for.
    pub(super) fn take_up(&self, intents: &Intents) {
        for damaged in &intents.damaged {
            tracing::warn!(
                record = damaged.name,
                why = damaged.why,
                "the record of a commit is damaged and passed over"
            );
        }
        let open = intents.intents.values().filter(|intent| intent.is_pushed() && !intent.state.has_ended());
        let pushed = open.filter(|intent| self.has_repository_of(intent));
        let left: Vec<(Intent, Generation)> =
            pushed.map(|intent| (intent.clone(), self.generation(&intent.origin.repository))).collect();
        let controller = self.clone();
        let resume = move |(intent, generation)| {
            let controller = controller.clone();
            async move { Box::pin(controller.resume_caught(intent, generation)).await }
        };
        drop(self.supervisor().spawn(stream::iter(left).for_each_concurrent(TAKEN_UP, resume)));
    }

    /// Records that the commits being prepared are interrupted because skep was told to stop, and did not cause it, and
    /// that this controller is about to stop.
    pub async fn put_down(&self) {
        self.put_down_commits().await;
        self.deregister().await;
    }

    async fn put_down_commits(&self) {
        let store = &self.deployer.cluster.store;
        let Ok(intents) = store.intents().await else { return };
        for intent in intents.intents.values().filter(|intent| !intent.origin.repository.is_foreign()) {
            let Some(state) = intent.put_down() else { continue };
            if let Err(error) = store.set_state(&self.deployer.lease, intent, &state).await {
                tracing::warn!(repository = %intent.origin.repository, %error, "the next controller takes this for a failed attempt");
            }
        }
    }

    fn has_repository_of(&self, intent: &Intent) -> bool {
        let there = hosted(&intent.origin.repository).is_some_and(|name| self.server.has(&name));
        if !there {
            tracing::warn!(repository = %intent.origin.repository, commit = %intent.origin.commit, "a commit waits for its repository, which is not on this disk");
        }
        there
    }

    async fn resume_caught(&self, mut intent: Intent, generation: Generation) {
        if let Err(panic) = Box::pin(caught(self.resume_commit(intent.clone(), generation))).await {
            self.fail_untried(&mut intent, &broken(&panic)).await;
        }
    }

    async fn resume_commit(&self, mut intent: Intent, generation: Generation) {
        match intent.resumption() {
            Resumption::Leave => {}
            Resumption::GiveUp => self.give_up(&mut intent, &self.events).await,
            // What is in the way of it is told, and tried again.
            Resumption::MoveBranch => drop(self.finish(intent, None, &self.events).await),
            Resumption::Deploy(state) => {
                if self.mark_attempt(&mut intent, state).await {
                    self.events.of_intent(&intent).send(What::Resumed);
                    self.deploy_again(intent, generation).await;
                }
            }
        }
    }

    /// Records an attempt before it begins; returns whether the commit is still the newest.
    async fn mark_attempt(&self, intent: &mut Intent, state: State) -> bool {
        loop {
            match self.deployer.cluster.mark(&self.deployer.lease, intent, state.clone()).await {
                Ok(()) => return true,
                Err(error) if error.is_transient() => {
                    tracing::warn!(repository = %intent.origin.repository, %error, "a commit waits for the swarm");
                }
                Err(error) => {
                    tracing::info!(repository = %intent.origin.repository, %error, "a commit is not taken up");
                    return false;
                }
            }
        }
    }

    /// Reads, checks and deploys a commit whose intent is recorded.
    pub(super) async fn deploy_again(&self, mut intent: Intent, generation: Generation) {
        let origin = &intent.origin;
        let Some(name) = hosted(&origin.repository) else { return };
        let path = self.server.path(&name);
        let variables = self.variables(origin.repository.name(), origin.branch.as_deref());
        let checked = match self.read(&path, &origin.commit, None, variables.clone()).await {
            Ok(revision) => self.lint(revision, &variables).await.map_err(|rejection| rejected(&rejection)),
            Err(error) => Err(error.to_string()),
        };
        match checked {
            Ok(checked) => {
                let (objects, fallback) = (Objects::of_repository(&path, None), name.to_string());
                let request = DeployRequest::of(&intent, checked, objects, &fallback, generation);
                self.carry_out(intent, request, &self.events).await;
            }
            Err(why) => self.fail_untried(&mut intent, &why).await,
        }
    }

    /// Unpins commits without an intent, and restores branches that were lost. `run` are the running releases of the
    /// stacks.
    pub(super) async fn tidy_up(self, intents: Intents, run: Vec<(Timestamp, Origin)>) {
        for name in self.server.repositories().await {
            let path = self.server.path(&name);
            let intent = intents.intents.get(&Repository::hosted(name.to_string()));
            let wanted = intent.filter(|intent| !intent.state.has_ended()).map(|intent| &intent.origin.commit);
            for commit in server::pinned(&path).await.unwrap_or_default() {
                if Some(&commit) != wanted {
                    drop(server::unpin(&path, &commit).await);
                }
            }
            // While there is an intent, the commit has failed or has not ended.
            if let (None, Some(origin)) = (intent, newest_of(&name, &run)) {
                self.restore_branch(&path, origin).await;
            }
        }
    }

    async fn restore_branch(&self, path: &Path, origin: &Origin) {
        let Some(branch) = &origin.branch else { return };
        let name = format!("refs/heads/{branch}");
        // If another branch is deployed, this one was given up.
        if server::branch_at(path, &name).is_some() || server::deployed_branch(path).is_some() {
            return;
        }
        match server::move_branch(path, &name, None, &origin.commit).await {
            Ok(()) => {
                tracing::warn!(repository = %origin.repository, branch, commit = %origin.commit, "the branch was lost; restored from the newest release");
            }
            Err(error) => {
                tracing::warn!(repository = %origin.repository, branch, %error, "the branch was lost, and cannot be restored");
            }
        }
    }
}

/// The reason for a commit on which skep itself panicked.
pub(super) fn broken(panic: &str) -> String {
    format!("skep itself failed on this commit: {panic}; see the log of skep")
}

/// The name of a repository on this server.
fn hosted(repository: &Repository) -> Option<RepositoryName> {
    repository.hosted_name()?.parse().ok()
}

/// The newest running release of a repository.
fn newest_of<'a>(repository: &RepositoryName, run: &'a [(Timestamp, Origin)]) -> Option<&'a Origin> {
    let of_it = run.iter().filter(|(_, origin)| origin.repository.hosted_name() == Some(&repository.to_string()));
    of_it.max_by_key(|(created, _)| *created).map(|(_, origin)| origin)
}

/// Why not all stacks run a commit; `None` if all do.
fn unfinished(results: &[Deployed]) -> Option<String> {
    let bad: Vec<String> = results.iter().filter(|result| !result.is_good()).map(Deployed::verdict).collect();
    let named = bad.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ");
    match bad.len() {
        0 => None,
        count if count <= NAMED => Some(named),
        count if count == NAMED + 1 => Some(format!("{named}; and 1 more stack")),
        count => Some(format!("{named}; and {} more stacks", count - NAMED)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::{Outcome, ReleaseId};

    fn deployed(stack: &str, outcome: Outcome) -> Deployed {
        Deployed { stack: stack.parse().unwrap(), release: Some(ReleaseId(2)), outcome: Ok(outcome), urls: Vec::new() }
    }

    fn sick(stack: &str) -> Deployed {
        deployed(stack, Outcome::RolledBack { to: Some(ReleaseId(1)), symptoms: Vec::new() })
    }

    #[test]
    fn the_reason_names_the_first_stacks_and_counts_the_others() {
        assert_eq!(unfinished(&[deployed("good", Outcome::Promoted)]), None);
        let mixed = [deployed("good", Outcome::Unchanged), sick("a")];
        assert_eq!(unfinished(&mixed).unwrap(), "a r2 was not healthy; r1 runs again");
        let many: Vec<Deployed> = ["a", "b", "c", "d", "e"].map(sick).into();
        insta::assert_snapshot!(unfinished(&many).unwrap(), @"a r2 was not healthy; r1 runs again; b r2 was not healthy; r1 runs again; c r2 was not healthy; r1 runs again; and 2 more stacks");
    }
}
