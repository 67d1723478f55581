//! Whether there are nodes that can run the tasks.

use super::{Context, in_the_way, of_service};
use crate::diagnostic::{Diagnostic, KeyPath};
use crate::name::ServiceName;
use crate::plan::observed::Node;
use crate::plan::placement;
use crate::stack::{Mode, Resources, Service};

/// Constraints that leave no node, too many tasks for the nodes, reservations that no node has.
pub(super) fn obstacles(context: &Context<'_>) -> Vec<Diagnostic<KeyPath>> {
    // A swarm without nodes is one that could not be read.
    if context.observed.nodes.is_empty() {
        return Vec::new();
    }
    let runs = |service: &&Service| !matches!(service.mode, Mode::Replicated(Some(0)) | Mode::ReplicatedJob(Some(0)));
    let services = context.changed().filter(|(_, service)| runs(service));
    services.filter_map(|(name, service)| obstacle(name, service, context)).collect()
}

fn obstacle(name: &ServiceName, service: &Service, context: &Context<'_>) -> Option<Diagnostic<KeyPath>> {
    let candidates = context.candidates(service);
    if candidates.is_empty() {
        return Some(excluded(name, service, context));
    }
    crowded(name, service, &candidates).or_else(|| overbooked(name, service, &candidates))
}

fn excluded(name: &ServiceName, service: &Service, context: &Context<'_>) -> Diagnostic<KeyPath> {
    let available: Vec<&Node> = context.observed.nodes.iter().filter(|node| node.available).collect();
    let fit: Vec<&str> = context
        .observed
        .nodes
        .iter()
        .filter(|node| node.satisfies(&service.constraints))
        .map(|node| node.hostname.as_str())
        .collect();
    let constraints: Vec<String> =
        placement::excluding(&service.constraints, &available).iter().map(|it| format!("`{it}`")).collect();
    let message = match (&fit[..], constraints.is_empty()) {
        (_, true) => "no node of the swarm is ready and active".to_owned(),
        ([], false) => format!("no node satisfies {}", constraints.join(" and ")),
        (fit, false) => {
            let nodes = fit.join(", ");
            format!("only {nodes} satisfies {}, and is not ready and active now", constraints.join(" and "))
        }
    };
    in_the_way(
        of_service(name, &["deploy", "placement", "constraints"]),
        message,
        "change the constraint, or the node (`docker node update`)",
    )
}

/// More tasks than the nodes may run.
fn crowded(name: &ServiceName, service: &Service, candidates: &[&Node]) -> Option<Diagnostic<KeyPath>> {
    let (Mode::Replicated(number), per_node @ 1..) = (service.mode, service.max_replicas_per_node) else { return None };
    let (wanted, room) = (number.unwrap_or(1), per_node.saturating_mul(candidates.len() as u64));
    (wanted > room).then(|| {
        in_the_way(
            of_service(name, &["deploy", "placement", "max_replicas_per_node"]),
            format!("{wanted} tasks do not fit: {per_node} on each of {} nodes make {room}", candidates.len()),
            "increase it, lower `deploy.replicas`, or add a node",
        )
    })
}

/// A reservation of one task that exceeds every node.
fn overbooked(name: &ServiceName, service: &Service, candidates: &[&Node]) -> Option<Diagnostic<KeyPath>> {
    let wanted = &service.reservations;
    let has_told = |node: &&&Node| node.resources.nano_cpus > 0 && node.resources.memory > 0;
    if candidates.iter().any(|node| has(&node.resources, wanted)) || !candidates.iter().all(|node| has_told(&node)) {
        return None;
    }
    let most = |amount: fn(&Resources) -> i64| candidates.iter().map(|node| amount(&node.resources)).max().unwrap_or(0);
    let has = shown(&Resources {
        nano_cpus: if wanted.nano_cpus == 0 { 0 } else { most(|has| has.nano_cpus) },
        memory: if wanted.memory == 0 { 0 } else { most(|has| has.memory) },
        ..Resources::default()
    });
    Some(in_the_way(
        of_service(name, &["deploy", "resources", "reservations"]),
        format!("one task reserves {}, but the largest nodes have {has}", shown(wanted)),
        "lower the reservation, or add a node",
    ))
}

fn has(node: &Resources, wanted: &Resources) -> bool {
    let counted = |(kind, number): (&String, &i64)| node.generic.get(kind).copied().unwrap_or(0) >= *number;
    node.nano_cpus >= wanted.nano_cpus && node.memory >= wanted.memory && wanted.generic.iter().all(counted)
}

#[expect(clippy::cast_precision_loss, reason = "for a person to read")]
fn shown(amounts: &Resources) -> String {
    let mut said = Vec::new();
    if amounts.nano_cpus != 0 {
        said.push(format!("{} cpus", amounts.nano_cpus as f64 / 1e9));
    }
    if amounts.memory != 0 {
        said.push(format!("{:.1} GiB of memory", amounts.memory as f64 / f64::from(1 << 30)));
    }
    said.extend(amounts.generic.iter().map(|(kind, number)| format!("{number} {kind}")));
    if said.is_empty() { "none of it".into() } else { said.join(" and ") }
}
