//! Watches repositories: they are fetched on a timer with jitter, at a webhook, and when a person asks for it. A new
//! commit is deployed in the same way as a push ([`super::found`]).
//!
//! One repository does not delay another: an error in its settings, address, credentials or commit is shown in its own
//! state ([`crate::release::Upstream`]), and it is fetched again after growing pauses.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Mutex;

use super::backoff::jittered;
use super::commit::broken;
use super::forge_reports;
use super::found::{NotBegun, RemoteRepository};
use super::request::ADOPT_UNOWNED;
use super::supervise::caught;
use super::wake::Wake;
use super::{Controller, cluster, forges};
use crate::config::{self, Repository};
use crate::event::What;
use crate::name::{self, CommitId};
use crate::release::{self, Cause, Intent, Origin, Remedy, Resumption, Trouble};
use crate::source::mirror::Mirror;
use crate::source::{self, Credentials};
use crate::store::{Intents, Request};

/// The pause for a repository that needs other settings, unless a person asks for a fetch.
const NEVER: Duration = Duration::from_hours(24 * 365);

/// A repository that is watched.
pub(super) struct Watched {
    name: String,
    settings: Repository,
    /// Its mirror and where its commit statuses go; `None` until its settings can be used.
    opened: Option<(Mirror, Arc<RemoteRepository>)>,
    wake: Arc<Wake>,
    /// The last handled commit, and whether it was known to come from a person.
    done: Option<(CommitId, bool)>,
    /// The intent that an earlier controller has left.
    left: Option<Intent>,
}

/// Why a repository is fetched.
struct Look {
    cause: Cause,
    requests: Vec<Request>,
    /// Whether its commit is handled even if it was handled before.
    again: bool,
}

/// The result of a fetch.
struct Found {
    commit: CommitId,
    /// Whether it was not there at the previous fetch.
    news: bool,
}

