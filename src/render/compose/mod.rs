//! A rendered stack as a Compose file, for people and for `docker stack deploy -c`, which creates the same services.
//!
//! The file does not contain the contents of configs and secrets: they are `external` in it, with skep's
//! names. Docker's label for the image as written becomes the image that runs.

mod block;
mod unsaid;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::name::ServiceName;
use crate::stack::{
    Attachment, Config, CredentialSpec, FileReference, Healthcheck, Logging, Mode, Mount, Network, OwnNetwork,
    PREDEFINED_NETWORKS, Port, Resources, RestartPolicy, Secret, Service, Stack, UpdateConfig, VolumeOptions,
};

/// The Compose file of a stack.
pub fn to_yaml(stack: &Stack) -> String {
    let mut text = format!("# The stack {0} as skep renders it: docker stack deploy -c FILE {0}\n", stack.name);
    for folder in &stack.folders {
        let _ = writeln!(text, "# It needs the folder {folder} on the nodes.");
    }
    let services =
        stack.services.iter().map(|(name, service)| (name.to_string(), self::service(stack, name.as_str(), service)));
    unsaid::tell(&mut text, stack);
    section(&mut text, "services", services.collect());
    if stack.services.is_empty() {
        text.push_str("services: {}\n");
    }
    section(&mut text, "networks", networks(stack));
    section(&mut text, "volumes", volumes(stack));
    let configs = stack.configs.iter().map(|(name, config)| (name.as_str(), matches!(config, Config::External)));
    files(&mut text, stack, "configs", configs.collect());
    let secrets = stack.secrets.iter().map(|(name, secret)| (name.as_str(), matches!(secret, Secret::External)));
    files(&mut text, stack, "secrets", secrets.collect());
    text
}

/// A map without empty values, because Docker refuses some of them.
#[derive(Default)]
struct Section(Map<String, Value>);

impl Section {
    fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        let empty = match &value {
            Value::Null => true,
            Value::Bool(value) => !value,
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(entries) => entries.is_empty(),
            Value::Number(_) => false,
        };
        if !empty {
            self.0.insert(key.to_owned(), value);
        }
        self
    }

    fn value(self) -> Value {
        Value::Object(self.0)
    }
}

fn service(stack: &Stack, name: &str, service: &Service) -> Value {
    Section::default()
        .with("image", service.image.as_str())
        .with("entrypoint", json!(service.entrypoint))
        .with("command", json!(service.command))
        .with("environment", json!(service.environment))
        .with("working_dir", service.working_dir.clone())
        .with("user", service.user.clone())
        .with("security_opt", unsaid::security_opt(&service.security_opt))
        .with("oom_score_adj", json!(Some(service.oom_score_adj).filter(|&score| score != 0)))
        .with("credential_spec", service.credential_spec.as_ref().map(|spec| credential_spec(stack, spec)))
        .with("hostname", service.hostname.clone())
        .with("tty", service.tty)
        .with("stdin_open", service.stdin_open)
        .with("read_only", service.read_only)
        .with("isolation", service.isolation.clone())
        .with("stop_signal", service.stop_signal.clone())
        .with("stop_grace_period", shown(service.stop_grace_period))
        .with("healthcheck", service.healthcheck.as_ref().map(healthcheck))
        .with("labels", json!(service.container_labels))
        .with("depends_on", service.depends_on.keys().map(ServiceName::as_str).collect::<Vec<_>>())
        .with("networks", joined(stack, name, &service.networks))
        .with("ports", service.ports.iter().map(port).collect::<Vec<_>>())
        .with("volumes", service.volumes.iter().map(|mount| self::mount(stack, mount)).collect::<Vec<_>>())
        .with("configs", service.configs.iter().map(|file| reference(stack, file)).collect::<Vec<_>>())
        .with("secrets", service.secrets.iter().map(|file| reference(stack, file)).collect::<Vec<_>>())
        .with("extra_hosts", service.extra_hosts.iter().filter_map(|line| host(line)).collect::<Vec<_>>())
        .with("dns", json!(service.dns))
        .with("dns_search", json!(service.dns_search))
        .with("cap_add", json!(service.cap_add))
        .with("cap_drop", json!(service.cap_drop))
        .with("sysctls", json!(service.sysctls))
        .with("ulimits", ulimits(&service.ulimits))
        .with("logging", service.logging.as_ref().map(logging))
        .with_init(service.init)
        .with("deploy", deploy(service))
        .value()
}

impl Section {
    /// Adds `init`; `false` differs from no `init`.
    fn with_init(mut self, init: Option<bool>) -> Self {
        self.0.extend(init.map(|init| ("init".to_owned(), Value::Bool(init))));
        self
    }
}

