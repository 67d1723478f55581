//! Repositories elsewhere: looked at on a timer with jitter, and when a webhook says so. They take the same road as a push.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::{Mutex, Notify};

use super::backoff::jittered;
use super::deploy::{Deployed, Order};
use super::lines::Lines;
use super::supervise::{caught, supervise};
use super::turn::Turn;
use super::{Controller, origin};
use crate::config::{self, Repository};
use crate::forge::gitlab::{Reporter, State, Status};
use crate::lint::{self, Rejection};
use crate::name::CommitId;
use crate::release::Cause;
use crate::revision::Revision;
use crate::source::mirror::Mirror;
use crate::source::{self, Objects};

/// A repository that is watched.
pub(super) struct Watched {
    repository: Arc<Elsewhere>,
    mirror: Mirror,
    wake: Arc<Notify>,
    /// The commit that was dealt with, whatever becomes of it.
    done: Option<CommitId>,
}

/// A repository elsewhere, and who there is told how it goes.
struct Elsewhere {
    name: String,
    settings: Repository,
    reporter: Option<Reporter>,
}

/// What was found when looking.
struct Found {
    commit: CommitId,
    /// Whether it was not there when somebody looked before.
    news: bool,
}

impl Controller {
    /// Watches all repositories that the settings name, for ever.
    pub(super) fn watch_all(&self) -> Result<(), super::Error> {
        for (name, repository) in &self.settings.repositories {
            let watched = Arc::new(Mutex::new(self.watched(name, repository)?));
            let (controller, clock) = (self.clone(), self.deployer.cluster.clock.clone());
            let watch = move || controller.clone().watch(watched.clone());
            tokio::spawn(supervise(format!("watcher of {name}"), clock, watch));
        }
        Ok(())
    }

    fn watched(&self, name: &str, repository: &Repository) -> Result<Watched, super::Error> {
        let password = repository.password_file.as_deref().map(config::secret).transpose()?;
        let user = repository.username.clone().unwrap_or_else(|| "oauth2".into());
        let credentials = password.map(|token| source::Credentials { user, token });
        let path = self.settings.data.join("mirrors").join(format!("{name}.git"));
        let reporter = self.reporter(repository)?;
        Ok(Watched {
            repository: Arc::new(Elsewhere { name: name.to_owned(), settings: repository.clone(), reporter }),
            mirror: Mirror::open(&path, &repository.url, credentials)?,
            wake: self.wakes[name].clone(),
            done: None,
        })
    }

    fn reporter(&self, repository: &Repository) -> Result<Option<Reporter>, super::Error> {
        let (Some(gitlab), Some(project)) = (&self.settings.gitlab, &repository.project) else { return Ok(None) };
        let Some(token) = &gitlab.token_file else { return Ok(None) };
        let token: SecretString = config::secret(token)?;
        let authorities = self.settings.ca_file.as_deref().map(config::certificates).transpose()?.unwrap_or_default();
        Ok(Some(Reporter::new(&gitlab.url, project, token, &authorities)?))
    }

    async fn watch(self, watched: Arc<Mutex<Watched>>) {
        let mut watched = watched.lock().await;
        let mut cause = Cause::Poll;
        loop {
            if let Err(error) = self.look_once(&mut watched, &cause).await {
                let repository = &watched.repository.name;
                tracing::warn!(repository, %error, "could not look at the repository; looking again later");
            }
            let pause = Duration::from_secs(watched.repository.settings.poll_seconds.max(1));
            let pause = jittered(pause, self.deployer.cluster.clock.now());
            tokio::select! {
                () = self.deployer.cluster.clock.wait(pause) => cause = Cause::Poll,
                () = watched.wake.notified() => cause = Cause::Webhook,
            }
        }
    }

