//! Handles `git push`: a push is checked before it is accepted, and its exit code is the verdict.

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::deploy::stacks_of;
use super::events::{EventSender, reader};
use super::remote_lines;
use super::request::DeployRequest;
use super::supervise::caught;
use super::{Controller, origin};
use crate::diagnostic::{Diagnostic, Severity, render};
use crate::event::What;
use crate::lint::Checked;
use crate::name::{CommitId, Repository};
use crate::release::{Cause, Intent, State};
use crate::revision::Revision;
use crate::source::Objects;
use crate::source::server::{self, DEPLOYED, RepositoryName};
use crate::stack::variables::Set;
use crate::text::one_line;

/// A push to a repository on the built-in server; Git has received the objects, but has not moved any branch yet.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Push {
    /// The repository, without `.git`: `shop`, or `team/shop`.
    pub repository: String,
    /// The user name that the pusher gave.
    pub user: String,
    /// The requested changes of refs.
    pub updates: Vec<RefUpdate>,
    /// The push options (`git push -o`).
    pub options: Vec<String>,
    /// Where Git keeps the objects until the push is accepted.
    pub quarantine: Option<PathBuf>,
}

impl Push {
    fn has(&self, option: &str) -> bool {
        self.options.iter().any(|given| given == option)
    }
}

/// A change of a ref in a push.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RefUpdate {
    /// Its full name, such as `refs/heads/main`.
    pub name: String,
    /// Its current commit; `None` if it is new.
    pub old: Option<CommitId>,
    /// Its new commit; `None` if it is to be deleted.
    pub new: Option<CommitId>,
}

/// The known push options.
const OPTIONS: [&str; 5] = ["async", "retry", "confirm-removal", "adopt", "force"];
/// How many branches that are not deployed are checked.
const BRANCHES: usize = 3;
/// How long a pusher may take for the lines that are left when the push has been handled.
const FAREWELL: Duration = Duration::from_secs(30);
/// The most findings that a pusher is shown.
const FINDINGS: usize = 12;

/// The intent of a push.
#[derive(Debug, PartialEq, Eq)]
enum PushIntent<'a> {
    /// It does not concern the deployed branch.
    Nothing,
    /// It asks to deploy this commit.
    Deploy(&'a RefUpdate, &'a CommitId),
    /// It is refused, for this reason.
    No(String),
}

impl Controller {
    /// Handles a push: sends each line for the pusher at once, and returns whether Git may move the branches. It goes
    /// on if the lines are no longer read.
    pub async fn push(&self, push: Push, lines: mpsc::Sender<String>) -> bool {
        let (reader, told) = reader();
        let (handled, ended) = oneshot::channel();
        let mut telling = tokio::spawn(remote_lines::send(told, lines, ended));
        let repository = Repository::hosted(&push.repository);
        let events = self.events.of_repository(&repository).of_user(&push.user).to([reader]);
        let controller = self.clone();
        let take = async move {
            let taken = Box::pin(caught(controller.take(push, &events))).await;
            taken.unwrap_or_else(|why| {
                events.send(What::Broke { task: "this push".into(), why });
                false
            })
        };
        let accepted = self.supervisor().run(take).await;
        // The verdict comes after the lines; the deploy has ended, whether anybody reads them or not.
        drop(handled);
        if tokio::time::timeout(FAREWELL, &mut telling).await.is_err() {
            telling.abort();
        }
        accepted
    }

    async fn take(&self, push: Push, events: &EventSender) -> bool {
        if let Some(option) = push.options.iter().find(|option| !OPTIONS.contains(&option.as_str())) {
            let known = OPTIONS.map(|option| format!("`{option}`")).join(", ");
            events.send(refused(vec![format!("error: there is no push option `{option}`; there are {known}")]));
            return false;
        }
        let deployed = self.deployed_branch(&push.repository);
        match wish(&push.updates, deployed, push.has("async")) {
            PushIntent::Nothing => {
                events.send(What::NotForDeploy { deployed: deployed.map(|name| short(name).to_owned()) });
                self.look_at_branches(&push, events).await;
                true
            }
            PushIntent::No(reason) => {
                events.send(refused(vec![format!("error: {reason}")]));
                false
            }
            PushIntent::Deploy(update, commit) => self.take_commit(&push, update, commit, events).await,
        }
    }

