//! Ensures that a swarm has one controller: it records its identity, answers other controllers, and stops if another
//! one has replaced it.

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

/// How long to wait for the answer of a controller that may be alive.
const PATIENCE: SignedDuration = SignedDuration::from_secs(10);
/// How often the record is read for the answer.
const LOOK: Duration = Duration::from_millis(500);
/// How often to retry if the record was changed meanwhile.
const TRIES: usize = 20;

/// The identity of this controller, and whether another one has replaced it. Cheap to clone.
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

/// Why a controller does not start, or stops.
#[derive(Debug, thiserror::Error)]
pub enum Another {
    /// There is another controller.
    #[error(
        "another controller of skep runs in this swarm: {0}, since {since}; two would undo each other's work. Stop one of \
         them, or give each a scope of its own (SKEP_SCOPE; docs/operations.md)",
        since = .0.since.strftime("%Y-%m-%d %H:%M:%S")
    )]
    Controller(Box<Instance>),
    /// Whether there is another controller cannot be determined.
    #[error(transparent)]
    Cluster(#[from] cluster::Error),
    /// The record keeps changing.
    #[error("several controllers of skep start in this swarm at once; start one after the other")]
    Contended,
}

impl From<store::Error> for Another {
    fn from(error: store::Error) -> Self {
        cluster::Error::from(error).into()
    }
}

impl Controller {
    /// Records this controller as that of the swarm, or of its scope; an error if there is another one.
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

    /// Asks a controller of unknown state whether it is alive, and replaces it if it does not answer.
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

    /// Answers another controller that asks whether this one is alive, and checks whether another one has replaced it.
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

    /// Returns when another controller has replaced this one.
    pub async fn superseded(&self) -> Another {
        let mut lost = self.registration.lost.subscribe();
        match lost.wait_for(Option::is_some).await.map(|other| other.clone()) {
            Ok(Some(other)) => Another::Controller(Box::new(other)),
            _ => std::future::pending().await,
        }
    }

    /// Removes this controller from the record, so that the next one need not ask for it.
    pub(super) async fn deregister(&self) {
        let Some(own) = self.registration.own.get() else { return };
        if let Err(error) = self.deployer.cluster.store.deregister(&own.run).await {
            tracing::debug!(%error, "the record of the controller stays");
        }
    }
}

/// The identity of this controller.
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

/// The controller of the swarm, or of the scope, unless there is none or it is known to have ended.
pub async fn present(cluster: &Cluster) -> Result<Option<Instance>, cluster::Error> {
    let Some(there) = cluster.store.controller().await?.map(|note| note.said) else { return Ok(None) };
    let standing = standing(cluster, &there, None).await?;
    Ok(Some(there).filter(|_| standing != Standing::Gone))
}

/// Whether the recorded controller is alive, as seen by a controller that starts (`successor`, if that is known).
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
