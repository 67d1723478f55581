//! Converts the terms of a stack to request bodies, those of `docker stack deploy`
//! (docker/cli `cli/compose/convert`), field by field.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::Error;
use super::spec::{self, Labels, ServiceSpec};
use crate::name::{ServiceName, StackName};
use crate::stack::{
    Config, CredentialSpec, FileReference, Healthcheck, IMAGE_LABEL, Mode, Mount, NAMESPACE_LABEL, Nanos, OwnNetwork,
    Port, Privileges, Resources, RestartPolicy, Secret, SelinuxContext, Service, UpdateConfig, VolumeOptions,
};

/// The ids of the objects that a service refers to by name.
#[derive(Debug, Default)]
pub(super) struct Ids {
    pub(super) configs: BTreeMap<String, String>,
    pub(super) secrets: BTreeMap<String, String>,
}

/// The body of a service. Networks are given by name, as the engine allows; configs and secrets need their ids.
pub(super) fn service(
    stack: &StackName,
    key: &ServiceName,
    service: &Service,
    ids: &Ids,
) -> Result<ServiceSpec, Error> {
    let mut labels = with_namespace(stack, &service.labels);
    labels.insert(IMAGE_LABEL.into(), service.image_as_written.clone());
    Ok(ServiceSpec {
        name: stack.scoped(key.as_str()),
        labels,
        task_template: task_template(stack, service, ids)?,
        mode: mode(service.mode),
        update_config: service.update_config.as_ref().map(update_config),
        rollback_config: service.rollback_config.as_ref().map(update_config),
        endpoint_spec: spec::EndpointSpec {
            mode: filled(service.endpoint_mode.as_ref()),
            ports: service.ports.iter().map(port).collect(),
        },
    })
}

/// The body of a network; the driver is `overlay` unless the file says otherwise.
pub(super) fn network(stack: &StackName, name: &str, network: &OwnNetwork) -> Value {
    let mut body = json!({
        "Name": name,
        "Driver": if network.driver.is_empty() { "overlay" } else { &network.driver },
        "Scope": "",
        "Attachable": network.attachable,
        "Internal": network.internal,
        "Ingress": false,
        "ConfigOnly": false,
        "Labels": with_namespace(stack, &network.labels),
    });
    if network.enable_ipv6 {
        body["EnableIPv6"] = json!(true);
    }
    if !network.driver_opts.is_empty() {
        body["Options"] = json!(network.driver_opts);
    }
    if network.ipam_driver.is_some() || !network.subnets.is_empty() {
        body["IPAM"] = json!({ "Driver": network.ipam_driver.as_deref().unwrap_or_default() });
    }
    if !network.subnets.is_empty() {
        body["IPAM"]["Config"] = network.subnets.iter().map(|subnet| self::subnet(network, subnet)).collect();
    }
    body
}

/// The body of a config that the stack creates; `None` for an external one.
pub(super) fn config(stack: &StackName, name: &str, config: &Config) -> Option<Value> {
    let Config::Own { content, labels, template_driver } = config else { return None };
    Some(templated(file(stack, name, labels, Some(content)), template_driver.as_ref()))
}

/// The body of a secret that the stack creates, with its value; `None` for an external one.
pub(super) fn secret(stack: &StackName, name: &str, secret: &Secret) -> Option<Value> {
    let Secret::Own { content, labels, template_driver, driver } = secret else { return None };
    let mut body = templated(file(stack, name, labels, content.expose()), template_driver.as_ref());
    if let Some(driver) = driver {
        body["Driver"] = json!(self::driver(&driver.name, &driver.options));
    }
    Some(body)
}

fn templated(mut body: Value, driver: Option<&String>) -> Value {
    if let Some(driver) = driver {
        body["Templating"] = json!({ "Name": driver });
    }
    body
}

fn subnet(network: &OwnNetwork, subnet: &String) -> Value {
    let mut body = json!({ "Subnet": subnet });
    for (field, values) in [("Gateway", &network.gateways), ("IPRange", &network.ip_ranges)] {
        if let Some(value) = values.get(subnet) {
            body[field] = json!(value);
        }
    }
    body
}

