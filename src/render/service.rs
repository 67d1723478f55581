//! Renders a service of the file into a service of the stack.

use std::collections::{BTreeMap, BTreeSet};

use super::Renderer;
use crate::name::ServiceName;
use crate::stack::file::{Restart, Service, Spanned};
use crate::stack::{
    self, Attachment, Condition, CredentialSpec, Mode, PREDEFINED_NETWORKS, RestartPolicy, UpdateConfig,
};

impl Renderer<'_> {
    pub(super) fn service(&mut self, name: &ServiceName, written: &Service) -> stack::Service {
        let (image, image_as_written) = self.image(name, written);
        let (cap_add, cap_drop) = capabilities(&texts(&written.cap_add), &texts(&written.cap_drop));
        let deploy = &written.deploy;
        let mut service = stack::Service {
            image,
            image_as_written,
            entrypoint: value(written.entrypoint.as_ref()).unwrap_or_default(),
            command: value(written.command.as_ref()).unwrap_or_default(),
            environment: self.environment(written),
            working_dir: value(written.working_dir.as_ref()),
            user: value(written.user.as_ref()),
            group_add: texts(&written.group_add),
            security_opt: value(written.security_opt.as_ref()).unwrap_or_default(),
            oom_score_adj: value(written.oom_score_adj.as_ref()).unwrap_or(0),
            credential_spec: self.credential_spec(written),
            hostname: value(written.hostname.as_ref()),
            tty: value(written.tty.as_ref()).unwrap_or(false),
            stdin_open: value(written.stdin_open.as_ref()).unwrap_or(false),
            read_only: value(written.read_only.as_ref()).unwrap_or(false),
            init: value(written.init.as_ref()),
            isolation: value(written.isolation.as_ref()),
            stop_signal: value(written.stop_signal.as_ref()),
            stop_grace_period: value(written.stop_grace_period.as_ref()),
            healthcheck: value(written.healthcheck.as_ref()),
            labels: values(&deploy.labels),
            container_labels: values(&written.labels),
            volumes: self.mounts(written),
            configs: self.configs(&written.configs),
            secrets: self.secrets(&written.secrets),
            networks: self.attachments(name, written),
            extra_hosts: texts(&written.extra_hosts),
            dns: texts(&written.dns),
            dns_search: texts(&written.dns_search),
            dns_opt: texts(&written.dns_opt),
            cap_add,
            cap_drop,
            sysctls: values(&written.sysctls),
            ulimits: written.ulimits.iter().map(|(name, limits)| (name.clone(), limits.value)).collect(),
            logging: value(written.logging.as_ref()),
            mode: deploy.mode.value,
            limits: value(deploy.limits.as_ref()).unwrap_or_default(),
            reservations: value(deploy.reservations.as_ref()).unwrap_or_default(),
            restart_policy: self.restart_policy(name, written),
            update_config: value(deploy.update_config.as_ref()),
            rollback_config: value(deploy.rollback_config.as_ref()),
            constraints: texts(&deploy.constraints),
            preferences: texts(&deploy.preferences),
            max_replicas_per_node: value(deploy.max_replicas_per_node.as_ref()).unwrap_or(0),
            ports: written.ports.iter().map(|port| port.value.clone()).collect(),
            endpoint_mode: value(deploy.endpoint_mode.as_ref()),
            depends_on: self.depends_on(name, written),
            url: None,
            checks: written.checks.clone(),
            scaled_elsewhere: written.scaled_elsewhere,
            may_be_recreated: written.may_be_recreated,
        };
        if self.inputs.as_written {
            service.ports.sort_by_key(|port| port.published);
            leave_out_what_docker_ignores(&mut service);
        } else {
            service.ports.sort();
            leave_failures_to_us(&mut service);
            self.expose(name, written, &mut service);
        }
        service
    }

    /// The networks of a service, `default` if it names none; its key is its last alias.
    fn attachments(&mut self, name: &ServiceName, written: &Service) -> BTreeMap<String, Attachment> {
        let mut attachments: BTreeMap<String, Attachment> = BTreeMap::new();
        if written.on_host_network.is_some() && !self.inputs.as_written {
            return BTreeMap::from([(self.host_network(), Attachment::default())]);
        }
        if written.networks.is_empty() {
            let default = self.network("default", &written.span);
            attachments.extend(default.map(|network| (network, Attachment::default())));
        }
        for joined in &written.networks {
            let Some(network) = self.network(&joined.name, &joined.name.span) else { continue };
            let attachment = attachments.entry(network).or_default();
            attachment.aliases.extend(joined.aliases.iter().cloned());
            attachment.driver_opts.extend(joined.driver_opts.clone());
        }
        for (network, attachment) in &mut attachments {
            if !PREDEFINED_NETWORKS.contains(&network.as_str()) {
                attachment.aliases.push(name.to_string());
            }
        }
        attachments
    }

    fn credential_spec(&mut self, written: &Service) -> Option<CredentialSpec> {
        let Spanned { span, value } = written.credential_spec.as_ref()?;
        if value.config.is_empty() {
            return Some(value.clone());
        }
        let config = self.config_name(&value.config, span)?;
        Some(CredentialSpec { config, ..value.clone() })
    }

    /// The dependencies that exist in the file; rules report the others. Dependencies within a cycle are dropped, since
    /// none of its services could be first.
    fn depends_on(&self, name: &ServiceName, written: &Service) -> BTreeMap<ServiceName, Condition> {
        let conditions = written.depends_on.iter().map(|one| (&one.service.value, one.condition));
        let known = conditions.filter(|(other, _)| self.file.services.contains_key(*other));
        let in_circle = |other| self.circular.contains(name) && self.circular.contains(other);
        known.filter(|(other, _)| !in_circle(*other)).map(|(other, condition)| (other.clone(), condition)).collect()
    }

    /// The restart policy. Docker ignores `restart: no`, and Swarm restarts every task that ends; here the key is
    /// respected, and a service that others wait for until it ends is not restarted either.
    fn restart_policy(&self, name: &ServiceName, written: &Service) -> Option<RestartPolicy> {
        if let Some(policy) = &written.deploy.restart_policy {
            return Some(policy.value.clone());
        }
        let once = match &written.restart {
            Some(restart) => restart.condition == "no" || restart.condition == "false",
            None => self.awaited.contains(name),
        };
        if once && !self.inputs.as_written && !is_job(written.deploy.mode.value) {
            return Some(RestartPolicy { condition: "none".to_owned(), ..RestartPolicy::default() });
        }
        restart_policy(written.restart.as_ref()?)
    }
}

