//! One verdict over the whole stack, and symptoms in words.
//!
//! [`judge`] looks at what there is and at what was seen before ([`Watch`]): time is an argument, and lengths of time are
//! measured by the controller's own clock, because the clocks of nodes may differ. It knows nothing about why a release
//! is made. Swarm has no deadline of its own and calls a task running only once its health check has passed
//! (moby `daemon/cluster/executor/container/controller.go`), so the state of tasks is all that is needed, and what the
//! stack's own checks were answered: [`Watch::due`] says which are to be made, an edge makes them, [`Watch::answered`]
//! takes the answer.

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

/// What is to be said about a stack.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Not yet; what it waits for.
    Settling(Vec<Waiting>),
    /// Every service has its tasks, and nothing restarted for the stability window.
    Healthy,
    /// It will not become healthy by waiting.
    Unhealthy(Vec<Symptom>),
}

/// Why a stack is not healthy, in words that a person can act on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Symptom {
    /// The service; none if it is about the whole stack.
    pub service: Option<ServiceName>,
    /// One sentence, such as `3 tasks failed in 12 s: exit code 1`.
    pub message: String,
    /// What to do, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The task whose log tells more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// The last lines that the task, its health check or a check of the stack has written. They may hold a secret of the
    /// container, so they are shown to whoever waits for the release, and are never recorded.
    #[serde(skip)]
    pub log: Vec<String>,
    /// What is to blame.
    #[serde(default, skip_serializing_if = "is_default")]
    pub blame: Blame,
}

/// What is to blame for a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Blame {
    /// What was deployed, as far as can be told: the same would fail again.
    #[default]
    Version,
    /// A node or a registry: the same may succeed when that is back.
    Surroundings,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Symptom {
    /// One about the stack as a whole.
    pub fn whole_stack(message: String) -> Self {
        Self { service: None, message, help: None, task: None, log: Vec::new(), blame: Blame::Version }
    }
}

/// What a service still waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// The service.
    pub service: ServiceName,
    /// How many tasks run at the new spec.
    pub running: u64,
    /// How many there should be.
    pub wanted: u64,
    /// What the others do, such as `starting`.
    pub what: String,
}

/// What was seen of a rollout so far, by the controller's clock. It is lost with the controller, and then begins anew.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Watch {
    /// When it began.
    began: Option<Timestamp>,
    /// The tasks that ran when everything was settled, and since when just these do.
    steady: Option<(BTreeSet<String>, Timestamp)>,
    /// Tasks that no node can take, and since when.
    pending: BTreeMap<String, Timestamp>,
    /// The checks that were made since then, of the stack's own.
    checks: BTreeMap<CheckId, Made>,
    /// What should go and something still uses, since when, and when that was last seen.
    used: BTreeMap<Subject, (Timestamp, Timestamp)>,
    /// The tasks of before that may still answer.
    before: Before,
}

/// Tasks of before that may still answer where the new version is asked: through a proxy that has not heard of their end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Before {
    /// The services that stay and still have such tasks.
    staying: BTreeSet<ServiceName>,
    /// How many such tasks the services have that are to go, or are gone; and how many they had at the look before.
    going: usize,
    had_going: usize,
}

/// What a service waits for whose old tasks still run.
const STOPPING: &str = "stopping the old ones";
/// A task that failed this often in its slot is in a crash loop.
const CRASHES: usize = 3;
/// How long a task may find no node before that is a symptom: a node that restarts is back by then.
const WITHOUT_NODE: SignedDuration = SignedDuration::from_secs(20);
/// How long something that should go may still be used: tasks that stop have let go of it by then.
const STILL_USED: SignedDuration = SignedDuration::from_secs(30);
/// How long it is then left alone.
const TRY_AGAIN: SignedDuration = SignedDuration::from_mins(10);
/// How much longer than the stability window a controller watches that has just begun to, before it says that it is too
/// late.
const GRACE: SignedDuration = SignedDuration::from_secs(15);
/// How far the manager's clock, which stamps tasks, may differ from the controller's.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_secs(5);
/// How much longer than the one before it a task has to live that replaces one that failed.
const OUTLIVED_BY: SignedDuration = SignedDuration::from_secs(5);

/// Says how the services of `desired` are that have already been brought to it (`applied`), in a rollout that began at
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
    // What is still to be changed can have no answers yet.
    if services.len() == desired.services.len() {
        match checked(desired, &services, watch, end) {
            Verdict::Healthy => {}
            other => return other,
        }
    }
    if now >= end { Verdict::Healthy } else { Verdict::Settling(Vec::new()) }
}

