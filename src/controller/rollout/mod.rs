//! Performs the rollouts of a stack in rounds, until there is nothing left to do.
//!
//! A round reads the record and the swarm, asks [`release::next`] for the next step, and carries it out. It may be
//! killed at any point and repeated by any process: each effect is a write with a version index, or idempotent. Between
//! rounds there is only a [`Memory`], which may be lost.

mod evidence;
mod next;
mod onlooker;
mod slot;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::backoff::Backoff;
use super::cluster::{Cluster, Error};
use super::events::EventSender;
use super::observer::{Observer, Snapshot};
use super::supervise::caught;
use super::surroundings::Surroundings;
use crate::event::What;
use crate::health::{CheckId, Symptom};
use crate::lease::Lease;
use crate::name::{ServiceName, StackName};
use crate::plan::observed::Observed;
use crate::plan::{Change, Plan};
use crate::probe;
use crate::release::{self, Absent, Cause, Consequence, History, Memory, Phase, Release, ReleaseId, Step, Written};
use crate::stack::Stack;
use crate::stack::check::Check;
use crate::swarm;
use slot::Slot;

pub use next::Next;
pub use onlooker::Onlooker;

/// How many changes are written at once.
const WRITES: usize = 8;
/// How long a stack that waits for its tasks keeps its slot and is observed four times a second.
const IDLE: SignedDuration = SignedDuration::from_secs(30);
/// The pause between observations afterwards.
const IDLE_PAUSE: Duration = Duration::from_secs(2);

/// The rounds of one stack.
#[derive(Debug)]
pub struct Rollout {
    cluster: Cluster,
    lease: Lease,
    stack: StackName,
    memory: Memory,
    trouble: Option<String>,
    backoff: Backoff,
    observer: Observer,
    slot: Slot,
    /// When this release began, or a change was last written for it.
    active: Timestamp,
    /// When the last successful round of this release ended, and what has prevented another since.
    looked: Option<(Timestamp, Absent)>,
    surroundings: Surroundings,
}

/// The result of trying a round.
#[derive(Debug)]
pub struct Attempt {
    /// The releases, if they could be read.
    pub history: Option<History>,
    /// The longest wait before the next round, if nothing happens earlier.
    pub pause: Duration,
    /// When the next round is due.
    pub next: Next,
    /// Why the failure of a panicking round could not be recorded either.
    pub broken: Option<Symptom>,
}

/// An observation of the stack. A swarm under load takes seconds to respond, and it is unknown when in between a state
/// was read: its duration is counted from the end of the first observation to the beginning of the last.
struct Look {
    observed: Observed,
    begin: Timestamp,
    end: Timestamp,
}

/// The input of a round.
struct Round<'a> {
    release: &'a Release,
    desired: &'a Stack,
    history: &'a History,
    observed: &'a Observed,
    events: &'a EventSender,
}

impl Rollout {
    /// The rounds of this stack, starting from the record.
    pub fn new(cluster: Cluster, lease: Lease, stack: StackName) -> Self {
        Self {
            observer: Observer::default(),
            slot: Slot::Unbounded,
            active: cluster.clock.now(),
            cluster,
            lease,
            stack,
            memory: Memory::default(),
            trouble: None,
            backoff: Backoff::default(),
            looked: None,
            surroundings: Surroundings::default(),
        }
    }

    /// The rounds of one of many stacks, which share an observer and need one of these slots to write.
    pub fn of_many(
        cluster: Cluster,
        lease: Lease,
        stack: StackName,
        observer: Observer,
        slots: Arc<Semaphore>,
    ) -> Self {
        Self { observer, slot: Slot::Missing(slots), ..Self::new(cluster, lease, stack) }
    }

    /// Lets the stack write until it is at rest or makes no progress.
    pub fn take_slot(&mut self, slot: OwnedSemaphorePermit) {
        self.slot = Slot::Held(slot);
        self.looked = self.looked.map(|(at, _)| (at, Absent::Turn));
        self.active = self.cluster.clock.now();
    }

