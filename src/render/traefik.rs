//! `x-skep.http`: labels by which Traefik v3 routes to a service (its Swarm provider reads `deploy.labels`).
//!
//! Names of routers, services and middlewares are shared by the whole swarm: if two services define one differently,
//! Traefik ignores both. The names written here are the name of the service in Docker, `<stack>_<service>`, which is
//! unique; the router and middleware for HTTP have a suffix that the name of a service cannot have.

use std::collections::BTreeSet;

use super::Renderer;
use crate::name::ServiceName;
use crate::stack::file::{Http, Service, Spanned};
use crate::stack::{self, Nanos, Network};

/// Docker's default grace period for stopping a task.
const GRACE: Nanos = Nanos::seconds(10);
/// The time for finishing requests in progress.
const TO_END: Nanos = Nanos::seconds(8);

/// The swarm's Traefik.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traefik {
    /// The full name of the network that it shares with its services.
    pub network: String,
    /// The entrypoint for HTTPS.
    pub entrypoint: String,
    /// The entrypoint for HTTP, from which visitors are redirected to HTTPS.
    pub insecure_entrypoint: String,
    /// The certificate resolver; `None` for the default certificate.
    pub resolver: Option<String>,
    /// How long it may keep sending requests to a stopping task.
    pub refresh: Nanos,
}

impl Default for Traefik {
    fn default() -> Self {
        Self {
            network: "traefik".to_owned(),
            entrypoint: "websecure".to_owned(),
            insecure_entrypoint: "web".to_owned(),
            resolver: Some("le".to_owned()),
            refresh: Nanos::seconds(2),
        }
    }
}

impl Traefik {
    /// The grace period that a task needs, if it exceeds Docker's default: until Traefik learns that it stops, plus
    /// time to finish requests.
    fn grace(&self) -> Option<Nanos> {
        let needed = Nanos(self.refresh.0.saturating_add(TO_END.0));
        (needed > GRACE).then_some(needed)
    }
}

/// The suffix of the names of routers for HTTP. Swarm does not accept a tilde in the name of a service.
pub(crate) const HTTP: &str = "~http";
/// The suffix of the names of middlewares that redirect to HTTPS.
pub(crate) const HTTPS: &str = "~https";

/// The validated input for the labels of one service.
pub(crate) struct Route<'a> {
    /// The settings from the stack file.
    pub(crate) http: &'a Http,
    /// The swarm's Traefik.
    pub(crate) traefik: &'a Traefik,
    /// The full name of the service, also used for its router and service in Traefik.
    pub(crate) name: String,
    /// The port that it listens on.
    pub(crate) port: u16,
}

impl Renderer<'_> {
    /// Adds labels and network for a service with `x-skep.http`. The author's own labels are kept.
    pub(super) fn expose(&mut self, name: &ServiceName, written: &Service, service: &mut stack::Service) {
        let Some(http) = &written.http else { return };
        let problems = self.problems.len();
        self.check(http);
        let port = self.port(http, name, written);
        let (Some(port), true) = (port, problems == self.problems.len()) else { return };
        let traefik = &self.inputs.traefik;
        let route = Route { http, traefik, name: self.inputs.name.scoped(name.as_str()), port };
        for (label, value) in route.labels() {
            service.labels.entry(label).or_insert(value);
        }
        service.url = Some(route.url());
        service.stop_grace_period = service.stop_grace_period.or_else(|| traefik.grace());
        self.stack.networks.entry(traefik.network.clone()).or_insert(Network::External);
        let attachment = service.networks.entry(traefik.network.clone()).or_default();
        if !attachment.aliases.iter().any(|alias| alias == name.as_str()) {
            attachment.aliases.push(name.to_string());
        }
    }

    /// The given port, or the only one that the service names.
    fn port(&mut self, http: &Http, name: &ServiceName, written: &Service) -> Option<u16> {
        if let Some(port) = &http.port {
            return Some(port.value);
        }
        let named = written.ports.iter().map(|port| port.target).chain(written.expose.iter().map(|port| port.value));
        let named: BTreeSet<u16> = named.collect();
        if let (1, Some(port)) = (named.len(), named.first()) {
            return Some(*port);
        }
        let why = if named.is_empty() { "names no port" } else { "names several ports" };
        let help = format!(
            "write `http: {{ host: {}, port: 80 }}` with the port that the container listens on",
            http.host.value
        );
        self.problem(
            &http.host.span,
            format!("the service `{name}` {why}, so Traefik cannot know where to send requests"),
            help,
        );
        None
    }

    /// Refuses values that could break out of a rule or a list.
    fn check(&mut self, http: &Http) {
        let host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if http.host.is_empty() || !http.host.chars().all(host) {
            let help = "write the name alone, such as `shop.example.com`; a path goes into `path`, a port into `port`";
            self.problem(
                &http.host.span,
                format!("`{}` is not a host name", http.host.escape_debug()),
                help.to_owned(),
            );
        }
        let allowed = |c: char| c.is_ascii_graphic() && !matches!(c, '`' | '"' | '\\');
        if let Some(path) = http.path.as_ref().filter(|path| !path.starts_with('/') || !path.chars().all(allowed)) {
            self.problem(
                &path.span,
                format!("`{}` is not a path", path.escape_debug()),
                "begin it with `/`, without spaces or quotes".to_owned(),
            );
        }
        for name in http.middlewares.iter().chain(&http.entrypoint) {
            self.check_name(name);
        }
    }

    fn check_name(&mut self, name: &Spanned<String>) {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '@');
        if name.is_empty() || !name.chars().all(allowed) {
            let help = "write a name such as `auth@file`".to_owned();
            self.problem(&name.span, format!("`{}` is not a name in Traefik", name.escape_debug()), help);
        }
    }
}

