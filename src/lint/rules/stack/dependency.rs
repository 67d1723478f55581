use std::collections::BTreeMap;

use crate::diagnostic::{Severity, suggest};
use crate::lint::rule::{Found, MAX_FOUND, rule};
use crate::lint::subject::StackSubject;
use crate::name::ServiceName;
use crate::stack::file::{Dependency, File};
use crate::stack::{Condition, Mode};
use crate::text;

rule! {
    /// `depends_on` names a service that does not exist, or leads in a circle.
    ///
    /// skep deploys services in the order of `depends_on`, each one healthy before the next. Docker does not look at it, and
    /// so a circle, in which none could be the first, and a service that does not exist are warnings: nothing waits for them. What is
    /// waited for to end (`service_completed_successfully`) must not be started again whenever it does: that would be waited for in
    /// vain, and is an error.
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

/// How many services of a circle are named.
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
            format!("the service `{}` is left out, for its profiles are not asked for: {profiles}", service.value);
        let help = "ask for one in `COMPOSE_PROFILES` or with --profile, or write `required: false`";
        return Some(Found::new(&service.span, message).help(help).severity(Severity::Warning));
    }
    let found = Found::new(&service.span, format!("there is no service `{}` in this file", service.value));
    let found = found.severity(Severity::Warning);
    let help = suggest::did_you_mean(service.as_str(), file.services.keys().map(ServiceName::as_str));
    Some(help.into_iter().fold(found, Found::help))
}

/// Says that a service is waited for to end which is started again whenever it does.
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
        Found::new(&dependency.service.span, format!("`{name}` never ends: it is started again whenever it does"))
            .help("write `restart: on-failure` there, or make it a job: `deploy: { mode: replicated-job }`")
    })
}

fn described(circle: &[&Dependency]) -> Option<Found> {
    let last = circle.last()?;
    let shown = circle.iter().take(SHOWN).map(|dependency| format!("`{}`", dependency.service.value));
    let names = shown.collect::<Vec<_>>().join(", ");
    let more = if circle.len() > SHOWN { " and others" } else { "" };
    Some(
        Found::new(&last.service.span, format!("in a circle, each waits for the next: {names}{more}"))
            .help("leave out one of these dependencies: none of them waits for another now")
            .severity(Severity::Warning),
    )
}

/// The dependencies of one circle, in order.
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