/// Why a repository could not be fetched.
#[derive(Debug, thiserror::Error)]
enum Unseen {
    /// Its settings cannot be used.
    #[error("{0}")]
    Settings(String),
    #[error(transparent)]
    Config(#[from] config::Error),
    #[error(transparent)]
    Forge(#[from] forges::Error),
    #[error(transparent)]
    Source(#[from] source::Error),
    #[error(transparent)]
    Cluster(#[from] cluster::Error),
}

impl From<NotBegun> for Unseen {
    fn from(error: NotBegun) -> Self {
        match error {
            NotBegun::Source(error) => error.into(),
            NotBegun::Cluster(error) => error.into(),
        }
    }
}

impl Unseen {
    /// What can resolve it.
    fn remedy(&self) -> Remedy {
        match self {
            Self::Source(source::Error::Address { .. }) | Self::Settings(_) => Remedy::Settings,
            Self::Forge(error) if !error.is_of_a_file() => Remedy::Settings,
            Self::Source(error) if error.may_pass() => Remedy::Time,
            Self::Cluster(error) if error.is_transient() => Remedy::Time,
            Self::Source(_) | Self::Cluster(_) | Self::Config(_) | Self::Forge(_) => Remedy::Elsewhere,
        }
    }
}

impl Controller {
    /// Watches all repositories of the settings, forever.
    pub(super) fn watch_all(&self, intents: &Intents) {
        for (name, settings) in &self.settings.repositories {
            let left = intents.intents.get(&name::Repository::watched(name)).cloned();
            let wake = self.wakes[name].clone();
            let watched =
                Watched { name: name.clone(), settings: settings.clone(), opened: None, wake, done: None, left };
            let watched = Arc::new(Mutex::new(watched));
            let controller = self.clone();
            let watch = move || controller.clone().watch(watched.clone());
            self.supervisor().keep(format!("watcher of {name}"), watch);
        }
    }

    async fn watch(self, watched: Arc<Mutex<Watched>>) {
        let mut watched = watched.lock().await;
        let mut look = Look { cause: Cause::Poll, requests: watched.wake.take_requests(), again: false };
        loop {
            if let Err(error) = self.look_once(&mut watched, &look).await {
                self.note_unseen(&mut watched, &error).await;
            }
            for request in look.requests {
                if let Err(error) = self.deployer.cluster.store.answered(&request).await {
                    tracing::warn!(repository = watched.name, %error, "whoever asked for this look is not answered");
                }
            }
            look = self.next_look(&watched).await;
        }
    }

    async fn note_unseen(&self, watched: &mut Watched, error: &Unseen) {
        let (why, remedy) = (error.to_string(), error.remedy());
        // A token may have been renewed in its file, and the address is resolved again.
        watched.opened = None;
        let news = self.upstreams.get(&watched.name).is_none_or(|it| it.trouble.is_none_or(|last| last.why != why));
        let events = self.events.of_repository(&name::Repository::watched(&watched.name));
        events.send(What::NotFetched { why: why.clone(), news });
        let poll = watched.poll();
        self.upstreams.change(&watched.name, |it, now| it.failed_to_look(&why, remedy, poll, now)).await;
    }

    /// Waits until the repository is to be fetched again.
    async fn next_look(&self, watched: &Watched) -> Look {
        let clock = &self.deployer.cluster.clock;
        loop {
            let now = clock.now();
            let (pause, again) = self.pause(watched, now);
            tokio::select! {
                () = clock.wait(pause) => return Look { cause: Cause::Poll, requests: Vec::new(), again },
                () = watched.wake.reconsidered() => {}
                () = watched.wake.asked() => {
                    let requests = watched.wake.take_requests();
                    let cause = if requests.is_empty() { Cause::Webhook } else { Cause::Command };
                    return Look { cause, again: !requests.is_empty(), requests };
                }
            }
        }
    }

    /// How long to wait for the next fetch, and whether the commit is then tried again.
    fn pause(&self, watched: &Watched, now: Timestamp) -> (Duration, bool) {
        let poll = jittered(watched.poll(), now);
        let until = |at: Timestamp| at.duration_since(now).max(jiff::SignedDuration::ZERO).unsigned_abs();
        let Some(upstream) = self.upstreams.get(&watched.name) else { return (poll, false) };
        match upstream.trouble {
            Some(Trouble { next: Some(next), .. }) => return (jittered(until(next), now), false),
            Some(Trouble { next: None, .. }) => return (NEVER, false),
            None => {}
        }
        match upstream.retry().map(until) {
            Some(retry) if retry <= poll => (retry, true),
            _ => (poll, false),
        }
    }

    /// Starts the deploy of a new commit without waiting for it: a newer commit may replace one that is settling.
    async fn look_once(&self, watched: &mut Watched, look: &Look) -> Result<(), Unseen> {
        let (mirror, repository) = self.opened(watched)?;
        let Some(found) = self.found(watched, &mirror, look).await? else { return Ok(()) };
        if let Some(mut intent) = self.enrol(watched, &repository, &found, look).await? {
            match caught(self.begin_found(&mirror, &repository, intent.clone())).await {
                Ok(begun) => begun?,
                Err(panic) => {
                    let why = broken(&panic);
                    self.refuse_found(&repository, &mut intent, &why, vec![why.clone()]).await;
                }
            }
        }
        watched.done = Some((found.commit, found.news));
        Ok(())
    }

    fn opened(&self, watched: &mut Watched) -> Result<(Mirror, Arc<RemoteRepository>), Unseen> {
        if let Some(opened) = &watched.opened {
            return Ok(opened.clone());
        }
        let (name, settings) = (&watched.name, &watched.settings);
        if let Some(trouble) = &settings.trouble {
            return Err(Unseen::Settings(trouble.clone()));
        }
        let password = settings.password_file.as_deref().map(config::secret).transpose()?;
        let user = settings.username.clone().unwrap_or_else(|| "oauth2".into());
        let credentials = password.map(|token| Credentials { user, token });
        let path = self.settings.data.join("mirrors").join(format!("{name}.git"));
        let reporter = forges::reporter(&self.settings, settings)?;
        let mut repository = RemoteRepository { name: name.clone(), settings: settings.clone(), forge: None };
        repository.forge = reporter.map(|reporter| forge_reports::to(reporter, repository.stack().parse().ok()));
        let opened = (Mirror::open(&path, &settings.url, credentials)?, Arc::new(repository));
        watched.opened = Some(opened.clone());
        Ok(opened)
    }

    /// The commit of the branch, if it has to be handled.
    async fn found(&self, watched: &Watched, mirror: &Mirror, look: &Look) -> Result<Option<Found>, source::Error> {
        let branch = &watched.settings.branch;
        // The mirror may be lost, and so may the record in the swarm.
        let noted = self.upstreams.get(&watched.name).and_then(|upstream| upstream.commit);
        let known = mirror.known(branch).await?.or(noted);
        let head = mirror.remote_branch(branch).await?;
        let done = watched.done.as_ref().filter(|(done, _)| *done == head);
        if done.is_some() && !look.again {
            self.upstreams.change(&watched.name, |it, now| it.found(&head, now)).await;
            return Ok(None);
        }
        let commit = mirror.fetch(branch).await?;
        self.upstreams.change(&watched.name, |it, now| it.found(&commit, now)).await;
        let news = match done {
            Some((_, news)) => *news,
            None => watched.done.is_some() || known.is_some_and(|known| known != commit),
        };
        Ok(Some(Found { commit, news: news || look.cause != Cause::Poll }))
    }

    /// Records the intent to deploy a commit before any of its files is read, so that a commit that ends this
    /// controller does not end the next one. `None` if it is not to be deployed. A commit that an earlier controller
    /// left is resumed in its recorded state, unless a person wants it tried again.
    async fn enrol(
        &self,
        watched: &mut Watched,
        repository: &RemoteRepository,
        found: &Found,
        look: &Look,
    ) -> Result<Option<Intent>, cluster::Error> {
        let is_left = |left: &Intent| {
            let is_wanted = look.options().contains("retry");
            left.origin.commit == found.commit && !matches!(left.state, release::State::Failed { .. }) && !is_wanted
        };
        let Some(mut left) = watched.left.take().filter(is_left) else {
            let intent = watched.intent(found, look, self.deployer.cluster.clock.now());
            return Ok(Some(self.intend(intent).await?.0));
        };
        match left.resumption() {
            Resumption::Deploy(state) => {
                self.deployer.cluster.mark(&self.deployer.lease, &mut left, state).await?;
                Ok(Some(left))
            }
            Resumption::GiveUp | Resumption::MoveBranch | Resumption::Leave => {
                self.give_up_found(repository, &mut left).await;
                Ok(None)
            }
        }
    }
}

impl Look {
    fn options(&self) -> BTreeSet<String> {
        self.requests.iter().flat_map(|request| request.options.iter().cloned()).collect()
    }
}

impl Watched {
    fn poll(&self) -> Duration {
        Duration::from_secs(self.settings.poll_seconds.max(1))
    }

    /// The intent for a commit whose files have not been read.
    fn intent(&self, found: &Found, look: &Look, now: Timestamp) -> Intent {
        let origin = Origin {
            repository: name::Repository::watched(&self.name),
            branch: Some(self.settings.branch.clone()),
            commit: found.commit.clone(),
            subject: String::new(),
            ..Origin::unknown()
        };
        let mut options = look.options();
        // The consent is that of the request and of the settings.
        options.extend((found.news && self.settings.adopt).then(|| ADOPT_UNOWNED.to_owned()));
        Intent {
            number: 0,
            origin,
            cause: look.cause.clone(),
            created: now,
            base: None,
            user: None,
            options,
            news: found.news,
            stacks: BTreeSet::new(),
            state: release::State::Checking,
        }
    }
}