    /// Makes one round, reports why it fails, and returns when the next one is due: after growing pauses while rounds
    /// fail.
    pub async fn attempt(&mut self, events: &EventSender) -> Attempt {
        let events = &events.of_stack(&self.stack);
        let outcome = match caught(Box::pin(self.round(events))).await {
            Ok(outcome) => outcome,
            Err(panic) => match self.recover(&panic, events).await {
                Ok(outcome) => outcome,
                Err(panic) => return self.broken(&panic, events),
            },
        };
        let (next, history) = match outcome {
            Ok((next, history)) => (next, Some(history)),
            Err(error) => {
                self.note(&error.to_string(), events);
                (Next::Later, None)
            }
        };
        Attempt { history, pause: self.pause(next), next, broken: None }
    }

    /// The pause after a round. Returns a slot that is not needed meanwhile.
    fn pause(&mut self, next: Next) -> Duration {
        let now = self.cluster.clock.now();
        // This also holds if the clock was set back.
        let is_idle = now.duration_since(self.active).abs() >= IDLE;
        if is_idle || matches!(next, Next::Later | Next::Rest) {
            self.slot.give_back();
        }
        if next == Next::Later {
            return self.backoff.next(now);
        }
        self.backoff.reset();
        if next == Next::Soon && is_idle { IDLE_PAUSE } else { next.pause() }
    }

    /// Whether the stack is at rest according to the newest snapshot. Needs no request, and may be wrong: a stack that
    /// does not seem to be at rest is then observed.
    pub fn seems_to_rest(&mut self, events: &EventSender) -> bool {
        let Some(snapshot) = self.observer.newest() else { return true };
        catch_unwind(AssertUnwindSafe(|| self.rests(&snapshot, events))).unwrap_or(false)
    }

    fn rests(&mut self, snapshot: &Snapshot, events: &EventSender) -> bool {
        let Ok((history, observed)) = snapshot.stack(&self.stack) else { return false };
        let Some(release) = history.rolling().or(history.last()) else { return true };
        if self.memory.release().is_some_and(|newer| release.id < newer) {
            // The snapshot is older than this worker's last observation.
            return true;
        }
        let look = Look { observed, begin: snapshot.begin, end: snapshot.end };
        let rests = release::next(release, &history, &look.observed, &self.memory, look.begin) == Step::Rest;
        if rests {
            self.begin(release);
            self.look_for_drift(release, &history, &look, &events.of_release(release));
        }
        rests
    }

    /// Goes on after a round that panicked with this message: a release that was rolling out has failed. The earlier
    /// observations may be incomplete and are forgotten. An error is the message of another panic.
    async fn recover(&mut self, panic: &str, events: &EventSender) -> Result<Result<(Next, History), Error>, String> {
        events.send(What::Broke { task: "a round".into(), why: panic.to_owned() });
        self.memory = Memory::default();
        caught(Box::pin(self.give_up(panic, events))).await
    }

    async fn give_up(&mut self, panic: &str, events: &EventSender) -> Result<(Next, History), Error> {
        let history = self.cluster.history(&self.stack).await?;
        if let Some(release) = history.rolling()
            && let Some(desired) = &release.desired
        {
            let observed = &Observed::nothing(self.stack.clone());
            let events = &events.of_release(release);
            let round = Round { release, desired, history: &history, observed, events };
            self.perform(release::failed(release, &history, vec![panicked(panic)]), &round).await?;
        }
        Ok((Next::Later, history))
    }

    fn broken(&mut self, panic: &str, events: &EventSender) -> Attempt {
        events.send(What::Broke { task: "recording that a round failed".into(), why: panic.to_owned() });
        let pause = self.pause(Next::Later);
        Attempt { history: None, pause, next: Next::Later, broken: Some(panicked(panic)) }
    }

    /// The stack.
    pub fn stack(&self) -> &StackName {
        &self.stack
    }

