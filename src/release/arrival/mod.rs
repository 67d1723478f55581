//! In which order services come: after what they need, after those they depend on, and after those whose data or port
//! they take over have stopped.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::health::{self, Waiting};
use crate::name::ServiceName;
use crate::plan::observed::{Observed, Task};
use crate::plan::{Action, Change, Plan, placement, takeover};
use crate::stack::holds::Hold;
use crate::stack::{Condition, Port, Service, Stack};

/// What can be done now of a plan.
#[derive(Debug, PartialEq)]
pub struct Arrival {
    /// These changes.
    pub now: Plan,
    /// What waits until others have let go of what it takes over.
    pub waiting: Vec<Waiting>,
}

/// The changes that need not wait: what services need comes before them, a service after those it depends on are up and
/// what it takes over is free, and removals at the very end, but for those that make something free.
pub(super) fn next(plan: &Plan, desired: &Stack, observed: &Observed) -> Arrival {
    let queue = Queue::of(plan, desired, observed);
    let arriving = plan.changes.iter().filter(|change| change.action != Action::Remove);
    let (services, needs): (Vec<_>, Vec<_>) = arriving.cloned().partition(|change| change.subject.service().is_some());
    if !needs.is_empty() {
        return Arrival { now: of(needs), waiting: Vec::new() };
    }
    let unblocked =
        services.into_iter().filter(|change| change.subject.service().is_some_and(|it| !queue.is_blocked(it)));
    let (held, free): (Vec<_>, Vec<_>) = unblocked.partition(|change| queue.is_held(change));
    if !free.is_empty() {
        return Arrival { now: of(queue.gently(free)), waiting: Vec::new() };
    }
    let going = queue.holders_that_go(&held);
    let waiting = if going.is_empty() { queue.waiting(&held) } else { Vec::new() };
    Arrival { now: of(going), waiting }
}

/// The changes of a plan whose order matters no more than that: those that do not take something over which is not free
/// yet.
pub fn unheld(plan: &Plan, desired: &Stack, observed: &Observed) -> Arrival {
    let queue = Queue::of(plan, desired, observed);
    let (held, free): (Vec<_>, Vec<_>) = plan.changes.iter().cloned().partition(|change| queue.is_held(change));
    // What has something and is not to let go of it is not waited for.
    let comes = |change: &Change| change.subject.service().is_some_and(|name| queue.comes(name));
    let held: Vec<Change> = held.into_iter().filter(comes).collect();
    Arrival { now: Plan { notes: plan.notes.clone(), ..of(queue.gently(free)) }, waiting: queue.waiting(&held) }
}

fn of(changes: Vec<Change>) -> Plan {
    Plan { changes, ..Plan::default() }
}

/// The services of a plan, and who waits for whom.
struct Queue<'a> {
    plan: &'a Plan,
    desired: &'a Stack,
    observed: &'a Observed,
    changed: BTreeSet<&'a ServiceName>,
}

impl<'a> Queue<'a> {
    fn of(plan: &'a Plan, desired: &'a Stack, observed: &'a Observed) -> Self {
        Self { plan, desired, observed, changed: plan.changed_services() }
    }

    /// Whether something that it depends on does not exist yet. Where that in turn waits for this service to let go of
    /// something, this one comes first: else neither would ever come.
    fn is_blocked(&self, name: &ServiceName) -> bool {
        let is_met = |dependency: &ServiceName, condition: Condition| {
            !self.changed.contains(dependency) && health::is_met(condition, dependency, self.desired, self.observed)
        };
        let mut dependencies = self.desired.services[name].depends_on.iter();
        dependencies.any(|(other, condition)| !is_met(other, *condition) && !self.waits_for(other, name))
    }

    /// Whether it takes something over that is not free yet. Two that change places come together: there is no order.
    fn is_held(&self, change: &Change) -> bool {
        let Some(by) = change.subject.service().filter(|_| change.action != Action::Remove) else { return false };
        let is_first = |from: &ServiceName| !self.takes_over(from, by, &mut BTreeSet::new());
        self.givers(by).any(is_first) || self.in_use(by).is_some()
    }

