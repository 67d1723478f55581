use crate::lint::rule::{Found, MAX_FOUND, rule};
use crate::lint::subject::StackSubject;
use crate::lint::traefik::labels::{Kind, Label, Labels, Protocol, names};

rule! {
    /// A router on the entry point for HTTPS has no TLS.
    ///
    /// It handles plain requests only, and requests to `https://` get `404 page not found`. The router needs
    /// `tls=true` or a certificate resolver, unless the entry point has TLS for all routers (`--entryPoints.websecure.http.tls`).
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.http.routers.web.rule: Host(`shop.example.com`)
    ///         traefik.http.routers.web.entrypoints: websecure
    ///         traefik.http.services.web.loadbalancer.server.port: "80"
    ///   proxy:
    ///     image: traefik:v3.7
    ///     command: [--providers.swarm.exposedByDefault=false, "--entryPoints.websecure.address=:443"]
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.http.routers.web.rule: Host(`shop.example.com`)
    ///         traefik.http.routers.web.entrypoints: websecure
    ///         traefik.http.routers.web.tls: "true"
    ///         traefik.http.services.web.loadbalancer.server.port: "80"
    ///   proxy:
    ///     image: traefik:v3.7
    ///     command: [--providers.swarm.exposedByDefault=false, "--entryPoints.websecure.address=:443"]
    /// ```
    "SK4019", Warning, Stack(check), Whole
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let [proxy] = subject.traefik.proxies.as_slice() else { return Vec::new() };
    let services = subject.file.services.values().filter(|service| service.http.is_none());
    let plain = |service| {
        let labels = Labels::of(service);
        let routers = labels.iter().filter(|label| label.protocol == Protocol::Http && label.kind == Kind::Router);
        let places = routers.filter(|label| label.option == "entrypoints" && !labels.has_tls(label));
        let only = |label: &&Label<'_>| {
            let points = names(label.value);
            !points.is_empty() && points.iter().all(|(point, _)| proxy.decrypts(point) == Some(false))
        };
        places.filter(only).map(|label| (label.name.to_owned(), label.value.span.clone())).collect::<Vec<_>>()
    };
    services
        .flat_map(plain)
        .take(MAX_FOUND)
        .map(|(name, span)| {
            Found::new(&span, format!("the router `{name}` is for HTTPS, but has no TLS"))
                .help(format!("add `traefik.http.routers.{name}.tls=true`, or a certificate resolver"))
        })
        .collect()
}
