use crate::lint::rule::{Found, MAX_FOUND, MAX_LOOKED_AT, rule};
use crate::lint::subject::StackSubject;
use crate::name::ServiceName;
use crate::stack::Port;
use std::collections::BTreeMap;

rule! {
    /// Two stacks publish the same port.
    ///
    /// A port in `mode: ingress`, the default, is published on every node of the swarm: Swarm refuses the second
    /// stack. Two stacks may publish the same port in `mode: host` if they never run on the same node.
    ///
    /// ```yaml bad
    /// # stacks/shop/stack.yml
    /// services:
    ///   web: { image: "nginx:1.27", ports: ["8080:80"] }
    /// # stacks/wiki/stack.yml
    /// services:
    ///   web: { image: "nginx:1.27", ports: ["8080:3000"] }
    /// ```
    ///
    /// ```yaml good
    /// # stacks/shop/stack.yml
    /// services:
    ///   web: { image: "nginx:1.27", ports: ["8080:80"] }
    /// # stacks/wiki/stack.yml
    /// services:
    ///   web: { image: "nginx:1.27", ports: ["8081:3000", "8080:80/udp"] }
    /// ```
    "SK1023", Error, Stacks(check), Holds
}

/// The publisher of a port.
struct Taker<'a> {
    stack: usize,
    service: &'a ServiceName,
    port: &'a Port,
}

fn check(stacks: &[StackSubject<'_>]) -> Vec<Found> {
    let mut takers: BTreeMap<u16, Vec<Taker<'_>>> = BTreeMap::new();
    let mut found = Vec::new();
    for (index, stack) in stacks.iter().enumerate() {
        for (name, port) in
            stack.file.services.iter().flat_map(|(name, service)| service.ports.iter().map(move |port| (name, port)))
        {
            let Some(number) = port.published.filter(|number| *number != 0) else { continue };
            let known = takers.entry(number).or_default();
            let other = known.iter().find(|other| other.stack != index && other.port.excludes(port));
            if let Some(other) = other.filter(|_| found.len() < MAX_LOOKED_AT) {
                let message = format!(
                    "the port {number} is published by `{}` of {}",
                    other.service,
                    stacks[other.stack].described()
                );
                found.push(Found::new(&port.span, message).help("publish another port").placed(&stack.file.sources));
            }
            if known.len() < MAX_FOUND {
                known.push(Taker { stack: index, service: name, port });
            }
        }
    }
    found
}
