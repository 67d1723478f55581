use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::stack::file::Service;

rule! {
    /// An update starts the new task first, but the old one holds the port.
    ///
    /// A port in `mode: host` can be used only once on a node. With `order: start-first` the new task waits for the port and
    /// the old task for the new one: without a free node the update hangs for ever.
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     ports: [{ target: 80, published: 80, mode: host }]
    ///     deploy: { update_config: { order: start-first } }
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     ports: [{ target: 80, published: 80, mode: host }]
    ///     deploy: { update_config: { order: stop-first } }
    /// ```
    "SK3002", Warning, Stack(check)
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    subject.file.services.values().filter(|service| starts_first(service)).filter_map(host_port).collect()
}

fn starts_first(service: &Service) -> bool {
    service.deploy.update_config.as_ref().is_some_and(|update| update.order == "start-first")
}

fn host_port(service: &Service) -> Option<Found> {
    let port = service.ports.iter().find(|port| port.mode == "host" && port.published.is_some())?;
    let message = "an update cannot start the new task first, because the old one holds this port";
    Some(Found::new(&port.span, message).help("use `order: stop-first`, or publish the port in `mode: ingress`"))
}