fn logging(logging: &Logging) -> Value {
    Section::default().with("driver", logging.driver.as_str()).with("options", json!(logging.options)).value()
}

fn credential_spec(stack: &Stack, spec: &CredentialSpec) -> Value {
    let config = if spec.config.is_empty() { String::new() } else { key(stack, &spec.config) };
    Section::default()
        .with("config", config)
        .with("file", spec.file.as_str())
        .with("registry", spec.registry.as_str())
        .value()
}

fn shown<T: ToString>(value: Option<T>) -> Option<String> {
    value.map(|value| value.to_string())
}

fn healthcheck(check: &Healthcheck) -> Value {
    Section::default()
        .with("test", json!(check.test))
        .with("interval", shown(check.interval))
        .with("timeout", shown(check.timeout))
        .with("start_period", shown(check.start_period))
        .with("start_interval", shown(check.start_interval))
        .with("retries", json!(check.retries))
        .value()
}

fn deploy(service: &Service) -> Value {
    let (mode, replicas) = match service.mode {
        Mode::Replicated(replicas) => ("", replicas),
        Mode::Global => ("global", None),
        Mode::ReplicatedJob(replicas) => ("replicated-job", replicas),
        Mode::GlobalJob => ("global-job", None),
    };
    let mut written = Section::default()
        .with("mode", mode)
        .with("replicas", json!(replicas))
        .with("labels", json!(service.labels))
        .with("endpoint_mode", service.endpoint_mode.clone())
        .with("update_config", service.update_config.as_ref().map(update_config))
        .with("rollback_config", service.rollback_config.as_ref().map(update_config))
        .with("restart_policy", service.restart_policy.as_ref().map(restart_policy))
        .with(
            "resources",
            Section::default()
                .with("limits", resources(&service.limits))
                .with("reservations", resources(&service.reservations))
                .value(),
        )
        .with("placement", placement(service))
        .value();
    // Docker sends empty amounts.
    for (kind, amounts) in [("limits", &service.limits), ("reservations", &service.reservations)] {
        if amounts.empty {
            written["resources"][kind] = json!({});
        }
    }
    written
}

fn placement(service: &Service) -> Value {
    let spread = |label: &String| json!({ "spread": label });
    let max = Some(service.max_replicas_per_node).filter(|&max| max != 0);
    Section::default()
        .with("constraints", json!(service.constraints))
        .with("preferences", service.preferences.iter().map(spread).collect::<Vec<_>>())
        .with("max_replicas_per_node", json!(max))
        .value()
}

fn update_config(config: &UpdateConfig) -> Value {
    let ratio = Some(config.max_failure_ratio).filter(|&ratio| ratio != 0.0);
    Section::default()
        .with("parallelism", config.parallelism)
        .with("delay", shown(config.delay))
        .with("failure_action", config.failure_action.as_str())
        .with("monitor", shown(config.monitor))
        .with("max_failure_ratio", json!(ratio))
        .with("order", config.order.as_str())
        .value()
}

fn restart_policy(policy: &RestartPolicy) -> Value {
    Section::default()
        .with("condition", policy.condition.as_str())
        .with("delay", shown(policy.delay))
        .with("max_attempts", json!(policy.max_attempts))
        .with("window", shown(policy.window))
        .value()
}

fn resources(amounts: &Resources) -> Value {
    let given = |amount: i64| Some(amount).filter(|&amount| amount != 0);
    let generic = amounts.generic.iter();
    let generic: Vec<Value> =
        generic.map(|(kind, value)| json!({ "discrete_resource_spec": { "kind": kind, "value": value } })).collect();
    Section::default()
        .with("cpus", given(amounts.nano_cpus).map(cpus))
        .with("memory", shown(given(amounts.memory)))
        .with("pids", json!(given(amounts.pids)))
        .with("generic_resources", generic)
        .value()
}

