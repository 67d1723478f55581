use std::collections::BTreeMap;

use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::stack::file::{Service, Spanned};

rule! {
    /// No label defines the port that a service listens on.
    ///
    /// In a swarm Traefik cannot detect the port, and drops all routers of the service, with `port is missing` in its own log.
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.http.routers.web.rule: Host(`shop.example.com`)
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.http.routers.web.rule: Host(`shop.example.com`)
    ///         traefik.http.services.web.loadbalancer.server.port: "80"
    /// ```
    "SK4002", Warning, Stack(check), Whole
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    if subject.traefik.is_old() {
        return Vec::new();
    }
    let services = subject.file.services.values().filter(|service| service.http.is_none());
    services
        .filter_map(|service| portless_router(service))
        .map(|router| {
            Found::new(&router.span, "Traefik drops this router: no label defines the port that the service listens on")
                .help("add `traefik.http.services.<name>.loadbalancer.server.port=<port>`")
        })
        .collect()
}

/// The first label of a router, if there is none for a port.
fn portless_router(service: &Service) -> Option<&Spanned<String>> {
    let labels: BTreeMap<String, &Spanned<String>> =
        service.deploy.labels.iter().map(|(key, value)| (key.to_ascii_lowercase(), value)).collect();
    let is_off = labels.get("traefik.enable").is_some_and(|value| value.eq_ignore_ascii_case("false"));
    let has_port = labels.keys().any(|key| key.ends_with(".server.port") || key.ends_with(".server.url"));
    if is_off || has_port {
        return None;
    }
    labels.into_iter().filter(|(key, _)| is_router(key)).map(|(_, label)| label).min_by_key(|label| label.span.start)
}

fn is_router(key: &str) -> bool {
    ["http", "tcp", "udp"].iter().any(|protocol| key.starts_with(&format!("traefik.{protocol}.routers.")))
}