    fn deployed_branch(&self, repository: &str) -> Option<&'static str> {
        server::deployed_branch(&self.server.path(&repository.parse().ok()?))
    }

    /// Reports the errors in branches that are not deployed. They are accepted all the same.
    async fn look_at_branches(&self, push: &Push, events: &EventSender) {
        let Ok(name) = push.repository.parse::<RepositoryName>() else { return };
        let path = self.server.path(&name);
        let branch =
            |update: &RefUpdate| Some((update.name.strip_prefix("refs/heads/")?.to_owned(), update.new.clone()?));
        for (branch, commit) in push.updates.iter().filter_map(branch).take(BRANCHES) {
            let variables = self.variables(&push.repository, Some(&branch));
            let read = self.read(&path, &commit, push.quarantine.as_deref(), variables.clone()).await;
            // A branch without stacks is for something else.
            let Some(revision) = read.ok().filter(|revision| !revision.stack_files().is_empty()) else { continue };
            let Err(rejection) = self.lint(revision, &variables).await else { continue };
            let (mut findings, texts) = (rejection.findings, rejection.texts);
            findings.retain(|finding| finding.severity == Severity::Error);
            let (branch, summary) = (one_line(&branch), render::summary(&findings));
            let note = format!("`{branch}` could not be deployed as it is: {summary}");
            events.send(What::Noted { note });
            findings.truncate(FINDINGS);
            for line in render::short(&findings, &texts).lines() {
                events.send(What::Noted { note: line.to_owned() });
            }
        }
    }

    async fn take_commit(&self, push: &Push, update: &RefUpdate, commit: &CommitId, events: &EventSender) -> bool {
        let events = &events.of_commit_id(commit);
        let (intent, request) = match self.accept(push, update, commit, events).await {
            Ok(accepted) => accepted,
            Err(reason) => {
                events.send(refused(reason));
                return false;
            }
        };
        if push.has("async") {
            events.of_intent(&intent).send(What::Accepted);
            let controller = self.clone();
            let carried = async move { controller.carry_out(intent, request, &controller.events).await };
            drop(self.supervisor().spawn(carried));
            return true;
        }
        self.carry_out(intent, request, events).await.why.is_none()
    }

    /// Reads and checks a pushed commit, and records the intent to deploy it; an error consists of the lines for the
    /// pusher.
    async fn accept(
        &self,
        push: &Push,
        update: &RefUpdate,
        commit: &CommitId,
        events: &EventSender,
    ) -> Result<(Intent, DeployRequest), Vec<String>> {
        let said = |error: &dyn std::fmt::Display| vec![format!("error: {error}")];
        let name: RepositoryName = push.repository.parse().map_err(|error| said(&error))?;
        self.look_back(push, commit, events).await.map_err(|why| said(&why))?;
        // The settings of a watched repository must not apply to another one of the same name.
        if self.settings.repositories.contains_key(&name.to_string()) {
            return Err(vec![format!(
                "error: `{name}` is watched elsewhere; push there, or to a repository of another name"
            )]);
        }
        let path = self.server.path(&name);
        let branch = update.name.strip_prefix("refs/heads/");
        let variables = self.variables(&push.repository, branch);
        let read = self.read(&path, commit, push.quarantine.as_deref(), variables.clone()).await;
        let revision = read.map_err(|error| said(&error))?;
        let origin = origin(&revision, Repository::hosted(&push.repository), branch);
        let checked = self.checked(revision, &variables, &events.of_commit(&origin)).await?;
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
        let (intent, generation) = self.intend(intent).await.map_err(|error| said(&error))?;
        let request =
            DeployRequest::of(&intent, checked, Objects::of_repository(&path, None), &push.repository, generation);
        Ok((intent, request))
    }

    /// Refuses a commit that has ended a controller, unless it is pushed with `retry`. If the previous push was not
    /// waited for, its result is reported.
    async fn look_back(&self, push: &Push, commit: &CommitId, events: &EventSender) -> Result<(), String> {
        let Some(before) = self.deployer.cluster.intent(&Repository::hosted(&push.repository)).await.ok().flatten()
        else {
            return Ok(());
        };
        let is_given_up = matches!(before.state, State::GivenUp { .. });
        if before.origin.commit != *commit {
            if before.options.contains("async") && before.state.has_ended() {
                let branch = before.branch();
                let note = format!("{}; `{branch}` stayed where it was", one_line(&before.sentence()));
                events.send(What::Noted { note });
            }
        } else if is_given_up && !push.has("retry") {
            return Err(format!("{} {}", commit.short(), before.given_up()));
        }
        Ok(())
    }

    async fn checked(&self, revision: Revision, variables: &Set, events: &EventSender) -> Result<Checked, Vec<String>> {
        events.send(What::Checking { subject: revision.subject.clone() });
        let checked = self.lint(revision, variables).await.map_err(|rejection| {
            let (mut findings, texts) = (rejection.findings, rejection.texts);
            findings.retain(|finding| finding.severity > Severity::Info);
            let mut said = render::remote(&findings, &texts, FINDINGS);
            said.push("the push is refused, nothing was changed".into());
            said
        })?;
        events.send(passed(&checked));
        Ok(checked)
    }
}

/// A revision passed the checks, and what they warn of.
pub(super) fn passed(checked: &Checked) -> What {
    let is_warning = |finding: &&Diagnostic| finding.severity == Severity::Warning;
    let warnings: Vec<Diagnostic> = checked.findings().iter().filter(is_warning).cloned().collect();
    What::Checked { warnings: render::remote(&warnings, &checked.revision().texts, FINDINGS) }
}

/// A push is refused, with what the pusher reads.
fn refused(details: Vec<String>) -> What {
    let first = details.first().map(String::as_str).unwrap_or_default();
    What::Rejected { why: first.strip_prefix("error: ").unwrap_or(first).to_owned(), details }
}

