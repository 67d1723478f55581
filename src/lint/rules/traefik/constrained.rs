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
    /// Traefik ignores a service because of its `constraints`.
    ///
    /// `--providers.swarm.constraints` defines the labels that a service must have for Traefik to handle it. A service without them
    /// silently has no route. An invalid expression excludes all services.
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

/// The options for constraints in Traefik 3 and 2.
const OPTIONS: [&str; 2] = ["providers.swarm.constraints", "providers.docker.constraints"];

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let mut found: Vec<Found> =
        subject.proxies().filter_map(|(proxy, service)| misread(proxy, service, subject)).collect();
    let proxies = &subject.traefik.proxies;
    let all: Vec<Constraints> = proxies.iter().filter_map(|proxy| constraints(proxy)?.1.ok()).collect();
    // A Traefik without constraints, or with unknown ones, may handle services that others ignore.
    if proxies.is_empty() || all.len() < proxies.len() {
        return found;
    }
    found.extend(in_each(subject, |service, labels| passed_over(service, labels, &all).into_iter().collect()));
    found
}

fn constraints(proxy: &proxy::Proxy) -> Option<(&'static str, Result<Constraints, Diagnostic<Span>>)> {
    OPTIONS.iter().find_map(|option| Some((*option, Constraints::parse(proxy.options()?.get(option)?))))
}

/// A finding for an invalid expression.
fn misread(proxy: &proxy::Proxy, service: &Service, subject: &StackSubject<'_>) -> Option<Found> {
    let (option, read) = constraints(proxy)?;
    let why = read.err()?.message;
    let message = format!("Traefik's constraints are invalid and exclude all services: {why}");
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
        Found::new(&place, "Traefik ignores this service: it lacks the labels that Traefik's constraints require");
    Some(match wanted {
        Some((name, value)) => {
            found.help(format!("add `{}: {}` to `deploy.labels`", text::cut(name), text::cut(value)))
        }
        None => found,
    })
}

/// The place at which a service requests a route.
fn place(service: &Service, labels: &Labels<'_>) -> Option<Span> {
    let router = labels.all(Kind::Router).first().map(|router| router.value.span.clone());
    service.http.as_ref().map(|http| http.host.span.clone()).or(router)
}
