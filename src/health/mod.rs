//! One verdict on the whole stack, and symptoms in words.
//!
//! [`judge`] evaluates the observed state and earlier observations ([`Watch`]). Time is an argument, and durations are
//! measured by the controller's own clock, because the clocks of nodes may differ. The cause of a release does not
//! matter. Swarm has no deadline of its own and calls a task running only once its health check has passed (moby
//! `daemon/cluster/executor/container/controller.go`), so the states of tasks suffice, together with the results of the
//! stack's own checks: [`Watch::due`] returns the due ones, an edge makes them, [`Watch::answered`] takes the results.

mod cause;
mod checks;
mod nodes;
mod registry;
mod symptoms;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::name::ServiceName;
use crate::plan::observed::{Observed, ObservedService, Task, TaskState};
use crate::plan::{Stall, Subject};
use crate::stack::check::Check;
use crate::stack::{Condition, Mode, Service, Stack, UpdateConfig};
use crate::time;
use checks::Made;

pub use cause::{Evidence, HealthRun};
pub use checks::{CheckId, Reply};
pub use nodes::{changed as changed_nodes, was_restarted};
pub use registry::RegistryAnswer;

/// The verdict on a stack.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Not yet healthy, with what it waits for.
    Settling(Vec<Waiting>),
    /// Every service has its tasks, and nothing restarted during the stability window.
    Healthy,
    /// It will not become healthy.
    Unhealthy(Vec<Symptom>),
}

/// Why a stack is not healthy, in actionable words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Symptom {
    /// The service; `None` for the whole stack.
    pub service: Option<ServiceName>,
    /// One sentence, such as `3 tasks failed in 12 s: exit code 1`.
    pub message: String,
    /// The remedy, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The task whose log has details.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// The last lines of output of the task, its health check or a check of the stack. They may contain secrets of the
    /// container, so they are shown to those who wait for the release, and are never recorded.
    #[serde(skip)]
    pub log: Vec<String>,
    /// The kind of failure.
    #[serde(default, skip_serializing_if = "is_default")]
    pub blame: Blame,
}

/// What caused a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Blame {
    /// Probably the deployed files, which would fail again.
    #[default]
    Version,
    /// A node or registry: the same files may succeed later.
    Surroundings,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Symptom {
    /// A symptom of the whole stack.
    pub fn whole_stack(message: String) -> Self {
        Self { service: None, message, help: None, task: None, log: Vec::new(), blame: Blame::Version }
    }
}

/// The progress of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// The service.
    pub service: ServiceName,
    /// The number of tasks running at the new spec.
    pub running: u64,
    /// The desired number of tasks.
    pub wanted: u64,
    /// The state of the others, such as `starting`.
    pub what: String,
}

/// The observations of a rollout so far, by the controller's clock. They are lost when the controller restarts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Watch {
    /// When it began.
    began: Option<Timestamp>,
    /// The tasks that run since everything is settled, and since when.
    steady: Option<(BTreeSet<String>, Timestamp)>,
    /// Tasks without an eligible node, and since when.
    pending: BTreeMap<String, Timestamp>,
    /// The stack's own checks made since then.
    checks: BTreeMap<CheckId, Made>,
    /// Objects to be removed that are still in use, since when, and when last seen.
    used: BTreeMap<Subject, (Timestamp, Timestamp)>,
    /// The old tasks that may still respond.
    before: Before,
}

/// Old tasks that may still respond instead of the new version, through a proxy that has not yet learned of their end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Before {
    /// The kept services that still have such tasks.
    staying: BTreeSet<ServiceName>,
    /// The number of such tasks of services to be removed, now and in the previous observation.
    going: usize,
    had_going: usize,
}

