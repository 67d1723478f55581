use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::lint::traefik::options::Options;
use crate::lint::traefik::proxy;
use crate::stack::file::Service;

rule! {
    /// Traefik may be started on a worker, which does not know the services of the swarm.
    ///
    /// Traefik asks the engine at `/var/run/docker.sock` for services, and only a manager can answer. On a worker it runs
    /// without any routes.
    ///
    /// ```yaml bad
    /// services:
    ///   proxy:
    ///     image: traefik:v3.7
    ///     command: [--providers.swarm.exposedByDefault=false]
    ///     volumes: ["/var/run/docker.sock:/var/run/docker.sock:ro"]
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   proxy:
    ///     image: traefik:v3.7
    ///     command: [--providers.swarm.exposedByDefault=false]
    ///     volumes: ["/var/run/docker.sock:/var/run/docker.sock:ro"]
    ///     deploy: { placement: { constraints: [node.role == manager] } }
    /// ```
    "SK4022", Warning, Stack(check), Whole
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let proxies = subject.proxies().filter(|(proxy, _)| reads_swarm(&proxy.said));
    let loose = proxies.filter(|(_, service)| asks_its_node(service) && service.deploy.constraints.is_empty());
    loose
        .map(|(_, service)| {
            let message = "Traefik may be started on a worker, whose engine does not know the services of the swarm";
            Found::new(&proxy::place(service, subject.file, "providers."), message)
                .help("add `deploy: { placement: { constraints: [node.role == manager] } }`")
        })
        .collect()
}

fn reads_swarm(options: &Options) -> bool {
    options.has("providers.swarm") || options.is_on("providers.docker.swarmmode")
}

/// Whether it uses the socket of its own node, rather than an engine that it reaches over the network.
fn asks_its_node(service: &Service) -> bool {
    service.volumes.iter().any(|mount| mount.kind == "bind" && mount.source.ends_with("docker.sock"))
}
