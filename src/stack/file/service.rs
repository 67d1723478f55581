//! `services`: the keys of a service.

use std::collections::BTreeMap;

use super::fields::{Fields, Reader, spanned};
use super::types::{Build, Dependency, Ignored, LeftOut, Link, Restart, Service, Spanned};
use crate::name::{Invalid, ServiceName};
use crate::stack::yaml::{Node, Value};
use crate::stack::{Condition, CredentialSpec, Logging};

/// The variable with the enabled profiles, separated by commas.
const PROFILES: &str = "COMPOSE_PROFILES";
/// The pseudo-variable for profiles of `--profile`. Its name is not valid for a variable, so that these profiles are
/// added to those of [`PROFILES`].
pub const ASKED_PROFILES: &str = "--profile";

impl Reader {
    pub(super) fn services(&mut self, node: &Node) -> BTreeMap<ServiceName, Service> {
        if !matches!(node.value, Value::Mapping(_)) {
            self.wrong("services", node, "a map", "");
        }
        let mut services = BTreeMap::new();
        for (key, value) in node.entries() {
            let service = self.service(key, value);
            let left_out = self.left_out(value);
            match (self.service_name(key), left_out) {
                (Some(name), Some(left_out)) => drop(self.left_out.insert(name, left_out)),
                (Some(name), None) => drop(services.insert(name, service)),
                (None, _) => {}
            }
        }
        services
    }

    /// A key that Docker ignores in a swarm, and skep ignores if the file is deployed as written.
    fn beyond_docker<'n>(&mut self, fields: &mut Fields<'n>, key: &'static str) -> Option<&'n Node> {
        let node = fields.take(key)?;
        if !self.read_mode.as_written {
            return Some(node);
        }
        let instead = "Docker ignores it; deploy without `--as-written` to use it";
        self.ignored.push(Ignored { span: node.span.clone(), key: key.to_owned(), instead });
        None
    }

    /// Whether a service is left out because none of its profiles is enabled, as in Compose.
    fn left_out(&mut self, service: &Node) -> Option<LeftOut> {
        let node = service.get("profiles").filter(|node| !node.is_null())?;
        let variables = self.sources.first().map(|source| source.variables.clone()).unwrap_or_default();
        let named = [PROFILES, ASKED_PROFILES].into_iter().filter_map(|name| variables.get(name));
        let asked: Vec<&str> = named.flat_map(|names| names.split(',').map(str::trim)).collect();
        let profiles: Vec<String> = self.strings("profiles", node).into_iter().map(|name| name.value).collect();
        let is_asked = |name: &String| asked.contains(&name.as_str()) || asked.contains(&"*");
        (!profiles.is_empty() && !profiles.iter().any(is_asked)).then_some(LeftOut { profiles })
    }

    fn service_name(&mut self, node: &Node) -> Option<ServiceName> {
        let name: Result<ServiceName, Invalid> = node.raw().parse();
        name.map_err(|invalid| self.problem(&node.span, invalid.to_string(), None)).ok()
    }

    fn service(&mut self, key: &Node, node: &Node) -> Service {
        let mut fields = Fields::of(self, node, "a service");
        let mut service = Service { span: key.span.clone(), ..Service::default() };
        self.what_runs(&mut fields, &mut service);
        self.how_it_runs(&mut fields, &mut service);
        self.what_it_may(&mut fields, &mut service);
        self.what_it_reaches(&mut fields, &mut service);
        if let Some(node) = fields.take("deploy") {
            service.deploy = self.deploy(node);
        }
        // Already followed: see `stack::gather`.
        fields.take("extends");
        fields.take("profiles");
        self.old_limits(&mut fields, &mut service.deploy);
        let builds = node.get("build").is_some();
        if let Some(node) = fields.take("x-skep") {
            self.service_settings(node, builds, &mut service);
        }
        fields.finish(self);
        service
    }

    fn what_runs(&mut self, fields: &mut Fields<'_>, service: &mut Service) {
        service.image = fields.string(self, "image");
        service.build = self.built(fields);
        service.command = fields.take("command").and_then(|node| self.words("command", node));
        service.entrypoint = fields.take("entrypoint").and_then(|node| self.words("entrypoint", node));
        service.environment = fields.take("environment").map(|node| self.environment(node)).unwrap_or_default();
        service.env_file = fields.take("env_file").map(|node| self.env_file(node)).unwrap_or_default();
        service.labels = fields.labels(self, "labels");
        service.healthcheck = fields.take("healthcheck").map(|node| self.healthcheck(node));
    }

