//! Converts the body of a service to the terms of a stack.
//!
//! Properties that stack files lack are found by comparison: those in the body that [`encode`] would not send for the
//! decoded service. So nothing is missed, whichever engine wrote the body.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::encode::{self, Ids};
use super::spec::{self, Labels, ServiceSpec};
use crate::name::{ServiceName, StackName};
use crate::stack::{
    Attachment, CredentialSpec, FileReference, Healthcheck, IMAGE_LABEL, Logging, Mode, Mount, NAMESPACE_LABEL, Nanos,
    Port, Privileges, Resources, RestartPolicy, SelinuxContext, Service, UpdateConfig, VolumeOptions,
};

/// Additions of the engine or the Docker CLI to a body that stack files lack, by place and value; `None`
/// matches any value.
///
/// - `Runtime`: filled in by the engine when it is read (moby `daemon/cluster/convert/service.go`, `serviceSpecFromGRPC`)
/// - `ForceUpdate`: a counter; raised by `docker service update --force`, kept by every update
/// - `Platforms`: the registry's answer to the CLI; it moves no task, and `docker stack deploy` also drops it
const NOT_THE_FILES: [(&str, Option<&str>); 3] = [
    ("TaskTemplate.Runtime", Some("container")),
    ("TaskTemplate.ForceUpdate", None),
    ("TaskTemplate.Placement.Platforms", None),
];

/// The service described by a body, and its additional properties, by their places in the body.
///
/// `body` has network names in place of ids. Lists whose order means nothing are put in the order that
/// [`Service`] promises.
pub fn service(
    stack: &StackName,
    key: &ServiceName,
    body: &Value,
) -> Result<(Service, BTreeMap<String, String>), serde_json::Error> {
    let spec: ServiceSpec = serde_json::from_value(body.clone())?;
    let ids = ids(&spec);
    let service = from_spec(spec);
    // Every name that was read came with its id.
    let known = encode::service(stack, key, &service, &ids).map_err(serde::de::Error::custom)?;
    let mut unknown = BTreeMap::new();
    leftovers(body, &serde_json::to_value(known)?, String::new(), &mut unknown);
    unknown.retain(|place, value| !is_not_the_files(place, value));
    // The name is not a property of the service.
    unknown.remove("Name");
    Ok((service, unknown))
}

fn ids(spec: &ServiceSpec) -> Ids {
    let container = &spec.task_template.container_spec;
    let named = container.configs.iter().map(|it| (it.config_name.clone(), it.config_id.clone()));
    // A credential spec may be in a config that is not listed; its id is then used as its name.
    let unnamed = container.privileges.credential_spec.iter().map(|it| (it.config.clone(), it.config.clone()));
    Ids {
        configs: unnamed.chain(named).collect(),
        secrets: container.secrets.iter().map(|it| (it.secret_name.clone(), it.secret_id.clone())).collect(),
    }
}

/// The service described by a body, limited to the properties of stack files.
pub(super) fn from_spec(spec: ServiceSpec) -> Service {
    let ServiceSpec {
        mut labels,
        task_template: task,
        mode: how,
        update_config: update,
        rollback_config,
        endpoint_spec,
        ..
    } = spec;
    let spec::DnsConfig { nameservers, search, options } = task.container_spec.dns_config.unwrap_or_default();
    let mut container = spec::ContainerSpec { dns_config: None, ..task.container_spec };
    let credential_spec = container.privileges.credential_spec.take();
    let credential_spec = credential_spec.map(|spec| credentials(spec, &container.configs));
    Service {
        image: container.image,
        image_as_written: labels.remove(IMAGE_LABEL).unwrap_or_default(),
        entrypoint: container.command,
        command: container.args,
        environment: container.env.iter().map(|line| variable(line)).collect(),
        working_dir: container.dir,
        user: container.user,
        group_add: container.groups,
        security_opt: privileges(container.privileges),
        oom_score_adj: container.oom_score_adj,
        credential_spec,
        hostname: container.hostname,
        tty: container.tty,
        stdin_open: container.open_stdin,
        read_only: container.read_only,
        init: container.init,
        isolation: container.isolation,
        stop_signal: container.stop_signal,
        stop_grace_period: container.stop_grace_period.map(Nanos),
        healthcheck: container.healthcheck.map(healthcheck),
        labels: without_namespace(labels),
        container_labels: without_namespace(container.labels),
        volumes: sorted(container.mounts.into_iter().map(mount)),
        configs: sorted(container.configs.into_iter().filter_map(config)),
        secrets: sorted(container.secrets.into_iter().map(|it| reference(it.secret_name, it.file))),
        networks: task.networks.into_iter().map(attachment).collect(),
        extra_hosts: container.hosts,
        dns: nameservers,
        dns_search: search,
        dns_opt: options,
        cap_add: sorted(container.capability_add),
        cap_drop: sorted(container.capability_drop),
        sysctls: container.sysctls,
        ulimits: container.ulimits.into_iter().map(|it| (it.name, (it.soft, it.hard))).collect(),
        logging: task.log_driver.map(|it| Logging { driver: it.name, options: it.options }),
        mode: mode(&how),
        limits: resources(task.resources.limits),
        reservations: resources(task.resources.reservations),
        restart_policy: task.restart_policy.map(restart_policy),
        update_config: update.map(update_config),
        rollback_config: rollback_config.map(update_config),
        constraints: task.placement.constraints,
        preferences: task
            .placement
            .preferences
            .into_iter()
            .filter_map(|it| Some(it.spread?.spread_descriptor))
            .collect(),
        max_replicas_per_node: task.placement.max_replicas,
        ports: sorted(endpoint_spec.ports.into_iter().map(port)),
        endpoint_mode: endpoint_spec.mode,
        depends_on: BTreeMap::new(),
        url: None,
        checks: Vec::new(),
        scaled_elsewhere: false,
        may_be_recreated: false,
    }
}

