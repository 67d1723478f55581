//! The normal form, in which equivalent descriptions are equal: the engine's defaults filled in.
//!
//! The engine's additions to a spec were observed on Docker 20.10 and 28.2 (swarmkit `api/defaults/service.go`).

use crate::stack::{Healthcheck, Logging, Mode, Nanos, OwnNetwork, RestartPolicy, Service, UpdateConfig};

/// The service as the engine would report it, without properties that only skep uses.
pub(super) fn service(service: &Service) -> Service {
    let mut normal = service.clone();
    normal.depends_on.clear();
    normal.url = None;
    normal.checks.clear();
    (normal.scaled_elsewhere, normal.may_be_recreated) = (false, false);
    for text in [&mut normal.working_dir, &mut normal.user, &mut normal.hostname, &mut normal.stop_signal] {
        text.take_if(|text| text.is_empty());
    }
    normal.isolation.take_if(|isolation| isolation.is_empty());
    normal.endpoint_mode.take_if(|mode| mode.is_empty());
    normal.logging.take_if(|logging| *logging == Logging::default());
    normal.stop_grace_period.get_or_insert(Nanos::seconds(10));
    normal.isolation.get_or_insert_with(|| "default".into());
    normal.endpoint_mode.get_or_insert_with(|| "vip".into());
    normal.mode = mode(service.mode);
    normal.healthcheck = service.healthcheck.as_ref().map(healthcheck).filter(|check| *check != Healthcheck::default());
    normal.restart_policy = Some(restart_policy(service.restart_policy.as_ref()));
    normal.update_config = Some(update_config(service.update_config.as_ref()));
    normal.rollback_config = Some(update_config(service.rollback_config.as_ref()));
    for port in &mut normal.ports {
        fill(&mut port.protocol, "tcp");
        fill(&mut port.mode, "ingress");
        // The engine reads 0 as "not said".
        port.published.take_if(|published| *published == 0);
    }
    normal.ports.sort();
    for mount in &mut normal.volumes {
        mount.empty_options = false;
        // It has no effect on Linux: engines accept it, and newer ones than 28 forget it.
        mount.consistency.clear();
    }
    normal.volumes.sort();
    (normal.limits.empty, normal.reservations.empty) = (false, false);
    normal.secrets.sort();
    normal.configs.sort();
    // A task must satisfy all of them, whatever their order.
    normal.constraints.sort();
    normal.constraints.dedup();
    for attachment in normal.networks.values_mut() {
        attachment.aliases.sort();
        attachment.aliases.dedup();
    }
    normal
}

/// The network as the engine would report it, for the properties given in `written`: without given subnets the engine
/// takes some from its pool.
pub(super) fn network(network: &OwnNetwork, written: &OwnNetwork) -> OwnNetwork {
    let mut normal = network.clone();
    fill(&mut normal.driver, "overlay");
    normal.driver_opts.retain(|key, _| key != "com.docker.network.driver.overlay.vxlanid_list");
    normal.ipam_driver.take_if(|driver| driver.is_empty());
    normal.ipam_driver.get_or_insert_with(|| "default".into());
    if written.subnets.is_empty() {
        normal.subnets.clear();
    }
    // Without a given gateway or range the engine reports its own choice.
    normal.gateways.retain(|subnet, _| written.gateways.contains_key(subnet));
    normal.ip_ranges.retain(|subnet, _| written.ip_ranges.contains_key(subnet));
    normal.subnets.sort();
    normal
}

/// The mode. Jobs have no update settings, and the engine fills none in; here both sides get the same.
fn mode(mode: Mode) -> Mode {
    match mode {
        Mode::Replicated(replicas) => Mode::Replicated(Some(replicas.unwrap_or(1))),
        Mode::ReplicatedJob(total) => Mode::ReplicatedJob(Some(total.unwrap_or(1))),
        Mode::Global | Mode::GlobalJob => mode,
    }
}

fn healthcheck(check: &Healthcheck) -> Healthcheck {
    let given = |nanos: Option<Nanos>| nanos.filter(|nanos| nanos.0 != 0);
    Healthcheck {
        test: check.test.clone(),
        interval: given(check.interval),
        timeout: given(check.timeout),
        start_period: given(check.start_period),
        start_interval: given(check.start_interval),
        retries: check.retries.filter(|retries| *retries != 0),
    }
}

fn restart_policy(policy: Option<&RestartPolicy>) -> RestartPolicy {
    let mut normal = policy.cloned().unwrap_or_default();
    fill(&mut normal.condition, "any");
    normal.delay.get_or_insert(Nanos::seconds(5));
    normal.max_attempts.get_or_insert(0);
    normal.window.get_or_insert(Nanos(0));
    normal
}

fn update_config(config: Option<&UpdateConfig>) -> UpdateConfig {
    let mut normal = config.cloned().unwrap_or(UpdateConfig { parallelism: 1, ..UpdateConfig::default() });
    normal.delay.get_or_insert(Nanos(0));
    fill(&mut normal.failure_action, "pause");
    // The engine reads 0 as "not said".
    normal.monitor = Some(normal.monitor.filter(|monitor| monitor.0 != 0).unwrap_or(Nanos::seconds(5)));
    fill(&mut normal.order, "stop-first");
    normal
}

fn fill(field: &mut String, default: &str) {
    if field.is_empty() {
        default.clone_into(field);
    }
}
