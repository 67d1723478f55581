//! One look at all of the swarm for all stacks that rest.
//!
//! A stack that rests is compared with what was seen of it every half minute. If each stack looked for itself, the requests
//! and the memory they need would grow with the number of stacks; so one task looks, and the workers share what it saw.
//! A snapshot only tells that there is something to do: nothing is written on the strength of one, for it may be half a
//! minute old. Whoever has something to do looks again, at its own stack.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use super::cluster::{Cluster, Error};
use crate::name::StackName;
use crate::plan::observed::Observed;
use crate::release::History;
use crate::store::Archive;
use crate::swarm::Overview;

/// How many workers look at their own stacks at once. Each has all that it has read in memory: without a bound hundreds of
/// stacks that roll out together need as much as they all are.
const AT_ONCE: usize = 16;

/// All stacks and their records, as one look has shown them.
#[derive(Debug)]
pub struct Snapshot {
    archive: Archive,
    /// The stacks.
    pub overview: Overview,
    /// When the look began.
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
    /// Looks at all of the swarm, in as many requests as for one stack.
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
    /// The right to look at a stack of one's own: to be given back when that was seen.
    pub(super) async fn place(&self) -> SemaphorePermit<'_> {
        self.places.acquire().await.expect("the semaphore is never closed")
    }

    /// The newest snapshot; `None` before the first one.
    pub fn newest(&self) -> Option<Arc<Snapshot>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Shares a snapshot with everybody.
    pub fn show(&self, snapshot: Snapshot) {
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(snapshot));
    }

    /// Asks for a new snapshot, soon.
    pub fn ask(&self) {
        self.asked.notify_one();
    }

    /// Comes back when somebody has asked.
    pub async fn asked(&self) {
        self.asked.notified().await;
    }
}
