//! `git push` as the interface: checked before it is accepted, and the exit code is the verdict.

use std::path::PathBuf;

use tokio::sync::mpsc;

use super::deploy::{Deployed, Order, stacks_of};
use super::lines::Lines;
use super::supervise::caught;
use super::{Controller, origin};
use crate::lint::{self, Checked, Severity};
use crate::name::CommitId;
use crate::release::{Cause, Intent, State};
use crate::revision::Revision;
use crate::source::Objects;
use crate::source::server::{self, DEPLOYED, RepositoryName};
use crate::text::one_line;

/// Somebody pushes to a repository on the built-in server; Git has taken the objects in, but has moved no branch yet.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Push {
    /// The repository, without `.git`: `shop`, or `team/shop`.
    pub repository: String,
    /// Who pushes, as they said to the server.
    pub user: String,
    /// What they want moved.
    pub updates: Vec<RefUpdate>,
    /// What they gave with `git push -o`.
    pub options: Vec<String>,
    /// Where Git keeps the objects until the push is accepted.
    pub quarantine: Option<PathBuf>,
}

impl Push {
    fn has(&self, option: &str) -> bool {
        self.options.iter().any(|given| given == option)
    }
}

/// A ref that a push wants moved.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RefUpdate {
    /// Its full name, such as `refs/heads/main`.
    pub name: String,
    /// Where it is; none if it is new.
    pub old: Option<CommitId>,
    /// Where it should be; none if it should go.
    pub new: Option<CommitId>,
}

/// What can be said with `git push -o`.
const OPTIONS: [&str; 5] = ["async", "retry", "confirm-removal", "adopt", "force"];
/// How many findings a pusher is shown.
const FINDINGS: usize = 12;

/// What a push asks for.
#[derive(Debug, PartialEq, Eq)]
enum Wish<'a> {
    /// Nothing that is deployed.
    Nothing,
    /// That this be deployed.
    Deploy(&'a RefUpdate, &'a CommitId),
    /// Something that is not done.
    No(String),
}

impl Controller {
    /// Handles a push: sends each line for the pusher as it happens, and answers whether Git may move the branches.
    /// It goes on when nobody reads the lines any more.
    pub async fn push(&self, push: Push, lines: mpsc::Sender<String>) -> bool {
        let controller = self.clone();
        let lines = Lines::to(lines);
        let take = async move {
            match Box::pin(caught(controller.take(push, &lines))).await {
                Ok(accepted) => accepted,
                Err(panic) => {
                    tracing::error!(panic, "skep itself failed on a push");
                    lines.say(format!("error: skep itself failed on this push: {panic}; see the log of skep")).await;
                    false
                }
            }
        };
        tokio::spawn(take).await.unwrap_or(false)
    }

    async fn take(&self, push: Push, lines: &Lines) -> bool {
        if let Some(option) = push.options.iter().find(|option| !OPTIONS.contains(&option.as_str())) {
            let known = OPTIONS.map(|option| format!("`{option}`")).join(", ");
            lines.say(format!("error: there is no push option `{option}`; there are {known}")).await;
            return false;
        }
        match wish(&push.updates) {
            Wish::Nothing => {
                lines.say("nothing is deployed by this push: skep deploys the branch main (or master)").await;
                true
            }
            Wish::No(reason) => {
                lines.say(format!("error: {reason}")).await;
                false
            }
            Wish::Deploy(update, commit) => self.take_commit(&push, update, commit, lines).await,
        }
    }

    async fn take_commit(&self, push: &Push, update: &RefUpdate, commit: &CommitId, lines: &Lines) -> bool {
        let (intent, order) = match self.accept(push, update, commit, lines).await {
            Ok(accepted) => accepted,
            Err(reason) => {
                self.metrics.refused();
                for line in reason {
                    lines.say(line).await;
                }
                return false;
            }
        };
        let since = order.since;
        if push.has("async") {
            lines.say(accepted(intent.branch())).await;
            let (controller, repository) = (self.clone(), push.repository.clone());
            tokio::spawn(async move { controller.carry_out(intent, &order, &repository, &Lines::nowhere()).await });
            return true;
        }
        let good = self.carry_out(intent, &order, &push.repository, lines).await.why.is_none();
        tracing::info!(repository = push.repository, %commit, good, seconds = self.deployer.cluster.clock.now().duration_since(since).as_secs_f64(), "push handled");
        good
    }