/// Removes properties of Compose that Docker ignores in a swarm.
fn leave_out_what_docker_ignores(service: &mut stack::Service) {
    service.security_opt = stack::Privileges::default();
    service.oom_score_adj = 0;
    service.volumes.iter_mut().for_each(|mount| mount.tmpfs_mode = 0);
}

fn value<T: Clone>(spanned: Option<&Spanned<T>>) -> Option<T> {
    spanned.map(|spanned| spanned.value.clone())
}

fn values(spanned: &BTreeMap<String, Spanned<String>>) -> BTreeMap<String, String> {
    spanned.iter().map(|(name, value)| (name.clone(), value.value.clone())).collect()
}

fn texts(spanned: &[Spanned<String>]) -> Vec<String> {
    spanned.iter().map(|text| text.value.clone()).collect()
}

/// Like Docker's `convertRestartPolicy` of 28.2: `no` leaves the decision to the engine, which always restarts.
fn restart_policy(restart: &Restart) -> Option<RestartPolicy> {
    match restart.condition.as_str() {
        "always" | "unless-stopped" => Some(RestartPolicy { condition: "any".to_owned(), ..RestartPolicy::default() }),
        "on-failure" => Some(RestartPolicy {
            condition: "on-failure".to_owned(),
            max_attempts: Some(restart.max_attempts.unwrap_or(0)),
            ..RestartPolicy::default()
        }),
        _ => None,
    }
}

/// Like Docker's `opts.EffectiveCapabilitiesAddDrop`: added capabilities are not dropped, and `ALL` means all.
fn capabilities(add: &[String], drop: &[String]) -> (Vec<String>, Vec<String>) {
    let (add, drop) = (capability_set(add), capability_set(drop));
    let dropped = drop.difference(&add).cloned().collect();
    (add.into_iter().collect(), dropped)
}

fn capability_set(names: &[String]) -> BTreeSet<String> {
    let full = |name: &String| match name.trim().to_ascii_uppercase() {
        name if name == "ALL" || name == "RESET" || name.starts_with("CAP_") => name,
        name => format!("CAP_{name}"),
    };
    // `RESET` is a keyword of `docker service update`.
    let names: BTreeSet<String> = names.iter().map(full).filter(|name| name != "RESET").collect();
    if names.contains("ALL") { BTreeSet::from(["ALL".to_owned()]) } else { names }
}

/// Makes failed updates pause, so that skep can roll back; jobs have no updates.
fn leave_failures_to_us(service: &mut stack::Service) {
    if is_job(service.mode) {
        return;
    }
    let config = service.update_config.get_or_insert(UpdateConfig { parallelism: 1, ..UpdateConfig::default() });
    if config.failure_action.is_empty() {
        "pause".clone_into(&mut config.failure_action);
    }
}

fn is_job(mode: Mode) -> bool {
    matches!(mode, Mode::ReplicatedJob(_) | Mode::GlobalJob)
}
