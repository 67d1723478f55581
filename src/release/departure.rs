//! The order of removals: a service before those it depends on, and networks, configs and secrets after the services
//! that use them.

use std::collections::BTreeSet;

use super::History;
use crate::name::ServiceName;
use crate::plan::observed::{Observed, TaskState};
use crate::plan::{Change, Plan};

/// The next step of a plan with only removals left.
#[derive(Debug, PartialEq)]
pub(super) enum Departure {
    /// Make these removals.
    Now(Plan),
    /// Tasks of removed services are still stopping.
    AfterTasks,
}

/// The next step of a plan with only removals left.
pub(super) fn next(plan: Plan, history: &History, observed: &Observed) -> Departure {
    let going: BTreeSet<ServiceName> = plan.removed_services().into_iter().cloned().collect();
    if !going.is_empty() && stopping(observed) > 0 {
        return Departure::AfterTasks;
    }
    let needed: BTreeSet<ServiceName> = going.iter().flat_map(|name| others(name, history)).collect();
    let first: BTreeSet<&ServiceName> = going.difference(&needed).collect();
    // A cycle is removed together.
    let first = if first.is_empty() { going.iter().collect() } else { first };
    let may_go = |change: &Change| change.subject.service().map_or(going.is_empty(), |name| first.contains(name));
    Departure::Now(plan.only(may_go))
}

/// The number of tasks of removed services that are still stopping, on nodes that can report it.
pub(super) fn stopping(observed: &Observed) -> usize {
    let answers = |node: &str| observed.nodes.iter().any(|there| there.id == node && there.available);
    let told = observed.leaving.iter().filter(|task| task.desired > TaskState::Complete && answers(&task.node));
    told.count()
}

fn others(name: &ServiceName, history: &History) -> BTreeSet<ServiceName> {
    let mut others = history.dependencies(name);
    others.remove(name);
    others
}
