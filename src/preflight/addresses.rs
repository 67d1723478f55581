//! Checks that networks have enough addresses.
//!
//! In each network, every task needs an address, and so does every service with a virtual one, every node that runs a
//! task of it (its load balancer), and the gateway. If a network has none left, tasks stay in the state `new` forever
//! without a message (moby issue 38732).

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::names::place;
use super::surroundings::{Neighbour, Segment};
use super::{Context, in_the_way};
use crate::diagnostic::{Diagnostic, KeyPath};
use crate::plan::placement;
use crate::stack::{Mode, Network, Service, UpdateConfig};

/// The network in which published ports are reached.
const INGRESS: &str = "ingress";
/// A note is made if more than this percentage of a network may be needed.
const CLOSE: u64 = 90;

/// The addresses that the services of a network need.
#[derive(Debug, Default)]
struct Need {
    tasks: u64,
    virtual_addresses: u64,
    /// Tasks that run in addition to the old ones during an update.
    updates: u64,
}

/// Obstacles for networks that are too small or cannot be created, and notes about networks that are almost full.
pub(super) fn found(context: &Context<'_>) -> (Vec<Diagnostic<KeyPath>>, Vec<String>) {
    let (mut obstacles, mut notes) = (Vec::new(), Vec::new());
    for name in context.joined() {
        let Some(addresses) = context.addresses(&name) else { continue };
        let need = context.need(&name);
        if need.at_least() > addresses && context.needs_more(&name) {
            obstacles.push(context.too_small(&name, addresses, &need));
        } else if need.at_most(context.observed.nodes.len() as u64) * 100 > addresses * CLOSE {
            notes.push(close(&name, addresses, &need));
        }
    }
    obstacles.extend(overlapping(context));
    obstacles.extend(exhausted(context));
    (obstacles, notes)
}

impl Context<'_> {
    /// The networks that services of the stack join, and the one of published ports.
    fn joined(&self) -> BTreeSet<String> {
        let services = self.desired.services.values();
        let mut joined: BTreeSet<String> =
            services.clone().flat_map(|service| service.networks.keys().cloned()).collect();
        if services.into_iter().any(is_published) {
            joined.insert(INGRESS.to_owned());
        }
        joined
    }

    /// How many addresses a network has for tasks and services; `None` if unknown.
    fn addresses(&self, name: &str) -> Option<u64> {
        if let Some(Segment { is_of_the_swarm, subnets }) = self.surroundings.networks.get(name) {
            return is_of_the_swarm.then(|| usable(subnets)).flatten();
        }
        match self.desired.networks.get(name)? {
            Network::Own(own) if own.subnets.is_empty() => {
                self.surroundings.pool.as_ref().map(|pool| size(pool.prefix))
            }
            Network::Own(own) => usable(&parsed(&own.subnets)),
            Network::External => None,
        }
    }

    /// The addresses that all services of a network need: the desired services of the stack, and those of other stacks.
    fn need(&self, network: &str) -> Need {
        let mut need = Need::default();
        for service in self.desired.services.values() {
            if joins(service, network) {
                need.add(self.tasks(service), has_virtual_address(service), beside(service, self.tasks(service)));
            }
        }
        for other in &self.surroundings.services {
            let is_published = other.ports.iter().any(|port| !port.is_of_the_node());
            if other.networks.contains(network) || (network == INGRESS && is_published) {
                need.add(self.tasks_of(other), other.has_virtual_address, 0);
            }
        }
        need
    }

    /// Whether the stack needs more addresses of a network than now. If not, this deploy does not cause a shortage.
    fn needs_more(&self, network: &str) -> bool {
        let own = |services: &mut dyn Iterator<Item = &Service>| {
            let mut need = Need::default();
            for service in services.filter(|service| joins(service, network)) {
                need.add(self.tasks(service), has_virtual_address(service), 0);
            }
            need.at_least()
        };
        let now = own(&mut self.observed.services.values().map(|there| &there.service));
        own(&mut self.desired.services.values()) > now
    }

    fn tasks_of(&self, other: &Neighbour) -> u64 {
        match other.mode {
            Mode::Replicated(number) => number.unwrap_or(1),
            Mode::Global => placement::candidates(&other.constraints, &self.observed.nodes).len() as u64,
            // A job that has ended no longer uses addresses.
            Mode::ReplicatedJob(_) | Mode::GlobalJob => 0,
        }
    }

    fn too_small(&self, name: &str, addresses: u64, need: &Need) -> Diagnostic<KeyPath> {
        let is_there = self.surroundings.networks.contains_key(name);
        let help = if name == INGRESS {
            "the swarm's ingress network must be made anew with a larger subnet, or use `mode: host` for some ports"
        } else if is_there {
            "Swarm cannot enlarge a network: give it another name, with `ipam: { config: [{ subnet: … }] }`"
        } else {
            "write a larger one, as `ipam: { config: [{ subnet: 10.77.0.0/20 }] }`, or use several networks"
        };
        in_the_way(
            place("networks", name, self),
            format!("the network `{name}` has {addresses} addresses, and its services need {need}"),
            help,
        )
    }
}

