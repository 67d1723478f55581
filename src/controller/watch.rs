//! Repositories elsewhere: looked at on a timer with jitter, and when a webhook says so. They take the same road as a push.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use tokio::sync::{Mutex, Notify};

use super::backoff::jittered;
use super::commit::broken;
use super::deploy::{Deployed, Order, stacks_of};
use super::lines::Lines;
use super::supervise::{caught, supervise};
use super::{Controller, cluster, origin};
use crate::config::{self, Repository};
use crate::forge::gitlab::{Reporter, State, Status};
use crate::lint::{self, Rejection};
use crate::name::CommitId;
use crate::release::{self, Cause, Intent, Origin, Resumption};
use crate::source::mirror::Mirror;
use crate::source::{self, Objects};
use crate::store::Intents;

/// A repository that is watched.
pub(super) struct Watched {
    repository: Arc<Elsewhere>,
    mirror: Mirror,
    wake: Arc<Notify>,
    /// The commit that was dealt with, whatever becomes of it.
    done: Option<CommitId>,
    /// What a controller before this has left.
    left: Option<Intent>,
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
    pub(super) fn watch_all(&self, intents: &Intents) -> Result<(), super::Error> {
        for (name, repository) in &self.settings.repositories {
            let left = intents.intents.get(name).filter(|intent| !intent.is_pushed()).cloned();
            let watched = Watched { left, ..self.watched(name, repository)? };
            let watched = Arc::new(Mutex::new(watched));
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
            left: None,
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
    async fn look_once(&self, watched: &mut Watched, cause: &Cause) -> Result<(), super::Error> {
        let Some(found) = watched.look().await? else { return Ok(()) };
        if let Some(mut intent) = self.enrol(watched, &found, cause).await? {
            match caught(self.begin_found(watched, intent.clone())).await {
                Ok(begun) => begun?,
                Err(panic) => self.refuse_found(&watched.repository, &mut intent, &broken(&panic)).await,
            }
        }
        watched.done = Some(found.commit);
        Ok(())
    }

    /// Records that a commit is about to be read and deployed, before anything of it is read: what ends this controller
    /// must not end the next one. `None` if it is not to be deployed. A commit that a controller before this left is taken
    /// up as it was left.
    async fn enrol(
        &self,
        watched: &mut Watched,
        found: &Found,
        cause: &Cause,
    ) -> Result<Option<Intent>, cluster::Error> {
        let is_left =
            |left: &Intent| left.origin.commit == found.commit && !matches!(left.state, release::State::Failed { .. });
        let Some(mut left) = watched.left.take().filter(is_left) else {
            let intent = watched.intent(found, cause, self.deployer.cluster.clock.now());
            return Ok(Some(self.intend(intent).await?.0));
        };
        match left.resumption() {
            Resumption::Deploy(state) => {
                self.deployer.cluster.mark(&mut left, state).await?;
                return Ok(Some(left));
            }
            Resumption::GiveUp => self.give_up(&mut left).await,
            Resumption::MoveBranch | Resumption::Leave => {}
        }
        watched.repository.report(&found.commit, None, State::Failed, &left.given_up()).await;
        Ok(None)
    }

    /// Reads and checks a commit, and has it deployed.
    async fn begin_found(&self, watched: &Watched, mut intent: Intent) -> Result<(), super::Error> {
        let (path, repository) = (watched.mirror.path(), watched.repository.clone());
        let commit = intent.origin.commit.clone();
        repository.report(&commit, None, State::Pending, "skep checks it").await;
        let revision = match self.read(path, &commit, None).await {
            Ok(revision) => revision,
            Err(error) if error.may_pass() => return Err(error.into()),
            Err(error) => {
                self.refuse_found(&repository, &mut intent, &error.to_string()).await;
                return Ok(());
            }
        };
        let origin = origin(&revision, &repository.name, Some(&repository.settings.branch));
        let checked = match self.lint(revision).await {
            Ok(checked) => checked,
            Err(rejection) => {
                self.refuse_found(&repository, &mut intent, &rejected(&rejection)).await;
                return Ok(());
            }
        };
        repository.report(&commit, None, State::Running, "skep builds and deploys").await;
        let stacks = stacks_of(&checked, repository.stack()).unwrap_or_default();
        let stacks = stacks.into_iter().map(|(name, _)| name).collect();
        let state = match intent.state {
            release::State::Checking => release::State::Preparing { attempt: 1 },
            state => state,
        };
        let (intent, turn) = self.intend(Intent { origin, stacks, state, ..intent }).await?;
        let order = Order::of(&intent, checked, Objects::of_repository(path, None), turn);
        let controller = self.clone();
        drop(tokio::spawn(async move { controller.deploy_found(&repository, intent, &order).await }));
        Ok(())
    }

    async fn deploy_found(&self, repository: &Elsewhere, intent: Intent, order: &Order) {
        let ended = self.carry_out(intent, order, repository.stack(), &Lines::nowhere()).await;
        for result in &ended.results {
            repository.tell(&order.origin.commit, result).await;
        }
        if let (true, Some(why)) = (ended.results.is_empty(), &ended.why) {
            repository.report(&order.origin.commit, None, State::Failed, why).await;
        }
    }

    async fn refuse_found(&self, repository: &Elsewhere, intent: &mut Intent, why: &str) {
        self.metrics.refused();
        self.fail(intent, why).await;
        repository.report(&intent.origin.commit, None, State::Failed, why).await;
    }
}

/// Why a commit did not pass the checks, in one line.
pub(super) fn rejected(rejection: &Rejection) -> String {
    let said = lint::report::remote(&rejection.findings, &rejection.texts, 1);
    format!("rejected: {}", said.first().map_or("", String::as_str))
}

impl Watched {
    /// What is to become of a commit of which nothing has been read.
    fn intent(&self, found: &Found, cause: &Cause, now: Timestamp) -> Intent {
        let origin = Origin {
            repository: self.repository.name.clone(),
            branch: Some(self.repository.settings.branch.clone()),
            commit: found.commit.clone(),
            subject: String::new(),
            ..Origin::unknown()
        };
        let news = found.news || *cause == Cause::Webhook;
        // Nobody is there to agree to anything but what the settings say.
        let options = (news && self.repository.settings.adopt).then(|| "adopt".to_owned());
        Intent {
            number: 0,
            origin,
            cause: cause.clone(),
            created: now,
            base: None,
            user: None,
            options: options.into_iter().collect(),
            news,
            stacks: BTreeSet::new(),
            state: release::State::Checking,
        }
    }

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