/// The body of a config or secret; without `data` for updating its labels only.
pub(super) fn file(stack: &StackName, name: &str, labels: &Labels, data: Option<&[u8]>) -> Value {
    let mut body = json!({ "Name": name, "Labels": with_namespace(stack, labels) });
    if let Some(data) = data.filter(|data| !data.is_empty()) {
        body["Data"] = STANDARD.encode(data).into();
    }
    body
}

fn task_template(stack: &StackName, service: &Service, ids: &Ids) -> Result<spec::TaskTemplate, Error> {
    Ok(spec::TaskTemplate {
        container_spec: container_spec(stack, service, ids)?,
        resources: spec::Requirements {
            limits: resources(&service.limits),
            reservations: resources(&service.reservations),
        },
        restart_policy: service.restart_policy.as_ref().map(restart_policy),
        placement: placement(service),
        networks: networks(service),
        log_driver: service.logging.as_ref().map(|logging| driver(&logging.driver, &logging.options)),
        force_update: 0,
    })
}

fn container_spec(stack: &StackName, service: &Service, ids: &Ids) -> Result<spec::ContainerSpec, Error> {
    Ok(spec::ContainerSpec {
        image: service.image.clone(),
        labels: with_namespace(stack, &service.container_labels),
        command: service.entrypoint.clone(),
        args: service.command.clone(),
        hostname: filled(service.hostname.as_ref()),
        env: environment(&service.environment),
        dir: filled(service.working_dir.as_ref()),
        user: filled(service.user.as_ref()),
        groups: service.group_add.clone(),
        privileges: privileges(service, ids)?,
        init: service.init,
        stop_signal: filled(service.stop_signal.as_ref()),
        tty: service.tty,
        open_stdin: service.stdin_open,
        read_only: service.read_only,
        mounts: service.volumes.iter().map(|volume| mount(stack, volume)).collect(),
        stop_grace_period: nanos(service.stop_grace_period),
        healthcheck: service.healthcheck.as_ref().map(healthcheck),
        hosts: service.extra_hosts.clone(),
        dns_config: dns_config(service),
        secrets: service.secrets.iter().map(|file| mounted_secret(file, ids)).collect::<Result<_, _>>()?,
        configs: configs(service, ids)?,
        isolation: filled(service.isolation.as_ref()),
        sysctls: service.sysctls.clone(),
        capability_add: service.cap_add.clone(),
        capability_drop: service.cap_drop.clone(),
        ulimits: service.ulimits.iter().map(ulimit).collect(),
        oom_score_adj: service.oom_score_adj,
    })
}

fn privileges(service: &Service, ids: &Ids) -> Result<spec::Privileges, Error> {
    let privileges: &Privileges = &service.security_opt;
    let confinement = |mode: &String| (!mode.is_empty()).then(|| spec::Confinement { mode: mode.clone() });
    let context = |context: &SelinuxContext| spec::SelinuxContext {
        disable: context.disable,
        user: context.user.clone(),
        role: context.role.clone(),
        kind: context.kind.clone(),
        level: context.level.clone(),
    };
    Ok(spec::Privileges {
        credential_spec: service.credential_spec.as_ref().map(|spec| credentials(spec, ids)).transpose()?.flatten(),
        selinux_context: privileges.selinux.as_ref().map(context),
        seccomp: confinement(&privileges.seccomp),
        app_armor: confinement(&privileges.apparmor),
        no_new_privileges: privileges.no_new_privileges,
    })
}

fn with_namespace(stack: &StackName, labels: &Labels) -> Labels {
    let mut labels = labels.clone();
    labels.insert(NAMESPACE_LABEL.into(), stack.to_string());
    labels
}

fn environment(variables: &BTreeMap<String, Option<String>>) -> Vec<String> {
    let line = |(key, value): (&String, &Option<String>)| match value {
        Some(value) => format!("{key}={value}"),
        None => key.clone(),
    };
    let mut lines: Vec<String> = variables.iter().map(line).collect();
    // Sorted by line rather than name, like Docker: another order would restart the tasks.
    lines.sort();
    lines
}