impl Need {
    fn add(&mut self, tasks: u64, has_virtual_address: bool, updates: u64) {
        self.tasks += tasks;
        self.virtual_addresses += u64::from(has_virtual_address);
        self.updates += updates;
    }

    /// The addresses that are needed in any case, with tasks on one node only.
    fn at_least(&self) -> u64 {
        self.tasks + self.virtual_addresses + u64::from(self.tasks > 0)
    }

    /// The addresses that are needed if every node runs tasks and every service is updated at once.
    fn at_most(&self, nodes: u64) -> u64 {
        self.tasks + self.virtual_addresses + self.updates + nodes.min(self.tasks)
    }
}

impl std::fmt::Display for Need {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({} tasks, {} virtual addresses", self.at_least(), self.tasks, self.virtual_addresses)?;
        f.write_str(", at least one node)")
    }
}

fn close(name: &str, addresses: u64, need: &Need) -> String {
    format!(
        "the network `{name}` has {addresses} addresses, and its services need {need}, {} more during updates, and one \
         for each node: it is almost full",
        need.updates
    )
}

fn joins(service: &Service, network: &str) -> bool {
    service.networks.contains_key(network) || (network == INGRESS && is_published(service))
}

fn is_published(service: &Service) -> bool {
    service.ports.iter().any(|port| !port.is_of_the_node())
}

fn has_virtual_address(service: &Service) -> bool {
    service.endpoint_mode.as_deref() != Some("dnsrr")
}

/// How many new tasks may run in addition to the old ones.
fn beside(service: &Service, tasks: u64) -> u64 {
    match &service.update_config {
        Some(UpdateConfig { order, parallelism, .. }) if order == "start-first" => {
            if *parallelism == 0 {
                tasks
            } else {
                tasks.min(*parallelism)
            }
        }
        _ => 0,
    }
}

/// Subnets of the stack that overlap an existing one: Swarm accepts such a network, and never allocates an address in it.
fn overlapping(context: &Context<'_>) -> Vec<Diagnostic<KeyPath>> {
    let mut found = Vec::new();
    for (name, network) in &context.desired.networks {
        let Network::Own(own) = network else { continue };
        if context.surroundings.networks.contains_key(name) {
            continue;
        }
        for (subnet, text) in own.subnets.iter().filter_map(|text| Some((text.parse().ok()?, text))) {
            if let Some(other) = context.network_over(&subnet) {
                found.push(in_the_way(
                    place("networks", name, context),
                    format!("the subnet {text} overlaps that of the network `{other}`"),
                    "choose another one, or leave it to the swarm",
                ));
            }
        }
    }
    found
}

/// An obstacle if the stack has more new networks than the pool has free subnets.
fn exhausted(context: &Context<'_>) -> Option<Diagnostic<KeyPath>> {
    let pool = context.surroundings.pool.as_ref()?;
    let is_new = |(name, network): &(&String, &Network)| {
        let needs_one = matches!(network, Network::Own(own) if own.subnets.is_empty());
        needs_one && !context.surroundings.networks.contains_key(*name)
    };
    let new: Vec<&String> = context.desired.networks.iter().filter(is_new).map(|(name, _)| name).collect();
    let all: u64 = pool.nets.iter().map(|net| 1 << u64::from(pool.prefix.saturating_sub(net.prefix_len()))).sum();
    let of_the_swarm = context.surroundings.networks.values().filter(|network| network.is_of_the_swarm);
    let used = of_the_swarm.flat_map(|network| &network.subnets);
    let used = used.filter(|subnet| pool.nets.iter().any(|net| net.contains(*subnet))).count() as u64;
    let first = new.first().filter(|_| all < used + new.len() as u64)?;
    Some(in_the_way(
        place("networks", first, context),
        format!("the swarm has addresses for {all} networks, and {used} of them are in use"),
        "remove networks that nobody needs, or write a `subnet` outside of the swarm's pool",
    ))
}

impl Context<'_> {
    fn network_over(&self, subnet: &IpNet) -> Option<&String> {
        let overlaps = |other: &IpNet| other.contains(subnet) || subnet.contains(other);
        let mut networks = self.surroundings.networks.iter().filter(|(_, network)| network.is_of_the_swarm);
        networks.find(|(_, network)| network.subnets.iter().any(overlaps)).map(|(name, _)| name)
    }
}

fn parsed(subnets: &[String]) -> Vec<IpNet> {
    subnets.iter().filter_map(|subnet| subnet.parse().ok()).collect()
}

/// The number of addresses of all IPv4 subnets; `None` if there is no such subnet.
fn usable(subnets: &[IpNet]) -> Option<u64> {
    let narrow: Vec<u8> = subnets.iter().filter(|net| matches!(net, IpNet::V4(_))).map(IpNet::prefix_len).collect();
    (!narrow.is_empty()).then(|| narrow.into_iter().map(size).sum())
}

/// Without the address of the network, that of the gateway, and the broadcast address.
fn size(prefix: u8) -> u64 {
    (1_u64 << 32_u8.saturating_sub(prefix)).saturating_sub(3)
}
