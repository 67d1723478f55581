//! One controller in a swarm: it records who it is, answers whoever asks, and stops when another one has taken its place.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::watch;

use super::Controller;
use super::cluster::{self, Cluster};
use crate::config;
use crate::release::{Instance, Standing};
use crate::store;
use crate::time;

/// How long a controller that may be alive has to answer.
const PATIENCE: SignedDuration = SignedDuration::from_secs(10);
/// How often the answer is looked for.
const LOOK: Duration = Duration::from_millis(500);
/// How often the record is read again that somebody else changed.
const TRIES: usize = 20;

/// Who this controller is, and whether another one took its place. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Registration {
    own: Arc<OnceLock<Instance>>,
    lost: watch::Sender<Option<Instance>>,
}

impl Default for Registration {
    fn default() -> Self {
        Self { own: Arc::default(), lost: watch::Sender::new(None) }
    }
}

/// Why a controller does not start, or does not go on.
#[derive(Debug, thiserror::Error)]
pub enum Another {
    /// There is another one.
    #[error(
        "another controller of skep runs in this swarm: {0}, since {since}; two would undo each other's work. Stop one of \
         them, or give each a scope of its own (SKEP_SCOPE; docs/operations.md)",
        since = .0.since.strftime("%Y-%m-%d %H:%M:%S")
    )]
    Controller(Box<Instance>),
    /// Whether there is one cannot be told.
    #[error(transparent)]
    Cluster(#[from] cluster::Error),
    /// The record changes all the time.
    #[error("several controllers of skep start in this swarm at once; start one after the other")]
    Contended,
}

impl From<store::Error> for Another {
    fn from(error: store::Error) -> Self {
        cluster::Error::from(error).into()
    }
}

impl Controller {
    /// Records that this is the controller of the swarm, or of its scope; an error if another one is.
    pub async fn register(&self) -> Result<(), Another> {
        let cluster = &self.deployer.cluster;
        let own = instance(cluster).await?;
        let own = self.registration.own.get_or_init(|| own).clone();
        for _ in 0..TRIES {
            let Some(there) = cluster.store.controller().await? else {
                if cluster.store.register(&own).await? {
                    return Ok(());
                }
                continue;
            };
            let other = &there.said;
            if other.run == own.run {
                return Ok(());
            }
            match standing(cluster, other, Some(&own)).await? {
                Standing::Alive => return Err(Another::Controller(Box::new(other.clone()))),
                Standing::Gone => {
                    if cluster.store.change_registration(there, &own).await? {
                        return Ok(());
                    }
                }
                Standing::Unknown => self.ask_instance(other, &own).await?,
            }
        }
        Err(Another::Contended)
    }

    /// Asks a controller of which nothing is known whether it is there, and takes its place if it does not answer.
    async fn ask_instance(&self, other: &Instance, own: &Instance) -> Result<(), Another> {
        let cluster = &self.deployer.cluster;
        tracing::info!(other = %other, "another controller is in the record; asking it whether it is there");
        let until = time::after(cluster.clock.now(), PATIENCE);
        loop {
            let Some(there) = cluster.store.controller().await? else { return Ok(()) };
            let said = there.said.clone();
            if said.run != other.run {
                return Ok(());
            }
            if said.answered.as_ref() == Some(&own.run) {
                return Err(Another::Controller(Box::new(said)));
            }
            if cluster.clock.now() >= until {
                tracing::warn!(other = %said, "it does not answer; this controller takes its place");
                cluster.store.change_registration(there, own).await?;
                return Ok(());
            }
            if said.asked.as_ref() != Some(&own.run) {
                cluster.store.change_registration(there, &Instance { asked: Some(own.run.clone()), ..said }).await?;
            }
            cluster.clock.wait(LOOK).await;
        }
    }

    /// Answers whoever asks whether this controller is there, and finds out whether another one took its place.
    pub(super) async fn check_registration(&self) {
        let (cluster, Some(own)) = (&self.deployer.cluster, self.registration.own.get()) else { return };
        match cluster.store.controller().await {
            Ok(Some(there)) if there.said.run != own.run => {
                self.registration.lost.send_replace(Some(there.said));
            }
            Ok(Some(there)) if there.said.owes_answer() => {
                let answered = Instance { answered: there.said.asked.clone(), ..there.said.clone() };
                if let Err(error) = cluster.store.change_registration(there, &answered).await {
                    tracing::warn!(%error, "another controller asks for this one and is not answered");
                }
            }
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "the record of the controller cannot be read"),
        }
    }

    /// Comes back when another controller has taken the place of this one.
    pub async fn superseded(&self) -> Another {
        let mut lost = self.registration.lost.subscribe();
        match lost.wait_for(Option::is_some).await.map(|other| other.clone()) {
            Ok(Some(other)) => Another::Controller(Box::new(other)),
            _ => std::future::pending().await,
        }
    }

    /// Takes this controller out of the record, so that the next one need not ask for it.
    pub(super) async fn deregister(&self) {
        let Some(own) = self.registration.own.get() else { return };
        if let Err(error) = self.deployer.cluster.store.deregister(&own.run).await {
            tracing::debug!(%error, "the record of the controller stays");
        }
    }
}

/// Who this controller is.
async fn instance(cluster: &Cluster) -> Result<Instance, Another> {
    let (now, process) = (cluster.clock.now(), config::process());
    let pid = std::process::id();
    let run = process.as_ref().map_or_else(|| format!("{pid}"), |it| format!("{} {pid} {}", it.machine, it.start));
    let task = match config::own_container() {
        Some(container) => cluster.swarm.task_of(&container).await,
        None => None,
    };
    Ok(Instance {
        run: format!("{run} {}", now.as_nanosecond()),
        task,
        node: cluster.swarm.own_node().await.map_err(cluster::Error::from)?,
        process,
        since: now,
        asked: None,
        answered: None,
    })
}

/// The controller of the swarm, or of the scope, unless there is none or it is known to be gone.
pub async fn present(cluster: &Cluster) -> Result<Option<Instance>, cluster::Error> {
    let Some(there) = cluster.store.controller().await?.map(|note| note.said) else { return Ok(None) };
    let standing = standing(cluster, &there, None).await?;
    Ok(Some(there).filter(|_| standing != Standing::Gone))
}

/// What is known of the controller in the record, by one that starts as `successor`, if by one.
async fn standing(
    cluster: &Cluster,
    other: &Instance,
    successor: Option<&Instance>,
) -> Result<Standing, cluster::Error> {
    let life = match &other.task {
        Some(task) => Some(cluster.swarm.life_of(&task.id).await?),
        None => None,
    };
    let runs = other.process.as_ref().and_then(config::is_running);
    Ok(other.standing(successor, life.as_ref(), runs))
}