    /// The services that have something which this one takes over.
    fn givers(&self, by: &ServiceName) -> impl Iterator<Item = &'a ServiceName> {
        let takeovers = self.plan.takeovers.iter().filter(move |takeover| takeover.by == *by);
        takeovers.map(|takeover| &takeover.from)
    }

    /// Whether one service takes something over from another, or from one that does.
    fn takes_over(&self, by: &'a ServiceName, from: &ServiceName, seen: &mut BTreeSet<&'a ServiceName>) -> bool {
        seen.insert(by) && self.givers(by).any(|giver| giver == from || self.takes_over(giver, from, seen))
    }

    /// Whether one service comes after another because of something that it takes over, or that what it depends on does.
    fn waits_for(&self, one: &'a ServiceName, other: &ServiceName) -> bool {
        let mut seen = BTreeSet::from([one]);
        let mut open = vec![one];
        while let Some(name) = open.pop() {
            if self.takes_over(name, other, &mut BTreeSet::new()) {
                return true;
            }
            let dependencies =
                self.desired.services.get(name).into_iter().flat_map(|service| service.depends_on.keys());
            open.extend(dependencies.chain(self.givers(name)).filter(|next| seen.insert(next)));
        }
        false
    }

    /// Whether what it waits for is on its way: tasks stop, or this plan changes or removes who has it.
    fn comes(&self, by: &ServiceName) -> bool {
        let changes =
            |name: &ServiceName| self.plan.changes.iter().any(|change| change.subject.service() == Some(name));
        self.in_use(by).is_some() || self.givers(by).all(changes)
    }

    /// What a service takes over and tasks still have that were told to stop.
    fn in_use(&self, by: &ServiceName) -> Option<Hold> {
        let others = self.observed.services.iter().filter(|(name, _)| *name != by);
        let tasks = others.flat_map(|(_, there)| &there.tasks).chain(&self.observed.leaving);
        let held: Vec<&Hold> = tasks.filter(|task| self.answers(task)).flat_map(|task| &task.holds).collect();
        if held.is_empty() {
            return None;
        }
        let shares = self.desired.services.get(by).is_some_and(Service::shares_with_itself);
        let gained = takeover::gained(by, self.desired, self.observed).into_iter();
        let mut exclusive = gained.filter(|hold| !(hold.is_data() && shares && !hold.is_of_a_task()));
        exclusive.find(|hold| held.iter().any(|other| other.overlaps(hold)))
    }

    /// Whether the task's node could tell when it has stopped.
    fn answers(&self, task: &Task) -> bool {
        self.observed.nodes.iter().any(|node| node.id == task.node && !node.down)
    }

    /// The removals of services that have something which these changes wait for.
    fn holders_that_go(&self, held: &[Change]) -> Vec<Change> {
        let names = held.iter().filter_map(|change| change.subject.service());
        let holders: BTreeSet<&ServiceName> = names.flat_map(|name| self.givers(name)).collect();
        let goes = |change: &&Change| {
            change.action == Action::Remove && change.subject.service().is_some_and(|name| holders.contains(name))
        };
        self.plan.changes.iter().filter(goes).cloned().collect()
    }

    /// What is made anew with its data is only removed now: the new tasks would start beside the old ones that stop.
    fn gently(&self, changes: Vec<Change>) -> Vec<Change> {
        let has_something = |name: &ServiceName| {
            let there = self.observed.services.get(name).map(|there| &there.service);
            there.is_some_and(|service| {
                let has_data = service.holds().iter().any(Hold::is_data) && !service.shares_with_itself();
                has_data || service.ports.iter().any(Port::is_of_the_node)
            })
        };
        let gently = |change: Change| match (&change.action, change.subject.service()) {
            (Action::Recreate { .. }, Some(name)) if has_something(name) => Change { action: Action::Remove, ..change },
            _ => change,
        };
        changes.into_iter().map(gently).collect()
    }

    fn waiting(&self, held: &[Change]) -> Vec<Waiting> {
        let names = held.iter().filter_map(|change| change.subject.service());
        names.filter_map(|name| Some(self.wait(name, self.what_is_awaited(name)?))).collect()
    }

    fn what_is_awaited(&self, name: &ServiceName) -> Option<String> {
        let takeover = || self.plan.takeovers.iter().find(|takeover| takeover.by == *name);
        let of_service = || Some(format!("waiting until {} lets go of {}", takeover()?.from, takeover()?.what));
        self.in_use(name).map(|hold| format!("waiting until {hold} is free")).or_else(of_service)
    }

    fn wait(&self, name: &ServiceName, what: String) -> Waiting {
        let running = self.observed.services.get(name).map_or(0, |there| there.running() as u64);
        let service = self.desired.services.get(name);
        let on_each_node = |service: &Service| placement::candidates(&service.constraints, &self.observed.nodes).len();
        let wanted =
            service.map(|it| health::wanted(it).unwrap_or_else(|| on_each_node(it) as u64)).unwrap_or_default();
        Waiting { service: name.clone(), running, wanted, what }
    }
}
