use crate::lint::rule::{Found, MAX_FOUND, rule};
use crate::lint::subject::StackSubject;
use crate::lint::traefik::definitions;
use crate::lint::traefik::labels::{Kind, Label, Labels};
use crate::name::ServiceName;
use crate::stack::file::Service;
use crate::text;

rule! {
    /// A label extends a name that skep no longer uses.
    ///
    /// For `x-skep.http`, skep writes names of the form `<stack>_<service>`, formerly `<stack>-<service>`.
    /// A label with the old name does not affect the route: it defines a separate router or service.
    ///
    /// ```yaml bad
    /// name: shop
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     x-skep: { http: { host: shop.example.com, port: 80 } }
    ///     deploy: { labels: { traefik.http.routers.shop-web.priority: 10 } }
    /// ```
    ///
    /// ```yaml good
    /// name: shop
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     x-skep: { http: { host: shop.example.com, port: 80 } }
    ///     deploy: { labels: { traefik.http.routers.shop_web.priority: 10 } }
    /// ```
    "SK4028", Warning, Stack(check)
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let Some(stack) = subject.name else { return Vec::new() };
    let behind = subject.file.services.iter().filter(|(_, service)| service.http.is_some());
    behind.flat_map(|(name, service)| of_before(stack, name, service)).take(MAX_FOUND).collect()
}

fn of_before(stack: &str, name: &ServiceName, service: &Service) -> Vec<Found> {
    let (before, now) = (format!("{stack}-{name}"), format!("{stack}_{name}"));
    let labels = Labels::of(service);
    // The author's own route may have any name.
    if labels.all(Kind::Router).into_iter().any(|router| labels.option(router, "rule").is_some()) {
        return Vec::new();
    }
    let all = [Kind::Router, Kind::Service, Kind::Middleware].into_iter().flat_map(|kind| labels.all(kind));
    let renamed = |label: &Label<'_>| match label.name.strip_prefix(&before)? {
        "" => Some(now.clone()),
        "-http" => Some(format!("{now}{}", definitions::HTTP)),
        "-https" => Some(format!("{now}{}", definitions::HTTPS)),
        _ => None,
    };
    let found = all.filter_map(|label| {
        let (what, now) = (label.kind.word(), renamed(label)?);
        let message =
            format!("skep names the {what} of this service `{}`, not `{}`", text::cut(&now), text::cut(label.name));
        let protocol = label.protocol.word();
        Some(
            Found::new(&label.value.span, message)
                .help(format!("write `traefik.{protocol}.{what}s.{now}.{}`", label.option)),
        )
    });
    found.collect()
}
