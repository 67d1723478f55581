//! Checks that are commands in a container, where the container may run on another node.
//!
//! skep starts a command through the engine that it talks to, and that engine reaches the containers of its own node
//! only.

use super::{Context, in_the_way, of_service};
use crate::diagnostic::{Diagnostic, KeyPath};
use crate::name::ServiceName;
use crate::plan::observed::Node;
use crate::stack::check::{Check, Probe};
use crate::stack::{Mode, Service};

/// Obstacles for checks that no task can run, or perhaps no task; notes about those that a task can run as long as skep
/// stays where it is.
pub(super) fn found(context: &Context<'_>) -> (Vec<Diagnostic<KeyPath>>, Vec<String>) {
    let (mut obstacles, mut notes) = (Vec::new(), Vec::new());
    let Some(here) = context.observed.nodes.iter().find(|node| node.id == context.surroundings.node) else {
        return (obstacles, notes);
    };
    for (name, service) in &context.desired.services {
        let Some(check) = service.checks.iter().find(|check| matches!(check.probe, Probe::Command(_))) else {
            continue;
        };
        match reach(service, here, &context.candidates(service)) {
            Reach::Always => {}
            Reach::Usually => notes.push(usually(name, check, here)),
            Reach::Perhaps => obstacles.push(perhaps(name, check, here)),
            Reach::Never => obstacles.push(never(name, check, here)),
        }
    }
    (obstacles, notes)
}

/// Whether a task of a service runs on the node whose engine is asked.
enum Reach {
    Always,
    Usually,
    Perhaps,
    Never,
}

fn reach(service: &Service, here: &Node, candidates: &[&Node]) -> Reach {
    let is_here = candidates.iter().any(|node| node.id == here.id);
    let nodes = candidates.len() as u64;
    match service.mode {
        // A check of a job and a service without a usable node are reported elsewhere.
        Mode::ReplicatedJob(_) | Mode::GlobalJob | Mode::Replicated(Some(0)) => Reach::Always,
        _ if candidates.is_empty() => Reach::Always,
        _ if !is_here => Reach::Never,
        Mode::Global => Reach::Always,
        Mode::Replicated(_) if nodes == 1 => Reach::Always,
        Mode::Replicated(number) if number.unwrap_or(1) >= nodes => Reach::Usually,
        Mode::Replicated(_) => Reach::Perhaps,
    }
}

fn usually(name: &ServiceName, check: &Check, here: &Node) -> String {
    format!(
        "the check {check} of the service `{name}` runs in a task on {}, where skep is; Swarm usually starts one there, \
         but does not promise it",
        here.hostname
    )
}

fn perhaps(name: &ServiceName, check: &Check, here: &Node) -> Diagnostic<KeyPath> {
    refused(
        name,
        format!(
            "the check {check} needs a task on {}, where skep is, and Swarm may start all of them on other nodes",
            here.hostname
        ),
        here,
    )
}

fn never(name: &ServiceName, check: &Check, here: &Node) -> Diagnostic<KeyPath> {
    refused(
        name,
        format!("the check {check} needs a task on {}, where skep is, and none may run there", here.hostname),
        here,
    )
}

fn refused(name: &ServiceName, message: String, here: &Node) -> Diagnostic<KeyPath> {
    in_the_way(
        of_service(name, &["x-skep", "check"]),
        message,
        format!(
            "write it as an `http` or `tcp` check, or constrain the service to that node (`deploy.placement.constraints: \
             [node.hostname == {}]`)",
            here.hostname
        ),
    )
}
