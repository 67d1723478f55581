use super::in_each;
use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::lint::traefik::labels::{Kind, Label, Labels, Protocol, names};
use crate::lint::traefik::proxy::Proxy;
use crate::stack::file::Service;
use crate::text;

rule! {
    /// A router is on an entry point that redirects everything to another one.
    ///
    /// With `--entryPoints.web.http.redirections.entryPoint.to=websecure` Traefik redirects before it tries any router, so
    /// a router on `web` alone is never used: visitors are redirected to HTTPS, and get 404. With `priority=1` the redirection
    /// comes after all routers, and handles only the remaining requests.
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     x-skep: { http: { host: shop.example.com, port: 80, entrypoint: web } }
    ///   proxy:
    ///     image: traefik:v3.7
    ///     command:
    ///       - --providers.swarm.exposedByDefault=false
    ///       - --providers.swarm.refreshSeconds=2
    ///       - --entryPoints.web.address=:80
    ///       - --entryPoints.web.http.redirections.entryPoint.to=websecure
    ///       - --entryPoints.websecure.address=:443
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     x-skep: { http: { host: shop.example.com, port: 80, entrypoint: web } }
    ///   proxy:
    ///     image: traefik:v3.7
    ///     command:
    ///       - --providers.swarm.exposedByDefault=false
    ///       - --providers.swarm.refreshSeconds=2
    ///       - --entryPoints.web.address=:80
    ///       - --entryPoints.web.http.redirections.entryPoint.to=websecure
    ///       - --entryPoints.web.http.redirections.entryPoint.priority=1
    ///       - --entryPoints.websecure.address=:443
    /// ```
    "SK4026", Warning, Stack(check)
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let [proxy] = &subject.traefik.proxies[..] else { return Vec::new() };
    in_each(subject, |service, labels| {
        let routers = labels.all(Kind::Router).into_iter().filter_map(|router| of_labels(router, labels, proxy));
        routers.chain(in_settings(service, proxy)).collect()
    })
}

fn in_settings(service: &Service, proxy: &Proxy) -> Option<Found> {
    let entry_point = service.http.as_ref()?.entrypoint.as_ref()?;
    let to = proxy.redirects(entry_point)?;
    let message =
        format!("no request arrives here: the entry point `{}` redirects everything to `{to}`", text::cut(entry_point));
    Some(Found::new(&entry_point.span, message).help(help(entry_point)))
}

/// A finding for a router on such entry points only, of a service without other routers.
fn of_labels(router: &Label<'_>, labels: &Labels<'_>, proxy: &Proxy) -> Option<Found> {
    let redirected = |router: &Label<'_>| {
        let listed = labels.option(router, "entrypoints").filter(|_| router.protocol == Protocol::Http)?;
        let each: Option<Vec<_>> =
            names(listed.value).iter().map(|(name, _)| Some((*name, proxy.redirects(name)?))).collect();
        each?.first().map(|(name, to)| ((*name).to_owned(), *to, listed.value.span.clone()))
    };
    let (name, to, span) = redirected(router)?;
    if labels.all(Kind::Router).into_iter().any(|other| redirected(other).is_none()) {
        return None;
    }
    let message = format!(
        "no request reaches the router `{}`: the entry point `{name}` redirects everything to `{to}`",
        text::cut(router.name)
    );
    Some(Found::new(&span, message).help(help(&name)))
}

fn help(entry_point: &str) -> String {
    let name = text::cut(entry_point);
    format!(
        "use another entry point, or start Traefik with `--entryPoints.{name}.http.redirections.entryPoint.priority=1`"
    )
}