    /// Reads and checks what was pushed, and records that it is to be deployed; the lines that say what is wrong with it
    /// otherwise.
    async fn accept(
        &self,
        push: &Push,
        update: &RefUpdate,
        commit: &CommitId,
        lines: &Lines,
    ) -> Result<(Intent, Order), Vec<String>> {
        let said = |error: &dyn std::fmt::Display| vec![format!("error: {error}")];
        let name: RepositoryName = push.repository.parse().map_err(|error| said(&error))?;
        self.not_given_up(push, commit).await.map_err(|why| said(&why))?;
        // What the settings allow a watched repository is not for another one that is called the same.
        if self.settings.repositories.contains_key(&name.to_string()) {
            return Err(vec![format!(
                "error: `{name}` is watched elsewhere; push there, or to a repository of another name"
            )]);
        }
        let path = self.server.path(&name);
        let revision = self.read(&path, commit, push.quarantine.as_deref()).await.map_err(|error| said(&error))?;
        let origin = origin(&revision, &push.repository, update.name.strip_prefix("refs/heads/"));
        let checked = self.checked(revision, lines).await?;
        let stacks = stacks_of(&checked, &push.repository).map_err(|error| said(&error))?;
        let intent = Intent {
            number: 0,
            origin,
            cause: Cause::Push,
            created: self.deployer.cluster.clock.now(),
            base: update.old.clone(),
            user: Some(push.user.clone()),
            options: push.options.iter().cloned().collect(),
            news: true,
            stacks: stacks.into_iter().map(|(name, _)| name).collect(),
            state: State::Preparing { attempt: 1 },
        };
        if let Some(quarantine) = &push.quarantine {
            // The deploy must outlive the push, and the controller.
            server::keep_objects(&path, quarantine).await.map_err(|error| said(&error))?;
            server::pin(&path, commit).await.map_err(|error| said(&error))?;
        }
        let (intent, turn) = self.intend(intent).await.map_err(|error| said(&error))?;
        let order = Order::of(&intent, checked, Objects::of_repository(&path, None), turn);
        Ok((intent, order))
    }

    /// A commit that has ended a controller is not even read, unless somebody means it.
    async fn not_given_up(&self, push: &Push, commit: &CommitId) -> Result<(), String> {
        let known = self.deployer.cluster.intent(&push.repository).await.ok().flatten();
        let given_up = |intent: &Intent| {
            intent.origin.commit == *commit && matches!(intent.state, State::GivenUp { .. }) && !push.has("retry")
        };
        known.filter(given_up).map_or(Ok(()), |intent| Err(format!("{} {}", commit.short(), intent.given_up())))
    }

    async fn checked(&self, revision: Revision, lines: &Lines) -> Result<Checked, Vec<String>> {
        lines.say(format!("checking {} {}", revision.commit.short(), one_line(&revision.subject))).await;
        let checked = self.lint(revision).await.map_err(|rejection| {
            let (mut findings, texts) = (rejection.findings, rejection.texts);
            findings.retain(|finding| finding.severity > Severity::Info);
            let mut said = lint::report::remote(&findings, &texts, FINDINGS);
            said.push("the push is refused, nothing was changed".into());
            said
        })?;
        let warnings: Vec<_> =
            checked.findings().iter().filter(|finding| finding.severity == Severity::Warning).cloned().collect();
        for line in lint::report::remote(&warnings, &checked.revision().texts, FINDINGS) {
            lines.say(line).await;
        }
        Ok(checked)
    }

    pub(super) fn count(&self, result: &Deployed, order: &Order) {
        match &result.outcome {
            Ok(outcome) => self.metrics.ended(outcome),
            Err(_) => self.metrics.refused(),
        }
        if result.is_good() {
            let took = self.deployer.cluster.clock.now().duration_since(order.since);
            self.metrics.healthy_after(took.unsigned_abs());
        }
    }
}

/// What somebody reads who does not wait.
fn accepted(branch: &str) -> String {
    format!("accepted; the deploy goes on in the background and moves `{branch}` when it is done, see `skep status`")
}

/// What these updates ask for.
fn wish(updates: &[RefUpdate]) -> Wish<'_> {
    let Some(update) = DEPLOYED.iter().find_map(|name| updates.iter().find(|update| update.name == *name)) else {
        return Wish::Nothing;
    };
    match &update.new {
        Some(commit) => Wish::Deploy(update, commit),
        None => Wish::No(format!(
            "`{}` names what runs and is not deleted; to take a stack away, use `skep remove`",
            update.name
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_branch_is_deployed_and_it_cannot_be_deleted() {
        let commit: CommitId = "1".repeat(40).parse().unwrap();
        let update =
            |name: &str, new: bool| RefUpdate { name: name.into(), old: None, new: new.then(|| commit.clone()) };
        let feature = [update("refs/heads/feature", true), update("refs/tags/v1", true)];
        assert_eq!(wish(&feature), Wish::Nothing);
        let both = [update("refs/heads/feature", true), update("refs/heads/main", true)];
        assert_eq!(wish(&both), Wish::Deploy(&both[1], &commit));
        assert!(matches!(wish(&[update("refs/heads/main", false)]), Wish::No(_)));
    }
}
