//! Failures of nodes and registries, as opposed to the version: a task that was lost with its node, or never got its
//! image, does not mean that the version failed.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::plan::Stall;
use crate::plan::observed::{Node, Observed, ObservedService, Task, TaskState};
use crate::stack::Service;
use crate::time;

/// How far apart the end of a task and the return of its node may be, if the one is because of the other: a node that
/// comes back tells then that its tasks have ended, and its clock may differ from the controller's.
const RETURN: SignedDuration = SignedDuration::from_secs(30);

/// How far apart the end of a task and the registration of its node may be, if the one is because of the other: an engine
/// that restarts in a few seconds is never seen to be down.
const RESTART: SignedDuration = SignedDuration::from_secs(10);
/// How long a task must have run for its end together with others not to be a coincidence.
const LONG: SignedDuration = SignedDuration::from_secs(30);

/// The nodes whose record changed when one of the stack's tasks on it ended, and when that was: their engines may have
/// been restarted.
pub fn changed(observed: &Observed) -> BTreeSet<(String, Timestamp)> {
    let tasks = observed.services.values().flat_map(|there| &there.tasks);
    let ended = tasks.filter(|task| task.current && task.state.is_over() && !task.was_stopped());
    let coincides = |task: &Task| {
        let node = node_of(task, &observed.nodes)?;
        let at = node.changed.filter(|at| are_within(RESTART, *at, task.since))?;
        Some((node.id.clone(), at))
    };
    ended.filter_map(coincides).collect()
}

/// Whether the engine of a node was restarted at this time, going by all tasks on it, each with its service: then none
/// of them runs on, and of several services tasks ended that were not told to, one of them after it had run for long. A
/// version that crashes brings about no such thing.
pub fn was_restarted(at: Timestamp, tasks: &[(String, Task)]) -> bool {
    let runs_on = |task: &Task| task.state == TaskState::Running && task.since < time::before(at, RESTART);
    let by_itself = |task: &Task| task.has_failed() || task.state == TaskState::Complete;
    let ended: Vec<_> =
        tasks.iter().filter(|(_, task)| by_itself(task) && are_within(RESTART, at, task.since)).collect();
    let services: BTreeSet<&String> = ended.iter().map(|(service, _)| service).collect();
    let was_long = ended.iter().any(|(_, task)| task.since.duration_since(task.created) >= LONG);
    was_long && services.len() > 1 && !tasks.iter().any(|(_, task)| runs_on(task))
}

fn are_within(length: SignedDuration, one: Timestamp, other: Timestamp) -> bool {
    one.duration_since(other).abs() <= length
}

/// The node with which a task was lost: it is down, or it came back, or was restarted, at the time when the task ended.
pub(super) fn lost_with<'a>(task: &Task, nodes: &'a [Node]) -> Option<&'a Node> {
    let node = node_of(task, nodes)?;
    let ended_at =
        |seen: Option<Timestamp>, apart: SignedDuration| seen.is_some_and(|seen| are_within(apart, seen, task.since));
    (node.down || ended_at(node.last_away, RETURN) || ended_at(node.restarted, RESTART)).then_some(node)
}

/// Why Swarm does not come to the end of its own update of a service, although the version is not to blame: a task of it
/// is on a node that is down, for which the updater waits without end (swarmkit `manager/orchestrator/update/updater.go`,
/// `updateTask`), or Swarm stopped because of a task that was lost with its node, or in an earlier release.
pub(super) fn stall(there: &ObservedService, nodes: &[Node], recorded: Timestamp) -> Option<Stall> {
    match there.update_state.as_str() {
        "updating" | "rollback_started" => {
            let stuck = there.tasks.iter().find_map(|task| stuck_on(task, nodes));
            let down = stuck.map(|node| Stall::NodeDown { node: node.hostname.clone() });
            down.or_else(|| there.tasks.iter().any(never_starts).then_some(Stall::NeverStarts))
        }
        "paused" | "rollback_paused" if there.update_started < recorded || is_excused(there, nodes) => {
            Some(Stall::Stopped)
        }
        _ => None,
    }
}

/// Whether the end of a task is not caused by the version.
pub(super) fn is_lost(task: &Task, nodes: &[Node]) -> bool {
    task.registry_away.is_some() || task.has_lost_its_engine() || lost_with(task, nodes).is_some()
}

/// Whether Swarm stopped its update for a task for which the version is not to blame: one that was lost, or that Swarm
/// itself told to stop, as it does on a node that is drained.
pub(super) fn is_excused(there: &ObservedService, nodes: &[Node]) -> bool {
    named_culprit(there).is_some_and(|task| task.was_stopped() || is_lost(task, nodes))
}

/// The task that Swarm names as the reason for which it stopped its update: the last word of what it says.
pub(super) fn named_culprit(there: &ObservedService) -> Option<&Task> {
    let named = there.update_message.rsplit(' ').next()?;
    there.tasks.iter().find(|task| task.id == named)
}

/// The trouble in the swarm that explains an incomplete service, such as `node worker-2 is down`.
pub(super) fn to_blame(service: &Service, there: &ObservedService, nodes: &[Node]) -> Option<String> {
    held_up_by(service, there, nodes).or_else(|| {
        let failed = there.tasks.iter().filter(|task| task.current && task.has_failed());
        failed.into_iter().find_map(|task| {
            let of_its_engine = || node_of(task, nodes).filter(|_| task.has_lost_its_engine());
            let node = lost_with(task, nodes).or_else(of_its_engine)?;
            Some(format!("node {} {}", node.hostname, if node.down { "is down" } else { "was away for a while" }))
        })
    })
}

/// The trouble in the swarm that delays a service now.
pub(super) fn held_up_by(service: &Service, there: &ObservedService, nodes: &[Node]) -> Option<String> {
    let current = || there.tasks.iter().filter(|task| task.current);
    let down = |node: &Node| format!("node {} is down", node.hostname);
    let stuck = || current().find_map(|task| stuck_on(task, nodes)).map(down);
    let missed = || current().any(has_no_node).then(|| missed_node(service, nodes).map(down)).flatten();
    let away = || {
        let gets_on = |task: &Task| task.state >= TaskState::Starting && task.registry_away.is_none();
        if current().next().is_some_and(gets_on) {
            return None;
        }
        let said = current().find_map(|task| task.registry_away.as_ref())?;
        Some(format!("the registry of its image does not respond: {said}"))
    };
    stuck().or_else(missed).or_else(away)
}

/// A node that is down and could run the service.
pub(super) fn missed_node<'a>(service: &Service, nodes: &'a [Node]) -> Option<&'a Node> {
    nodes.iter().find(|node| node.down && node.satisfies(&service.constraints))
}

/// Whether no node can take the task, as Swarm sees it now.
pub(super) fn has_no_node(task: &Task) -> bool {
    task.state == TaskState::Pending && !task.desired.is_over() && task.error.contains("no suitable node")
}

/// Whether a task of the version was told to stop before a node took it: nobody ever says that it has.
fn never_starts(task: &Task) -> bool {
    task.current && task.desired > TaskState::Complete && task.state <= TaskState::Pending
}

/// The node that is down and on which a task was about to start.
fn stuck_on<'a>(task: &Task, nodes: &'a [Node]) -> Option<&'a Node> {
    let node = node_of(task, nodes).filter(|node| node.down)?;
    (task.current && task.state < TaskState::Running).then_some(node)
}

fn node_of<'a>(task: &Task, nodes: &'a [Node]) -> Option<&'a Node> {
    nodes.iter().find(|node| node.id == task.node)
}