fn sorted<T: Ord>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.into_iter().collect();
    items.sort();
    items
}

/// Labels without Docker's stack label.
pub(super) fn without_namespace(mut labels: Labels) -> Labels {
    labels.remove(NAMESPACE_LABEL);
    labels
}

/// With the name of the config, whose id the body has.
fn credentials(spec: spec::CredentialSpec, configs: &[spec::ConfigReference]) -> CredentialSpec {
    let named = configs.iter().find(|config| config.config_id == spec.config).map(|config| config.config_name.clone());
    CredentialSpec { config: named.unwrap_or(spec.config), file: spec.file, registry: spec.registry }
}

fn variable(line: &str) -> (String, Option<String>) {
    match line.split_once('=') {
        Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
        None => (line.to_owned(), None),
    }
}

fn healthcheck(check: spec::Healthcheck) -> Healthcheck {
    Healthcheck {
        test: check.test,
        interval: check.interval.map(Nanos),
        timeout: check.timeout.map(Nanos),
        start_period: check.start_period.map(Nanos),
        start_interval: check.start_interval.map(Nanos),
        retries: check.retries,
    }
}

fn privileges(privileges: spec::Privileges) -> Privileges {
    let mode = |confinement: Option<spec::Confinement>| confinement.unwrap_or_default().mode;
    let context = privileges.selinux_context.map(|context| SelinuxContext {
        disable: context.disable,
        user: context.user,
        role: context.role,
        kind: context.kind,
        level: context.level,
    });
    Privileges {
        no_new_privileges: privileges.no_new_privileges,
        seccomp: mode(privileges.seccomp),
        apparmor: mode(privileges.app_armor),
        // Engines report an empty one if there is none.
        selinux: context.filter(|context| *context != SelinuxContext::default()),
    }
}

/// A named volume has options even when all of them are the engine's defaults, which it may leave out.
pub(super) fn mount(mount: spec::Mount) -> Mount {
    let is_named_volume = mount.kind == "volume" && !mount.source.is_empty();
    let empty = |there: bool, says: bool| there && !says;
    let options = mount.volume_options.or_else(|| is_named_volume.then(spec::VolumeOptions::default));
    let bind = mount.bind_options.clone().unwrap_or_default();
    let tmpfs = mount.tmpfs_options.clone().unwrap_or_default();
    Mount {
        target: mount.target,
        kind: mount.kind,
        source: mount.source,
        read_only: mount.read_only,
        consistency: mount.consistency,
        volume: options.map(volume_options),
        empty_options: empty(mount.bind_options.is_some(), !bind.propagation.is_empty())
            || empty(mount.tmpfs_options.is_some(), tmpfs.size_bytes != 0 || tmpfs.mode != 0),
        propagation: bind.propagation,
        tmpfs_size: tmpfs.size_bytes,
        tmpfs_mode: tmpfs.mode,
    }
}

