use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::stack::file::Service;
use crate::text;

rule! {
    /// The driver of a network is local to a node.
    ///
    /// The tasks of a service may run on any node, so services can only join networks of the whole swarm: `overlay`, the default,
    /// or a plugin for swarms. With `driver: bridge`, which is common in Compose files, Docker creates the network and
    /// then refuses every service that joins it.
    ///
    /// ```yaml bad
    /// services:
    ///   web: { image: "nginx:1.27", networks: [front] }
    /// networks: { front: { driver: bridge } }
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web: { image: "nginx:1.27", networks: [front, back] }
    /// networks: { front: { driver: overlay }, back: {} }
    /// ```
    "SK1025", Error, Stack(check), Holds, Deploys
}

/// Drivers of the engine that are local to a node.
const LOCAL: [&str; 5] = ["bridge", "macvlan", "ipvlan", "host", "null"];

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let own = subject.file.networks.iter().filter(|(_, network)| !network.external);
    let local = own.filter(|(key, network)| LOCAL.contains(&network.options.driver.as_str()) && is_used(key, subject));
    local
        .map(|(key, network)| {
            let written = subject.file.tree.at(&["networks", key, "driver"]);
            let span = written.map_or(&network.span, |driver| &driver.span);
            let driver = &network.options.driver;
            let key = text::cut(key);
            Found::new(
                span,
                format!("no service can join `{key}`: networks with the driver `{driver}` are local to a node"),
            )
            .help("remove `driver`, or write `overlay`")
        })
        .collect()
}

fn is_used(key: &str, subject: &StackSubject<'_>) -> bool {
    subject.file.services.values().any(|service| joins(service, key))
}

fn joins(service: &Service, key: &str) -> bool {
    let is_alone = service.networks.is_empty() && service.on_host_network.is_none();
    (is_alone && key == "default") || service.networks.iter().any(|network| network.name.value == key)
}
