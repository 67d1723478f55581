use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::stack::file::{Service, Spanned};

rule! {
    /// A service has both labels `traefik.docker.…` and `traefik.swarm.…`.
    ///
    /// Traefik 3 accepts one or the other, and ignores a service that has both.
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.docker.network: front
    ///         traefik.swarm.lbswarm: "true"
    ///         traefik.http.routers.web.rule: Host(`shop.example.com`)
    ///         traefik.http.services.web.loadbalancer.server.port: "80"
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.swarm.network: front
    ///         traefik.swarm.lbswarm: "true"
    ///         traefik.http.routers.web.rule: Host(`shop.example.com`)
    ///         traefik.http.services.web.loadbalancer.server.port: "80"
    /// ```
    "SK4015", Warning, Stack(check), Whole
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    if subject.traefik.version().is_some_and(|version| version < 3) {
        return Vec::new();
    }
    let services = subject.file.services.values();
    services
        .filter_map(of_docker_beside_swarm)
        .map(|label| {
            Found::new(&label.span, "Traefik 3 ignores a service with labels `traefik.docker.…` and `traefik.swarm.…`")
                .help("use `traefik.swarm.…` only")
        })
        .collect()
}

/// skep writes `traefik.swarm.network` itself.
fn of_docker_beside_swarm(service: &Service) -> Option<&Spanned<String>> {
    let has_swarm = service.http.is_some() || first(service, "traefik.swarm.").is_some();
    first(service, "traefik.docker.").filter(|_| has_swarm)
}

fn first<'a>(service: &'a Service, prefix: &str) -> Option<&'a Spanned<String>> {
    let labels = service.deploy.labels.iter().filter(|(key, _)| key.to_ascii_lowercase().starts_with(prefix));
    labels.map(|(_, label)| label).min_by_key(|label| label.span.start)
}
