use std::collections::BTreeMap;

use crate::diagnostic::suggest;
use crate::lint::rule::{Found, MAX_FOUND, rule};
use crate::lint::subject::StackSubject;
use crate::lint::traefik::labels::{Kind, Label, Labels, Protocol};
use crate::text;

rule! {
    /// A router names no service although there are several, or one that does not exist.
    ///
    /// If the labels define a single Traefik service, routers need not name it. If they define several, Traefik drops each
    /// router that does not name one: `cannot be linked automatically with multiple services`.
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.http.routers.web.rule: Host(`shop.example.com`)
    ///         traefik.http.services.web.loadbalancer.server.port: "80"
    ///         traefik.http.services.admin.loadbalancer.server.port: "8080"
    /// ```
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.http.routers.web.rule: Host(`shop.example.com`)
    ///         traefik.http.routers.web.service: wbe
    ///         traefik.http.services.web.loadbalancer.server.port: "80"
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.http.routers.web.rule: Host(`shop.example.com`)
    ///         traefik.http.routers.web.service: web
    ///         traefik.http.routers.api.rule: Host(`traefik.example.com`)
    ///         traefik.http.routers.api.service: api@internal
    ///         traefik.http.services.web.loadbalancer.server.port: "80"
    ///         traefik.http.services.admin.loadbalancer.server.port: "8080"
    /// ```
    "SK4010", Warning, Stack(check), Whole
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    if subject.traefik.is_old() {
        return Vec::new();
    }
    let services = subject.file.services.values().filter(|service| service.http.is_none());
    services.flat_map(|service| unlinked(&Labels::of(service), subject)).take(MAX_FOUND).collect()
}

fn unlinked(labels: &Labels<'_>, subject: &StackSubject<'_>) -> Vec<Found> {
    let mut services: BTreeMap<Protocol, Vec<&str>> = BTreeMap::new();
    for service in labels.all(Kind::Service) {
        services.entry(service.protocol).or_default().push(service.name);
    }
    let wrong = |router: &Label<'_>| {
        let own = services.get(&router.protocol).map(Vec::as_slice).unwrap_or_default();
        match labels.option(router, "service") {
            None if own.len() > 1 => Some(several(router, own)),
            None => None,
            Some(named) => unknown(named, own, subject),
        }
    };
    labels.all(Kind::Router).into_iter().filter_map(wrong).take(MAX_FOUND).collect()
}

fn several(router: &Label<'_>, own: &[&str]) -> Found {
    let (name, protocol) = (router.name, router.protocol.word());
    let message = format!("the router `{name}` does not name one of the {} services", own.len());
    Found::new(&router.value.span, message).help(format!("add `traefik.{protocol}.routers.{name}.service={}`", own[0]))
}

/// A finding for a service that no label of the repository defines. Services of other repositories are not known, so only
/// probable typos are reported.
fn unknown(named: &Label<'_>, own: &[&str], subject: &StackSubject<'_>) -> Option<Found> {
    let name = named.value.as_str();
    let name = name.strip_suffix("@docker").or_else(|| name.strip_suffix("@swarm")).unwrap_or(name);
    if name.contains('@') || subject.traefik.defines(named.protocol, Kind::Service, name) {
        return None;
    }
    let message = format!("no label defines the service `{}`", text::cut(name));
    match suggest::did_you_mean(name, own.iter().copied()) {
        Some(help) => Some(Found::new(&named.value.span, message).help(help)),
        None if subject.traefik.proxies.is_empty() => None,
        None => {
            Some(Found::new(&named.value.span, message).help("use one that `traefik.http.services.<name>` defines"))
        }
    }
}
