//! Whether published ports are free.

use std::collections::BTreeSet;

use super::surroundings::Neighbour;
use super::{Context, in_the_way, of_service};
use crate::diagnostic::{Diagnostic, KeyPath};
use crate::name::ServiceName;
use crate::stack::{Mode, Port, Service};

/// Ports that are already published.
pub(super) fn obstacles(context: &Context<'_>) -> Vec<Diagnostic<KeyPath>> {
    let mut found = Vec::new();
    for (name, service) in context.changed() {
        for port in service.ports.iter().filter(|port| port.published.is_some_and(|number| number != 0)) {
            found.extend(holder(name, port, context).map(|holder| taken(name, port, &holder)));
            if port.is_of_the_node() {
                found.extend(without_nodes(name, service, port, context));
            }
        }
    }
    found
}

/// The service that publishes a port in the swarm: of another stack, a kept one of this stack, or another one of the
/// file.
fn holder(name: &ServiceName, port: &Port, context: &Context<'_>) -> Option<String> {
    let has = |ports: &[Port]| ports.iter().any(|other| other.excludes(port));
    let neighbour = context.surroundings.services.iter().find(|service| has(&service.ports));
    let in_file = context.desired.services.iter().filter(|(other, _)| *other < name);
    let twice = || in_file.clone().find(|(_, service)| has(&service.ports)).map(|(other, _)| other);
    let stays = || context.staying().into_iter().find(|other| has(&context.observed.services[*other].service.ports));
    let ours = |other: &ServiceName| format!("the service `{other}` of this stack");
    neighbour.map(Neighbour::described).or_else(|| twice().or_else(stays).map(ours))
}

fn taken(name: &ServiceName, port: &Port, holder: &str) -> Diagnostic<KeyPath> {
    in_the_way(
        of_service(name, &["ports"]),
        format!("port {} is published by {holder}", number(port)),
        "publish another port, or free it there first",
    )
}

/// A port in `mode: host`, which each node can give to one task.
fn without_nodes(
    name: &ServiceName,
    service: &Service,
    port: &Port,
    context: &Context<'_>,
) -> Option<Diagnostic<KeyPath>> {
    let takers = context.surroundings.services.iter().filter(|other| has_same(other, port));
    let taken: BTreeSet<&String> = takers.clone().flat_map(|other| &other.nodes).collect();
    let candidates = context.candidates(service);
    let free = candidates.iter().filter(|node| !taken.contains(&node.id)).count() as u64;
    let wanted = match service.mode {
        Mode::Replicated(_) | Mode::ReplicatedJob(_) => context.tasks(service),
        Mode::Global | Mode::GlobalJob => candidates.len() as u64,
    };
    // The lack of eligible nodes is reported elsewhere.
    if free >= wanted || candidates.is_empty() {
        return None;
    }
    let holders: Vec<String> = takers.filter(|other| !other.nodes.is_empty()).map(Neighbour::described).collect();
    let held = if holders.is_empty() { String::new() } else { format!(" ({} has it)", holders.join(" and ")) };
    Some(in_the_way(
        of_service(name, &["ports"]),
        format!(
            "port {} is published on the nodes themselves, and {free} of {} nodes are free for {wanted} tasks{held}",
            number(port),
            candidates.len()
        ),
        "publish another port, lower `deploy.replicas`, or use `mode: ingress`",
    ))
}

pub(super) fn has_same(other: &Neighbour, port: &Port) -> bool {
    let as_ingress = |port: &Port| Port { mode: String::new(), ..port.clone() };
    other.ports.iter().any(|its| its.is_of_the_node() && as_ingress(its).excludes(port))
}

fn number(port: &Port) -> String {
    let protocol = if port.protocol.is_empty() { "tcp" } else { &port.protocol };
    format!("{}/{protocol}", port.published.unwrap_or_default())
}

impl Context<'_> {
    /// The services of the stack that are there, are not in the file, and stay.
    fn staying(&self) -> Vec<&ServiceName> {
        let removed = self.plan.removed_services();
        let stays = |name: &&ServiceName| !self.desired.services.contains_key(*name) && !removed.contains(*name);
        self.observed.services.keys().filter(stays).collect()
    }
}
