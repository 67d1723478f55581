//! What stands in the way of a stack, before the first write.
//!
//! Swarm takes most of what cannot work, and then waits for ever: a task that finds no node, a network without
//! addresses, a port that somebody else has. What can be seen in advance is said in advance, by the key of the file and
//! with what to do. What cannot be told stands in nobody's way: a wrong "no" would be worse than a late one.

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

/// What was found out about a stack in advance.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Preflight {
    /// What stands in its way.
    pub obstacles: Vec<Diagnostic<KeyPath>>,
    /// What stands in its way until somebody agrees to it.
    pub conditions: Vec<(Agreement, Diagnostic<KeyPath>)>,
    /// What may stand in its way later, in sentences.
    pub notes: Vec<String>,
}

/// What somebody can agree to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreement {
    /// Most of the services are removed.
    Removal,
    /// A service is interrupted because Swarm cannot change it.
    Recreation,
    /// A check of the stack's own may not be made.
    Unchecked,
}

/// What somebody has agreed to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each answers a question of its own")]
pub struct Consent {
    /// That many services are removed.
    pub removal: bool,
    /// That a service is interrupted because Swarm cannot change it.
    pub recreation: bool,
    /// That a check of the stack's own may not be made.
    pub unchecked: bool,
    /// That a stack is taken over which no repository owns: skep did not deploy it, or a person did.
    pub adoption: bool,
    /// That a stack is taken over from the repository that owns it.
    pub takeover: bool,
    /// That the same files are tried again that failed.
    pub retry: bool,
}

/// A stack between what there is and what should be.
struct Context<'a> {
    desired: &'a Stack,
    observed: &'a Observed,
    surroundings: &'a Surroundings,
    plan: &'a Plan,
}

impl Preflight {
    /// Everything that a deploy is refused for before its first write: what stands in the way of `plan`, which makes
    /// `desired` of what was `observed`.
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

    /// What a deploy is refused for when somebody has given this consent.
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
        "if that is meant, say so with `--confirm-removal`, or `git push -o confirm-removal`",
    ))
}

impl Context<'_> {
    /// The services that are created or changed: where the others run is decided already.
    fn changed(&self) -> impl Iterator<Item = (&ServiceName, &Service)> {
        let changed = self.plan.changed_services();
        self.desired.services.iter().filter(move |(name, _)| changed.contains(name))
    }

    /// The nodes that may run a service now.
    fn candidates(&self, service: &Service) -> Vec<&Node> {
        placement::candidates(&service.constraints, &self.observed.nodes)
    }

    /// How many tasks a service should have.
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