/// What the stack's own checks say.
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

/// Every check of the stack's own.
fn all_checks(desired: &Stack) -> impl Iterator<Item = (CheckId, &Check)> {
    let services = desired.services.iter();
    let listed = services.flat_map(|(name, service)| service.checks.iter().enumerate().map(move |it| (name, it)));
    listed.map(|(name, (nth, check))| ((name.clone(), nth), check))
}

/// The services that Swarm has put back to what they were, because of a failure since the release was recorded. That is a
/// verdict of its own, whatever their spec is now. An update that began before is not the release's: a rollback often
/// finds its services just as Swarm has restored them.
pub fn rolled_back(desired: &Stack, observed: &Observed, recorded: Timestamp) -> Vec<Symptom> {
    let of_release = |there: &ObservedService| there.is_rolled_back() && there.update_started >= recorded;
    let services = desired.services.iter().filter_map(|(name, service)| {
        let there = observed.services.get(name).filter(|there| of_release(there))?;
        Some(Symptom { service: Some(name.clone()), ..symptoms::rolled_back(service, there, &observed.nodes) })
    });
    services.collect()
}

/// Services of which Swarm does not finish its own update, although the version is not to blame, and why.
pub fn stalled(desired: &Stack, observed: &Observed, recorded: Timestamp) -> Vec<(ServiceName, Stall)> {
    let services = desired.services.iter().filter_map(|(name, service)| {
        let there = observed.services.get(name)?;
        waiting(name, service, there, observed)?;
        Some((name.clone(), nodes::stall(there, &observed.nodes, recorded)?))
    });
    services.collect()
}

/// What services still wait for.
pub fn waits(desired: &Stack, observed: &Observed) -> Vec<Waiting> {
    let services = desired.services.iter();
    services.filter_map(|(name, service)| waiting(name, service, observed.services.get(name)?, observed)).collect()
}

/// Whether a service has all its tasks, for those that depend on it; the stability window is not waited for.
pub fn is_up(name: &ServiceName, desired: &Stack, observed: &Observed) -> bool {
    let (Some(service), Some(there)) = (desired.services.get(name), observed.services.get(name)) else { return false };
    waiting(name, service, there, observed).is_none()
}

/// Why a task ended badly, or finds no node, in half a sentence; none if neither is so.
pub fn trouble(task: &Task, service: &Service) -> Option<String> {
    if task.has_failed() {
        return Some(cause::of(task, service, &Evidence::default()).words);
    }
    (!task.error.is_empty()).then(|| task.error.clone())
}

/// Whether what others wait for is so of a service.
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

/// What is not yet as it should be, at the deadline of a rollout that began at `since`.
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

/// Where one service lacks a node or a registry, the others may only have waited for it: nothing is known of the version.
fn blamed(symptoms: Vec<Symptom>) -> Vec<Symptom> {
    let Some(blame) = symptoms.iter().map(|symptom| symptom.blame).find(|blame| *blame == Blame::Surroundings) else {
        return symptoms;
    };
    symptoms.into_iter().map(|symptom| Symptom { blame, ..symptom }).collect()
}

impl Watch {
    /// What is known after also seeing `observed` at `now`.
    #[must_use]
    pub fn after(&self, desired: &Stack, observed: &Observed, now: Timestamp) -> Self {
        // What is to be removed may come and go until it is.
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
        // What was answered by other tasks says nothing of these.
        let checks = if steady == self.steady { self.checks.clone() } else { BTreeMap::new() };
        let before = Before { had_going: self.before.going, ..Before::of(desired, observed) };
        Self { began: self.began.or(Some(now)), steady, pending, checks, used: self.used.clone(), before }
    }

    /// Whether it began so lately that a healthy stack could not have shown itself yet: one that was restarted, or that saw
    /// nothing for a while, watches for a stability window before it says that something is too late.
    pub fn is_new(&self, desired: &Stack, now: Timestamp) -> bool {
        let enough = SignedDuration::from_nanos(desired.settings.stable.0).saturating_add(GRACE);
        self.began.is_some_and(|began| now.duration_since(began) < enough)
    }

    /// The stack's own checks that are to be made now: when every service is up, again while the answer is wrong, and once
    /// more when the stability window is over. None of them while something is still to be changed: the caller knows. One
    /// that goes out from skep waits until no task of before could answer it, and is made again when a service has gone
    /// that could have.
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

    /// Whether a check may have been answered by a service that has gone since.
    fn was_beside_others(&self, made: &Made, check: &Check) -> bool {
        check.is_from_outside() && made.beside > self.before.going
    }

