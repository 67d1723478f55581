use crate::diagnostic::suggest;
use crate::lint::rule::{Found, MAX_FOUND, rule};
use crate::lint::subject::StackSubject;
use crate::lint::traefik::known::{self, Known};
use crate::lint::traefik::proxy::Version;
use crate::stack::file::Spanned;
use crate::text;

rule! {
    /// A label is unknown to Traefik.
    ///
    /// Traefik then ignores all labels of the service, including the valid ones, and reports `field not found` in its own
    /// log only: the service is unreachable. A label that is only a prefix of others has no effect, or also makes Traefik ignore
    /// all labels. The rule uses the version of Traefik that the repository deploys, or else the newest, and then also accepts
    /// labels of Traefik 2.11.
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.http.routers.web.entrypoint: websecure
    ///         traefik.http.services.web.loadbalancer.server.port: "80"
    /// ```
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.https.routers.web.rule: Host(`shop.example.com`)
    /// ```
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.http.routers.web: Host(`shop.example.com`)
    ///         traefik.http.services.web.loadbalancer.server.port: "80"
    /// ```
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.http.services.web.loadbalancer.server.port: "80"
    ///         traefik.http.services.web.middlewares: auth@file
    ///   proxy:
    ///     image: traefik:v3.6.1
    ///     command: [--providers.swarm.exposedByDefault=false]
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.http.routers.web.entryPoints: websecure
    ///         traefik.http.routers.web.tls.domains[0].main: example.com
    ///         traefik.http.services.web.loadbalancer.server.port: "80"
    ///         traefik.http.middlewares.auth.plugin.any.key: value
    ///         traefik.http.middlewares.h.headers.customrequestheaders.X-Shop: web
    ///         traefik.http.middlewares.again.retry.status: 502-504
    ///         traefik.http.services.web.middlewares: h, again
    ///         traefik.tcp.services.db.loadbalancer.healthcheck.interval: 5s
    /// ```
    "SK4003", Warning, Stack(check)
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let labels = subject.file.services.values().flat_map(|service| &service.deploy.labels);
    let version = subject.traefik.release();
    // The labels of a version newer than the tables are not known.
    if version.is_some_and(|version| known::NEWEST.is_before(version)) {
        return Vec::new();
    }
    labels.filter_map(|(key, value)| unknown(key, value, version)).take(MAX_FOUND).collect()
}

fn unknown(key: &str, value: &Spanned<String>, version: Option<Version>) -> Option<Found> {
    let label = key.to_ascii_lowercase();
    let found = |text: &str| Some(Found::new(&value.span, format!("{text} `{}`", text::cut(key))));
    if version.is_some_and(|version| version.major == 1) {
        let is_unknown = label.starts_with("traefik.") && !known::is_known_to_1(&label);
        return found("Traefik 1 has no label").filter(|_| is_unknown);
    }
    if let Some(root) = misspelt_root(&label) {
        return Some(found("Traefik has no label")?.help(format!("did you mean `traefik.{root}.…`?")));
    }
    if !["http", "tcp", "udp", "docker", "swarm"].iter().any(|root| is_below(&label, root)) {
        return None;
    }
    let Some(known) = known::find(key) else {
        let help = nearest(&label).unwrap_or_else(|| "see Traefik's reference of labels".to_owned());
        return Some(found("Traefik has no label")?.help(help));
    };
    match version.filter(|version| !known.known().is_in(*version)) {
        Some(version) => Some(of_another(found(&format!("Traefik {version} has no label"))?, known.known())),
        None => alone(key, value, known),
    }
}

fn of_another(found: Found, known: &Known) -> Found {
    found.help(format!("it exists since {}", known.since))
}

/// A finding for a section without an option, such as a router, which has no effect.
fn alone(key: &str, value: &Spanned<String>, known: known::Found) -> Option<Found> {
    let known::Found::Section(first) = known else { return None };
    let options = first.pattern.split('.').nth(key.split('.').count())?.replace("**", "<name>").replace('*', "<name>");
    let message = format!("`{}` has no effect by itself", text::cut(key));
    Some(Found::new(&value.span, message).help(format!("add an option, for example `{}.{options}`", text::cut(key))))
}

fn is_below(label: &str, root: &str) -> bool {
    label.strip_prefix("traefik.").and_then(|rest| rest.strip_prefix(root)).is_some_and(|rest| rest.starts_with('.'))
}

/// `http` for `traefik.https.routers.web.rule`.
fn misspelt_root(label: &str) -> Option<&'static str> {
    const ROOTS: [&str; 3] = ["http", "tcp", "udp"];
    let mut parts = label.split('.').skip(1);
    let (root, kind) = (parts.next()?, parts.next()?);
    let is_kind = ["routers", "services", "middlewares"].contains(&kind);
    let is_known = ROOTS.contains(&root);
    suggest::nearest(root, ROOTS).filter(|_| is_kind && !is_known)
}

/// Asks for what stands behind the name of the router, service or middleware in the known label that is most like this one.
fn nearest(label: &str) -> Option<String> {
    let (kind, option) = split(label)?;
    let options = known::all().iter().filter_map(|known| split(known.pattern));
    let options = options.filter(|(other, _)| *other == kind).map(|(_, option)| option);
    suggest::did_you_mean(option, options)
}

/// `traefik.http.routers` and `tls.options` of `traefik.http.routers.web.tls.options`.
fn split(label: &str) -> Option<(&str, &str)> {
    let (end, _) = label.match_indices('.').nth(2)?;
    let (_, option) = label[end + 1..].split_once('.')?;
    Some((&label[..end], option))
}
