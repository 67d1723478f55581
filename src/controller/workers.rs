//! One worker for each stack: stacks roll out in parallel, each stack one rollout at a time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};

use super::backoff::Backoff;
use super::cluster::Cluster;
use super::events::{EventSender, Reader};
use super::metrics::Metrics;
use super::observer::{Observer, Snapshot};
use super::rollout::{Attempt, Next, Rollout, panicked};
use super::supervise::Supervisor;
use crate::event::What;
use crate::health::Symptom;
use crate::lease::Lease;
use crate::name::StackName;
use crate::release::{History, Outcome, ReleaseId};
use crate::store;

/// How often stacks at rest are compared with their releases.
const EVERY: Duration = Duration::from_secs(30);
/// The pause after the first of several events before the swarm is observed because of them.
const SETTLING: Duration = Duration::from_secs(1);
/// How often in a row a worker may fail until nobody waits for it any more.
const FAILURES: u32 = 3;

/// The workers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Workers {
    cluster: Cluster,
    lease: Lease,
    events: EventSender,
    metrics: Metrics,
    supervisor: Supervisor,
    observer: Observer,
    slots: Arc<Semaphore>,
    mailboxes: Arc<Mutex<HashMap<StackName, Arc<Mailbox>>>>,
}

/// Wakes a worker, and lists the followers of its rollouts.
#[derive(Debug, Default)]
struct Mailbox {
    wake: Notify,
    /// Notified of events that concern its stack.
    event: Notify,
    /// Whether the worker has to observe its stack, instead of using the snapshot of the observer.
    asked: AtomicBool,
    followers: Mutex<Vec<Follower>>,
    /// The number of [`Hold`]s.
    held: AtomicUsize,
}

/// Keeps a stack's worker from starting a round as long as it exists, so that the follower of a new release gets its
/// progress from the first line on.
#[derive(Debug)]
pub struct Hold(Arc<Mailbox>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.held.fetch_sub(1, Ordering::Relaxed);
        self.0.ask();
    }
}

#[derive(Debug)]
struct Follower {
    release: ReleaseId,
    readers: Vec<Reader>,
    outcome: oneshot::Sender<Outcome>,
}

impl Workers {
    /// No workers yet; at most `rollouts` of them will change their stacks at once.
    pub fn new(cluster: Cluster, lease: Lease, events: EventSender, metrics: Metrics, rollouts: usize) -> Self {
        let slots = Arc::new(Semaphore::new(rollouts.max(1)));
        let supervisor = Supervisor::new(events.clone());
        let (observer, mailboxes) = (Observer::default(), Arc::default());
        Self { cluster, lease, events, metrics, supervisor, observer, slots, mailboxes }
    }

    /// Supervises the workers, and all else that a controller does beside them.
    pub fn supervisor(&self) -> &Supervisor {
        &self.supervisor
    }

    /// Follows a release until it ends, and sends its events to these readers. The rollout does not end with the
    /// follower.
    pub fn follow(&self, stack: &StackName, release: ReleaseId, readers: Vec<Reader>) -> oneshot::Receiver<Outcome> {
        let (outcome, ended) = oneshot::channel();
        let mailbox = self.mailbox(stack);
        lock(&mailbox.followers).push(Follower { release, readers, outcome });
        mailbox.ask();
        ended
    }

    /// Pauses the stack's worker until a release is recorded and followed; `None` if it has no worker yet.
    pub fn hold(&self, stack: &StackName) -> Option<Hold> {
        let mailbox = lock(&self.mailboxes).get(stack)?.clone();
        mailbox.held.fetch_add(1, Ordering::Relaxed);
        Some(Hold(mailbox))
    }

    /// From now on, compares the stack with its release whenever all are compared.
    pub fn watch(&self, stack: &StackName) {
        self.mailbox(stack);
    }

    /// Has the stack observed now.
    pub fn wake(&self, stack: &StackName) {
        self.mailbox(stack).ask();
    }

    /// Has the stacks observed to which an object of this name, or a record, can belong.
    pub fn heard_of(&self, name: &str) {
        let of_stack = |rest: &str| rest.is_empty() || rest.starts_with(['_', '.']);
        let name = name.strip_prefix(store::PREFIX).unwrap_or(name);
        for (stack, mailbox) in lock(&self.mailboxes).iter() {
            if name.strip_prefix(stack.as_str()).is_some_and(of_stack) {
                mailbox.hear();
            }
        }
    }

