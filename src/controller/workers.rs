//! One worker a stack: stacks roll out in parallel, each stack one rollout at a time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::cluster::Cluster;
use super::metrics::Metrics;
use super::progress::{Progress, Teller};
use super::rollout::Rollout;
use crate::name::StackName;
use crate::release::{History, Outcome, ReleaseId};
use crate::store;

/// The workers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Workers {
    cluster: Cluster,
    metrics: Metrics,
    slots: Arc<Semaphore>,
    mailboxes: Arc<Mutex<HashMap<StackName, Arc<Mailbox>>>>,
}

/// Where a worker is told that there is work, and who wants to hear how it goes.
#[derive(Debug, Default)]
struct Mailbox {
    wake: Notify,
    followers: Mutex<Vec<Follower>>,
    /// How many are about to record a release and to follow it.
    held: AtomicUsize,
}

/// Keeps a stack's worker from beginning a round for as long as it is there: whoever records a release is to hear of it
/// from its first line on.
#[derive(Debug)]
pub struct Hold(Arc<Mailbox>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.held.fetch_sub(1, Ordering::Relaxed);
        self.0.wake.notify_one();
    }
}

#[derive(Debug)]
struct Follower {
    release: ReleaseId,
    progress: mpsc::Sender<Progress>,
    outcome: oneshot::Sender<Outcome>,
}

impl Workers {
    /// No workers yet; at most `rollouts` of them will roll out at once.
    pub fn new(cluster: Cluster, metrics: Metrics, rollouts: usize) -> Self {
        Self { cluster, metrics, slots: Arc::new(Semaphore::new(rollouts.max(1))), mailboxes: Arc::default() }
    }

    /// Follows a release until it ends. The rollout does not end with the follower.
    pub fn follow(
        &self,
        stack: &StackName,
        release: ReleaseId,
        progress: mpsc::Sender<Progress>,
    ) -> oneshot::Receiver<Outcome> {
        let (outcome, ended) = oneshot::channel();
        let mailbox = self.mailbox(stack);
        lock(&mailbox.followers).push(Follower { release, progress, outcome });
        mailbox.wake.notify_one();
        ended
    }

    /// Lets the stack's worker rest until a release is recorded and followed; none if it has no worker yet.
    pub fn hold(&self, stack: &StackName) -> Option<Hold> {
        let mailbox = lock(&self.mailboxes).get(stack)?.clone();
        mailbox.held.fetch_add(1, Ordering::Relaxed);
        Some(Hold(mailbox))
    }

    /// Has the stack looked at now.
    pub fn wake(&self, stack: &StackName) {
        self.mailbox(stack).wake.notify_one();
    }

    /// Has the stacks looked at to which something of this name can belong, be it the record of a release.
    pub fn heard_of(&self, name: &str) {
        let of_stack = |rest: &str| rest.is_empty() || rest.starts_with(['_', '.']);
        let name = name.strip_prefix(store::PREFIX).unwrap_or(name);
        for (stack, mailbox) in lock(&self.mailboxes).iter() {
            if name.strip_prefix(stack.as_str()).is_some_and(of_stack) {
                mailbox.wake.notify_one();
            }
        }
    }

    /// Has every stack looked at now.
    pub fn wake_all(&self) {
        lock(&self.mailboxes).values().for_each(|mailbox| mailbox.wake.notify_one());
    }

    /// The mailbox of the stack's worker, who is hired if there is none.
    fn mailbox(&self, stack: &StackName) -> Arc<Mailbox> {
        let mut mailboxes = lock(&self.mailboxes);
        if let Some(mailbox) = mailboxes.get(stack) {
            return mailbox.clone();
        }
        let mailbox = Arc::new(Mailbox::default());
        mailboxes.insert(stack.clone(), mailbox.clone());
        tokio::spawn(self.clone().work(stack.clone(), mailbox.clone()));
        mailbox
    }

    /// Makes rounds for ever. A stack that rolls out holds one of the slots.
    async fn work(self, stack: StackName, mailbox: Arc<Mailbox>) {
        let mut rollout = Rollout::new(self.cluster.clone(), stack);
        let mut slot = Some(self.slot().await);
        loop {
            mailbox.let_go().await;
            let (teller, followers) = mailbox.teller();
            let attempt = rollout.attempt(&teller).await;
            self.metrics.drifted(rollout.take_tally());
            if let Some(history) = &attempt.history {
                mailbox.settle(history, followers);
            }
            if attempt.rests {
                slot = None;
            }
            // A follower hears that a release has ended by the end of its channel: nothing of it is kept while waiting.
            drop(teller);
            tokio::select! {
                () = self.cluster.clock.wait(attempt.pause) => {}
                () = mailbox.wake.notified() => {}
            }
            if slot.is_none() && mailbox.has_followers() {
                slot = Some(self.slot().await);
            }
        }
    }

