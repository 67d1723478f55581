//! Objects that must exist, and names that must be free.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use super::{Context, in_the_way};
use crate::diagnostic::{Diagnostic, KeyPath};
use crate::name::ServiceName;
use crate::stack::{Config, Network, Secret, TRAEFIK_FIRST};

/// Missing or unusable external objects, and names of new objects that belong to others.
pub(super) fn obstacles(context: &Context<'_>) -> Vec<Diagnostic<KeyPath>> {
    let mut found = networks(context);
    found.extend(configs(context));
    found.extend(secrets(context));
    found.extend(services(context));
    found
}

fn networks(context: &Context<'_>) -> Vec<Diagnostic<KeyPath>> {
    let mut found = Vec::new();
    for (name, network) in &context.desired.networks {
        let (foreign, own) = (&context.observed.foreign.networks, &context.observed.networks);
        let segment = context.surroundings.networks.get(name);
        match network {
            Network::External if foreign.contains(name) || own.contains_key(name) => {}
            Network::External if segment.is_some_and(|segment| !segment.is_of_the_swarm) => found.push(in_the_way(
                place("networks", name, context),
                format!("the network `{name}` is local to this node, so services cannot join it"),
                format!("create one for the swarm: `docker network create --driver overlay {name}`"),
            )),
            Network::External => found.push(match context.desired.behind_traefik(name) {
                Some(service) => without_traefik(service, name),
                None => absent("network", name, &format!("docker network create --driver overlay {name}"), context),
            }),
            Network::Own(_) if !own.contains_key(name) && segment.is_some() => {
                found.push(taken("network", name, context));
            }
            Network::Own(_) => {}
        }
    }
    found
}

fn configs(context: &Context<'_>) -> Vec<Diagnostic<KeyPath>> {
    let (foreign, own) = (&context.observed.foreign.configs, &context.observed.configs);
    let mut found = Vec::new();
    for (name, config) in &context.desired.configs {
        match config {
            Config::External if !foreign.contains(name) && !own.contains_key(name) => {
                found.push(absent("config", name, &format!("docker config create {name} FILE"), context));
            }
            Config::Own { .. } if foreign.contains(name) => found.push(taken("config", name, context)),
            Config::Own { content, .. } => {
                let holds = own.get(name).and_then(|there| there.content.as_ref());
                if holds.is_some_and(|hash| *hash != hex::encode(Sha256::digest(content))) {
                    found.push(other_content("config", name, context));
                }
            }
            Config::External => {}
        }
    }
    found
}

fn secrets(context: &Context<'_>) -> Vec<Diagnostic<KeyPath>> {
    let (foreign, own) = (&context.observed.foreign.secrets, &context.observed.secrets);
    let mut found = Vec::new();
    for (name, secret) in &context.desired.secrets {
        match secret {
            Secret::External if !foreign.contains(name) && !own.contains_key(name) => {
                found.push(absent("secret", name, &format!("docker secret create {name} FILE"), context));
            }
            Secret::Own { .. } if foreign.contains(name) => found.push(taken("secret", name, context)),
            Secret::Own { .. } if context.surroundings.changed_secrets.contains(name) => {
                found.push(other_content("secret", name, context));
            }
            Secret::External | Secret::Own { .. } => {}
        }
    }
    found
}

/// Services with the name of the stack's that do not belong to it.
fn services(context: &Context<'_>) -> Vec<Diagnostic<KeyPath>> {
    let taken: BTreeSet<&str> = context.surroundings.services.iter().map(|service| service.name.as_str()).collect();
    let mut found = Vec::new();
    for key in context.desired.services.keys().filter(|key| !context.observed.services.contains_key(*key)) {
        let name = context.desired.name.scoped(key.as_str());
        if taken.contains(name.as_str()) {
            found.push(in_the_way(
                super::of_service(key, &[]),
                format!("a service `{name}` exists that does not belong to this stack"),
                "give the service another name, or remove that one (`docker service rm`)",
            ));
        }
    }
    found
}

fn absent(what: &str, name: &str, command: &str, context: &Context<'_>) -> Diagnostic<KeyPath> {
    in_the_way(
        place(&format!("{what}s"), name, context),
        format!("the external {what} `{name}` does not exist"),
        format!("create it (`{command}`), or remove `external`"),
    )
}

/// Traefik's network, which `x-skep.http` requires.
fn without_traefik(service: &ServiceName, network: &str) -> Diagnostic<KeyPath> {
    in_the_way(
        super::of_service(service, &["x-skep", "http"]),
        format!("the network `{network}`, in which Traefik reaches `{service}`, does not exist"),
        TRAEFIK_FIRST,
    )
}

fn taken(what: &str, name: &str, context: &Context<'_>) -> Diagnostic<KeyPath> {
    in_the_way(
        place(&format!("{what}s"), name, context),
        format!("a {what} `{name}` exists that does not belong to this stack"),
        format!("write `external: true` to use that one, or give the {what} another `name`"),
    )
}

fn other_content(what: &str, name: &str, context: &Context<'_>) -> Diagnostic<KeyPath> {
    in_the_way(
        place(&format!("{what}s"), name, context),
        format!("the {what} `{name}` has other contents, and Swarm cannot change a {what}"),
        format!("remove its `name`, so that new contents make a new {what}, or give it another `name`"),
    )
}

/// The place of a network, config or secret in the file, by its full name.
pub(super) fn place(section: &str, name: &str, context: &Context<'_>) -> KeyPath {
    let key = name.strip_prefix(&context.desired.name.scoped("")).unwrap_or(name);
    KeyPath::of([section, key])
}