    /// Has every stack observed soon.
    pub fn wake_all(&self) {
        self.observer.ask();
    }

    /// Observes the whole swarm every half minute, and sooner on request, and has the workers compare their stacks with
    /// the snapshot. Has no end.
    pub async fn look_out(self) {
        let (clock, mut backoff) = (&self.cluster.clock, Backoff::default());
        loop {
            let pause = match Snapshot::of(&self.cluster).await {
                Ok(snapshot) => {
                    backoff.reset();
                    self.show(snapshot);
                    EVERY
                }
                Err(error) => {
                    tracing::warn!(%error, "the swarm could not be looked at; trying again");
                    backoff.next(clock.now())
                }
            };
            tokio::select! {
                () = clock.wait(pause) => {}
                // Nodes come and go with a burst of events, for which one observation is enough.
                () = self.observer.asked() => clock.wait(SETTLING).await,
            }
        }
    }

    /// Shows a snapshot to the workers.
    fn show(&self, snapshot: Snapshot) {
        self.observer.show(snapshot);
        lock(&self.mailboxes).values().for_each(|mailbox| mailbox.wake.notify_one());
    }

    /// The mailbox of the stack's worker, which is spawned on first use.
    fn mailbox(&self, stack: &StackName) -> Arc<Mailbox> {
        let mut mailboxes = lock(&self.mailboxes);
        if let Some(mailbox) = mailboxes.get(stack) {
            return mailbox.clone();
        }
        let mailbox = Arc::new(Mailbox::default());
        mailboxes.insert(stack.clone(), mailbox.clone());
        let (name, workers, events) = (format!("worker of {stack}"), self.clone(), self.events.of_stack(stack));
        let (stack, theirs, followed) = (stack.clone(), mailbox.clone(), mailbox.clone());
        let work = move || workers.clone().work(stack.clone(), theirs.clone());
        let failed = move |why: &str, in_a_row| followed.lost(&events, why, in_a_row);
        self.supervisor.keep_telling(name, work, failed);
        mailbox
    }

    /// Makes rounds forever. A stack at rest is compared with the shared snapshot, and observed by its own worker after
    /// an event that concerns it.
    async fn work(self, stack: StackName, mailbox: Arc<Mailbox>) {
        let (cluster, lease) = (self.cluster.clone(), self.lease.clone());
        let mut rollout = Rollout::of_many(cluster, lease, stack, self.observer.clone(), self.slots.clone());
        let mut is_due = false;
        loop {
            mailbox.let_go().await;
            let looks = mailbox.is_asked() || is_due || mailbox.has_followers() || !rollout.seems_to_rest(&self.events);
            let rests = !looks || self.round(&mut rollout, &mailbox).await;
            if rests {
                mailbox.something().await;
            }
            is_due = !rests;
        }
    }

    /// Makes a round, and waits until the next one is due; returns whether the stack is at rest.
    async fn round(&self, rollout: &mut Rollout, mailbox: &Mailbox) -> bool {
        let (readers, followers) = mailbox.readers();
        let events = self.events.to(readers);
        let Attempt { history, pause, next, broken } = rollout.attempt(&events).await;
        if let Some(history) = history {
            mailbox.settle(&history, followers);
        }
        if let Some(symptom) = &broken {
            mailbox.abandon(symptom, followers);
        }
        if next == Next::Slot && self.slots.available_permits() == 0 {
            events.of_stack(rollout.stack()).send(What::Queued);
        }
        // A closed queue tells a reader that a release has ended, so no sender is kept while waiting.
        drop(events);
        match next {
            Next::Rest => return true,
            Next::Slot => rollout.take_slot(self.slot().await),
            // A rollout causes an event with each of its own writes and each step of Swarm, and is observed soon anyway.
            Next::Soon if pause <= Next::Soon.pause() => tokio::select! {
                () = self.cluster.clock.wait(pause) => {}
                () = mailbox.wake.notified() => {}
            },
            Next::Now | Next::Soon | Next::Later => tokio::select! {
                () = self.cluster.clock.wait(pause) => {}
                () = mailbox.something() => {}
            },
        }
        false
    }