    /// The last failure.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// Makes one round.
    pub async fn round(&mut self, events: &EventSender) -> Result<(Next, History), Error> {
        let observer = self.observer.clone();
        let place = observer.place().await;
        let history = self.cluster.history(&self.stack).await?;
        self.supersede_older(&history, events).await?;
        let Some(release) = history.rolling().or(history.last()).cloned() else { return Ok((Next::Rest, history)) };
        let Some(desired) = &release.desired else { return Ok((Next::Rest, history)) };
        let mut look = self.look(desired).await?;
        drop(place);
        self.begin(&release);
        let events = &events.of_release(&release);
        let release = self.note_look(release.clone(), look.begin, events).await?;
        if matches!(release.phase, Phase::Rolling { .. }) {
            self.surroundings.ask(&self.cluster.swarm, &mut look.observed, look.end).await;
        }
        let Some(desired) = &release.desired else { return Ok((Next::Rest, history)) };
        self.look_for_drift(&release, &history, &look, events);
        self.memory.saw(&look.observed.scaled(desired), &look.observed, look.end);
        let look = self.check(&release, desired, &history, look).await?;
        let step = release::next(&release, &history, &look.observed, &self.memory, look.begin);
        let round = Round { release: &release, desired, history: &history, observed: &look.observed, events };
        let next = self.perform(step, &round).await?;
        self.looked = Some((self.cluster.clock.now(), Absent::Swarm));
        Ok((next, history))
    }

    /// Forgets the observations of an older release.
    fn begin(&mut self, release: &Release) {
        if self.memory.begin(release) {
            self.trouble = None;
            (self.active, self.looked) = (self.cluster.clock.now(), None);
            self.surroundings.forget_release();
        }
    }

    /// Notes in the record that the rollout is being observed. Time without observation does not count, and the
    /// stability window starts again.
    async fn note_look(&mut self, release: Release, now: Timestamp, events: &EventSender) -> Result<Release, Error> {
        let Some(phase) = release.phase.watched_at(self.looked, now) else { return Ok(release) };
        self.cluster.store.set_phase(&self.lease, &self.stack, release.id, &release.phase, &phase).await?;
        if let Some(&away) = phase.away().get(release.phase.away().len())
            && away.who != Absent::Turn
        {
            self.memory.look_away();
            events.send(What::Unwatched { away });
        }
        Ok(Release { phase, ..release })
    }

    async fn look(&mut self, desired: &Stack) -> Result<Look, Error> {
        let begin = self.cluster.clock.now();
        let mut observed = self.observe(desired).await?;
        let end = self.cluster.clock.now();
        self.surroundings.note(&mut observed, end);
        Ok(Look { observed, begin, end })
    }

    async fn observe(&self, desired: &Stack) -> Result<Observed, Error> {
        let swarm = &self.cluster.swarm;
        if let Some(snapshot) = self.observer.newest() {
            let observed = swarm.observe_among(&self.stack, &snapshot.overview).await?;
            // An object that is missing in the snapshot may have been created since.
            if release::missing(desired, &observed).is_empty() {
                return Ok(observed);
            }
        }
        Ok(swarm.observe_for(desired).await?)
    }

    /// Makes the stack's checks that are due. This takes a while, so the stack is then observed again: a release that
    /// failed meanwhile must not be promoted.
    async fn check(
        &mut self,
        release: &Release,
        desired: &Stack,
        history: &History,
        look: Look,
    ) -> Result<Look, Error> {
        let due = release::due(release, history, &look.observed, &self.memory.watch, look.begin);
        if due.is_empty() {
            return Ok(look);
        }
        let prober = &self.cluster.prober;
        let ask = |(id, check): (CheckId, &'_ Check)| {
            let subject = subject(&self.stack, &id.0, &look.observed);
            let check = check.clone();
            async move {
                let reply = release::counted(release, history, prober.ask(&check, &subject).await);
                (id, check, reply)
            }
        };
        let asked: Vec<_> = due.into_iter().map(ask).collect();
        let answers: Vec<_> = stream::iter(asked).buffer_unordered(WRITES).collect().await;
        let look = self.look(desired).await?;
        self.memory.saw(&look.observed.scaled(desired), &look.observed, look.end);
        for (id, check, reply) in answers {
            let watch = &mut self.memory.watch;
            *watch = std::mem::take(watch).answered(desired, id, &check, &reply, look.begin);
        }
        Ok(look)
    }

