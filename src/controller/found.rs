//! Reads, checks and deploys a commit of a watched repository, and reports its state to the forge and in the state of the
//! repository.

use super::commit::Ended;
use super::deploy::{Deployed, stacks_of};
use super::events::{EventSender, Reader};
use super::push::passed;
use super::request::DeployRequest;
use super::{Controller, cluster, origin};
use crate::config::Repository;
use crate::diagnostic::{Diagnostic, Severity, render};
use crate::event::What;
use crate::lint::Rejection;
use crate::release::{Handled, Intent, Origin, State, Upstream};
use crate::source::mirror::Mirror;
use crate::source::{self, Objects};

/// The most findings of a commit that are recorded.
const FINDINGS: usize = 12;

/// A watched repository, and where its commit statuses go.
pub(super) struct RemoteRepository {
    pub(super) name: String,
    pub(super) settings: Repository,
    /// Its forge, if commit statuses are reported to it.
    pub(super) forge: Option<Reader>,
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
        let tries = self.upstreams.get(&repository.name).map_or(0, |upstream| upstream.tries());
        self.upstreams.change(&repository.name, |it, _| it.handled = Handled::Underway).await;
        let events = repository.events(&self.events).of_intent(&intent);
        events.send(What::Checking { subject: String::new() });
        let variables = self.variables(&repository.name, Some(&repository.settings.branch));
        let revision = match self.read(path, &intent.origin.commit, None, variables.clone()).await {
            Ok(revision) => revision,
            Err(error) if error.may_pass() => return Err(error.into()),
            Err(error) => {
                let why = error.to_string();
                self.refuse_found(&repository, &mut intent, &why, vec![why.clone()]).await;
                return Ok(());
            }
        };
        let origin = origin(&revision, intent.origin.repository.clone(), Some(&repository.settings.branch));
        let checked = match self.lint(revision, &variables).await {
            Ok(checked) => checked,
            Err(rejection) => {
                self.refuse_found(&repository, &mut intent, &rejected(&rejection), findings(&rejection)).await;
                return Ok(());
            }
        };
        events.of_commit(&origin).send(passed(&checked));
        let stacks = stacks_of(&checked, repository.stack()).unwrap_or_default();
        let stacks = stacks.into_iter().map(|(name, _)| name).collect();
        let state = match intent.state {
            State::Checking => State::Preparing { attempt: 1 },
            state => state,
        };
        let (intent, generation) = self.intend(Intent { origin, stacks, state, ..intent }).await?;
        let request =
            DeployRequest::of(&intent, checked, Objects::of_repository(path, None), repository.stack(), generation);
        let controller = self.clone();
        let deploy = async move { Box::pin(controller.deploy_found(&repository, intent, request, tries)).await };
        drop(self.supervisor().spawn(deploy));
        Ok(())
    }

    async fn deploy_found(&self, repository: &RemoteRepository, intent: Intent, request: DeployRequest, tries: u32) {
        let origin = request.origin.clone();
        let ended = self.carry_out(intent, request, &repository.events(&self.events)).await;
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
        self.upstreams.change(origin.repository.name(), change).await;
        if let Some(wake) = self.wakes.get(origin.repository.name()) {
            wake.reconsider();
        }
    }

    /// Records and reports that a commit did not pass the checks: one line, and all findings.
    pub(super) async fn refuse_found(
        &self,
        repository: &RemoteRepository,
        intent: &mut Intent,
        why: &str,
        details: Vec<String>,
    ) {
        self.record_failure(intent, why).await;
        self.upstreams.change(&repository.name, |it, now| it.refused(&details, now)).await;
        let events = repository.events(&self.events).of_intent(intent);
        events.send(What::Rejected { why: why.to_owned(), details });
    }

    /// Records and reports that a commit is not tried again.
    pub(super) async fn give_up_found(&self, repository: &RemoteRepository, intent: &mut Intent) {
        let why = vec![format!("{} {}", intent.origin.commit.short(), intent.given_up())];
        self.upstreams.change(&repository.name, |it, now| it.failed(&why, 0, false, now)).await;
        self.give_up(intent, &repository.events(&self.events)).await;
    }
}

/// Why a commit did not pass the checks, in one line.
pub(super) fn rejected(rejection: &Rejection) -> String {
    let said = render::remote(&rejection.findings, &rejection.texts, 1);
    format!("rejected: {}", said.first().map_or("", String::as_str))
}

/// The findings of the checks in lines: errors, then warnings.
fn findings(rejection: &Rejection) -> Vec<String> {
    let counts = |finding: &&Diagnostic| finding.severity > Severity::Info;
    let findings: Vec<Diagnostic> = rejection.findings.iter().filter(counts).cloned().collect();
    render::remote(&findings, &rejection.texts, FINDINGS)
}

impl RemoteRepository {
    /// The name of its stack, if its file has none.
    pub(super) fn stack(&self) -> &str {
        self.settings.stack.as_ref().map_or(&self.name, |stack| stack.as_str())
    }

    /// Events of its commits are also reported to its forge.
    fn events(&self, events: &EventSender) -> EventSender {
        events.to(self.forge.clone())
    }
}
