use crate::lint::rule::{Found, MAX_FOUND, rule};
use crate::lint::subject::StackSubject;
use crate::lint::traefik::known::{self, Kind};
use crate::lint::traefik::values;
use crate::stack::file::Spanned;
use crate::text;

rule! {
    /// Traefik does not accept the value of a label.
    ///
    /// If Traefik expects a boolean, a number or a duration and gets something else, it ignores all labels of the service,
    /// which is then unreachable. Labels with options of their own, such as `tls`, are switched off
    /// by anything but `true`. An invalid network or regular expression disables the routers that use it.
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.http.routers.web.rule: Host(`shop.example.com`)
    ///         traefik.http.routers.web.tls: "yes"
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
    ///         traefik.http.routers.web.priority: high
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
    ///         traefik.http.routers.web.tls: "true"
    ///         traefik.http.routers.web.priority: 10
    ///         traefik.http.services.web.loadbalancer.server.port: "80"
    ///         traefik.http.services.web.loadbalancer.healthcheck.interval: 10s
    /// ```
    "SK4006", Warning, Stack(check)
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    if subject.traefik.is_old() {
        return Vec::new();
    }
    let labels = subject.file.services.values().flat_map(|service| &service.deploy.labels);
    labels.filter_map(|(key, value)| wrong(key, value)).take(MAX_FOUND).collect()
}

fn wrong(key: &str, value: &Spanned<String>) -> Option<Found> {
    // An empty value has no effect.
    let known::Found::Whole(known) = known::find(key).filter(|_| !value.is_empty())? else { return None };
    if let Some(why) = values::fault(known.pattern, value) {
        return Some(Found::new(&value.span, why).help("with this value Traefik disables every router that uses it"));
    }
    let message = format!("`{}` is not {}, which this label requires", text::cut(value), known.kind.word());
    let help = match known.kind {
        Kind::Switch if value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false") => return None,
        Kind::Switch => "anything but `true` switches it off",
        kind if kind.takes(value) => return None,
        _ => "with this value Traefik ignores all labels of the service",
    };
    Some(Found::new(&value.span, message).help(help))
}
