//! The controller: connects the edges to prepare, perform and queue deploys.
//!
//! A push, a webhook, a poll and a command take the same road: [`lint::check`], then
//! [`prepare`], then a record in the swarm, then rounds of [`rollout`] until it ends; [`commit`] sees to all stacks of a
//! commit together. What happens is told once, by [`events`], to all who want to know. All that must survive is in the
//! records: a controller that is killed leaves nothing that the next one needs.

mod again;
pub mod backoff;
mod backwards;
pub mod build_logs;
pub mod clock;
pub mod cluster;
mod command;
mod commit;
pub mod computing;
#[cfg(test)]
mod cost_tests;
pub mod deploy;
pub mod events;
mod forge_reports;
pub mod forges;
mod found;
pub mod heal;
pub mod journal;
mod listen;
mod metrics;
pub mod observer;
#[cfg(test)]
mod plan_tests;
pub mod prepare;
mod push;
pub mod registration;
mod remote_lines;
pub mod request;
pub mod rollout;
pub mod supersede;
pub mod supervise;
mod surroundings;
mod upstreams;
mod verdicts;
mod wake;
mod watch;
pub mod workers;

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::build;
use crate::config::{self, Settings};
use crate::engine;
use crate::event::What;
use crate::lint::{self, Checked, Rejection};
use crate::name::{CommitId, Repository};
use crate::release::{History, Origin, Release};
use crate::revision::Revision;
use crate::source;
use crate::source::server::Server;
use crate::stack::Stack;
use crate::stack::variables::{Set, Variables};
use crate::store::Intents;
use deploy::Deployer;
use events::EventSender;
use registration::Registration;
use supersede::{Generation, Generations};
use supervise::Supervisor;
use upstreams::Upstreams;
use verdicts::Verdicts;
use wake::Wake;

pub use metrics::Metrics;
pub use push::{Push, RefUpdate, chosen};
pub use registration::Another;

/// The only effect of a webhook: to fetch this repository now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    /// The repository as the settings name it.
    pub repository: String,
}

/// Why a controller cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The settings.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] engine::Error),
    /// The builder.
    #[error(transparent)]
    Build(#[from] build::Error),
    /// The records.
    #[error(transparent)]
    Cluster(#[from] cluster::Error),
}

/// The controller. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Controller {
    settings: Arc<Settings>,
    deployer: Deployer,
    server: Server,
    events: EventSender,
    wakes: Arc<HashMap<String, Arc<Wake>>>,
    upstreams: Upstreams,
    verdicts: Verdicts,
    registration: Registration,
    generations: Generations,
    /// The ids of accepted requests.
    taken: Arc<Mutex<HashSet<String>>>,
    /// Held while a commit is recorded and given its generation.
    enrolling: Arc<tokio::sync::Mutex<()>>,
}

impl Controller {
    /// A controller that does nothing yet, and will tell what happens by these events.
    pub fn new(
        settings: Arc<Settings>,
        deployer: Deployer,
        server: Server,
        events: EventSender,
        metrics: Metrics,
    ) -> Self {
        let wakes = settings.repositories.keys().map(|name| (name.clone(), Arc::default())).collect();
        let upstreams =
            Upstreams::new(deployer.cluster.clone(), deployer.lease.clone(), metrics, &settings.repositories);
        Self {
            settings,
            deployer,
            server,
            events,
            wakes: Arc::new(wakes),
            upstreams,
            verdicts: Verdicts::default(),
            registration: Registration::default(),
            generations: Generations::default(),
            taken: Arc::default(),
            enrolling: Arc::default(),
        }
    }