    /// Whether what the checks were answered counts for the new version alone, once nothing is left to remove.
    pub fn is_answered_alone(&self, desired: &Stack, observed: &Observed) -> bool {
        let may_answer = observed.leaving.iter().any(|task| may_answer(task, observed));
        let mut outside = all_checks(desired).filter(|(_, check)| check.is_from_outside()).peekable();
        let counts = |(id, check): (CheckId, &Check)| {
            self.checks.get(&id).is_some_and(|made| !self.was_beside_others(made, check))
        };
        outside.peek().is_none() || (!may_answer && outside.all(counts))
    }

    /// What is known once a check was answered so.
    #[must_use]
    pub fn answered(mut self, desired: &Stack, id: CheckId, check: &Check, reply: &Reply, now: Timestamp) -> Self {
        let beside = self.before.going.max(self.before.had_going);
        let made = Made::after(self.checks.get(&id), check, desired, reply, now).beside(beside);
        self.checks.insert(id, made);
        self
    }

    /// When it will have been steady for long enough, if it is; where there is no window, the first look is enough.
    fn end_of_window(&self, desired: &Stack, observed: &Observed, since: Timestamp) -> Option<Timestamp> {
        let (_, steady) = self.steady.as_ref()?;
        let window = window(desired, observed, since);
        Some(if window.is_zero() { Timestamp::MIN } else { time::after(*steady, window) })
    }

    /// What is known after the swarm did not let something go at `now`, because something still uses it.
    pub fn note_use(&mut self, subject: &Subject, now: Timestamp) {
        self.used.entry(subject.clone()).or_insert((now, now)).1 = now;
    }

    /// Whether something has not gone for so long that nobody waits for it any more; it is tried again later.
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

/// Whether the container of a task may be there: a node that is down tells nobody of its end for a long time.
fn may_answer(task: &Task, observed: &Observed) -> bool {
    let is_there = matches!(task.state, TaskState::Starting | TaskState::Running);
    is_there && !observed.nodes.iter().any(|node| node.down && node.id == task.node)
}

/// How long nothing may fail. A task that replaces one that failed has to live longer than that one did: else a crash loop
/// whose tasks outlive `stable` would be taken for healthy between two crashes.
fn window(desired: &Stack, observed: &Observed, since: Timestamp) -> SignedDuration {
    let stable = SignedDuration::from_nanos(desired.settings.stable.0);
    let services = desired.services.iter().filter(|(_, service)| !service.is_job());
    let failed = services.filter_map(|(name, service)| Some((service, observed.services.get(name)?)));
    let failed = failed.flat_map(|(service, there)| symptoms::failed(service, there, &observed.nodes, since));
    let lives = failed
        .map(|task| task.since.duration_since(task.created).max(SignedDuration::ZERO).saturating_add(OUTLIVED_BY));
    lives.fold(stable, SignedDuration::max)
}

/// How many tasks serve at the new spec, and how many should.
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

/// How many tasks a service should have; one on each node that fits if there is no number.
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

/// The nodes for which Swarm has made a task of this service: it alone knows which ones the constraints leave.
fn nodes_in_use(there: &ObservedService) -> u64 {
    let wanted = there.tasks.iter().filter(|task| !task.desired.is_over() || task.state == TaskState::Complete);
    wanted.map(|task| task.node.as_str()).collect::<BTreeSet<_>>().len() as u64
}

/// In how many places tasks are: slots of a replicated service, nodes of a global one.
fn places<'a>(tasks: impl Iterator<Item = &'a Task>) -> u64 {
    tasks.map(place).collect::<BTreeSet<_>>().len() as u64
}

/// Where a task is: its slot, or in a global service its node.
fn place(task: &Task) -> (u64, &str) {
    (task.slot, if task.slot == 0 { &task.node } else { "" })
}

impl Service {
    /// Whether the end of Swarm's own update is waited for: where the author says how long Swarm watches the last new task,
    /// and where Swarm may still roll the service back. Swarm watches for five seconds where the file says nothing
    /// (swarmkit `api/defaults/service.go`, and `Run` in `manager/orchestrator/update/updater.go`); otherwise the stability
    /// window does the same.
    fn is_monitored(&self) -> bool {
        let waits = |update: &UpdateConfig| update.monitor.is_some() || update.failure_action == "rollback";
        self.update_config.as_ref().is_some_and(waits)
    }

    /// Whether the task does what it is there for: it runs, or it ended well where that is not a reason to restart it.
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
