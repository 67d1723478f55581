//! What must be there, and what must not be there yet.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use super::{Flight, Obstacle};
use crate::name::ServiceName;
use crate::stack::{Config, Network, Secret, TRAEFIK_FIRST};

/// What is referred to and not there, or not of use; what is to be created and is somebody else's.
pub(super) fn obstacles(flight: &Flight<'_>) -> Vec<Obstacle> {
    let mut found = networks(flight);
    found.extend(configs(flight));
    found.extend(secrets(flight));
    found.extend(services(flight));
    found
}

fn networks(flight: &Flight<'_>) -> Vec<Obstacle> {
    let mut found = Vec::new();
    for (name, network) in &flight.desired.networks {
        let (foreign, own) = (&flight.observed.foreign.networks, &flight.observed.networks);
        let segment = flight.surroundings.networks.get(name);
        match network {
            Network::External if foreign.contains(name) || own.contains_key(name) => {}
            Network::External if segment.is_some_and(|segment| !segment.is_of_the_swarm) => found.push(Obstacle {
                place: place("networks", name, flight),
                message: format!("the network `{name}` is one of this node only, and services cannot join it"),
                help: format!("create one for the swarm: `docker network create --driver overlay {name}`"),
            }),
            Network::External => found.push(match flight.desired.behind_traefik(name) {
                Some(service) => without_traefik(service, name),
                None => absent("network", name, "docker network create --driver overlay", flight),
            }),
            Network::Own(_) if !own.contains_key(name) && segment.is_some() => {
                found.push(taken("network", name, flight));
            }
            Network::Own(_) => {}
        }
    }
    found
}

fn configs(flight: &Flight<'_>) -> Vec<Obstacle> {
    let (foreign, own) = (&flight.observed.foreign.configs, &flight.observed.configs);
    let mut found = Vec::new();
    for (name, config) in &flight.desired.configs {
        match config {
            Config::External if !foreign.contains(name) && !own.contains_key(name) => {
                found.push(absent("config", name, "docker config create", flight));
            }
            Config::Own { .. } if foreign.contains(name) => found.push(taken("config", name, flight)),
            Config::Own { content, .. } => {
                let holds = own.get(name).and_then(|there| there.content.as_ref());
                if holds.is_some_and(|hash| *hash != hex::encode(Sha256::digest(content))) {
                    found.push(other_content("config", name, flight));
                }
            }
            Config::External => {}
        }
    }
    found
}

fn secrets(flight: &Flight<'_>) -> Vec<Obstacle> {
    let (foreign, own) = (&flight.observed.foreign.secrets, &flight.observed.secrets);
    let mut found = Vec::new();
    for (name, secret) in &flight.desired.secrets {
        match secret {
            Secret::External if !foreign.contains(name) && !own.contains_key(name) => {
                found.push(absent("secret", name, "docker secret create", flight));
            }
            Secret::Own { .. } if foreign.contains(name) => found.push(taken("secret", name, flight)),
            Secret::Own { .. } if flight.surroundings.changed_secrets.contains(name) => {
                found.push(other_content("secret", name, flight));
            }
            Secret::External | Secret::Own { .. } => {}
        }
    }
    found
}

/// A service bears its stack's name, but not every service of such a name is the stack's.
fn services(flight: &Flight<'_>) -> Vec<Obstacle> {
    let taken: BTreeSet<&str> = flight.surroundings.services.iter().map(|service| service.name.as_str()).collect();
    let mut found = Vec::new();
    for key in flight.desired.services.keys().filter(|key| !flight.observed.services.contains_key(*key)) {
        let name = flight.desired.name.scoped(key.as_str());
        if taken.contains(name.as_str()) {
            found.push(Obstacle {
                place: super::of_service(key, &[]),
                message: format!("there is a service `{name}` that is not of this stack"),
                help: "give the service another name, or remove that one (`docker service rm`)".into(),
            });
        }
    }
    found
}

fn absent(what: &str, name: &str, command: &str, flight: &Flight<'_>) -> Obstacle {
    Obstacle {
        place: place(&format!("{what}s"), name, flight),
        message: format!("the external {what} `{name}` does not exist"),
        help: format!("create it (`{command} {name}`), or take `external` away"),
    }
}

/// The network that Traefik shares with what it serves. No file names it: `x-skep.http` does.
fn without_traefik(service: &ServiceName, network: &str) -> Obstacle {
    Obstacle {
        place: super::of_service(service, &["x-skep", "http"]),
        message: format!("the network `{network}`, in which Traefik reaches `{service}`, does not exist"),
        help: TRAEFIK_FIRST.into(),
    }
}

fn taken(what: &str, name: &str, flight: &Flight<'_>) -> Obstacle {
    Obstacle {
        place: place(&format!("{what}s"), name, flight),
        message: format!("there is a {what} `{name}` that is not of this stack"),
        help: format!("write `external: true` to use that one, or give the {what} another `name`"),
    }
}

fn other_content(what: &str, name: &str, flight: &Flight<'_>) -> Obstacle {
    Obstacle {
        place: place(&format!("{what}s"), name, flight),
        message: format!("the {what} `{name}` holds something else, and Swarm cannot change a {what}"),
        help: format!("leave its `name` out, so that new content is a new {what}, or give it another `name`"),
    }
}

/// The place of a network, config or secret in the file, by its full name.
pub(super) fn place(section: &str, name: &str, flight: &Flight<'_>) -> Vec<String> {
    let key = name.strip_prefix(&flight.desired.name.scoped("")).unwrap_or(name);
    vec![section.to_owned(), key.to_owned()]
}
