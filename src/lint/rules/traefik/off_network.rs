use std::collections::BTreeSet;

use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::lint::traefik::labels::{Kind, Labels, root};
use crate::lint::traefik::proxy::{self, Proxy, networks};
use crate::stack::file::{Service, Spanned};
use crate::text;

rule! {
    /// A service is not in Traefik's network.
    ///
    /// Traefik has a route to the service but cannot reach it: visitors wait, and get `504 Gateway Timeout`. Both must join the same
    /// network. A service in several networks needs the label `traefik.swarm.network` with the full name of the right one, which
    /// begins with the name of the stack unless the network has a `name`.
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     networks: [back]
    ///     deploy:
    ///       labels:
    ///         traefik.http.routers.web.rule: Host(`shop.example.com`)
    ///         traefik.http.services.web.loadbalancer.server.port: "80"
    ///   proxy:
    ///     image: traefik:v3.7
    ///     networks: [front]
    /// networks: { front: {}, back: {} }
    /// ```
    ///
    /// ```yaml bad
    /// name: shop
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     networks: [front, back]
    ///     deploy:
    ///       labels:
    ///         traefik.swarm.network: front
    ///         traefik.http.routers.web.rule: Host(`shop.example.com`)
    ///         traefik.http.services.web.loadbalancer.server.port: "80"
    /// networks: { front: {}, back: {} }
    /// ```
    ///
    /// ```yaml bad
    /// name: edge
    /// services:
    ///   proxy:
    ///     image: traefik:v3.7
    ///     command: [--providers.swarm.network=front, --providers.swarm.exposedByDefault=false]
    ///     networks: [front]
    /// networks: { front: {} }
    /// ```
    ///
    /// ```yaml good
    /// name: shop
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     networks: [front, back]
    ///     deploy:
    ///       labels:
    ///         traefik.swarm.network: shop_front
    ///         traefik.http.routers.web.rule: Host(`shop.example.com`)
    ///         traefik.http.services.web.loadbalancer.server.port: "80"
    ///   proxy:
    ///     image: traefik:v3.7
    ///     command: [--providers.swarm.network=shop_front, --providers.swarm.exposedByDefault=false]
    ///     networks: [front]
    /// networks: { front: {}, back: {} }
    /// ```
    "SK4014", Warning, Stack(check), Whole
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let behind = subject.file.services.values().filter(|service| service.http.is_none() && is_routed(service));
    let of_services = behind.filter_map(|service| misnamed(service, subject).or_else(|| apart(service, subject)));
    of_services.chain(subject.proxies().filter_map(|(proxy, service)| misled(proxy, service, subject))).collect()
}

/// A finding if Traefik is configured with the key of a network instead of its name.
fn misled(proxy: &Proxy, service: &Service, subject: &StackSubject<'_>) -> Option<Found> {
    let options = ["providers.swarm.network", "providers.docker.network", "docker.network"];
    let (option, named) = options.into_iter().find_map(|option| Some((option, proxy.said.get(option)?)))?;
    let network = subject.file.networks.get(named)?;
    if network.external || network.name.is_some() || proxy.networks.contains(named) {
        return None;
    }
    let message = format!("no network has the name `{}`: this is its key in the file", text::cut(named));
    let help = match subject.name {
        Some(stack) => format!("its full name is `{stack}_{named}`; write that, or give it `name: {named}`"),
        None => format!("its full name begins with that of the stack; write that, or give it `name: {named}`"),
    };
    Some(proxy::found(option, proxy, service, subject.file, message).help(help))
}

fn is_routed(service: &Service) -> bool {
    Labels::of(service).iter().any(|label| label.kind == Kind::Router)
}

fn label(service: &Service) -> Option<&Spanned<String>> {
    root(service, "swarm.network").or_else(|| root(service, "docker.network")).filter(|name| !name.is_empty())
}

/// A finding if the label names a network that the service does not join.
fn misnamed(service: &Service, subject: &StackSubject<'_>) -> Option<Found> {
    let (named, stack) = (label(service)?, subject.name?);
    let joined = networks(Some(stack), service, subject.file);
    if joined.contains(&named.value) {
        return None;
    }
    let scoped = format!("{stack}_{}", named.value);
    let message = format!("the service does not join the network `{}`", text::cut(named));
    let help = if joined.contains(&scoped) {
        format!("its full name is `{scoped}`")
    } else {
        format!("it joins {}", listed(&joined))
    };
    Some(Found::new(&named.span, message).help(help))
}

/// A finding if the service shares no network with any Traefik of the repository.
fn apart(service: &Service, subject: &StackSubject<'_>) -> Option<Found> {
    let proxies = &subject.traefik.proxies;
    let joined = networks(subject.name, service, subject.file);
    let is_apart = |of: &BTreeSet<String>| !of.is_empty() && of.is_disjoint(&joined);
    if proxies.is_empty() || joined.is_empty() || !proxies.iter().all(|proxy| is_apart(&proxy.networks)) {
        return None;
    }
    let place = service.networks.first().map_or(&service.span, |network| &network.name.span);
    let theirs = listed(&proxies.iter().flat_map(|proxy| proxy.networks.iter().cloned()).collect());
    Some(
        Found::new(place, "Traefik cannot reach this service: they have no network in common")
            .help(format!("join a network of Traefik's: {theirs}")),
    )
}

fn listed(names: &BTreeSet<String>) -> String {
    names
        .iter()
        .take(4)
        .map(|name| format!("`{}`", text::cut(name.trim_start_matches('_'))))
        .collect::<Vec<_>>()
        .join(", ")
}