    /// The `build` of a service, which is ignored if the file is deployed as written.
    fn built(&mut self, fields: &mut Fields<'_>) -> Option<Build> {
        let node = fields.take("build")?;
        if !self.read_mode.as_written {
            return self.build(node);
        }
        let instead = "with --as-written nothing is built: the image must exist";
        self.ignored.push(Ignored { span: node.span.clone(), key: "build".to_owned(), instead });
        None
    }

    fn how_it_runs(&mut self, fields: &mut Fields<'_>, service: &mut Service) {
        service.working_dir = fields.string(self, "working_dir");
        service.user = fields.string(self, "user");
        service.group_add = fields.strings(self, "group_add");
        service.credential_spec = fields.take("credential_spec").map(|node| self.credential_spec(node));
        service.hostname = fields.string(self, "hostname");
        service.tty = fields.boolean(self, "tty");
        service.stdin_open = fields.boolean(self, "stdin_open");
        service.init = fields.boolean(self, "init");
        service.isolation = fields.string(self, "isolation");
        service.stop_signal = fields.string(self, "stop_signal");
        service.stop_grace_period = fields.duration(self, "stop_grace_period");
        service.restart = fields.take("restart").and_then(|node| self.restart(node));
        service.logging = fields.take("logging").map(|node| self.logging(node));
        service.depends_on = fields.take("depends_on").map(|node| self.depends_on(node)).unwrap_or_default();
    }

    fn what_it_may(&mut self, fields: &mut Fields<'_>, service: &mut Service) {
        service.read_only = fields.boolean(self, "read_only");
        service.security_opt = self.beyond_docker(fields, "security_opt").map(|node| self.security(node));
        service.oom_score_adj =
            self.beyond_docker(fields, "oom_score_adj").and_then(|node| self.integer("oom_score_adj", node));
        service.cap_add = fields.strings(self, "cap_add");
        service.cap_drop = fields.strings(self, "cap_drop");
        service.sysctls = fields.labels(self, "sysctls");
        service.ulimits = fields.take("ulimits").map(|node| self.ulimits(node)).unwrap_or_default();
    }

    fn what_it_reaches(&mut self, fields: &mut Fields<'_>, service: &mut Service) {
        service.networks = fields.take("networks").map(|node| self.joined(node)).unwrap_or_default();
        service.ports = fields.take("ports").map(|node| self.ports(node)).unwrap_or_default();
        service.expose = fields.take("expose").map(|node| self.expose(node)).unwrap_or_default();
        service.volumes = fields.take("volumes").map(|node| self.mounts(node)).unwrap_or_default();
        service.tmpfs = self.beyond_docker(fields, "tmpfs").map(|node| self.tmpfs(node)).unwrap_or_default();
        service.shm_size =
            self.beyond_docker(fields, "shm_size").and_then(|node| Some(spanned(node, self.bytes("shm_size", node)?)));
        service.configs = fields.take("configs").map(|node| self.files("configs", node)).unwrap_or_default();
        service.secrets = fields.take("secrets").map(|node| self.files("secrets", node)).unwrap_or_default();
        service.extra_hosts = fields.take("extra_hosts").map(|node| self.extra_hosts(node)).unwrap_or_default();
        service.dns = fields.strings(self, "dns");
        service.dns_search = fields.strings(self, "dns_search");
        service.dns_opt = fields.strings(self, "dns_opt");
        service.links = self.beyond_docker(fields, "links").map(|node| self.links(node)).unwrap_or_default();
        if let Some(node) = self.beyond_docker(fields, "network_mode") {
            self.network_mode(node, service);
        }
    }

    /// As Docker's `convertRestartPolicy`.
    fn restart(&mut self, node: &Node) -> Option<Spanned<Restart>> {
        let text = node.raw();
        let (condition, count) =
            text.split_once(':').map_or((text, None), |(condition, count)| (condition, Some(count)));
        let count = count.filter(|count| !count.is_empty());
        let max_attempts = count.and_then(|count| count.parse().ok());
        let known = matches!(condition, "" | "no" | "always" | "unless-stopped" | "on-failure")
            || node.as_bool() == Some(false);
        if !known || max_attempts.is_none() != count.is_none() {
            self.wrong("restart", node, "no, always, unless-stopped, on-failure or on-failure:3", "");
            return None;
        }
        Some(spanned(node, Restart { condition: condition.to_owned(), max_attempts }))
    }

