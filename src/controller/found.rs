//! Reads, checks and deploys a commit of a watched repository, and reports its state to the forge and in the state of the
//! repository.

use super::commit::Ended;
use super::deploy::{Deployed, stacks_of};
use super::lines::Lines;
use super::request::DeployRequest;
use super::{Controller, cluster, origin};
use crate::config::Repository;
use crate::forge::{Reporter, State, Status};
use crate::lint::{self, Finding, Rejection, Severity};
use crate::name::CommitId;
use crate::release::{Handled, Intent, Origin, State as Progress, Upstream};
use crate::source::mirror::Mirror;
use crate::source::{self, Objects};

/// The most findings of a commit that are recorded.
const FINDINGS: usize = 12;

/// A watched repository, and where its commit statuses go.
pub(super) struct RemoteRepository {
    pub(super) name: String,
    pub(super) settings: Repository,
    pub(super) reporter: Option<Reporter>,
}

/// Why a found commit was not started. It is tried again at the next fetch.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotBegun {
    #[error(transparent)]
    Source(#[from] source::Error),
    #[error(transparent)]
    Cluster(#[from] cluster::Error),
}

impl Controller {
    /// Reads, checks and deploys a commit.
    pub(super) async fn begin_found(
        &self,
        mirror: &Mirror,
        repository: &std::sync::Arc<RemoteRepository>,
        mut intent: Intent,
    ) -> Result<(), NotBegun> {
        let (path, repository) = (mirror.path(), repository.clone());
        let commit = intent.origin.commit.clone();
        let tries = self.upstreams.get(&repository.name).map_or(0, |upstream| upstream.tries());
        self.upstreams.change(&repository.name, |it, _| it.handled = Handled::Underway).await;
        repository.report(&commit, None, State::Pending, "skep checks it").await;
        let variables = self.variables(&repository.name, Some(&repository.settings.branch));
        let revision = match self.read(path, &commit, None, variables.clone()).await {
            Ok(revision) => revision,
            Err(error) if error.may_pass() => return Err(error.into()),
            Err(error) => {
                let why = error.to_string();
                self.refuse_found(&repository, &mut intent, &why, std::slice::from_ref(&why)).await;
                return Ok(());
            }
        };
        let origin = origin(&revision, intent.origin.repository.clone(), Some(&repository.settings.branch));
        let checked = match self.lint(revision, &variables).await {
            Ok(checked) => checked,
            Err(rejection) => {
                self.refuse_found(&repository, &mut intent, &rejected(&rejection), &findings(&rejection)).await;
                return Ok(());
            }
        };
        repository.report(&commit, None, State::Running, "skep builds and deploys").await;
        let stacks = stacks_of(&checked, repository.stack()).unwrap_or_default();
        let stacks = stacks.into_iter().map(|(name, _)| name).collect();
        let state = match intent.state {
            Progress::Checking => Progress::Preparing { attempt: 1 },
            state => state,
        };
        let (intent, generation) = self.intend(Intent { origin, stacks, state, ..intent }).await?;
        let request =
            DeployRequest::of(&intent, checked, Objects::of_repository(path, None), repository.stack(), generation);
        let controller = self.clone();
        drop(tokio::spawn(async move { controller.deploy_found(&repository, intent, request, tries).await }));
        Ok(())
    }

    async fn deploy_found(&self, repository: &RemoteRepository, intent: Intent, request: DeployRequest, tries: u32) {
        let origin = request.origin.clone();
        let was_told = self.verdicts.has(&origin);
        let ended = self.carry_out(intent, request, &Lines::nowhere()).await;
        for result in &ended.results {
            repository.tell(&origin.commit, result, was_told).await;
        }
        if let (true, Some(why)) = (ended.results.is_empty(), &ended.why) {
            repository.report(&origin.commit, None, State::Failed, why).await;
        }
        self.note_end(&origin, &ended, tries).await;
    }

    /// Notes the result of a commit, unless a newer one has replaced it, and when it is tried again.
    async fn note_end(&self, origin: &Origin, ended: &Ended, tries: u32) {
        let is_superseded = ended.results.iter().any(Deployed::is_superseded);
        let change = |it: &mut Upstream, now| {
            if it.commit.as_ref() != Some(&origin.commit) || is_superseded {
                return;
            }
            match &ended.why {
                None => it.handled = Handled::Runs,
                Some(why) => it.failed(&ended.verdicts(why), tries, ended.may_pass(), now),
            }
        };
        if ended.why.is_some() {
            self.metrics.commit_failed(origin.repository.name());
        }
        self.upstreams.change(origin.repository.name(), change).await;
        if let Some(wake) = self.wakes.get(origin.repository.name()) {
            wake.reconsider();
        }
    }

    /// Records that a commit did not pass the checks: one line, and all findings.
    pub(super) async fn refuse_found(
        &self,
        repository: &RemoteRepository,
        intent: &mut Intent,
        why: &str,
        lines: &[String],
    ) {
        self.metrics.refused();
        self.metrics.commit_refused(&repository.name);
        self.fail(intent, why).await;
        self.upstreams.change(&repository.name, |it, now| it.refused(lines, now)).await;
        repository.report(&intent.origin.commit, None, State::Failed, why).await;
    }

    /// Reports that a commit is not tried again.
    pub(super) async fn given_up(&self, repository: &RemoteRepository, commit: &CommitId, why: &str) {
        let why_lines = vec![format!("{} {why}", commit.short())];
        self.upstreams.change(&repository.name, |it, now| it.failed(&why_lines, 0, false, now)).await;
        repository.report(commit, None, State::Failed, why).await;
    }
}

/// Why a commit did not pass the checks, in one line.
pub(super) fn rejected(rejection: &Rejection) -> String {
    let said = lint::report::remote(&rejection.findings, &rejection.texts, 1);
    format!("rejected: {}", said.first().map_or("", String::as_str))
}

/// The findings of the checks in lines: errors, then warnings.
fn findings(rejection: &Rejection) -> Vec<String> {
    let counts = |finding: &&Finding| finding.severity > Severity::Info;
    let findings: Vec<Finding> = rejection.findings.iter().filter(counts).cloned().collect();
    lint::report::remote(&findings, &rejection.texts, FINDINGS)
}

impl RemoteRepository {
    /// The name of its stack, if its file has none.
    pub(super) fn stack(&self) -> &str {
        self.settings.stack.as_ref().map_or(&self.name, |stack| stack.as_str())
    }

    async fn tell(&self, commit: &CommitId, result: &Deployed, was_told: bool) {
        let verdict = result.verdict();
        if was_told {
            tracing::debug!(repository = self.name, %commit, stack = %result.stack, verdict, "deploy ended as before");
        } else {
            tracing::info!(repository = self.name, %commit, stack = %result.stack, verdict, "deploy ended");
        }
        let state = if result.is_good() { State::Success } else { State::Failed };
        self.report(commit, Some(result), state, &verdict).await;
    }

    async fn report(&self, commit: &CommitId, result: Option<&Deployed>, state: State, description: &str) {
        let Some(reporter) = &self.reporter else { return };
        let Some(stack) = result.map(|result| result.stack.clone()).or_else(|| self.stack().parse().ok()) else {
            return;
        };
        let status = Status {
            commit: commit.clone(),
            stack,
            state,
            target_url: result.and_then(|result| result.urls.first().cloned()),
            description: description.to_owned(),
        };
        reporter.report(&status).await;
    }
}
