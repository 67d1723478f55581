//! Checks that Traefik would not ignore a route.
//!
//! Names in labels are shared by the whole swarm. If two services define a router or middleware of the same name
//! differently, Traefik ignores both (its `pkg/provider/merge.go`): that of the new stack and that of a running one. A
//! Traefik service that two services define gets the requests of both.

use std::collections::BTreeMap;

use super::surroundings::Neighbour;
use super::{Context, in_the_way, of_service};
use crate::diagnostic::{Diagnostic, KeyPath};
use crate::name::{ImageReference, ServiceName};
use crate::stack::Service;

/// A definition in labels: its kind, such as `http.routers`, and its name.
type Thing<'a> = (String, &'a str);
/// The options of a definition, by name in lower case.
type Said<'a> = BTreeMap<String, &'a str>;

/// Obstacles for names that are in use, and notes about names that may be.
pub(super) fn found(context: &Context<'_>) -> (Vec<Diagnostic<KeyPath>>, Vec<String>) {
    let taken: Vec<(&Neighbour, BTreeMap<Thing<'_>, Said<'_>>)> =
        context.surroundings.services.iter().map(|other| (other, defined(&other.routing))).collect();
    let changed = context.plan.changed_services();
    let (mut obstacles, mut notes) = (Vec::new(), Vec::new());
    for (name, service) in &context.desired.services {
        for (thing, said) in defined(&service.labels) {
            let other = taken.iter().find_map(|(other, things)| Some((*other, things.get(&thing)?)));
            let Some((other, theirs)) = other else { continue };
            let Some(message) = conflict(&thing, &said, other, theirs) else { continue };
            if thing.0.ends_with(".services") || !changed.contains(name) || context.has_several_traefiks() {
                notes.push(message);
            } else {
                obstacles.push(obstacle(name, service, &thing, message));
            }
        }
    }
    (obstacles, notes)
}

impl Context<'_> {
    /// Whether two Traefiks may read different services, so that a name may exist twice.
    fn has_several_traefiks(&self) -> bool {
        let own = self.desired.services.values().map(|service| &service.image);
        let others = self.surroundings.services.iter().map(|other| &other.image);
        own.chain(others).filter(|image| is_traefik(image)).count() > 1
    }
}

fn is_traefik(image: &str) -> bool {
    ImageReference::of(image).base() == "traefik"
}

/// The conflict between two definitions of the same name, if there is one.
fn conflict(thing: &Thing<'_>, said: &Said<'_>, other: &Neighbour, theirs: &Said<'_>) -> Option<String> {
    let ((kind, name), whose) = (thing, other.described());
    let what = kind.rsplit('.').next()?.trim_end_matches('s');
    if what == "service" {
        return Some(format!(
            "Traefik shares the requests for its service `{name}` with {whose}, which also has labels for it"
        ));
    }
    let message = || format!("the {what} `{name}` is defined differently by {whose}: Traefik would ignore both");
    (said != theirs).then(message)
}

fn obstacle(name: &ServiceName, service: &Service, thing: &Thing<'_>, message: String) -> Diagnostic<KeyPath> {
    let is_generated =
        service.url.is_some() && thing.1.split('~').next().is_some_and(|base| base.ends_with(name.as_str()));
    let keys: &[&str] = if is_generated { &["x-skep", "http"] } else { &["deploy", "labels"] };
    let help = "give one of the two another name in its labels".to_owned();
    in_the_way(of_service(name, keys), message, help)
}

/// The definitions in the labels of a service; none if `traefik.enable` is false.
fn defined(labels: &BTreeMap<String, String>) -> BTreeMap<Thing<'_>, Said<'_>> {
    let mut found: BTreeMap<Thing<'_>, Said<'_>> = BTreeMap::new();
    let is_off = |(key, value): (&String, &String)| {
        key.eq_ignore_ascii_case("traefik.enable") && value.eq_ignore_ascii_case("false")
    };
    if labels.iter().any(is_off) {
        return found;
    }
    for (key, value) in labels {
        let parts: Vec<&str> = key.splitn(5, '.').collect();
        let [root, protocol, kind, name, ..] = parts[..] else { continue };
        let kind = kind.to_ascii_lowercase();
        if root.eq_ignore_ascii_case("traefik") && ["routers", "middlewares", "services"].contains(&kind.as_str()) {
            let option = parts.get(4).map(|option| option.to_ascii_lowercase()).unwrap_or_default();
            found.entry((format!("{}.{kind}", protocol.to_ascii_lowercase()), name)).or_default().insert(option, value);
        }
    }
    found
}