/// The progress of a service whose old tasks still run.
const STOPPING: &str = "stopping the old ones";
/// The number of failures in one slot that count as a crash loop.
const CRASHES: usize = 3;
/// How long a task may lack a node before that is a symptom: a restarting node is back by then.
const WITHOUT_NODE: SignedDuration = SignedDuration::from_secs(20);
/// How long an object to be removed may still be in use: stopping tasks have released it by then.
const STILL_USED: SignedDuration = SignedDuration::from_secs(30);
/// The pause before its removal is retried.
const TRY_AGAIN: SignedDuration = SignedDuration::from_mins(10);
/// How much longer than the stability window a restarted controller observes before it considers a release
/// late.
const GRACE: SignedDuration = SignedDuration::from_secs(15);
/// How far the manager's clock, which stamps tasks, may differ from the controller's.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_secs(5);
/// How much longer a replacement must live than the failed task before it.
const OUTLIVED_BY: SignedDuration = SignedDuration::from_secs(5);

/// Judges those services of `desired` that have already been changed (`applied`), in a rollout that began at
/// `since`.
pub fn judge(
    desired: &Stack,
    applied: &BTreeSet<&ServiceName>,
    observed: &Observed,
    since: Timestamp,
    watch: &Watch,
    now: Timestamp,
) -> Verdict {
    let services: Vec<_> = applied
        .iter()
        .filter_map(|&name| Some((name, desired.services.get(name)?, observed.services.get(name)?)))
        .collect();
    let seen = symptoms::Seen { pending: &watch.pending, nodes: &observed.nodes };
    let symptoms: Vec<_> = services
        .iter()
        .filter_map(|&(name, service, there)| symptoms::of(name, service, there, &seen, since, now))
        .collect();
    if !symptoms.is_empty() {
        return Verdict::Unhealthy(symptoms);
    }
    let waiting: Vec<_> =
        services.iter().filter_map(|&(name, service, there)| waiting(name, service, there, observed)).collect();
    if !waiting.is_empty() || services.len() < applied.len() {
        return Verdict::Settling(waiting);
    }
    let Some(end) = watch.end_of_window(desired, observed, since) else { return Verdict::Settling(Vec::new()) };
    // Checks do not count before all changes are made.
    if services.len() == desired.services.len() {
        match checked(desired, &services, watch, end) {
            Verdict::Healthy => {}
            other => return other,
        }
    }
    if now >= end { Verdict::Healthy } else { Verdict::Settling(Vec::new()) }
}

/// The verdict of the stack's own checks.
fn checked(
    desired: &Stack,
    services: &[(&ServiceName, &Service, &ObservedService)],
    watch: &Watch,
    end: Timestamp,
) -> Verdict {
    let all = || all_checks(desired).map(|(id, check)| (watch.checks.get(&id), id, check));
    let symptoms: Vec<_> = all().filter_map(|(made, (service, _), check)| made?.symptom(&service, check)).collect();
    if !symptoms.is_empty() {
        return Verdict::Unhealthy(symptoms);
    }
    if all().all(|(made, ..)| made.is_some_and(|made| made.has_passed(end))) {
        return Verdict::Healthy;
    }
    let counted = |name: &ServiceName| {
        services.iter().find(|(other, ..)| *other == name).map(|(_, service, there)| tally(service, there))
    };
    let waiting = all().filter_map(|(made, (service, _), check)| {
        let (running, wanted) = counted(&service)?;
        Some(Waiting { what: made?.waits_for(check)?, service, running, wanted })
    });
    let wait_for_the_end =
        all().any(|(made, _, check)| check.is_from_outside() && !made.is_some_and(|made| made.has_passed(end)));
    let old = watch.before.staying.iter().filter(|_| wait_for_the_end).filter_map(|service| {
        let (running, wanted) = counted(service)?;
        Some(Waiting { service: service.clone(), running, wanted, what: STOPPING.to_owned() })
    });
    Verdict::Settling(old.chain(waiting).collect())
}

/// All of the stack's own checks.
fn all_checks(desired: &Stack) -> impl Iterator<Item = (CheckId, &Check)> {
    let services = desired.services.iter();
    let listed = services.flat_map(|(name, service)| service.checks.iter().enumerate().map(move |it| (name, it)));
    listed.map(|(name, (nth, check))| ((name.clone(), nth), check))
}

