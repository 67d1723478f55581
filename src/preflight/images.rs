//! Checks that the nodes which may run a task can get its image.

use std::collections::BTreeMap;

use super::{Context, in_the_way, of_service};
use crate::diagnostic::{Diagnostic, KeyPath};
use crate::name::ServiceName;
use crate::plan::Plan;
use crate::plan::observed::Node;
use crate::stack::{LOCAL_IMAGES, Service, Stack};

/// Whether an image of an earlier release still exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whereabouts {
    /// This engine or the registry has it.
    There,
    /// Neither has it.
    Gone {
        /// The answer of its registry; `None` if it has no registry.
        answer: Option<String>,
    },
    /// This is unknown.
    Unknown {
        /// The reason.
        reason: String,
    },
}

/// Services whose image stays on the node where it is built, and which may run on others.
pub(super) fn obstacles(context: &Context<'_>) -> Vec<Diagnostic<KeyPath>> {
    let Some(here) = context.observed.nodes.iter().find(|node| node.id == context.surroundings.node) else {
        return Vec::new();
    };
    let local = context.changed().filter(|(_, service)| is_local(&service.image));
    local
        .filter_map(|(name, service)| Some(unreachable(name, here, context, elsewhere(service, here, context)?)))
        .collect()
}

/// Whether an image was built by skep and pushed to no registry.
fn is_local(image: &str) -> bool {
    image.strip_prefix(LOCAL_IMAGES).is_some_and(|rest| rest.starts_with('/'))
}

/// Another node that may run a task of the service.
fn elsewhere<'a>(service: &Service, here: &Node, context: &'a Context<'_>) -> Option<&'a Node> {
    context.candidates(service).into_iter().find(|node| node.id != here.id)
}

fn unreachable(name: &ServiceName, here: &Node, context: &Context<'_>, other: &Node) -> Diagnostic<KeyPath> {
    in_the_way(
        of_service(name, &["build"]),
        format!(
            "this swarm has {} nodes and skep has no registry: the image is built on {} and stays there, and tasks may be \
             started on {}",
            context.observed.nodes.len(),
            here.hostname,
            other.hostname
        ),
        format!(
            "set `registry.prefix` in skep's settings, or constrain the service to that node \
             (`deploy.placement.constraints: [node.hostname == {}]`)",
            here.hostname
        ),
    )
}

/// The images of the tasks that a plan starts.
pub fn needed<'a>(plan: &Plan, desired: &'a Stack) -> Vec<(&'a ServiceName, &'a str)> {
    let changed = plan.changed_services();
    let services = desired.services.iter().filter(|(name, _)| changed.contains(name));
    services.map(|(name, service)| (name, service.image.as_str())).collect()
}

/// Obstacles to going back to these images, and notes about possible ones.
pub fn missing(
    needed: &[(&ServiceName, &str)],
    found: &BTreeMap<String, Whereabouts>,
) -> (Vec<Diagnostic<KeyPath>>, Vec<String>) {
    let (mut obstacles, mut notes) = (Vec::new(), Vec::new());
    for (name, image) in needed {
        match found.get(*image) {
            Some(Whereabouts::Gone { answer }) => obstacles.push(gone(name, image, answer.as_deref())),
            Some(Whereabouts::Unknown { reason }) => {
                notes
                    .push(format!("service {name}: whether its image {image} can still be had is not known: {reason}"));
            }
            Some(Whereabouts::There) | None => {}
        }
    }
    (obstacles, notes)
}

fn gone(name: &ServiceName, image: &str, answer: Option<&str>) -> Diagnostic<KeyPath> {
    let registry = answer.map(|answer| format!(", and its registry does not give it ({answer})")).unwrap_or_default();
    in_the_way(
        of_service(name, &["image"]),
        format!("the image `{image}` is no longer on this engine{registry}: its tasks could not start"),
        "push the commit of that release again, which builds or pulls it anew, or go back to another release \
               (`skep history`)",
    )
}