fn short(name: &str) -> &str {
    name.strip_prefix("refs/heads/").unwrap_or(name)
}

/// The update of the deployed branch among these. A repository deploys one branch: the first of `main` and `master`
/// that is pushed, until it is deleted together with a push of the other one.
pub fn chosen<'a>(updates: &'a [RefUpdate], deployed: Option<&str>) -> Option<&'a RefUpdate> {
    let of = |name: &str| updates.iter().find(|update| update.name == name);
    let first = || DEPLOYED.iter().filter_map(|name| of(name)).find(|update| update.new.is_some());
    let Some(deployed) = deployed else { return first() };
    let update = of(deployed)?;
    if update.new.is_some() { Some(update) } else { first().or(Some(update)) }
}

/// A ref name that makes a shorter name ambiguous in Git, and the shorter name (`git help gitrevisions`).
fn hides(update: &RefUpdate) -> Option<(&str, &str)> {
    let name = update.name.as_str();
    let short = ["refs/heads/", "refs/tags/"].into_iter().find_map(|kind| name.strip_prefix(kind))?;
    short.starts_with("refs/").then_some((name, short))
}

/// The intent of these updates.
fn wish<'a>(updates: &'a [RefUpdate], deployed: Option<&str>, is_async: bool) -> PushIntent<'a> {
    if let Some((name, hidden)) = updates.iter().filter(|update| update.new.is_some()).find_map(hides) {
        return PushIntent::No(format!(
            "with a ref `{name}` Git no longer knows what `{hidden}` is, and nobody could push to that; leave out `refs/` inside of the name"
        ));
    }
    let Some(update) = chosen(updates, deployed) else { return PushIntent::Nothing };
    match (&update.new, deployed) {
        (Some(_), Some(before)) if before != update.name && is_async => PushIntent::No(format!(
            "`{}` takes the place of `{before}`, and that has to be waited for; push without `-o async`",
            update.name
        )),
        (Some(commit), _) => PushIntent::Deploy(update, commit),
        (None, _) => PushIntent::No(format!(
            "`{}` names what runs and is not deleted; to take a stack away, use `skep remove`; to deploy another branch, push \
             it and delete this one at once",
            update.name
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIN: &str = "refs/heads/main";
    const MASTER: &str = "refs/heads/master";

    fn update(name: &str, new: bool) -> RefUpdate {
        let commit: CommitId = "1".repeat(40).parse().unwrap();
        RefUpdate { name: name.into(), old: None, new: new.then_some(commit) }
    }

    /// What is asked for, in words: `+` for a branch that is pushed, `-` for one that is deleted.
    fn asked(updates: &[&str], deployed: Option<&str>) -> String {
        let updates: Vec<RefUpdate> =
            updates.iter().map(|text| update(&format!("refs/heads/{}", &text[1..]), text.starts_with('+'))).collect();
        match wish(&updates, deployed, false) {
            PushIntent::Nothing => "nothing".into(),
            PushIntent::Deploy(update, _) => format!("deploy {}", short(&update.name)),
            PushIntent::No(reason) => reason,
        }
    }

    #[test]
    fn one_branch_of_a_repository_is_deployed() {
        assert_eq!(asked(&["+feature"], None), "nothing");
        assert_eq!(asked(&["+feature", "+main"], None), "deploy main");
        assert_eq!(asked(&["+master"], None), "deploy master");
        assert_eq!(asked(&["+master", "+main"], None), "deploy main");
        assert_eq!(asked(&["+master"], Some(MAIN)), "nothing");
        assert_eq!(asked(&["+main"], Some(MASTER)), "nothing");
        assert_eq!(asked(&["+main", "+master"], Some(MASTER)), "deploy master");
    }

    #[test]
    fn no_ref_is_called_like_another_one() {
        insta::assert_snapshot!(asked(&["+refs/heads/main"], Some(MAIN)), @"with a ref `refs/heads/refs/heads/main` Git no longer knows what `refs/heads/main` is, and nobody could push to that; leave out `refs/` inside of the name");
        assert_eq!(asked(&["-refs/heads/main", "+x/refs/y", "+refsy"], Some(MAIN)), "nothing");
    }

    #[test]
    fn the_branch_that_is_deployed_is_only_deleted_for_another_one() {
        assert_eq!(asked(&["-feature"], Some(MAIN)), "nothing");
        assert_eq!(asked(&["-master"], Some(MAIN)), "nothing");
        assert_eq!(asked(&["-master", "+main"], Some(MASTER)), "deploy main");
        insta::assert_snapshot!(asked(&["-main"], Some(MAIN)), @"`refs/heads/main` names what runs and is not deleted; to take a stack away, use `skep remove`; to deploy another branch, push it and delete this one at once");
        let switch = [update(MASTER, false), update(MAIN, true)];
        let PushIntent::No(reason) = wish(&switch, Some(MASTER), true) else { panic!("it is not waited for") };
        insta::assert_snapshot!(reason, @"`refs/heads/main` takes the place of `refs/heads/master`, and that has to be waited for; push without `-o async`");
    }
}