    async fn slot(&self) -> OwnedSemaphorePermit {
        self.metrics.queue().inc();
        let slot = self.slots.clone().acquire_owned().await.expect("the semaphore is never closed");
        self.metrics.queue().dec();
        slot
    }
}

impl Mailbox {
    /// Has the worker observe its stack.
    fn ask(&self) {
        self.asked.store(true, Ordering::Relaxed);
        self.wake.notify_one();
    }

    /// Has the worker observe its stack, unless it is about to.
    fn hear(&self) {
        self.asked.store(true, Ordering::Relaxed);
        self.event.notify_one();
    }

    /// Returns when there is something to do.
    async fn something(&self) {
        tokio::select! {
            () = self.wake.notified() => {}
            () = self.event.notified() => {}
        }
    }

    /// Whether the worker has been asked to observe its stack since the last call.
    fn is_asked(&self) -> bool {
        self.asked.swap(false, Ordering::Relaxed)
    }

    /// Returns when there is no hold on the worker.
    async fn let_go(&self) {
        while self.held.load(Ordering::Relaxed) > 0 {
            self.wake.notified().await;
        }
    }

    /// The readers of a round that begins now, and the number of followers.
    fn readers(&self) -> (Vec<Reader>, usize) {
        let followers = lock(&self.followers);
        (followers.iter().flat_map(|follower| follower.readers.iter().cloned()).collect(), followers.len())
    }

    fn has_followers(&self) -> bool {
        !lock(&self.followers).is_empty()
    }

    /// Tells all followers that the worker has failed; and when it fails again and again, that they wait for nothing.
    fn lost(&self, events: &EventSender, why: &str, in_a_row: u32) {
        let (readers, count) = self.readers();
        events.only_to(readers).send(What::Hindered { why: format!("skep itself failed at this stack: {why}") });
        if in_a_row >= FAILURES {
            self.abandon(&panicked(why), count);
        }
    }

    /// Tells the first `count` followers that their releases cannot be followed any more, and removes them.
    fn abandon(&self, symptom: &Symptom, count: usize) {
        let mut followers = lock(&self.followers);
        let count = count.min(followers.len());
        for follower in followers.drain(..count) {
            // Nobody may be listening any more.
            drop(follower.outcome.send(Outcome::Halted { symptoms: vec![symptom.clone()] }));
        }
    }

    /// Tells the first `count` followers the outcome of releases that have ended, and removes them. Later followers may
    /// follow a release that was not yet recorded when `history` was read.
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

/// The data behind these locks is consistent at every moment, so a panic elsewhere does no harm.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::Value;

    use super::*;
    use crate::controller::clock::Clock;
    use crate::controller::cluster::{Accepted, Proposal};
    use crate::controller::events::reader;
    use crate::engine::{Call, Engine, simulated::World};
    use crate::probe::Prober;
    use crate::release::{Cause, Origin};
    use crate::stack::{Drift, Nanos, Service, Stack};
    use crate::store::Store;
    use crate::swarm::Swarm;

    fn proposal() -> Proposal {
        proposal_of("shop", "shop:1")
    }