/// The services that Swarm has rolled back because of a failure since the release was recorded. This is a
/// failure whatever their spec is now. An update that began earlier does not belong to the release: a rollback often
/// finds services just restored by Swarm.
pub fn rolled_back(desired: &Stack, observed: &Observed, recorded: Timestamp) -> Vec<Symptom> {
    let of_release = |there: &ObservedService| there.is_rolled_back() && there.update_started >= recorded;
    let services = desired.services.iter().filter_map(|(name, service)| {
        let there = observed.services.get(name).filter(|there| of_release(there))?;
        Some(Symptom { service: Some(name.clone()), ..symptoms::rolled_back(service, there, &observed.nodes) })
    });
    services.collect()
}

/// Services whose update Swarm does not finish although the version is not the cause, with the reason.
pub fn stalled(desired: &Stack, observed: &Observed, recorded: Timestamp) -> Vec<(ServiceName, Stall)> {
    let services = desired.services.iter().filter_map(|(name, service)| {
        let there = observed.services.get(name)?;
        waiting(name, service, there, observed)?;
        Some((name.clone(), nodes::stall(there, &observed.nodes, recorded)?))
    });
    services.collect()
}

/// The progress of services that are not ready.
pub fn waits(desired: &Stack, observed: &Observed) -> Vec<Waiting> {
    let services = desired.services.iter();
    services.filter_map(|(name, service)| waiting(name, service, observed.services.get(name)?, observed)).collect()
}

/// Whether a service is up for its dependents, without waiting for the stability window.
pub fn is_up(name: &ServiceName, desired: &Stack, observed: &Observed) -> bool {
    let (Some(service), Some(there)) = (desired.services.get(name), observed.services.get(name)) else { return false };
    waiting(name, service, there, observed).is_none()
}

/// Why a task failed or lacks a node, as part of a sentence; `None` otherwise.
pub fn trouble(task: &Task, service: &Service) -> Option<String> {
    if task.has_failed() {
        return Some(cause::of(task, service, &Evidence::default()).words);
    }
    (!task.error.is_empty()).then(|| task.error.clone())
}

/// Whether a service satisfies the condition of its dependents.
pub fn is_met(condition: Condition, name: &ServiceName, desired: &Stack, observed: &Observed) -> bool {
    let (Some(service), Some(there)) = (desired.services.get(name), observed.services.get(name)) else { return false };
    let everywhere = |state: fn(&Task) -> bool| {
        let wanted = wanted(service).unwrap_or_else(|| nodes_in_use(there));
        if wanted == 0 {
            return is_up(name, desired, observed);
        }
        places(there.tasks.iter().filter(|task| task.current && state(task))) >= wanted
    };
    match condition {
        Condition::Started => is_up(name, desired, observed) || everywhere(Task::is_started),
        Condition::Healthy => is_up(name, desired, observed),
        Condition::Completed => everywhere(|task| task.state == TaskState::Complete),
    }
}

/// The symptoms at the deadline of a rollout that began at `since`.
pub fn overdue(desired: &Stack, observed: &Observed, since: Timestamp, watch: &Watch) -> Vec<Symptom> {
    let late = desired.services.iter().filter_map(|(name, service)| {
        let there = observed.services.get(name)?;
        let waiting = waiting(name, service, there, observed)?;
        Some(match nodes::to_blame(service, there, &observed.nodes) {
            Some(by) => symptoms::held_up(&waiting, &by),
            None => symptoms::overdue(&waiting, service, there, desired.settings.deadline),
        })
    });
    let wrong = all_checks(desired).filter_map(|(id, check)| watch.checks.get(&id)?.overdue(&id.0, check));
    let asked_from_outside = all_checks(desired).any(|(_, check)| check.is_from_outside());
    let old = watch.before.staying.iter().filter(|_| asked_from_outside).map(symptoms::draining);
    let late: Vec<_> = late.chain(wrong).chain(old).collect();
    if late.is_empty() {
        return vec![symptoms::unstable(desired.settings.stable, window(desired, observed, since))];
    }
    blamed(late)
}