fn mount(stack: &StackName, mount: &Mount) -> spec::Mount {
    let has_empty = |kind: &str| mount.empty_options && mount.kind == kind;
    spec::Mount {
        kind: mount.kind.clone(),
        source: mount.source.clone(),
        target: mount.target.clone(),
        read_only: mount.read_only,
        consistency: mount.consistency.clone(),
        bind_options: (!mount.propagation.is_empty() || has_empty("bind") || has_empty("npipe"))
            .then(|| spec::BindOptions { propagation: mount.propagation.clone() }),
        volume_options: mount.volume.as_ref().map(|options| volume_options(stack, options)),
        tmpfs_options: (mount.tmpfs_size != 0 || mount.tmpfs_mode != 0 || has_empty("tmpfs"))
            .then_some(spec::TmpfsOptions { size_bytes: mount.tmpfs_size, mode: mount.tmpfs_mode }),
        cluster_options: (mount.kind == "cluster").then_some(spec::Nothing {}),
    }
}

fn volume_options(stack: &StackName, options: &VolumeOptions) -> spec::VolumeOptions {
    let has_driver = !options.driver.is_empty() || !options.driver_opts.is_empty();
    spec::VolumeOptions {
        no_copy: options.nocopy,
        subpath: options.subpath.clone(),
        labels: if options.owned { with_namespace(stack, &options.labels) } else { options.labels.clone() },
        driver_config: has_driver.then(|| driver(&options.driver, &options.driver_opts)),
    }
}

fn driver(name: &str, options: &Labels) -> spec::Driver {
    spec::Driver { name: name.to_owned(), options: options.clone() }
}

fn healthcheck(check: &Healthcheck) -> spec::Healthcheck {
    spec::Healthcheck {
        test: check.test.clone(),
        interval: nonzero(check.interval),
        timeout: nonzero(check.timeout),
        start_period: nonzero(check.start_period),
        start_interval: nonzero(check.start_interval),
        retries: check.retries.filter(|&retries| retries != 0),
    }
}

fn dns_config(service: &Service) -> Option<spec::DnsConfig> {
    let (nameservers, search) = (service.dns.clone(), service.dns_search.clone());
    let options = service.dns_opt.clone();
    let given = !nameservers.is_empty() || !search.is_empty() || !options.is_empty();
    given.then_some(spec::DnsConfig { nameservers, search, options })
}

fn mounted_secret(reference: &FileReference, ids: &Ids) -> Result<spec::SecretReference, Error> {
    Ok(spec::SecretReference {
        file: mounted(reference),
        secret_id: id(&ids.secrets, "secret", &reference.source)?,
        secret_name: reference.source.clone(),
    })
}

fn mounted_config(reference: &FileReference, ids: &Ids) -> Result<spec::ConfigReference, Error> {
    Ok(spec::ConfigReference {
        file: Some(mounted(reference)),
        runtime: None,
        config_id: id(&ids.configs, "config", &reference.source)?,
        config_name: reference.source.clone(),
    })
}

/// The mounted configs, and that of the credential spec, ordered by name like Docker.
fn configs(service: &Service, ids: &Ids) -> Result<Vec<spec::ConfigReference>, Error> {
    let mut configs: Vec<_> = service.configs.iter().map(|file| mounted_config(file, ids)).collect::<Result<_, _>>()?;
    if let Some(name) = service.credential_spec.as_ref().map(|spec| &spec.config).filter(|name| !name.is_empty()) {
        let config_id = id(&ids.configs, "config", name)?;
        let runtime = Some(spec::Nothing {});
        configs.push(spec::ConfigReference { file: None, runtime, config_id, config_name: name.clone() });
        configs.sort_by(|one, other| one.config_name.cmp(&other.config_name));
    }
    Ok(configs)
}