fn cpus(nanos: i64) -> String {
    let text = format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The networks of a service. Docker adds the service's own name to its aliases.
fn joined(stack: &Stack, name: &str, networks: &BTreeMap<String, Attachment>) -> Value {
    let mut joined = Section::default();
    for (network, attachment) in networks {
        let added = !PREDEFINED_NETWORKS.contains(&network.as_str())
            && attachment.aliases.last().is_some_and(|last| last == name);
        let own = &attachment.aliases[..attachment.aliases.len() - usize::from(added)];
        let options = Section::default().with("aliases", json!(own)).with("driver_opts", json!(attachment.driver_opts));
        joined.0.insert(key(stack, network), options.value());
    }
    joined.value()
}

fn port(port: &Port) -> Value {
    Section::default()
        .with("target", port.target)
        .with("published", json!(port.published))
        .with("protocol", port.protocol.as_str())
        .with("mode", port.mode.as_str())
        .value()
}

fn mount(stack: &Stack, mount: &Mount) -> Value {
    let source = if mount.volume.is_some() { key(stack, &mount.source) } else { mount.source.clone() };
    let nocopy = mount.volume.as_ref().is_some_and(|volume| volume.nocopy);
    let subpath = mount.volume.as_ref().map(|volume| volume.subpath.as_str()).unwrap_or_default();
    let size = Some(mount.tmpfs_size).filter(|&size| size != 0);
    let mode = Some(mount.tmpfs_mode).filter(|&mode| mode != 0);
    let mut written = Section::default()
        .with("type", mount.kind.as_str())
        .with("source", source)
        .with("target", mount.target.as_str())
        .with("read_only", mount.read_only)
        .with("consistency", mount.consistency.as_str())
        .with("bind", Section::default().with("propagation", mount.propagation.as_str()).value())
        .with("volume", Section::default().with("nocopy", nocopy).with("subpath", subpath).value())
        .with("tmpfs", Section::default().with("size", json!(size)).with("mode", json!(mode)).value())
        .value();
    // Docker sends empty options.
    if mount.empty_options && matches!(mount.kind.as_str(), "bind" | "tmpfs") {
        written[&mount.kind] = json!({});
    }
    written
}

fn reference(stack: &Stack, file: &FileReference) -> Value {
    json!({ "source": key(stack, &file.source), "target": file.target, "uid": file.uid, "gid": file.gid, "mode": file.mode })
}

fn host(line: &str) -> Option<String> {
    line.split_once(' ').map(|(ip, host)| format!("{host}={ip}"))
}

fn ulimits(limits: &BTreeMap<String, (i64, i64)>) -> Value {
    limits.iter().map(|(name, (soft, hard))| (name.clone(), json!({ "soft": soft, "hard": hard }))).collect()
}

fn networks(stack: &Stack) -> Map<String, Value> {
    let network = |(name, network): (&String, &Network)| {
        let section = match network {
            Network::External => Section::default().with("external", true),
            Network::Own(own) => own_network(own),
        };
        (key(stack, name), section.with("name", name.as_str()).value())
    };
    stack.networks.iter().map(network).collect()
}

fn own_network(own: &OwnNetwork) -> Section {
    let subnet = |subnet: &String| json!({ "subnet": subnet });
    let ipam = Section::default()
        .with("driver", own.ipam_driver.clone())
        .with("config", own.subnets.iter().map(subnet).collect::<Vec<_>>());
    Section::default()
        .with("driver", own.driver.as_str())
        .with("driver_opts", json!(own.driver_opts))
        .with("attachable", own.attachable)
        .with("internal", own.internal)
        .with("labels", json!(own.labels))
        .with("ipam", ipam.value())
}

fn volumes(stack: &Stack) -> Map<String, Value> {
    let mounts = stack.services.values().flat_map(|service| &service.volumes);
    let named = mounts.filter_map(|mount| Some((&mount.source, mount.volume.as_ref()?)));
    named.map(|(name, options)| (key(stack, name), volume(name, options))).collect()
}

fn volume(name: &str, options: &VolumeOptions) -> Value {
    Section::default()
        .with("name", name)
        .with("external", !options.owned)
        .with("driver", options.driver.as_str())
        .with("driver_opts", json!(options.driver_opts))
        .with("labels", json!(options.labels))
        .value()
}

/// Writes configs or secrets, given by full name and whether they are external.
fn files(text: &mut String, stack: &Stack, title: &str, files: Vec<(&str, bool)>) {
    if files.iter().any(|(_, external)| !external) {
        let _ = writeln!(text, "# skep creates the {title} below; their contents cannot be part of this file.");
    }
    let entry = |(name, _): (&str, bool)| (key(stack, name), json!({ "external": true, "name": name }));
    section(text, title, files.into_iter().map(entry).collect());
}

/// The key for a full name: without the stack's prefix, unless another object has that name, and with
/// characters that Docker allows only.
fn key(stack: &Stack, name: &str) -> String {
    let taken = |rest: &&str| {
        stack.networks.contains_key(*rest) || stack.configs.contains_key(*rest) || stack.secrets.contains_key(*rest)
    };
    let own = name.strip_prefix(stack.name.as_str()).and_then(|rest| rest.strip_prefix('_'));
    let own = own.filter(|rest| !rest.is_empty() && !taken(rest));
    let allowed = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' };
    own.unwrap_or(name).chars().map(allowed).collect()
}

fn section(text: &mut String, title: &str, entries: Map<String, Value>) {
    if !entries.is_empty() {
        text.push_str(title);
        text.push(':');
        block::write(text, &Value::Object(entries), 1);
    }
}