    async fn perform(&mut self, step: Step, round: &Round<'_>) -> Result<Next, Error> {
        match step {
            // A free slot is taken at once: the observation is fresh and need not be repeated.
            Step::Apply(_) if !self.slot.take() => Ok(Next::Slot),
            Step::Apply(plan) => self.apply(&plan, round).await,
            Step::Wait(_) if matches!(round.release.cause, Cause::Remove { .. }) => {
                let tasks = round.observed.leaving.len();
                round.events.send(What::Stopping { tasks });
                Ok(Next::Soon)
            }
            Step::Wait(services) => {
                let is_steady = services.is_empty();
                round.events.send(if is_steady { What::Settling } else { What::Waiting { services } });
                Ok(Next::Soon)
            }
            Step::Promote => self.promote(round).await,
            Step::RollBack { to, symptoms } => self.roll_back(round, to, symptoms).await,
            Step::Halt { symptoms } => {
                self.fail(round, symptoms).await?;
                Ok(Next::Now)
            }
            Step::GiveWay { places } => self.give_way(&places, round).await,
            Step::Rest => Ok(Next::Rest),
        }
    }

    /// Reports drift, once.
    fn look_for_drift(&mut self, release: &Release, history: &History, look: &Look, events: &EventSender) {
        let Some(drift) = release::differences(release, history, &look.observed, look.begin) else { return };
        let places: Vec<String> = self.memory.drifted(&drift).into_iter().collect();
        if !places.is_empty() {
            events.send(What::Drifted { places });
        }
    }

    /// Records the fields that are left alone from now on because something else keeps changing them.
    async fn give_way(&mut self, places: &BTreeSet<String>, round: &Round<'_>) -> Result<Next, Error> {
        let release = round.release;
        self.memory.give_way();
        round.events.send(What::GivingWay { places: places.iter().cloned().collect() });
        let phase = release.phase.contested_by(places);
        self.cluster.store.set_phase(&self.lease, &self.stack, release.id, &release.phase, &phase).await?;
        Ok(Next::Now)
    }

    async fn apply(&mut self, plan: &Plan, round: &Round<'_>) -> Result<Next, Error> {
        self.active = self.cluster.clock.now();
        match self.cluster.swarm.ensure_folders(&self.lease, &round.desired.folders).await {
            // The folders of an earlier release already exist.
            Err(error @ swarm::Error::OtherRoot { .. }) if matches!(round.release.cause, Cause::RollBack { .. }) => {
                self.note(&error.to_string(), round.events);
            }
            outcome => outcome?,
        }
        let (swarm, lease) = (&self.cluster.swarm, &self.lease);
        round.events.send(What::Wave { changes: plan.changes.clone() });
        let write = |change| async move { (change, swarm.perform(lease, change, round.desired, round.observed).await) };
        let writes: Vec<_> = plan.changes.iter().map(write).collect();
        let results: Vec<_> = stream::iter(writes).buffer_unordered(WRITES).collect().await;
        let mut next = Next::Soon;
        for (change, result) in results {
            next = next.and_then(self.note_write(change, &result, round));
        }
        Ok(next)
    }

    /// Notes the result of a change, reports it if people should know, and returns when the next round is due.
    fn note_write(&mut self, change: &Change, result: &Result<(), swarm::Error>, round: &Round<'_>) -> Next {
        let (written, said) = match result {
            Ok(()) => (Written::Done, String::new()),
            Err(error) => (written(error), error.to_string()),
        };
        match self.memory.wrote(round.release, change, written, &said, self.cluster.clock.now()) {
            Consequence::GoOn { healed: 0 } => {}
            Consequence::GoOn { healed } => round.events.send(What::Healed { fields: healed }),
            Consequence::TryAgain => tracing::debug!(stack = %self.stack, said, "a removal is tried again"),
            Consequence::Fail => return Next::Now,
            Consequence::Tell => self.note(&said, round.events),
            Consequence::TellAndWait => {
                self.note(&said, round.events);
                return Next::Later;
            }
            Consequence::TellAndRest => {
                self.note(&said, round.events);
                return Next::Rest;
            }
        }
        Next::Soon
    }

