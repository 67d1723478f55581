use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::stack::Mode;
use crate::stack::file::Service;

rule! {
    /// The only task of a service is stopped before the new one runs.
    ///
    /// Every update interrupts the service. With `order: start-first` the new task must be healthy before the old one
    /// stops. The rule skips services with a volume or a port of the node, which cannot run twice. Off by
    /// default.
    ///
    /// ```yaml bad
    /// services:
    ///   web: { image: "nginx:1.27", ports: ["80:80"] }
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     ports: ["80:80"]
    ///     deploy: { update_config: { order: start-first } }
    ///   db: { image: "postgres:17", volumes: ["data:/var/lib/postgresql/data"] }
    /// volumes: { data: {} }
    /// ```
    "SK3012", Info, Stack(check), Off, Whole
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let interrupted = subject.file.services.iter().filter(|(_, service)| is_interrupted(service));
    interrupted
        .map(|(name, service)| {
            Found::new(&service.span, format!("`{name}` is down during every update"))
                .help("add `deploy: { update_config: { order: start-first } }`")
        })
        .collect()
}

fn is_interrupted(service: &Service) -> bool {
    let is_single = matches!(service.deploy.mode.value, Mode::Replicated(None | Some(1)));
    let starts_first = service.deploy.update_config.as_ref().is_some_and(|update| update.order == "start-first");
    let is_reached = service.http.is_some() || !service.ports.is_empty();
    let is_alone = service.volumes.is_empty() && service.ports.iter().all(|port| port.mode != "host");
    is_single && is_reached && is_alone && !starts_first
}
