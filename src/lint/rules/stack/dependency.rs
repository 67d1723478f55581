use std::collections::BTreeMap;

use crate::diagnostic::{Severity, suggest};
use crate::lint::rule::{Found, MAX_FOUND, rule};
use crate::lint::subject::StackSubject;
use crate::name::ServiceName;
use crate::stack::file::{Dependency, File};
use crate::stack::{Condition, Mode};
use crate::text;

rule! {
    /// `depends_on` names a service that does not exist, or forms a cycle.
    ///
    /// skep deploys services in the order of `depends_on`: each must be healthy before the next. Docker ignores the key, so
    /// a cycle and a missing service are only warnings: such dependencies are not waited for. A service
    /// that must end (`service_completed_successfully`) may not be restarted whenever it does: skep would wait for it
    /// in vain, so this is an error.
    ///
    /// ```yaml bad
    /// services:
    ///   web: { image: "shop:1", depends_on: [db] }
    ///   db: { image: "postgres:17", depends_on: [web] }
    /// ```
    ///
    /// ```yaml bad
    /// services:
    ///   web: { image: "shop:1", depends_on: [database] }
    /// ```
    ///
    /// ```yaml bad
    /// services:
    ///   web: { image: "shop:1", depends_on: { migrate: { condition: service_completed_successfully } } }
    ///   migrate: { image: "shop:1", restart: always }
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web:
    ///     image: shop:1
    ///     depends_on:
    ///       db: { condition: service_healthy }
    ///       migrate: { condition: service_completed_successfully }
    ///       metrics: { condition: service_started, required: false }
    ///   migrate: { image: "shop:1" }
    ///   db: { image: "postgres:17" }
    /// ```
    "SK1004", Error, Stack(check), Holds, Deploys, Names
}

/// The most services of a cycle that the message names.
const SHOWN: usize = 6;

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let dependencies = subject.file.services.values().flat_map(|service| &service.depends_on);
    let mut found: Vec<Found> =
        dependencies.filter_map(|dependency| unknown(dependency, subject.file)).take(MAX_FOUND + 1).collect();
    let endless = subject.file.services.values().flat_map(|service| &service.depends_on);
    found.extend(endless.filter_map(|dependency| endless_wait(dependency, subject.file)).take(MAX_FOUND + 1));
    found.extend(circle(subject.file).and_then(|circle| described(&circle)));
    found
}

fn unknown(dependency: &Dependency, file: &File) -> Option<Found> {
    let service = &dependency.service;
    if !dependency.required || file.services.contains_key(&service.value) {
        return None;
    }
    if let Some(left_out) = file.left_out.get(&service.value) {
        let profiles = left_out.profiles.iter().map(|name| text::cut(name)).collect::<Vec<_>>().join(", ");
        let message =
            format!("the service `{}` is left out, because none of its profiles is enabled: {profiles}", service.value);
        let help = "enable one in `COMPOSE_PROFILES` or with --profile, or write `required: false`";
        return Some(Found::new(&service.span, message).help(help).severity(Severity::Warning));
    }
    let found = Found::new(&service.span, format!("there is no service `{}` in this file", service.value));
    let found = found.severity(Severity::Warning);
    let help = suggest::did_you_mean(service.as_str(), file.services.keys().map(ServiceName::as_str));
    Some(help.into_iter().fold(found, Found::help))
}

/// A finding if a dependency must end but is restarted whenever it does.
fn endless_wait(dependency: &Dependency, file: &File) -> Option<Found> {
    let service = file.services.get(&dependency.service.value)?;
    let is_job = matches!(service.deploy.mode.value, Mode::ReplicatedJob(_) | Mode::GlobalJob);
    if dependency.condition != Condition::Completed || is_job {
        return None;
    }
    let endless = match (&service.deploy.restart_policy, &service.restart) {
        (Some(policy), _) => matches!(policy.condition.as_str(), "" | "any"),
        (None, Some(restart)) => matches!(restart.condition.as_str(), "always" | "unless-stopped"),
        (None, None) => false,
    };
    let name = &dependency.service.value;
    endless.then(|| {
        Found::new(&dependency.service.span, format!("`{name}` never ends: it is restarted whenever it exits"))
            .help("write `restart: on-failure` there, or make it a job: `deploy: { mode: replicated-job }`")
    })
}

fn described(circle: &[&Dependency]) -> Option<Found> {
    let last = circle.last()?;
    let shown = circle.iter().take(SHOWN).map(|dependency| format!("`{}`", dependency.service.value));
    let names = shown.collect::<Vec<_>>().join(", ");
    let more = if circle.len() > SHOWN { " and others" } else { "" };
    Some(
        Found::new(&last.service.span, format!("these services wait for each other in a cycle: {names}{more}"))
            .help("remove one of these dependencies; until then none of them is waited for")
            .severity(Severity::Warning),
    )
}

/// The dependencies of one cycle, in order.
fn circle(file: &File) -> Option<Vec<&Dependency>> {
    let stuck = file.circular();
    let mut way: Vec<&Dependency> = Vec::new();
    let mut visited: BTreeMap<&ServiceName, usize> = BTreeMap::new();
    let mut at = *stuck.first()?;
    loop {
        if let Some(&start) = visited.get(at) {
            return Some(way.split_off(start));
        }
        visited.insert(at, way.len());
        let next = file.services[at].depends_on.iter().find(|one| stuck.contains(&one.service.value))?;
        way.push(next);
        at = &next.service.value;
    }
}