    fn proposal_of(stack: &str, image: &str) -> Proposal {
        let mut desired = Stack::empty(stack.parse().unwrap());
        desired.settings.stable = Nanos(0);
        desired.services.insert("web".parse().unwrap(), Service { image: image.into(), ..Service::default() });
        // Other files than those of another image.
        let id = image.chars().last().unwrap().to_string().repeat(40);
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

    /// A swarm in memory, whose clock goes on when a worker waits.
    fn simulated() -> (World, Cluster) {
        let world = World::new();
        let engine = Engine::Simulated(world.clone());
        let cluster = Cluster {
            swarm: Swarm::new(engine.clone()),
            store: Store::new(engine.clone()),
            prober: Prober::new(engine),
            clock: Clock::Simulated(world.clone()),
        };
        (world, cluster)
    }

    /// Has something deployed, does `then` when it is recorded, and follows it to its end.
    async fn deployed(workers: &Workers, proposal: Proposal, then: impl FnOnce()) -> Outcome {
        let stack = proposal.desired.name.clone();
        let Accepted::Rolling(id) = workers.cluster.propose(&Lease::of_command(), proposal).await.unwrap().accepted
        else {
            panic!("it is new")
        };
        then();
        let ended = workers.follow(&stack, id, Vec::new());
        tokio::time::timeout(Duration::from_secs(20), ended).await.expect("it ends").unwrap()
    }

    fn said(outcome: &Outcome) -> String {
        let symptoms =
            |symptoms: &[Symptom]| symptoms.iter().map(|it| it.message.clone()).collect::<Vec<_>>().join("; ");
        match outcome {
            Outcome::RolledBack { to, symptoms: why } => format!("back at {to:?}: {}", symptoms(why)),
            Outcome::Halted { symptoms: why } => format!("halted: {}", symptoms(why)),
            other => format!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn of_two_repositories_that_propose_a_new_stack_the_first_one_has_it() {
        let (_, cluster) = simulated();
        // Neither saw the other when it was admitted: both were building their images.
        let of = |repository: &str, cause: Cause| {
            let Proposal { origin, desired, .. } = proposal_of("shop", &format!("{repository}:1"));
            Proposal::new(Origin { repository: repository.into(), ..origin }, cause, desired)
        };
        let lease = Lease::of_command();
        let (one, other) = tokio::join!(
            cluster.propose(&lease, of("team/a", Cause::Push)),
            cluster.propose(&lease, of("team/b", Cause::Poll))
        );
        let refused = [one, other].into_iter().filter_map(Result::err).map(|error| error.to_string());
        let refused: Vec<String> = refused.collect();
        let history = cluster.history(&"shop".parse().unwrap()).await.unwrap();
        assert_eq!((refused.len(), history.releases().len()), (1, 1));
        insta::assert_snapshot!(refused[0].replace(history.owner().unwrap().name(), "OWNER"), @"the stack `shop` belongs to the repository `OWNER` (pushed to skep); give this one another name, or take it over with `git push -o adopt`");
        // Who may use the engine is asked nothing.
        assert!(cluster.propose(&Lease::of_command(), of("folder /srv/shop", Cause::Command)).await.is_ok());
    }

    #[tokio::test]
    async fn a_release_fails_with_words_when_skep_panics_on_it() {
        let (world, cluster) = simulated();
        let workers = Workers::new(cluster, Lease::of_command(), EventSender::nowhere(), Metrics::new(), 1);
        assert_eq!(deployed(&workers, proposal_of("shop", "shop:1"), || {}).await, Outcome::Promoted);
        let once = deployed(&workers, proposal_of("shop", "shop:2"), || world.panic_on("/tasks", 1)).await;
        insta::assert_snapshot!(said(&once), @"back at Some(ReleaseId(1)): skep itself failed on this release: made to panic at /tasks");
        let always = deployed(&workers, proposal_of("shop", "shop:3"), || world.panic_on("/tasks", u32::MAX)).await;
        insta::assert_snapshot!(said(&always), @"halted: skep itself failed on this release: made to panic at /tasks; skep itself failed on this release: made to panic at /tasks");
        world.panic_on("/tasks", 0);
        assert_eq!(
            deployed(&workers, proposal_of("shop", "shop:4"), || {}).await,
            Outcome::Promoted,
            "its worker goes on"
        );
    }

    #[tokio::test]
    async fn a_panic_that_cannot_be_recorded_is_told_and_does_not_make_a_hot_loop() {
        let (world, cluster) = simulated();
        let workers = Workers::new(cluster, Lease::of_command(), EventSender::nowhere(), Metrics::new(), 1);
        let outcome = deployed(&workers, proposal_of("shop", "shop:1"), || world.panic_on("/configs", u32::MAX)).await;
        insta::assert_snapshot!(said(&outcome), @"halted: skep itself failed on this release: made to panic at /configs");
        let (begin, requests) = (world.now(), world.requests());
        while world.now().duration_since(begin).as_mins() < 10 {
            tokio::task::yield_now().await;
        }
        let asked = world.requests() - requests;
        assert!((10..200).contains(&asked), "{asked} requests in ten minutes");
    }

    /// As many stacks as this, which run and rest.
    async fn resting(count: usize) -> (World, Workers) {
        let (world, cluster) = simulated();
        let workers = Workers::new(cluster, Lease::of_command(), EventSender::nowhere(), Metrics::new(), 8);
        for nth in 0..count {
            assert_eq!(
                deployed(&workers, proposal_of(&format!("stack{nth}"), "shop:1"), || {}).await,
                Outcome::Promoted
            );
        }
        (world, workers)
    }

    /// Lets everybody work until so many seconds of the swarm have passed.
    async fn pass(world: &World, seconds: i64) {
        let begin = world.now();
        while world.now().duration_since(begin).as_secs() < seconds {
            tokio::task::yield_now().await;
        }
    }

    /// The requests of some seconds of a rollout that waits for its tasks, with an event about its stack now and again.
    async fn requests_of_a_rollout(events: bool) -> u64 {
        let (world, cluster) = simulated();
        let workers = Workers::new(cluster, Lease::of_command(), EventSender::nowhere(), Metrics::new(), 1);
        world.script("sick:1", crate::engine::simulated::Behaviour::NeverHealthy);
        let sick = proposal_of("sick", "sick:1");
        let Accepted::Rolling(id) = workers.cluster.propose(&Lease::of_command(), sick).await.unwrap().accepted else {
            panic!("it is new")
        };
        let _never = workers.follow(&"sick".parse().unwrap(), id, Vec::new());
        let (begin, before) = (world.now(), world.requests());
        while world.now().duration_since(begin).as_secs() < 5 {
            if events {
                workers.heard_of("sick_web");
            }
            tokio::task::yield_now().await;
        }
        world.requests() - before
    }

    #[tokio::test]
    async fn a_rollout_is_not_looked_at_more_often_for_the_events_that_it_makes_itself() {
        let without = requests_of_a_rollout(false).await;
        let with = requests_of_a_rollout(true).await;
        assert!(with <= without + 10, "{with} requests, and {without} without events");
    }

    async fn requests_in_four_minutes_of_rest(stacks: usize) -> u64 {
        let (world, workers) = resting(stacks).await;
        let observer = tokio::spawn(workers.clone().look_out());
        pass(&world, 60).await;
        let before = world.requests();
        pass(&world, 240).await;
        observer.abort();
        world.requests() - before
    }

    #[tokio::test]
    async fn many_stacks_at_rest_cost_no_more_requests_than_few() {
        let few = requests_in_four_minutes_of_rest(2).await;
        assert_eq!(requests_in_four_minutes_of_rest(10).await, few);
        assert!((40..=90).contains(&few), "{few} requests in four minutes");
    }

    #[tokio::test]
    async fn a_burst_of_node_events_is_one_look() {
        let (world, workers) = resting(3).await;
        let before = world.requests();
        let observer = tokio::spawn(workers.clone().look_out());
        pass(&world, 1).await;
        let one = world.requests() - before;
        for _ in 0..5 {
            workers.wake_all();
        }
        pass(&world, 29).await;
        observer.abort();
        let all = world.requests() - before;
        assert!(all <= 4 * one, "{all} requests, and {one} for a look");
    }

    #[tokio::test]
    async fn what_was_changed_by_hand_is_changed_back_though_no_event_tells_of_it() {
        let (world, cluster) = simulated();
        let workers = Workers::new(cluster, Lease::of_command(), EventSender::nowhere(), Metrics::new(), 1);
        let mut proposal = proposal();
        proposal.desired.settings.drift = Drift::Heal;
        assert_eq!(deployed(&workers, proposal, || {}).await, Outcome::Promoted);
        let engine = Engine::Simulated(world.clone());
        let service: Value = engine.json(Call::get("/services/shop_web")).await.unwrap();
        engine.call(Call::delete("/services/shop_web")).await.unwrap();
        let observer = tokio::spawn(workers.clone().look_out());
        pass(&world, 60).await;
        observer.abort();
        let again: Value = engine.json(Call::get("/services/shop_web")).await.unwrap();
        assert_ne!(again["ID"], service["ID"]);
    }

    #[tokio::test]
    async fn a_stack_whose_tasks_never_come_up_holds_up_no_other() {
        let (world, cluster) = simulated();
        let workers = Workers::new(cluster, Lease::of_command(), EventSender::nowhere(), Metrics::new(), 1);
        world.script("sick:1", crate::engine::simulated::Behaviour::NeverHealthy);
        let mut sick = proposal_of("sick", "sick:1");
        sick.desired.settings.deadline = Nanos::seconds(24 * 3600);
        let Accepted::Rolling(id) = workers.cluster.propose(&Lease::of_command(), sick).await.unwrap().accepted else {
            panic!("it is new")
        };
        let _never = workers.follow(&"sick".parse().unwrap(), id, Vec::new());
        pass(&world, 5).await;
        let begin = world.now();
        assert_eq!(deployed(&workers, proposal(), || {}).await, Outcome::Promoted);
        let took = world.now().duration_since(begin).as_secs();
        assert!(took < 60, "{took} s");
    }

    #[tokio::test]
    async fn a_stack_whose_record_is_damaged_holds_up_no_other() {
        let (world, cluster) = simulated();
        let workers = Workers::new(cluster, Lease::of_command(), EventSender::nowhere(), Metrics::new(), 1);
        let damaged = proposal_of("sick", "shop:1");
        let Accepted::Rolling(id) = workers.cluster.propose(&Lease::of_command(), damaged).await.unwrap().accepted
        else {
            panic!("it is new")
        };
        let engine = Engine::Simulated(world.clone());
        let record: Value = engine.json(Call::get("/configs/skep.sick.r1")).await.unwrap();
        let body = serde_json::json!({ "Name": "skep.sick.r1", "Labels": { "skep.record": "1" } });
        let id_of_record = record["ID"].as_str().unwrap();
        let call = Call::post(format!("/configs/{id_of_record}/update"), body);
        engine.call(call.with("version", &record["Version"]["Index"])).await.unwrap();
        let _never = workers.follow(&"sick".parse().unwrap(), id, Vec::new());
        pass(&world, 5).await;
        assert_eq!(deployed(&workers, proposal(), || {}).await, Outcome::Promoted);
    }

    #[tokio::test]
    async fn followers_hear_at_once_that_their_worker_failed_and_when_to_give_up() {
        let (mailbox, events) = (Mailbox::default(), EventSender::nowhere());
        let (listener, mut told) = reader();
        let (outcome, ended) = oneshot::channel();
        lock(&mailbox.followers).push(Follower { release: ReleaseId(1), readers: vec![listener], outcome });
        for in_a_row in 1..=FAILURES {
            assert!(mailbox.has_followers(), "the worker may do better");
            mailbox.lost(&events, "no bread", in_a_row);
            let trouble = What::Hindered { why: "skep itself failed at this stack: no bread".into() };
            assert_eq!(told.next().await.map(|event| event.what), Some(trouble));
        }
        let Outcome::Halted { symptoms } = ended.await.unwrap() else { panic!("nobody watches any more") };
        insta::assert_snapshot!(symptoms[0].message, @"skep itself failed on this release: no bread");
        assert!(told.next().await.is_none(), "nothing more is said");
    }

    #[tokio::test]
    async fn a_follower_hears_at_once_that_a_release_has_ended() {
        let cluster = cluster();
        let workers = Workers::new(cluster.clone(), Lease::of_command(), EventSender::nowhere(), Metrics::new(), 1);
        let Accepted::Rolling(id) = cluster.propose(&Lease::of_command(), proposal()).await.unwrap().accepted else {
            panic!("it is new")
        };
        let (listener, mut told) = reader();
        let ended = workers.follow(&"shop".parse().unwrap(), id, vec![listener]);
        // The next look at a stack that rests comes after half a minute: too late for somebody who waits.
        let heard = async { while told.next().await.is_some() {} };
        tokio::time::timeout(Duration::from_secs(15), heard).await.expect("the queue ends with the release");
        assert_eq!(ended.await.unwrap(), Outcome::Promoted);
    }

    #[tokio::test]
    async fn nothing_of_a_rollout_is_missed_though_its_worker_was_awake_first() {
        let (cluster, stack) = (cluster(), "shop".parse().unwrap());
        let workers = Workers::new(cluster.clone(), Lease::of_command(), EventSender::nowhere(), Metrics::new(), 1);
        workers.wake(&stack);
        let hold = workers.hold(&stack);
        let Accepted::Rolling(id) = cluster.propose(&Lease::of_command(), proposal()).await.unwrap().accepted else {
            panic!("it is new")
        };
        workers.heard_of("skep.shop.r1");
        // The worker has every chance to begin before anybody follows.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        let (listener, mut told) = reader();
        let ended = workers.follow(&stack, id, vec![listener]);
        drop(hold);
        let first = told.next().await.map(|event| event.what);
        assert!(matches!(first, Some(What::Wave { .. })), "{first:?}");
        told.close();
        assert_eq!(ended.await.unwrap(), Outcome::Promoted);
    }
}