    async fn promote(&self, round: &Round<'_>) -> Result<Next, Error> {
        let release = round.release;
        let away = release.phase.away().to_vec();
        let phase = Phase::Promoted { at: self.cluster.clock.now(), contested: BTreeSet::new(), away };
        self.cluster.store.set_phase(&self.lease, &self.stack, release.id, &release.phase, &phase).await?;
        round.events.send(What::Promoted);
        let (images, whole) = (round.history.stack_images(), round.history.whole());
        let (thinned, ()) = tokio::join!(
            self.cluster.store.thin(&self.lease, &self.stack, &whole),
            self.cluster.swarm.tend_images(&self.lease, &self.stack, &images),
        );
        thinned?;
        Ok(Next::Now)
    }

    /// Records the failure first and then the release that goes back: a controller that is killed in between finds the
    /// failure and continues.
    async fn roll_back(&self, round: &Round<'_>, to: Option<ReleaseId>, symptoms: Vec<Symptom>) -> Result<Next, Error> {
        let (release, history) = (round.release, round.history);
        if matches!(release.phase, Phase::Rolling { .. }) {
            self.fail(round, symptoms).await?;
        }
        let Some(stack) = release::target(history, to, round.desired) else { return Ok(Next::Rest) };
        let origin = to.and_then(|id| history.get(id)).map_or(&release.origin, |good| &good.origin);
        let cause = Cause::RollBack { failed: release.failed_version(), to };
        let back = self.cluster.release(history, origin.clone(), cause, stack);
        round.events.of_release_id(back.id).send(What::RollingBack { to });
        self.cluster.store.add(&self.lease, &back).await?;
        Ok(Next::Now)
    }

    async fn fail(&self, round: &Round<'_>, symptoms: Vec<Symptom>) -> Result<(), Error> {
        let (release, symptoms) = (round.release, self.with_evidence(round, symptoms).await);
        round.events.send(What::Failed { symptoms: symptoms.clone() });
        let phase = Phase::Failed { at: self.cluster.clock.now(), symptoms, away: release.phase.away().to_vec() };
        Ok(self.cluster.store.set_phase(&self.lease, &self.stack, release.id, &release.phase, &phase).await?)
    }

    async fn supersede_older(&self, history: &History, events: &EventSender) -> Result<(), Error> {
        let Some(newest) = history.rolling() else { return Ok(()) };
        for older in history.overtaken() {
            let phase = Phase::Superseded { at: self.cluster.clock.now(), by: newest.id };
            self.cluster.store.set_phase(&self.lease, &self.stack, older.id, &older.phase, &phase).await?;
            events.of_release(older).send(What::Superseded { by: newest.id });
        }
        Ok(())
    }

    /// Reports a failure that may pass, once and not in every round.
    pub fn note(&mut self, trouble: &str, events: &EventSender) {
        if self.trouble.as_deref() != Some(trouble) {
            events.send(What::Hindered { why: trouble.to_owned() });
            self.trouble = Some(trouble.to_owned());
        }
    }
}

/// The meaning of an error of a write.
fn written(error: &swarm::Error) -> Written {
    match error {
        swarm::Error::OutOfSequence { .. } => Written::OutOfSequence,
        error if error.is_transient() => Written::Hindered,
        swarm::Error::Conflict { .. } => Written::Conflict,
        _ => Written::Refused,
    }
}

/// The symptom of a release if skep panicked in one of its rounds with this message.
pub(super) fn panicked(panic: &str) -> Symptom {
    let help = "this is a fault of skep, and not of the release: report it with the log of skep; `git push -o retry` \
                deploys the same files again";
    let message = format!("skep itself failed on this release: {panic}");
    Symptom { help: Some(help.into()), ..Symptom::whole_stack(message) }
}

/// The targets of a service's checks: the tasks of its new version.
fn subject(stack: &StackName, service: &ServiceName, observed: &Observed) -> probe::Subject {
    let tasks = observed.services.get(service).into_iter().flat_map(|there| &there.tasks);
    let running = tasks.filter(|task| task.current && task.is_running()).map(|task| task.id.clone());
    probe::Subject { name: stack.scoped(service.as_str()), tasks: running.collect() }
}