    /// Has what is new deployed, and does not wait for it: a newer commit takes the place of one that is settling.
    async fn look_once(&self, watched: &mut Watched, cause: &Cause) -> Result<(), source::Error> {
        let Some(found) = watched.look().await? else { return Ok(()) };
        let (path, commit) = (watched.mirror.path(), found.commit.clone());
        match self.read(path, &found.commit, None).await {
            Ok(revision) => {
                let news = found.news || *cause == Cause::Webhook;
                let objects = Objects::of_repository(path, None);
                let (controller, repository, cause) = (self.clone(), watched.repository.clone(), cause.clone());
                let turn = self.turn(&repository.name);
                let deploy = async move {
                    let deploy = controller.deploy_found(&repository, revision, objects, news, cause, turn);
                    if let Err(panic) = caught(deploy).await {
                        repository.panicked(&commit, &panic).await;
                    }
                };
                drop(tokio::spawn(deploy));
            }
            Err(error) if error.may_pass() => return Err(error),
            Err(error) => watched.repository.report(&found.commit, None, State::Failed, &error.to_string()).await,
        }
        watched.done = Some(found.commit);
        Ok(())
    }

    async fn deploy_found(
        &self,
        repository: &Elsewhere,
        revision: Revision,
        objects: Objects,
        news: bool,
        cause: Cause,
        turn: Turn,
    ) {
        let origin = origin(&revision, &repository.name, Some(&repository.settings.branch));
        let commit = &origin.commit.clone();
        repository.report(commit, None, State::Pending, "skep checks it").await;
        let checked = match self.lint(revision).await {
            Ok(checked) => checked,
            Err(rejection) => return self.reject(repository, commit, &rejection).await,
        };
        repository.report(commit, None, State::Running, "skep builds and deploys").await;
        let since = self.deployer.cluster.clock.now();
        // Nobody is there to agree to anything.
        let order = Order {
            checked,
            objects,
            origin,
            cause,
            retry: false,
            news,
            since,
            turn,
            confirm_removal: false,
            force: false,
        };
        match self.deployer.deploy(&order, repository.stack(), &Lines::nowhere()).await {
            Ok(results) => {
                for result in &results {
                    self.count(result, &order);
                    repository.tell(commit, result).await;
                }
            }
            Err(refused) => {
                self.metrics.refused();
                tracing::warn!(repository = repository.name, %commit, %refused, "commit refused");
                repository.report(commit, None, State::Failed, &refused.to_string()).await;
            }
        }
    }

    async fn reject(&self, repository: &Elsewhere, commit: &CommitId, rejection: &Rejection) {
        self.metrics.refused();
        let said = lint::report::remote(&rejection.findings, &rejection.texts, 1);
        let first = said.first().map_or("", String::as_str);
        tracing::warn!(repository = repository.name, %commit, findings = rejection.findings.len(), first, "commit rejected");
        repository.report(commit, None, State::Failed, &format!("rejected: {first}")).await;
    }
}

impl Watched {
    /// What the branch names now, if that was not dealt with yet.
    async fn look(&self) -> Result<Option<Found>, source::Error> {
        let branch = &self.repository.settings.branch;
        let known = self.mirror.known(branch).await?;
        let head = self.mirror.remote_branch(branch).await?;
        if self.done.as_ref() == Some(&head) {
            return Ok(None);
        }
        let commit = self.mirror.fetch(branch).await?;
        let news = self.done.is_some() || known.is_some_and(|known| known != commit);
        Ok(Some(Found { commit, news }))
    }
}

impl Elsewhere {
    /// The name of its stack, if its file has none.
    fn stack(&self) -> &str {
        self.settings.stack.as_ref().map_or(&self.name, |stack| stack.as_str())
    }

    async fn tell(&self, commit: &CommitId, result: &Deployed) {
        let verdict = result.verdict();
        tracing::info!(repository = self.name, %commit, stack = %result.stack, verdict, "deploy ended");
        let state = if result.is_good() { State::Success } else { State::Failed };
        self.report(commit, Some(result), state, &verdict).await;
    }

    /// Tells that skep panicked with this message, and that nothing more is done about the commit.
    async fn panicked(&self, commit: &CommitId, panic: &str) {
        tracing::error!(repository = self.name, %commit, panic, "skep itself failed on this commit");
        let said = format!("skep itself failed on this commit: {panic}; report it with the log of skep");
        self.report(commit, None, State::Failed, &said).await;
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
