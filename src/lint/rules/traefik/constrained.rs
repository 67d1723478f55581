use super::in_each;
use crate::diagnostic::{Diagnostic, Span};
use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::lint::traefik::constraints::Constraints;
use crate::lint::traefik::labels::{Kind, Labels};
use crate::lint::traefik::proxy;
use crate::stack::file::Service;
use crate::text;

rule! {
    /// Traefik passes over a service because of its `constraints`.
    ///
    /// `--providers.swarm.constraints` says which labels a service must have for Traefik to look at it. One without them has
    /// no route, and nothing says so. An expression that Traefik does not understand takes no service at all.
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     x-skep: { http: { host: shop.example.com, port: 80 } }
    ///   proxy:
    ///     image: traefik:v3.7
    ///     command:
    ///       - --providers.swarm.exposedByDefault=false
    ///       - --providers.swarm.refreshSeconds=2
    ///       - --providers.swarm.constraints=Label(`traefik.constraint-label`, `traefik-public`)
    /// ```
    ///
    /// ```yaml bad
    /// services:
    ///   proxy:
    ///     image: traefik:v3.7
    ///     command:
    ///       - --providers.swarm.exposedByDefault=false
    ///       - --providers.swarm.constraints=Label(`public`)
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     x-skep: { http: { host: shop.example.com, port: 80 } }
    ///     deploy: { labels: { traefik.constraint-label: traefik-public } }
    ///   proxy:
    ///     image: traefik:v3.7
    ///     command:
    ///       - --providers.swarm.exposedByDefault=false
    ///       - --providers.swarm.refreshSeconds=2
    ///       - --providers.swarm.constraints=Label(`traefik.constraint-label`, `traefik-public`)
    /// ```
    "SK4027", Warning, Stack(check)
}

/// Where constraints are told, in Traefik 3 and 2.
const OPTIONS: [&str; 2] = ["providers.swarm.constraints", "providers.docker.constraints"];

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let mut found: Vec<Found> =
        subject.proxies().filter_map(|(proxy, service)| misread(proxy, service, subject)).collect();
    let proxies = &subject.traefik.proxies;
    let all: Vec<Constraints> = proxies.iter().filter_map(|proxy| constraints(proxy)?.1.ok()).collect();
    // One without constraints, or with some that nobody has read, may take what the others pass over.
    if proxies.is_empty() || all.len() < proxies.len() {
        return found;
    }
    found.extend(in_each(subject, |service, labels| passed_over(service, labels, &all).into_iter().collect()));
    found
}

fn constraints(proxy: &proxy::Proxy) -> Option<(&'static str, Result<Constraints, Diagnostic<Span>>)> {
    OPTIONS.iter().find_map(|option| Some((*option, Constraints::parse(proxy.options()?.get(option)?))))
}

/// An expression that takes no service.
fn misread(proxy: &proxy::Proxy, service: &Service, subject: &StackSubject<'_>) -> Option<Found> {
    let (option, read) = constraints(proxy)?;
    let why = read.err()?.message;
    let message = format!("Traefik does not understand its constraints, and takes no service at all: {why}");
    Some(
        proxy::found(option, proxy, service, subject.file, message)
            .help("write Label(`name`, `value`), joined by `&&` and `||`"),
    )
}

fn passed_over(service: &Service, labels: &Labels<'_>, all: &[Constraints]) -> Option<Found> {
    let place = place(service, labels)?;
    let of_service = |name: &str| service.deploy.labels.get(name).map(|value| value.value.as_str());
    if all.iter().any(|constraints| constraints.take(of_service) != Some(false)) {
        return None;
    }
    let wanted = all.iter().find_map(Constraints::wanted);
    let found =
        Found::new(&place, "Traefik passes over this service: it lacks the labels that its constraints ask for");
    Some(match wanted {
        Some((name, value)) => {
            found.help(format!("add `{}: {}` to `deploy.labels`", text::cut(name), text::cut(value)))
        }
        None => found,
    })
}

/// Where a service says that it is to be routed to.
fn place(service: &Service, labels: &Labels<'_>) -> Option<Span> {
    let router = labels.all(Kind::Router).first().map(|router| router.value.span.clone());
    service.http.as_ref().map(|http| http.host.span.clone()).or(router)
}
