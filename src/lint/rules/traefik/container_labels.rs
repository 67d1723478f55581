use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::stack::file::{Service, Spanned};

rule! {
    /// Traefik's labels are on the containers instead of the service.
    ///
    /// In a swarm Traefik reads the labels of services, which are under `deploy:`; labels directly under the service are
    /// for its containers, and Traefik's Swarm provider never sees them. With `x-skep: { http: … }` skep writes all
    /// labels. The rule is skipped if every Traefik of the repository reads the containers of its node
    /// (`--providers.docker` without Swarm).
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     labels: ["traefik.enable=true"]
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels: ["traefik.enable=true"]
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     labels: ["traefik.enable=true"]
    ///   proxy:
    ///     image: traefik:v3.7
    ///     command: --providers.docker.exposedByDefault=false --entryPoints.web.address=:80
    /// ```
    "SK4001", Warning, Stack(check), Whole
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    if subject.traefik.reads_containers() {
        return Vec::new();
    }
    let unrouted = subject.file.services.values().filter(|service| service.http.is_none() && !is_routed(service));
    unrouted
        .filter_map(misplaced)
        .map(|label| {
            Found::new(&label.span, "Traefik does not see this label: it is on the containers instead of the service")
                .help("move it to `deploy: { labels: … }`")
        })
        .collect()
}

fn is_routed(service: &Service) -> bool {
    service.deploy.labels.keys().any(|key| is_traefik(key))
}

/// The first such label; one finding is enough.
fn misplaced(service: &Service) -> Option<&Spanned<String>> {
    service
        .labels
        .iter()
        .filter(|(key, _)| is_traefik(key))
        .map(|(_, label)| label)
        .min_by_key(|label| label.span.start)
}

fn is_traefik(key: &str) -> bool {
    key.to_ascii_lowercase().starts_with("traefik.")
}