impl Route<'_> {
    /// The labels that make Traefik route to the service.
    pub(crate) fn labels(&self) -> Vec<(String, String)> {
        let Self { traefik, name, .. } = self;
        let mut labels = vec![
            ("traefik.enable".to_owned(), "true".to_owned()),
            ("traefik.swarm.network".to_owned(), traefik.network.clone()),
            (format!("traefik.http.services.{name}.loadbalancer.server.port"), self.port.to_string()),
        ];
        labels.extend(self.router());
        if self.is_secure() {
            labels.extend(self.redirect());
        }
        if self.http.sticky {
            let cookie = format!("traefik.http.services.{name}.loadbalancer.sticky.cookie");
            labels.push((format!("{cookie}.httponly"), "true".to_owned()));
            labels.push((format!("{cookie}.secure"), self.is_secure().to_string()));
            labels.push((cookie, "true".to_owned()));
        }
        labels
    }

    fn router(&self) -> Vec<(String, String)> {
        let Self { http, traefik, name, .. } = self;
        let label = |key: &str, value: &str| (format!("traefik.http.routers.{name}.{key}"), value.to_owned());
        let mut labels =
            vec![label("rule", &self.rule()), label("entrypoints", self.entrypoint()), label("service", name)];
        if self.is_secure() {
            labels.push(label("tls", "true"));
            labels.extend(traefik.resolver.iter().map(|resolver| label("tls.certresolver", resolver)));
        }
        if !http.middlewares.is_empty() {
            let names: Vec<&str> = http.middlewares.iter().map(|name| name.as_str()).collect();
            labels.push(label("middlewares", &names.join(",")));
        }
        labels
    }

    /// The labels of the router for HTTP and of its middleware that redirects to HTTPS.
    fn redirect(&self) -> Vec<(String, String)> {
        let Self { traefik, name, .. } = self;
        let label = |key: &str, value: &str| (format!("traefik.http.routers.{name}{HTTP}.{key}"), value.to_owned());
        let scheme = format!("traefik.http.middlewares.{name}{HTTPS}.redirectscheme");
        vec![
            label("rule", &self.rule()),
            label("entrypoints", &traefik.insecure_entrypoint),
            label("middlewares", &format!("{name}{HTTPS}")),
            label("service", name),
            (format!("{scheme}.scheme"), "https".to_owned()),
            (format!("{scheme}.permanent"), "true".to_owned()),
        ]
    }

    /// The rule that matches the service's requests. `PathPrefix` compares characters rather than segments: `/api` would
    /// match `/apix`.
    pub(crate) fn rule(&self) -> String {
        let host = format!("Host(`{}`)", self.http.host.value);
        match self.path() {
            "" => host,
            path => format!("{host} && (Path(`{path}`) || PathPrefix(`{path}/`))"),
        }
    }

    fn url(&self) -> String {
        let scheme = if self.is_secure() { "https" } else { "http" };
        format!("{scheme}://{}{}", self.http.host.value, self.path())
    }

    fn path(&self) -> &str {
        self.http.path.as_ref().map_or("", |path| path.trim_end_matches('/'))
    }

    fn entrypoint(&self) -> &str {
        self.http.entrypoint.as_ref().map_or(&self.traefik.entrypoint, |entrypoint| &entrypoint.value)
    }

    fn is_secure(&self) -> bool {
        self.entrypoint() != self.traefik.insecure_entrypoint
    }
}
