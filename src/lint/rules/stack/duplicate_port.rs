use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::lint::rule::{Found, MAX_LOOKED_AT, rule};
use crate::lint::subject::StackSubject;
use crate::name::ServiceName;
use crate::stack::Port;
use crate::stack::file::Spanned;

rule! {
    /// A port is published twice.
    ///
    /// A port in `mode: ingress`, the default, is published on every node, so no other service can publish it, and
    /// Swarm refuses the second one. Several services may publish the same port in `mode: host`, on different nodes.
    ///
    /// ```yaml bad
    /// services:
    ///   web: { image: "nginx:1.27", ports: ["80:80"] }
    ///   admin: { image: "nginx:1.27", ports: ["80:8080"] }
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web: { image: "nginx:1.27", ports: ["80:80", "80:80/udp"] }
    ///   admin: { image: "nginx:1.27", ports: ["81:8080"] }
    /// ```
    "SK1011", Error, Stack(check), Holds
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let mut taken: BTreeMap<(u16, &str), (&ServiceName, bool)> = BTreeMap::new();
    let services = subject.file.services.iter();
    let ports = services.flat_map(|(name, service)| service.ports.iter().map(move |port| (name, port)));
    let repeated = ports.filter_map(|(name, port)| {
        let host = port.mode == "host";
        let &mut (first, first_host) = match taken.entry((port.published?, protocol(port))) {
            Entry::Vacant(free) => {
                free.insert((name, host));
                return None;
            }
            Entry::Occupied(other) => other.into_mut(),
        };
        (first == name || !(host && first_host)).then_some((first, port))
    });
    repeated.take(MAX_LOOKED_AT).map(|(first, port)| found(first, port)).collect()
}

fn found(first: &ServiceName, port: &Spanned<Port>) -> Found {
    let published = port.published.unwrap_or_default();
    Found::new(&port.span, format!("the port {published} is already published by `{first}`"))
        .help("publish another port")
}

fn protocol(port: &Port) -> &str {
    if port.protocol.is_empty() { "tcp" } else { &port.protocol }
}
