use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::lint::traefik::known;
use crate::stack::file::{Service, Spanned};
use crate::text;

rule! {
    /// A label is for Traefik 1.
    ///
    /// Later versions ignore it silently, and the service gets no route, or only the default one. The rule is skipped if
    /// the repository deploys Traefik 1 itself.
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.port: "80"
    ///         traefik.frontend.rule: Host:shop.example.com
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
    "SK4007", Warning, Stack(check)
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    if subject.traefik.is_old() {
        return Vec::new();
    }
    subject.file.services.values().filter_map(first).map(|(key, label)| found(key, label)).collect()
}

/// The first such label; one finding is enough.
fn first(service: &Service) -> Option<(&String, &Spanned<String>)> {
    let labels = service.deploy.labels.iter().filter(|(key, _)| known::is_old(key));
    labels.min_by_key(|(_, label)| label.span.start)
}

fn found(key: &str, label: &Spanned<String>) -> Found {
    let name = key.to_ascii_lowercase();
    let help = match name.rsplit('.').next() {
        Some("port") => "write `traefik.http.services.<name>.loadbalancer.server.port`",
        Some("rule") => "write `traefik.http.routers.<name>.rule`, for example Host(`shop.example.com`)",
        Some("entrypoints") => "write `traefik.http.routers.<name>.entrypoints`",
        _ => "define routers, services and middlewares: `traefik.http.routers.<name>.…`",
    };
    let message = format!("`{}` is a label of Traefik 1, which later versions ignore", text::cut(key));
    Found::new(&label.span, message).help(help)
}
