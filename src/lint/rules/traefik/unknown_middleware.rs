use std::ops::Range;

use crate::diagnostic::suggest;
use crate::lint::rule::{Found, MAX_FOUND, rule};
use crate::lint::subject::StackSubject;
use crate::lint::traefik::labels::{Kind, Label, Labels, Protocol, names};
use crate::lint::traefik::proxy::{self, Proxy};
use crate::lint::traefik::{Picture, place};
use crate::stack::file::Service;
use crate::text;

rule! {
    /// A router or entry point names a middleware that does not exist.
    ///
    /// Traefik disables the router, or everything on the entry point. A middleware may be defined by labels of any service in any stack;
    /// the name of one from a file of Traefik ends in `@file`, and of one from labels in a swarm in `@swarm` for Traefik 3
    /// and `@docker` for Traefik 2. If the repository does not deploy Traefik, only probable typos are
    /// reported.
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.http.routers.web.rule: Host(`shop.example.com`)
    ///         traefik.http.routers.web.middlewares: web-heders
    ///         traefik.http.middlewares.web-headers.headers.framedeny: "true"
    ///         traefik.http.services.web.loadbalancer.server.port: "80"
    /// ```
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.http.routers.web.rule: Host(`shop.example.com`)
    ///         traefik.http.routers.web.middlewares: web-headers@docker
    ///         traefik.http.middlewares.web-headers.headers.framedeny: "true"
    ///         traefik.http.services.web.loadbalancer.server.port: "80"
    ///   proxy:
    ///     image: traefik:v3.7
    ///     command: [--providers.swarm=true, --providers.swarm.exposedByDefault=false]
    /// ```
    ///
    /// ```yaml bad
    /// services:
    ///   proxy:
    ///     image: traefik:v3.7
    ///     command:
    ///       - --providers.swarm.exposedByDefault=false
    ///       - --entryPoints.web.address=:80
    ///       - --entryPoints.web.http.middlewares=gzip@docker
    ///     deploy: { labels: { traefik.http.middlewares.gzip.compress: "true" } }
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.http.routers.web.rule: Host(`shop.example.com`)
    ///         traefik.http.routers.web.middlewares: web-headers, auth@file, elsewhere
    ///         traefik.http.middlewares.web-headers.headers.framedeny: "true"
    ///         traefik.http.services.web.loadbalancer.server.port: "80"
    /// ```
    "SK4008", Warning, Stack(check), Whole
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    if subject.traefik.is_old() {
        return Vec::new();
    }
    let services = subject.file.services.values();
    services
        .flat_map(|service| in_labels(service, subject).into_iter().chain(in_settings(service, subject)))
        .chain(subject.proxies().flat_map(|(proxy, service)| of_entry_points(proxy, service, subject)))
        .take(MAX_FOUND)
        .collect()
}

/// The middlewares that an entry point applies to every router.
fn of_entry_points(proxy: &Proxy, service: &Service, subject: &StackSubject<'_>) -> Vec<Found> {
    let lists = proxy.said.below("entrypoints.").filter(|(option, _)| option.ends_with(".http.middlewares"));
    let each = lists.flat_map(|(option, list)| list.split(',').map(move |name| (option, name.trim())));
    let named = each.filter(|(_, name)| !name.is_empty());
    named
        .filter_map(|(option, name)| {
            let (message, help) = missing(name, Protocol::Http, subject.traefik)?;
            Some(proxy::found(option, proxy, service, subject.file, message).help(help))
        })
        .collect()
}

fn in_labels(service: &Service, subject: &StackSubject<'_>) -> Vec<Found> {
    let labels = Labels::of(service);
    let lists = labels.iter().filter(|label| label.kind == Kind::Router && label.option == "middlewares");
    lists.flat_map(|list| in_list(list, subject)).collect()
}

fn in_list(list: &Label<'_>, subject: &StackSubject<'_>) -> Vec<Found> {
    let named = names(list.value).into_iter();
    let at = |part: &Range<usize>| place(&subject.file.sources, list.value, part);
    named
        .filter_map(|(name, part)| {
            let (message, help) = missing(name, list.protocol, subject.traefik)?;
            Some(Found::new(&at(&part), message).help(help))
        })
        .take(MAX_FOUND)
        .collect()
}

/// The middlewares named in `x-skep.http`.
fn in_settings(service: &Service, subject: &StackSubject<'_>) -> Vec<Found> {
    let named = service.http.iter().flat_map(|http| &http.middlewares);
    named
        .filter_map(|name| {
            let (message, help) = missing(name, Protocol::Http, subject.traefik)?;
            Some(Found::new(&name.span, message).help(help))
        })
        .collect()
}

fn missing(name: &str, protocol: Protocol, traefik: &Picture) -> Option<(String, String)> {
    let (plain, provider) = name.split_once('@').map_or((name, None), |(plain, provider)| (plain, Some(provider)));
    let is_defined = traefik.defines(protocol, Kind::Middleware, plain);
    match provider {
        Some("docker") if reads_the_swarm(traefik) => {
            let help = format!("write `{plain}@swarm`, or `{plain}` alone");
            Some((
                format!(
                    "Traefik 3 has no `{}`: middlewares defined by labels in a swarm end in `@swarm`",
                    text::cut(name)
                ),
                help,
            ))
        }
        None | Some("swarm") if !is_defined => {
            let known = traefik.names(protocol, Kind::Middleware);
            let message = format!("no label of the repository defines the middleware `{}`", text::cut(plain));
            match suggest::did_you_mean(plain, known) {
                Some(help) => Some((message, help)),
                None if traefik.proxies.is_empty() => None,
                None => Some((
                    message,
                    format!("define it, or write `{}@file` if a file of Traefik defines it", text::cut(plain)),
                )),
            }
        }
        _ => None,
    }
}

/// Whether every Traefik of the repository is version 3 and reads labels of the swarm rather than of containers.
fn reads_the_swarm(traefik: &Picture) -> bool {
    let options = traefik.proxies.iter().map(|proxy| proxy.options());
    traefik.version() == Some(3)
        && options.into_iter().all(|options| {
            options.is_some_and(|options| options.has("providers.swarm") && !options.has("providers.docker"))
        })
}
