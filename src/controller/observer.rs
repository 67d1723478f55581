//! One observation of the whole swarm for all stacks at rest.
//!
//! A stack at rest is compared with its observed state every half minute. If each stack were observed separately, the
//! number of requests and the memory would grow with the number of stacks; so one task observes the swarm, and the
//! workers share the snapshot. A snapshot may be half a minute old, so it only shows that there is something to do:
//! before a worker writes, it observes its own stack again.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use super::cluster::{Cluster, Error};
use crate::name::StackName;
use crate::plan::observed::Observed;
use crate::release::History;
use crate::store::Archive;
use crate::swarm::Overview;

/// How many workers observe their own stacks at once. Each keeps its observation in memory: without a limit, memory would
/// grow with the number of stacks that roll out together.
const AT_ONCE: usize = 16;

/// All stacks and their records in one observation.
#[derive(Debug)]
pub struct Snapshot {
    archive: Archive,
    /// The stacks.
    pub overview: Overview,
    /// When the observation began.
    pub begin: Timestamp,
    /// When it ended.
    pub end: Timestamp,
}

/// The newest snapshot. Cheap to clone; all clones share it.
#[derive(Clone, Debug)]
pub struct Observer {
    newest: Arc<Mutex<Option<Arc<Snapshot>>>>,
    asked: Arc<Notify>,
    places: Arc<Semaphore>,
}

impl Default for Observer {
    fn default() -> Self {
        Self { newest: Arc::default(), asked: Arc::default(), places: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl Snapshot {
    /// Observes the whole swarm, with as many requests as for one stack.
    pub async fn of(cluster: &Cluster) -> Result<Self, Error> {
        let archive = cluster.store.archive().await?;
        let begin = cluster.clock.now();
        let overview = cluster.swarm.overview().await?;
        Ok(Self { archive, overview, begin, end: cluster.clock.now() })
    }

    /// The releases of a stack, and the stack; an error if either cannot be read.
    pub fn stack(&self, stack: &StackName) -> Result<(History, Observed), Error> {
        let history = Error::unless_damaged(self.archive.records(stack))?;
        Ok((history, self.overview.stack(stack)?))
    }
}

impl Observer {
    /// A permit to observe a single stack, to be returned after the observation.
    pub(super) async fn place(&self) -> SemaphorePermit<'_> {
        self.places.acquire().await.expect("the semaphore is never closed")
    }

    /// The newest snapshot; `None` before the first one.
    pub fn newest(&self) -> Option<Arc<Snapshot>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Publishes a snapshot.
    pub fn show(&self, snapshot: Snapshot) {
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(snapshot));
    }

    /// Requests a new snapshot soon.
    pub fn ask(&self) {
        self.asked.notify_one();
    }

    /// Returns when a snapshot was requested.
    pub async fn asked(&self) {
        self.asked.notified().await;
    }
}
