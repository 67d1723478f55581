use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::stack::file::Service;

rule! {
    /// A service without a virtual address publishes a port on all nodes.
    ///
    /// `endpoint_mode: dnsrr` has no address that the published port could be forwarded to, and Swarm refuses the
    /// service. A port in `mode: host` is published on the nodes where a task runs, and is allowed.
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     ports: ["80:80"]
    ///     deploy: { endpoint_mode: dnsrr }
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     ports: [{ target: 80, published: 80, mode: host }]
    ///     deploy: { endpoint_mode: dnsrr }
    /// ```
    "SK1010", Error, Stack(check), Holds
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    subject.file.services.values().filter(|service| is_dnsrr(service)).flat_map(ingress_ports).collect()
}

fn is_dnsrr(service: &Service) -> bool {
    service.deploy.endpoint_mode.as_ref().is_some_and(|mode| mode.eq_ignore_ascii_case("dnsrr"))
}

fn ingress_ports(service: &Service) -> Vec<Found> {
    let ports = service.ports.iter().filter(|port| port.mode != "host");
    ports
        .map(|port| {
            Found::new(&port.span, "this port cannot be published on all nodes with `endpoint_mode: dnsrr`")
                .help("use the long form with `mode: host`, or remove `endpoint_mode`")
        })
        .collect()
}
