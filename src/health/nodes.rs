//! What is a node's or a registry's trouble, and not the version's: a task that was lost with its node, or never had its
//! image, says nothing of what it was to run.

use jiff::{SignedDuration, Timestamp};

use crate::plan::Stall;
use crate::plan::observed::{Node, ObservedService, Task, TaskState};
use crate::stack::Service;

/// How far apart the end of a task and the return of its node may be, if the one is because of the other: a node that
/// comes back tells then that its tasks have ended, and its clock may differ from the controller's.
const RETURN: SignedDuration = SignedDuration::from_secs(30);

/// How far apart the end of a task and the registration of its node may be, if the one is because of the other: an engine
/// that restarts in a few seconds is never seen to be down.
const RESTART: SignedDuration = SignedDuration::from_secs(10);

/// The node with which a task was lost: it is down, or it came back, or registered anew, at the time when the task ended.
pub(super) fn lost_with<'a>(task: &Task, nodes: &'a [Node]) -> Option<&'a Node> {
    let node = node_of(task, nodes)?;
    let ended_at = |seen: Option<Timestamp>, apart: SignedDuration| {
        seen.is_some_and(|seen| seen.duration_since(task.since).abs() <= apart)
    };
    (node.down || ended_at(node.last_down, RETURN) || ended_at(node.recorded, RESTART)).then_some(node)
}

/// Why Swarm does not come to the end of its own update of a service, although the version is not to blame: a task of it
/// is on a node that is down, for which the updater waits without end (swarmkit `manager/orchestrator/update/updater.go`,
/// `updateTask`), or Swarm stopped because of a task that was lost with its node, or in an earlier release.
pub(super) fn stall(there: &ObservedService, nodes: &[Node], recorded: Timestamp) -> Option<Stall> {
    match there.update_state.as_str() {
        "updating" | "rollback_started" => {
            let node = there.tasks.iter().find_map(|task| stuck_on(task, nodes))?;
            Some(Stall::NodeDown { node: node.hostname.clone() })
        }
        "paused" | "rollback_paused" if there.update_started < recorded || is_excused(there, nodes) => {
            Some(Stall::Stopped)
        }
        _ => None,
    }
}

/// Whether the version is not to blame for the end of a task.
pub(super) fn is_lost(task: &Task, nodes: &[Node]) -> bool {
    task.registry_away.is_some() || task.has_lost_its_container() || lost_with(task, nodes).is_some()
}

/// Whether Swarm stopped its update for a task for which the version is not to blame.
pub(super) fn is_excused(there: &ObservedService, nodes: &[Node]) -> bool {
    named_culprit(there).is_some_and(|task| is_lost(task, nodes))
}

/// The task that Swarm names as the reason for which it stopped its update: the last word of what it says.
pub(super) fn named_culprit(there: &ObservedService) -> Option<&Task> {
    let named = there.update_message.rsplit(' ').next()?;
    there.tasks.iter().find(|task| task.id == named)
}

/// What of the swarm is to blame for a service that is not complete, in words such as `node worker-2 is down`.
pub(super) fn to_blame(service: &Service, there: &ObservedService, nodes: &[Node]) -> Option<String> {
    held_up_by(service, there, nodes).or_else(|| {
        let failed = there.tasks.iter().filter(|task| task.current && task.has_failed());
        failed.into_iter().find_map(|task| {
            let without_container = || node_of(task, nodes).filter(|_| task.has_lost_its_container());
            let node = lost_with(task, nodes).or_else(without_container)?;
            Some(format!("node {} {}", node.hostname, if node.down { "is down" } else { "was away for a while" }))
        })
    })
}

/// What of the swarm holds up a service now.
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
        Some(format!("the registry of its image does not answer: {said}"))
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

/// The node that is down and on which a task was about to start.
fn stuck_on<'a>(task: &Task, nodes: &'a [Node]) -> Option<&'a Node> {
    let node = node_of(task, nodes).filter(|node| node.down)?;
    (task.current && task.state < TaskState::Running).then_some(node)
}

fn node_of<'a>(task: &Task, nodes: &'a [Node]) -> Option<&'a Node> {
    nodes.iter().find(|node| node.id == task.node)
}