    async fn slot(&self) -> OwnedSemaphorePermit {
        self.metrics.queue().inc();
        let slot = self.slots.clone().acquire_owned().await.expect("the semaphore is never closed");
        self.metrics.queue().dec();
        slot
    }
}

impl Mailbox {
    /// Comes back when nobody holds the worker.
    async fn let_go(&self) {
        while self.held.load(Ordering::Relaxed) > 0 {
            self.wake.notified().await;
        }
    }

    /// Who is told of a round that begins now, and how many they are.
    fn teller(&self) -> (Teller, usize) {
        let listeners: Vec<_> = lock(&self.followers).iter().map(|follower| follower.progress.clone()).collect();
        let count = listeners.len();
        (Teller::new(listeners), count)
    }

    fn has_followers(&self) -> bool {
        !lock(&self.followers).is_empty()
    }

    /// Tells the first `count` followers of releases that have ended, and lets them go. Those who came later may follow
    /// a release that was not recorded yet when `history` was read.
    fn settle(&self, history: &History, count: usize) {
        let mut followers = lock(&self.followers);
        let count = count.min(followers.len());
        let later = followers.split_off(count);
        for follower in std::mem::replace(&mut *followers, later) {
            match history.outcome(follower.release) {
                // Nobody may be listening any more.
                Some(outcome) => drop(follower.outcome.send(outcome)),
                None => followers.push(follower),
            }
        }
    }
}

/// What is behind these locks is whole at every moment, also after a panic elsewhere.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::controller::clock::Clock;
    use crate::controller::cluster::{Accepted, Proposal};
    use crate::engine::{Engine, simulated::World};
    use crate::probe::Prober;
    use crate::release::{Cause, Origin};
    use crate::stack::{Nanos, Service, Stack};
    use crate::store::Store;
    use crate::swarm::Swarm;

    fn proposal() -> Proposal {
        let mut desired = Stack::empty("shop".parse().unwrap());
        desired.settings.stable = Nanos(0);
        desired.services.insert("web".parse().unwrap(), Service { image: "shop:1".into(), ..Service::default() });
        let id = "1".repeat(40);
        let origin = Origin {
            repository: "shop".into(),
            branch: Some("main".into()),
            commit: id.parse().unwrap(),
            tree: id.parse().unwrap(),
            author: "Ada <ada@example.com>".into(),
            subject: "Open the shop".into(),
        };
        Proposal::new(origin, Cause::Push, desired)
    }

    #[expect(clippy::disallowed_methods, reason = "the simulated swarm begins now, so that the system's clock fits")]
    fn cluster() -> Cluster {
        let world = World::beginning_at(jiff::Timestamp::now());
        world.pass_with_each_look(Duration::from_secs(1));
        let engine = Engine::Simulated(world);
        Cluster {
            swarm: Swarm::new(engine.clone()),
            store: Store::new(engine.clone()),
            prober: Prober::new(engine),
            clock: Clock::System,
        }
    }

    #[tokio::test]
    async fn a_follower_hears_at_once_that_a_release_has_ended() {
        let cluster = cluster();
        let workers = Workers::new(cluster.clone(), Metrics::new(), 1);
        let Accepted::Rolling(id) = cluster.propose(proposal()).await.unwrap().accepted else { panic!("it is new") };
        let (sender, mut progress) = mpsc::channel(256);
        let ended = workers.follow(&"shop".parse().unwrap(), id, sender);
        // The next look at a stack that rests comes after half a minute: too late for somebody who waits.
        let heard = async { while progress.recv().await.is_some() {} };
        tokio::time::timeout(Duration::from_secs(15), heard).await.expect("the channel ends with the release");
        assert_eq!(ended.await.unwrap(), Outcome::Promoted);
    }

    #[tokio::test]
    async fn nothing_of_a_rollout_is_missed_though_its_worker_was_awake_first() {
        let (cluster, stack) = (cluster(), "shop".parse().unwrap());
        let workers = Workers::new(cluster.clone(), Metrics::new(), 1);
        workers.wake(&stack);
        let hold = workers.hold(&stack);
        let Accepted::Rolling(id) = cluster.propose(proposal()).await.unwrap().accepted else { panic!("it is new") };
        workers.heard_of("skep.shop.r1");
        // The worker has every chance to begin before anybody follows.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        let (sender, mut progress) = mpsc::channel(256);
        let ended = workers.follow(&stack, id, sender);
        drop(hold);
        let first = progress.recv().await;
        assert!(matches!(first, Some(Progress::Change { .. })), "{first:?}");
        progress.close();
        assert_eq!(ended.await.unwrap(), Outcome::Promoted);
    }
}