/// If one service lacks a node or registry, the others may only have waited for it, so the version is not the cause.
fn blamed(symptoms: Vec<Symptom>) -> Vec<Symptom> {
    let Some(blame) = symptoms.iter().map(|symptom| symptom.blame).find(|blame| *blame == Blame::Surroundings) else {
        return symptoms;
    };
    symptoms.into_iter().map(|symptom| Symptom { blame, ..symptom }).collect()
}

impl Watch {
    /// Adds the observation `observed` at `now`.
    #[must_use]
    pub fn after(&self, desired: &Stack, observed: &Observed, now: Timestamp) -> Self {
        // Tasks of services to be removed do not matter.
        let wanted = observed.services.iter().filter(|(name, _)| desired.services.contains_key(*name));
        let tasks: Vec<&Task> = wanted.flat_map(|(_, there)| &there.tasks).collect();
        let running: BTreeSet<String> =
            tasks.iter().filter(|task| task.is_running()).map(|task| task.id.clone()).collect();
        let settled = desired.services.keys().all(|name| is_up(name, desired, observed));
        let steady = settled.then(|| match &self.steady {
            Some((same, since)) if *same == running => (running, *since),
            _ => (running, now),
        });
        let homeless = tasks.iter().filter(|task| nodes::has_no_node(task));
        let pending = homeless.map(|task| (task.id.clone(), *self.pending.get(&task.id).unwrap_or(&now))).collect();
        // Results from other tasks do not count for these.
        let checks = if steady == self.steady { self.checks.clone() } else { BTreeMap::new() };
        let before = Before { had_going: self.before.going, ..Before::of(desired, observed) };
        Self { began: self.began.or(Some(now)), steady, pending, checks, used: self.used.clone(), before }
    }

    /// Whether it is too recent for a verdict: after a restart or an outage, the controller observes for a stability
    /// window before it considers anything late.
    pub fn is_new(&self, desired: &Stack, now: Timestamp) -> bool {
        let enough = SignedDuration::from_nanos(desired.settings.stable.0).saturating_add(GRACE);
        self.began.is_some_and(|began| now.duration_since(began) < enough)
    }