    /// Resumes the work that an earlier controller left in the record, and starts to watch.
    pub async fn start(&self) -> Result<(), Error> {
        if let Err(error) = self.deployer.cluster.swarm.check_data_root().await {
            tracing::error!(%error, "no folder of a volume is made here");
        }
        let store = &self.deployer.cluster.store;
        store.authenticate(&self.deployer.lease).await.map_err(cluster::Error::from)?;
        let mut intents = store.intents().await.map_err(cluster::Error::from)?;
        intents.intents.retain(|repository, _| !repository.is_foreign());
        let archive = store.archive().await.map_err(cluster::Error::from)?;
        let mut run = Vec::new();
        // One stack after the other, so that not all records are in memory at once.
        for stack in archive.stacks() {
            let history = History::new(archive.records(stack).releases);
            if history.owner().is_some_and(Repository::is_foreign) {
                // The controller of another scope manages it.
                continue;
            }
            run.extend(history.promoted().map(|release| (release.created, release.origin.clone())));
            match history.rolling() {
                Some(rolling) if is_of_an_intent(rolling, &intents) => self.deployer.workers.wake(stack),
                Some(rolling) => drop(self.supervisor().spawn(self.clone().resume(rolling.clone()))),
                None => self.deployer.workers.watch(stack),
            }
        }
        if let Err(error) = store.set_shaping(&self.deployer.lease, &self.settings.shaping()).await {
            tracing::warn!(%error, "commands on other machines do not know the settings of this controller");
        }
        self.verdicts.take_up(intents.intents.values());
        self.take_up(&intents);
        self.upstreams.load().await;
        let supervisor = self.supervisor();
        drop(supervisor.spawn(self.clone().tidy_up(intents.clone(), run)));
        let controller = self.clone();
        supervisor.keep("events", move || controller.clone().listen());
        let workers = self.deployer.workers.clone();
        supervisor.keep("observer", move || workers.clone().look_out());
        self.watch_all(&intents);
        Ok(())
    }

    /// Fetches a repository soon. Does not wait.
    pub fn look(&self, trigger: &Trigger) {
        if let Some(wake) = self.wakes.get(&trigger.repository) {
            wake.look();
        }
    }

    /// A line for each watched repository whose newest commit does not run, and for each task of skep itself that failed.
    pub fn complaints(&self) -> Vec<String> {
        let mut complaints = self.upstreams.complaints();
        complaints.extend(self.supervisor().complaints());
        complaints
    }

    /// Supervises all tasks of this controller.
    pub fn supervisor(&self) -> &Supervisor {
        self.deployer.workers.supervisor()
    }

    /// Whether the swarm responds.
    pub async fn ready(&self) -> Result<(), String> {
        self.deployer.cluster.store.ping().await.map_err(|error| error.to_string())
    }

    /// A new generation of a repository, which supersedes the earlier ones.
    fn generation(&self, repository: &Repository) -> Generation {
        self.generations.next(repository)
    }

    /// Reads a commit: its tree, and the files that the linter and the renderer need.
    async fn read(
        &self,
        repository: &Path,
        commit: &CommitId,
        quarantine: Option<&Path>,
        variables: Set,
    ) -> Result<Revision, source::Error> {
        let computing = &self.deployer.preparer.computing;
        let wanted = move |revision: &Revision| revision.wanted_with(&variables);
        computing.during(source::read(repository, commit, quarantine, wanted)).await
    }

    /// Checks a revision with all rules.
    async fn lint(&self, revision: Revision, variables: &Set) -> Result<Checked, Rejection> {
        self.deployer.preparer.computing.run(|| lint::check(revision, variables)).await
    }

    /// The variables of the settings for a branch of a repository; never any from skep's environment.
    fn variables(&self, repository: &str, branch: Option<&str>) -> Set {
        Variables::of(self.settings.variable_places(Some(repository), branch)).flat()
    }

    /// Follows a rollout to its end that an earlier controller started.
    async fn resume(self, release: Release) {
        let events = self.events.of_release(&release);
        events.send(What::Resumed);
        let outcome = self.deployer.follow(&release.stack, release.id, None, &events).await;
        let urls = release.desired.as_ref().map(Stack::urls).unwrap_or_default();
        events.send(What::Verdict { outcome, urls, seconds: None, news: true });
    }
}

/// Whether a release is followed together with the other stacks of its commit.
fn is_of_an_intent(release: &Release, intents: &Intents) -> bool {
    let intent = intents.intents.get(&release.origin.repository);
    intent.is_some_and(|intent| !intent.state.has_ended() && intent.origin.commit == release.origin.commit)
}

/// The most recorded characters of a commit's author or subject.
const WORDS: usize = 500;

/// The origin of a revision.
pub fn origin(revision: &Revision, repository: Repository, branch: Option<&str>) -> Origin {
    Origin {
        repository,
        branch: branch.map(str::to_owned),
        commit: revision.commit.clone(),
        tree: revision.tree.clone(),
        author: revision.author.chars().take(WORDS).collect(),
        subject: revision.subject.chars().take(WORDS).collect(),
    }
}
