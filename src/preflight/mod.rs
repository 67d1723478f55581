//! The obstacles to a stack, before the first write.
//!
//! Swarm accepts most stacks that cannot work, and then waits for ever: a task without an eligible node, a network
//! without addresses, a port that is already published. Obstacles that can be detected in advance are reported with the
//! key of the file and a remedy. Uncertain ones do not refuse a stack: a wrong refusal would be worse than a late
//! failure.

mod addresses;
mod commands;
pub mod data;
pub mod images;
mod names;
pub mod networks;
mod nodes;
mod ports;
mod room;
mod routes;
pub mod surroundings;
#[cfg(test)]
mod tests;
mod volumes;

use serde::{Deserialize, Serialize};

use crate::diagnostic::{Diagnostic, KeyPath};
use crate::lint::live::OBSTACLE;
use crate::name::ServiceName;
use crate::plan::observed::{Node, Observed};
use crate::plan::{Action, Change, Plan, placement};
use crate::stack::{Mode, Service, Stack};
use surroundings::Surroundings;

/// The result of the preflight checks of a stack.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Preflight {
    /// The obstacles.
    pub obstacles: Vec<Diagnostic<KeyPath>>,
    /// The obstacles that consent overrides.
    pub conditions: Vec<(Agreement, Diagnostic<KeyPath>)>,
    /// Sentences about possible obstacles later.
    pub notes: Vec<String>,
}

/// The kinds of consent to obstacles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreement {
    /// Most of the services are removed.
    Removal,
    /// A service is interrupted because Swarm cannot change it.
    Recreation,
    /// A check of the stack's own may not be made.
    Unchecked,
}

/// The given consent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each answers a question of its own")]
pub struct Consent {
    /// To removing most of the services.
    pub removal: bool,
    /// To interrupting a service that Swarm cannot change.
    pub recreation: bool,
    /// To checks that cannot be made.
    pub unchecked: bool,
    /// To taking over a stack without an owner: skep did not deploy it, or it was deployed by hand.
    pub adoption: bool,
    /// To taking over a stack from its owner.
    pub takeover: bool,
    /// To retrying files that failed.
    pub retry: bool,
}

/// The input of the checks: observed and desired state.
struct Context<'a> {
    desired: &'a Stack,
    observed: &'a Observed,
    surroundings: &'a Surroundings,
    plan: &'a Plan,
}

impl Preflight {
    /// All obstacles to a deploy before its first write: to `plan`, which leads from `observed` to
    /// `desired`.
    pub fn of(desired: &Stack, observed: &Observed, surroundings: &Surroundings, plan: &Plan) -> Self {
        let desired = &*observed.scaled(desired);
        let context = Context { desired, observed, surroundings, plan };
        let mut obstacles = names::obstacles(&context);
        obstacles.extend(ports::obstacles(&context));
        obstacles.extend(nodes::obstacles(&context));
        obstacles.extend(images::obstacles(&context));
        let (crowded, mut notes) = addresses::found(&context);
        obstacles.extend(crowded);
        let of_files =
            [volumes::found(&context), data::found(&context), room::found(&context), routes::found(&context)];
        for (more, noted) in of_files {
            obstacles.extend(more);
            notes.extend(noted);
        }
        let (unchecked, more) = commands::found(&context);
        notes.extend(more);
        let mut conditions = interruptions(desired, plan);
        conditions.extend(unchecked.into_iter().map(|obstacle| (Agreement::Unchecked, obstacle)));
        conditions.extend(great_removal(observed, plan).map(|obstacle| (Agreement::Removal, obstacle)));
        Self { obstacles, conditions, notes }
    }

    /// The obstacles that remain with this consent.
    pub fn refusals(&self, consent: Consent) -> Vec<Diagnostic<KeyPath>> {
        let open = self.conditions.iter().filter(|(agreement, _)| !consent.covers(*agreement));
        self.obstacles.iter().chain(open.map(|(_, obstacle)| obstacle)).cloned().collect()
    }
}

impl Consent {
    fn covers(self, agreement: Agreement) -> bool {
        match agreement {
            Agreement::Removal => self.removal,
            Agreement::Recreation => self.recreation,
            Agreement::Unchecked => self.unchecked,
        }
    }
}

/// The services that a plan would interrupt because Swarm cannot change them, without their file allowing it.
fn interruptions(desired: &Stack, plan: &Plan) -> Vec<(Agreement, Diagnostic<KeyPath>)> {
    let is_recreated = |change: &&Change| matches!(change.action, Action::Recreate { .. });
    let services = plan.changes.iter().filter(is_recreated).filter_map(|change| change.subject.service());
    let forbidden = services.filter(|name| !desired.services[*name].may_be_recreated);
    forbidden.map(|name| (Agreement::Recreation, interruption(name, &desired.services[name]))).collect()
}

fn interruption(name: &ServiceName, service: &Service) -> Diagnostic<KeyPath> {
    in_the_way(
        of_service(name, &["deploy", "mode"]),
        format!(
            "the service `{name}` runs in another mode, and Swarm cannot make it {} without removing it first",
            service.mode.name()
        ),
        "write `x-skep: { recreate: allow }` in the service, if it may be interrupted, or give it another name",
    )
}

/// A plan that removes more than half of the services that there are, and more than one. It has no place in the file.
fn great_removal(observed: &Observed, plan: &Plan) -> Option<Diagnostic<KeyPath>> {
    let (removed, there) = (plan.removed_services(), observed.services.len());
    if removed.len() < 2 || removed.len() * 2 <= there {
        return None;
    }
    let names: Vec<&str> = removed.iter().map(|name| name.as_str()).collect();
    Some(in_the_way(
        KeyPath::default(),
        format!("it removes {} of {there} services: {}", removed.len(), names.join(", ")),
        "if this is intended, confirm it with `--confirm-removal` or `git push -o confirm-removal`",
    ))
}

impl Context<'_> {
    /// The services that are created or changed.
    fn changed(&self) -> impl Iterator<Item = (&ServiceName, &Service)> {
        let changed = self.plan.changed_services();
        self.desired.services.iter().filter(move |(name, _)| changed.contains(name))
    }

    /// The eligible nodes of a service.
    fn candidates(&self, service: &Service) -> Vec<&Node> {
        placement::candidates(&service.constraints, &self.observed.nodes)
    }

    /// The desired number of tasks of a service.
    fn tasks(&self, service: &Service) -> u64 {
        match service.mode {
            Mode::Replicated(number) | Mode::ReplicatedJob(number) => number.unwrap_or(1),
            Mode::Global | Mode::GlobalJob => self.candidates(service).len() as u64,
        }
    }
}

/// The place of a key in a service.
fn of_service(name: &ServiceName, keys: &[&str]) -> KeyPath {
    KeyPath::of(["services", name.as_str()].iter().chain(keys).copied())
}

/// Something that stands in the way, and what to do about it. `skep explain` knows its rule.
fn in_the_way(place: KeyPath, message: impl Into<String>, help: impl Into<String>) -> Diagnostic<KeyPath> {
    Diagnostic::new(place, message).code(OBSTACLE).help(help)
}