    /// The stack's own checks that are to be made now: when every service is up, again while the answer is wrong, and
    /// once more when the stability window is over. None of them while something is still to be changed: the caller
    /// knows. One that goes out from skep waits until no task of before could answer it, and is made again when a
    /// service has gone that could have.
    pub fn due<'a>(
        &self,
        desired: &'a Stack,
        observed: &Observed,
        since: Timestamp,
        now: Timestamp,
    ) -> Vec<(CheckId, &'a Check)> {
        let Some(end) = self.end_of_window(desired, observed, since) else { return Vec::new() };
        let is_due = |(id, check): &(CheckId, &Check)| {
            let may_be_mistaken = check.is_from_outside() && !self.before.staying.is_empty();
            let made = self.checks.get(id);
            !may_be_mistaken
                && made.is_none_or(|made| made.is_due(check, end, now) || self.was_beside_others(made, check))
        };
        all_checks(desired).filter(is_due).collect()
    }

    /// Whether a service that was removed since may have responded to a check.
    fn was_beside_others(&self, made: &Made, check: &Check) -> bool {
        check.is_from_outside() && made.beside > self.before.going
    }

    /// Whether the results certainly come from the new version, once nothing is left to remove.
    pub fn is_answered_alone(&self, desired: &Stack, observed: &Observed) -> bool {
        let may_answer = observed.leaving.iter().any(|task| may_answer(task, observed));
        let mut outside = all_checks(desired).filter(|(_, check)| check.is_from_outside()).peekable();
        let counts = |(id, check): (CheckId, &Check)| {
            self.checks.get(&id).is_some_and(|made| !self.was_beside_others(made, check))
        };
        outside.peek().is_none() || (!may_answer && outside.all(counts))
    }

    /// Adds the result of a check.
    #[must_use]
    pub fn answered(mut self, desired: &Stack, id: CheckId, check: &Check, reply: &Reply, now: Timestamp) -> Self {
        let beside = self.before.going.max(self.before.had_going);
        let made = Made::after(self.checks.get(&id), check, desired, reply, now).beside(beside);
        self.checks.insert(id, made);
        self
    }

    /// The end of the stability window, if the stack is steady; without a window, the first observation suffices.
    fn end_of_window(&self, desired: &Stack, observed: &Observed, since: Timestamp) -> Option<Timestamp> {
        let (_, steady) = self.steady.as_ref()?;
        let window = window(desired, observed, since);
        Some(if window.is_zero() { Timestamp::MIN } else { time::after(*steady, window) })
    }

    /// Adds that an object could not be removed at `now`, because it is still in use.
    pub fn note_use(&mut self, subject: &Subject, now: Timestamp) {
        self.used.entry(subject.clone()).or_insert((now, now)).1 = now;
    }

    /// Whether the removal of an object has failed for so long that it is postponed.
    pub fn has_given_up(&self, subject: &Subject, now: Timestamp) -> bool {
        let long = |(first, last): &(Timestamp, Timestamp)| {
            last.duration_since(*first) >= STILL_USED && now.duration_since(*last) < TRY_AGAIN
        };
        self.used.get(subject).is_some_and(long)
    }
}

impl Before {
    fn of(desired: &Stack, observed: &Observed) -> Self {
        let old = |there: &ObservedService| there.tasks.iter().any(|task| !task.current && may_answer(task, observed));
        let is_asked = |name: &ServiceName| desired.services.get(name).is_some_and(|service| !service.is_job());
        let staying = observed.services.iter().filter(|(name, there)| is_asked(name) && old(there));
        let removed = observed.services.iter().filter(|(name, _)| !desired.services.contains_key(*name));
        let going = removed.flat_map(|(_, there)| &there.tasks).chain(&observed.leaving);
        Self {
            staying: staying.map(|(name, _)| name.clone()).collect(),
            going: going.filter(|task| may_answer(task, observed)).count(),
            had_going: 0,
        }
    }
}

/// Whether the container of a task may exist: a node that is down does not report its end for a long time.
fn may_answer(task: &Task, observed: &Observed) -> bool {
    let is_there = matches!(task.state, TaskState::Starting | TaskState::Running);
    is_there && !observed.nodes.iter().any(|node| node.down && node.id == task.node)
}

/// How long nothing may fail. A task that replaces a failed one must outlive it: otherwise a crash loop
/// whose tasks outlive `stable` would count as healthy between two crashes.
fn window(desired: &Stack, observed: &Observed, since: Timestamp) -> SignedDuration {
    let stable = SignedDuration::from_nanos(desired.settings.stable.0);
    let services = desired.services.iter().filter(|(_, service)| !service.is_job());
    let failed = services.filter_map(|(name, service)| Some((service, observed.services.get(name)?)));
    let failed = failed.flat_map(|(service, there)| symptoms::failed(service, there, &observed.nodes, since));
    let lives = failed
        .map(|task| task.since.duration_since(task.created).max(SignedDuration::ZERO).saturating_add(OUTLIVED_BY));
    lives.fold(stable, SignedDuration::max)
}

/// The number of ready tasks at the new spec, and the desired number.
fn tally(service: &Service, there: &ObservedService) -> (u64, u64) {
    let serving = there.tasks.iter().filter(|task| task.current && service.is_served_by(task));
    (places(serving), wanted(service).unwrap_or_else(|| nodes_in_use(there)))
}