fn volume_options(options: spec::VolumeOptions) -> VolumeOptions {
    let driver = options.driver_config.unwrap_or_default();
    VolumeOptions {
        nocopy: options.no_copy,
        subpath: options.subpath,
        owned: options.labels.contains_key(NAMESPACE_LABEL),
        labels: without_namespace(options.labels),
        driver: driver.name,
        driver_opts: driver.options,
    }
}

fn config(config: spec::ConfigReference) -> Option<FileReference> {
    Some(reference(config.config_name, config.file?))
}

fn reference(source: String, file: spec::File) -> FileReference {
    FileReference { source, target: file.name, uid: file.uid, gid: file.gid, mode: file.mode }
}

fn attachment(network: spec::NetworkAttachment) -> (String, Attachment) {
    (network.target, Attachment { aliases: network.aliases, driver_opts: network.driver_opts })
}

fn mode(mode: &spec::Mode) -> Mode {
    match mode {
        spec::Mode { global: Some(_), .. } => Mode::Global,
        spec::Mode { global_job: Some(_), .. } => Mode::GlobalJob,
        spec::Mode { replicated_job: Some(job), .. } => Mode::ReplicatedJob(job.total_completions),
        spec::Mode { replicated, .. } => Mode::Replicated(replicated.as_ref().and_then(|it| it.replicas)),
    }
}

fn resources(amounts: Option<spec::Resources>) -> Resources {
    let there = amounts.is_some();
    let amounts = amounts.unwrap_or_default();
    let countable = amounts.generic_resources.into_iter().filter_map(|it| it.discrete_resource_spec);
    let read = Resources {
        nano_cpus: amounts.nano_cpus,
        memory: amounts.memory_bytes,
        pids: amounts.pids,
        generic: countable.map(|it| (it.kind, it.value)).collect(),
        empty: false,
    };
    Resources { empty: there && read == Resources::default(), ..read }
}

fn restart_policy(policy: spec::RestartPolicy) -> RestartPolicy {
    RestartPolicy {
        condition: policy.condition,
        delay: policy.delay.map(Nanos),
        max_attempts: policy.max_attempts,
        window: policy.window.map(Nanos),
    }
}

fn update_config(update: spec::UpdateConfig) -> UpdateConfig {
    UpdateConfig {
        parallelism: update.parallelism,
        delay: update.delay.map(Nanos),
        failure_action: update.failure_action,
        monitor: update.monitor.map(Nanos),
        max_failure_ratio: update.max_failure_ratio,
        order: update.order,
    }
}

pub(super) fn port(port: spec::Port) -> Port {
    Port { published: port.published_port, target: port.target_port, protocol: port.protocol, mode: port.publish_mode }
}

fn is_not_the_files(place: &str, value: &str) -> bool {
    let is_at =
        |known: &str| place.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
    NOT_THE_FILES.iter().any(|&(known, any_or)| is_at(known) && any_or.is_none_or(|it| it == value))
}

/// Collects the values of `body` that `known` lacks. Empty values, which Go writes for missing ones, do not count.
fn leftovers(body: &Value, known: &Value, place: String, out: &mut BTreeMap<String, String>) {
    match (body, known) {
        (Value::Object(fields), _) => {
            let nothing = Map::new();
            let known = known.as_object().unwrap_or(&nothing);
            for (name, field) in fields {
                let place = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
                leftovers(field, known.get(name).unwrap_or(&Value::Null), place, out);
            }
        }
        (Value::Array(items), _) => {
            let known = known.as_array().map_or(&[][..], Vec::as_slice);
            for (index, item) in items.iter().enumerate() {
                out.append(&mut fewest_leftovers(item, known, &format!("{place}[{index}]")));
            }
        }
        (body, known) if is_empty(body) || is_same(body, known) => {}
        (Value::String(text), _) => drop(out.insert(place, text.clone())),
        (body, _) => drop(out.insert(place, body.to_string())),
    }
}

/// The additional values of a list item compared with the most similar item of `known`, since the order may differ.
fn fewest_leftovers(item: &Value, known: &[Value], place: &str) -> BTreeMap<String, String> {
    let beyond = |known: &Value| {
        let mut out = BTreeMap::new();
        leftovers(item, known, place.to_owned(), &mut out);
        out
    };
    known.iter().map(beyond).min_by_key(BTreeMap::len).unwrap_or_else(|| beyond(&Value::Null))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

/// Go writes the number 1.0 as `1`.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one == other || one.as_f64() == other.as_f64(),
        _ => one == other,
    }
}