    fn credential_spec(&mut self, node: &Node) -> Spanned<CredentialSpec> {
        let mut fields = Fields::of(self, node, "credential_spec");
        let mut text = |key| fields.string(self, key).map(|text| text.value).unwrap_or_default();
        let spec = CredentialSpec { config: text("config"), file: text("file"), registry: text("registry") };
        fields.finish(self);
        if [&spec.config, &spec.file, &spec.registry].into_iter().filter(|text| !text.is_empty()).count() > 1 {
            let help = "write one of `config`, `file` and `registry`".to_owned();
            self.problem(&node.span, "credential_spec has several sources", help);
        }
        spanned(node, spec)
    }

    fn logging(&mut self, node: &Node) -> Spanned<Logging> {
        let mut fields = Fields::of(self, node, "logging");
        let driver = fields.string(self, "driver");
        let options = fields.options(self, "options");
        fields.finish(self);
        spanned(node, Logging { driver: driver.map(|text| text.value).unwrap_or_default(), options })
    }

    fn depends_on(&mut self, node: &Node) -> Vec<Dependency> {
        if let Value::Mapping(entries) = &node.value {
            return entries.iter().filter_map(|(key, value)| self.dependency(key, value)).collect();
        }
        let items = self.list("depends_on", node).iter();
        let plain = |service| Dependency { service, condition: Condition::Healthy, required: true };
        items.filter_map(|item| Some(plain(spanned(item, self.service_name(item)?)))).collect()
    }

    fn dependency(&mut self, key: &Node, value: &Node) -> Option<Dependency> {
        const CONDITIONS: &[&str] = &["service_started", "service_healthy", "service_completed_successfully"];
        let mut fields = Fields::of(self, value, "a dependency");
        let condition = fields.take("condition").and_then(|node| self.one_of("condition", node, CONDITIONS));
        let condition = match condition.as_ref().map(|text| text.as_str()) {
            Some("service_started") => Condition::Started,
            Some("service_completed_successfully") => Condition::Completed,
            _ => Condition::Healthy,
        };
        let required = fields.boolean(self, "required").is_none_or(|required| required.value);
        fields.boolean(self, "restart");
        fields.finish(self);
        Some(Dependency { service: spanned(key, self.service_name(key)?), condition, required })
    }

    fn links(&mut self, node: &Node) -> Vec<Link> {
        let mut links = Vec::new();
        for item in self.strings("links", node) {
            let (service, alias) =
                item.split_once(':').map_or((item.as_str(), None), |(service, alias)| (service, Some(alias)));
            match service.parse() {
                Ok(value) => links.push(Link {
                    service: Spanned { span: item.span.clone(), value },
                    alias: alias.filter(|alias| *alias != service).map(str::to_owned),
                }),
                Err(invalid) => self.problem(&item.span, Invalid::to_string(&invalid), None),
            }
        }
        links
    }

    /// `network_mode`: `host` is a network of the swarm, `bridge` and `default` are the default.
    fn network_mode(&mut self, node: &Node, service: &mut Service) {
        let Some(mode) = self.string("network_mode", node) else { return };
        match mode.as_str() {
            "bridge" | "default" => {
                let instead = "a service of a swarm joins a network of its stack; remove it";
                self.ignored.push(Ignored { span: mode.span, key: "network_mode".to_owned(), instead });
            }
            "host" if !service.networks.is_empty() => {
                let help = "keep one of them".to_owned();
                self.problem(&mode.span, "a service on the network of the host cannot join other `networks`", help);
            }
            "host" => service.on_host_network = Some(mode.span),
            "none" => {
                let help = "join a network with `internal: true`, which has no access to the outside".to_owned();
                self.problem(&mode.span, "Swarm cannot run a service without a network", help);
            }
            _ => {
                let help = "let both services join the same network, and use the other's name".to_owned();
                self.problem(&mode.span, "in a swarm no container can share the network of another one", help);
            }
        }
    }

    fn ulimits(&mut self, node: &Node) -> BTreeMap<String, Spanned<(i64, i64)>> {
        if !matches!(node.value, Value::Mapping(_)) {
            self.wrong("ulimits", node, "a map", "");
        }
        node.entries().iter().filter_map(|(key, value)| Some((key.raw().to_owned(), self.ulimit(value)?))).collect()
    }

    fn ulimit(&mut self, node: &Node) -> Option<Spanned<(i64, i64)>> {
        if let Value::Scalar { .. } = node.value {
            let both = self.integer("ulimits", node)?.value;
            return Some(spanned(node, (both, both)));
        }
        let mut fields = Fields::of(self, node, "a ulimit");
        let soft = fields.integer(self, "soft");
        let hard = fields.integer(self, "hard");
        fields.finish(self);
        Some(spanned(node, (soft.map_or(0, |soft| soft.value), hard.map_or(0, |hard| hard.value))))
    }
}
