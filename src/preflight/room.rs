//! Checks that an update with `order: start-first` can begin: it starts each new task before the old one stops.

use std::collections::BTreeSet;

use super::{Context, in_the_way, of_service};
use crate::diagnostic::{Diagnostic, KeyPath};
use crate::name::ServiceName;
use crate::plan::Action;
use crate::plan::observed::Node;
use crate::stack::{Mode, Service};

/// How many tasks of a service fit on the nodes, and the keys that limit it.
struct Room {
    tasks: u64,
    keys: &'static [&'static str],
}

/// Obstacles and notes for services with `order: start-first` whose tasks fit on the nodes, but no further task: an
/// update cannot begin, and a new service can never be updated.
pub(super) fn found(context: &Context<'_>) -> (Vec<Diagnostic<KeyPath>>, Vec<String>) {
    let (mut obstacles, mut notes) = (Vec::new(), Vec::new());
    for (name, service) in context.changed().filter(|(_, service)| starts_first(service)) {
        let candidates = context.candidates(service);
        let wanted = context.tasks(service);
        // Services that do not fit at all are reported elsewhere.
        let rooms = [per_node(service, &candidates), of_ports(service, context), reserved(service, &candidates)];
        let Some(room) = rooms.into_iter().flatten().find(|room| room.tasks == wanted && wanted > 0) else { continue };
        let obstacle = full(name, &room);
        if replaces_tasks(name, context) {
            obstacles.push(obstacle);
        } else {
            notes.push(format!("once it runs, no update of it can begin: {obstacle}"));
        }
    }
    (obstacles, notes)
}

fn full(name: &ServiceName, room: &Room) -> Diagnostic<KeyPath> {
    in_the_way(
        of_service(name, room.keys),
        format!(
            "with `order: start-first` a new task starts beside the old one, and the nodes have room for {} and no more",
            room.tasks
        ),
        "write `order: stop-first`, lower `deploy.replicas`, or add a node",
    )
}

fn starts_first(service: &Service) -> bool {
    service.update_config.as_ref().is_some_and(|update| update.order == "start-first")
}

fn replaces_tasks(name: &ServiceName, context: &Context<'_>) -> bool {
    let mut changes = context.plan.changes.iter().filter(|change| change.subject.service() == Some(name));
    changes.any(|change| matches!(change.action, Action::Update { restarts: 1.., .. }))
}

fn per_node(service: &Service, candidates: &[&Node]) -> Option<Room> {
    let (Mode::Replicated(_), most @ 1..) = (service.mode, service.max_replicas_per_node) else { return None };
    let tasks = most.saturating_mul(candidates.len() as u64);
    Some(Room { tasks, keys: &["deploy", "placement", "max_replicas_per_node"] })
}

/// A port that is published on the nodes themselves can be used once on each node.
fn of_ports(service: &Service, context: &Context<'_>) -> Option<Room> {
    let port = service.ports.iter().find(|port| port.is_of_the_node() && port.published.is_some_and(|it| it != 0))?;
    let takers = context.surroundings.services.iter().filter(|other| super::ports::has_same(other, port));
    let taken: BTreeSet<&String> = takers.flat_map(|other| &other.nodes).collect();
    let free = context.candidates(service).iter().filter(|node| !taken.contains(&node.id)).count();
    Some(Room { tasks: free as u64, keys: &["ports"] })
}

/// How many tasks would fit on the empty nodes, by the reservations of each.
fn reserved(service: &Service, candidates: &[&Node]) -> Option<Room> {
    let wanted = &service.reservations;
    let fits = |has: i64, wanted: i64| if wanted > 0 { Some(u64::try_from(has / wanted).unwrap_or(0)) } else { None };
    let on_node = |node: &&Node| {
        let has = &node.resources;
        let amounts = [fits(has.nano_cpus, wanted.nano_cpus), fits(has.memory, wanted.memory)];
        let told = has.nano_cpus > 0 && has.memory > 0;
        amounts.into_iter().flatten().min().filter(|_| told)
    };
    let tasks = candidates.iter().map(on_node).sum::<Option<u64>>()?;
    Some(Room { tasks, keys: &["deploy", "resources", "reservations"] })
}