fn waiting(name: &ServiceName, service: &Service, there: &ObservedService, observed: &Observed) -> Option<Waiting> {
    let (running, wanted) = tally(service, there);
    let updating = there.update_state == "updating" && service.is_monitored();
    let leftovers = there.tasks.iter().filter(|task| !task.current && task.is_running()).count();
    let empty = service.mode == Mode::Global && wanted == 0 && observed.nodes.iter().any(|node| node.available);
    if running >= wanted && !updating && leftovers == 0 && !empty {
        return None;
    }
    let what = match unfinished(there) {
        _ if empty => "new".to_owned(),
        Some(task) => doing(task),
        None if leftovers > 0 => STOPPING.to_owned(),
        None if updating => "updating".to_owned(),
        None => "new".to_owned(),
    };
    let what = nodes::held_up_by(service, there, &observed.nodes).unwrap_or(what);
    Some(Waiting { service: name.clone(), running, wanted, what })
}

/// The desired number of tasks; without a number, one on each eligible node.
pub fn wanted(service: &Service) -> Option<u64> {
    match service.mode {
        Mode::Replicated(number) | Mode::ReplicatedJob(number) => Some(number.unwrap_or(1)),
        Mode::Global | Mode::GlobalJob => None,
    }
}

/// The task that is furthest from running.
fn unfinished(there: &ObservedService) -> Option<&Task> {
    let open = there
        .tasks
        .iter()
        .filter(|task| task.current && task.desired <= TaskState::Complete && task.state < TaskState::Running);
    open.min_by_key(|task| task.state)
}

fn doing(task: &Task) -> String {
    match task.state {
        TaskState::New | TaskState::Allocated | TaskState::Pending if !task.error.is_empty() => task.error.clone(),
        TaskState::New | TaskState::Allocated | TaskState::Pending => "waiting for a node".to_owned(),
        TaskState::Assigned | TaskState::Accepted | TaskState::Preparing => "getting the image".to_owned(),
        _ => "starting".to_owned(),
    }
}

/// The nodes for which Swarm has created a task of this service, since only Swarm knows the eligible ones.
fn nodes_in_use(there: &ObservedService) -> u64 {
    let wanted = there.tasks.iter().filter(|task| !task.desired.is_over() || task.state == TaskState::Complete);
    wanted.map(|task| task.node.as_str()).collect::<BTreeSet<_>>().len() as u64
}

/// The number of places of tasks: slots of a replicated service, nodes of a global one.
fn places<'a>(tasks: impl Iterator<Item = &'a Task>) -> u64 {
    tasks.map(place).collect::<BTreeSet<_>>().len() as u64
}

/// The place of a task: its slot, or in a global service its node.
fn place(task: &Task) -> (u64, &str) {
    (task.slot, if task.slot == 0 { &task.node } else { "" })
}

impl Service {
    /// Whether the end of Swarm's own update is waited for: where the author says how long Swarm watches the last new
    /// task, and where Swarm may still roll the service back. Swarm watches for five seconds where the file says
    /// nothing (swarmkit `api/defaults/service.go`, and `Run` in `manager/orchestrator/update/updater.go`); otherwise
    /// the stability window does the same.
    fn is_monitored(&self) -> bool {
        let waits = |update: &UpdateConfig| update.monitor.is_some() || update.failure_action == "rollback";
        self.update_config.as_ref().is_some_and(waits)
    }

    /// Whether the task serves its purpose: it runs, or it succeeded and need not be restarted.
    fn is_served_by(&self, task: &Task) -> bool {
        let done = task.state == TaskState::Complete;
        if self.is_job() { done } else { task.is_running() || (done && self.may_end()) }
    }

    fn is_job(&self) -> bool {
        matches!(self.mode, Mode::ReplicatedJob(_) | Mode::GlobalJob)
    }

    fn may_end(&self) -> bool {
        self.restart_policy.as_ref().is_some_and(|policy| matches!(policy.condition.as_str(), "none" | "on-failure"))
    }
}
