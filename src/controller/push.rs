//! `git push` as the interface: checked before it is accepted, and the exit code is the verdict.

use std::collections::BTreeSet;
use std::path::PathBuf;

use tokio::sync::mpsc;

use super::deploy::{Deployed, Order};
use super::lines::Lines;
use super::supervise::caught;
use super::{Controller, origin};
use crate::lint::{self, Checked, Severity};
use crate::name::CommitId;
use crate::release::{Cause, Origin};
use crate::revision::Revision;
use crate::source::Objects;
use crate::source::server::{self, RepositoryName};

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

    /// One that Git has taken in already, and whose pusher does not wait.
    fn accepted(repository: &RepositoryName, update: RefUpdate) -> Self {
        Self {
            repository: repository.to_string(),
            user: "skep".into(),
            updates: vec![update],
            options: vec!["async".into()],
            quarantine: None,
        }
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

/// The branches that are deployed; a repository has one of them.
const DEPLOYED: [&str; 2] = ["refs/heads/main", "refs/heads/master"];
/// What can be said with `git push -o`.
const OPTIONS: [&str; 4] = ["async", "retry", "confirm-removal", "force"];
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
            match caught(controller.take(push, &lines)).await {
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
        let order = match self.check(push, update, commit, lines).await {
            Ok(order) => order,
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
            lines.say("accepted; the deploy goes on in the background, see `skep status`").await;
            let controller = self.clone();
            tokio::spawn(async move { controller.deploy_pushed(&order, &Lines::nowhere()).await });
            return true;
        }
        let good = self.deploy_pushed(&order, lines).await;
        if good && lines.is_abandoned() {
            self.move_branch(&order.origin).await;
        }
        tracing::info!(repository = push.repository, %commit, good, seconds = self.deployer.cluster.clock.now().duration_since(since).as_secs_f64(), "push handled");
        good
    }

    /// Reads and checks what was pushed; the lines that say what is wrong with it otherwise.
    async fn check(
        &self,
        push: &Push,
        update: &RefUpdate,
        commit: &CommitId,
        lines: &Lines,
    ) -> Result<Order, Vec<String>> {
        let said = |error: &dyn std::fmt::Display| vec![format!("error: {error}")];
        let name: RepositoryName = push.repository.parse().map_err(|error| said(&error))?;
        let path = self.server.path(&name);
        let revision = self.read(&path, commit, push.quarantine.as_deref()).await.map_err(|error| said(&error))?;
        let origin = origin(&revision, &push.repository, update.name.strip_prefix("refs/heads/"));
        let checked = self.checked(revision, lines).await?;
        if let Some(quarantine) = &push.quarantine {
            // The deploy must outlive the push, and the controller.
            server::keep_objects(&path, quarantine).await.map_err(|error| said(&error))?;
            server::pin(&path, commit).await.map_err(|error| said(&error))?;
        }
        Ok(Order {
            checked,
            objects: Objects::of_repository(&path, None),
            origin,
            cause: Cause::Push,
            retry: push.has("retry"),
            confirm_removal: push.has("confirm-removal"),
            force: push.has("force"),
            news: true,
            since: self.deployer.cluster.clock.now(),
            turn: self.turn(&push.repository),
        })
    }

    async fn checked(&self, revision: Revision, lines: &Lines) -> Result<Checked, Vec<String>> {
        lines.say(format!("checking {} {}", revision.commit.short(), revision.subject)).await;
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

    /// Deploys what was pushed, and lets go of its commit: by then a branch or a record has it, or nobody wants it.
    async fn deploy_pushed(&self, order: &Order, lines: &Lines) -> bool {
        let good = self.deploy(order, &order.origin.repository, lines).await;
        self.let_go(&order.origin).await;
        good
    }

    pub(super) async fn let_go(&self, origin: &Origin) {
        let Ok(name) = origin.repository.parse::<RepositoryName>() else { return };
        if let Err(error) = server::unpin(&self.server.path(&name), &origin.commit).await {
            tracing::warn!(repository = %name, commit = %origin.commit, %error, "a commit stays pinned");
        }
    }

    /// Deploys what was accepted with `-o async` and is in no record, because a controller before this was killed.
    pub(super) async fn keep_promises(&self, recorded: &BTreeSet<CommitId>) {
        for repository in self.server.repositories().await {
            let promised = server::promised(&self.server.path(&repository)).await.unwrap_or_default();
            for (branch, commit) in promised {
                if !recorded.contains(&commit) {
                    tracing::info!(%repository, branch, %commit, "deploying what was accepted before");
                    let update = RefUpdate { name: format!("refs/heads/{branch}"), old: None, new: Some(commit) };
                    self.take(Push::accepted(&repository, update), &Lines::nowhere()).await;
                }
            }
        }
    }

    /// Deploys, tells the verdicts, counts them; whether all is good.
    async fn deploy(&self, order: &Order, repository: &str, lines: &Lines) -> bool {
        let results = match self.deployer.deploy(order, repository, lines).await {
            Ok(results) => results,
            Err(refused) => {
                self.metrics.refused();
                lines.say(format!("error: {refused}")).await;
                return false;
            }
        };
        for result in &results {
            self.count(result, order);
            lines.say(result.verdict()).await;
        }
        results.iter().all(Deployed::is_good)
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