fn credentials(credentials: &CredentialSpec, ids: &Ids) -> Result<Option<spec::CredentialSpec>, Error> {
    let CredentialSpec { config, file, registry } = credentials;
    let config = if config.is_empty() { String::new() } else { id(&ids.configs, "config", config)? };
    let said = !config.is_empty() || !file.is_empty() || !registry.is_empty();
    Ok(said.then(|| spec::CredentialSpec { config, file: file.clone(), registry: registry.clone() }))
}

fn id(ids: &BTreeMap<String, String>, kind: &'static str, name: &str) -> Result<String, Error> {
    ids.get(name).cloned().ok_or_else(|| Error::Missing { kind, name: name.to_owned() })
}

fn mounted(reference: &FileReference) -> spec::File {
    spec::File {
        name: reference.target.clone(),
        uid: reference.uid.clone(),
        gid: reference.gid.clone(),
        mode: reference.mode,
    }
}

fn ulimit((name, &(soft, hard)): (&String, &(i64, i64))) -> spec::Ulimit {
    spec::Ulimit { name: name.clone(), hard, soft }
}

fn resources(amounts: &Resources) -> Option<spec::Resources> {
    let generic = |(kind, &value): (&String, &i64)| spec::GenericResource {
        discrete_resource_spec: Some(spec::DiscreteResource { kind: kind.clone(), value }),
    };
    (*amounts != Resources::default()).then(|| spec::Resources {
        nano_cpus: amounts.nano_cpus,
        memory_bytes: amounts.memory,
        pids: amounts.pids,
        generic_resources: amounts.generic.iter().map(generic).collect(),
    })
}

fn restart_policy(policy: &RestartPolicy) -> spec::RestartPolicy {
    spec::RestartPolicy {
        condition: policy.condition.clone(),
        delay: nanos(policy.delay),
        max_attempts: policy.max_attempts,
        window: nanos(policy.window),
    }
}

fn placement(service: &Service) -> spec::Placement {
    let spread = |label: &String| spec::Preference { spread: Some(spec::Spread { spread_descriptor: label.clone() }) };
    spec::Placement {
        constraints: service.constraints.clone(),
        preferences: service.preferences.iter().map(spread).collect(),
        max_replicas: service.max_replicas_per_node,
        platforms: Vec::new(),
    }
}

fn networks(service: &Service) -> Vec<spec::NetworkAttachment> {
    let attachment = |(name, attachment): (&String, &crate::stack::Attachment)| spec::NetworkAttachment {
        target: name.clone(),
        aliases: attachment.aliases.clone(),
        driver_opts: attachment.driver_opts.clone(),
    };
    service.networks.iter().map(attachment).collect()
}

fn mode(mode: Mode) -> spec::Mode {
    let mut body = spec::Mode::default();
    match mode {
        Mode::Replicated(replicas) => body.replicated = Some(spec::Replicated { replicas }),
        Mode::Global => body.global = Some(spec::Nothing {}),
        Mode::ReplicatedJob(count) => {
            body.replicated_job = Some(spec::ReplicatedJob { max_concurrent: count, total_completions: count });
        }
        Mode::GlobalJob => body.global_job = Some(spec::Nothing {}),
    }
    body
}

fn update_config(update: &UpdateConfig) -> spec::UpdateConfig {
    spec::UpdateConfig {
        parallelism: update.parallelism,
        delay: nonzero(update.delay),
        failure_action: update.failure_action.clone(),
        monitor: nonzero(update.monitor),
        max_failure_ratio: update.max_failure_ratio,
        order: update.order.clone(),
    }
}

fn port(port: &Port) -> spec::Port {
    spec::Port {
        protocol: port.protocol.clone(),
        target_port: port.target,
        published_port: port.published,
        publish_mode: port.mode.clone(),
    }
}

/// A text, omitted if it is empty.
fn filled(text: Option<&String>) -> Option<String> {
    text.filter(|text| !text.is_empty()).cloned()
}

/// A duration for which the API does not distinguish zero from none.
fn nonzero(length: Option<Nanos>) -> Option<i64> {
    nanos(length).filter(|&nanos| nanos != 0)
}

fn nanos(length: Option<Nanos>) -> Option<i64> {
    length.map(|Nanos(nanos)| nanos)
}
