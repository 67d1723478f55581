//! A service of a stack.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::check::Check;
use super::{
    Attachment, CredentialSpec, FileReference, Healthcheck, Logging, Mode, Mount, Nanos, Port, Privileges, Resources,
    RestartPolicy, UpdateConfig, is_default, is_false,
};
use crate::name::ServiceName;

/// A service. The fields bear the names that they have in the file, so that a plan can speak in its terms.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the file")]
pub struct Service {
    /// The image to run: `name:tag@digest`, or `name:tag` without a registry.
    pub image: String,
    /// The image as the file has it, for Docker's label; the built one's name for a service with `build`.
    pub image_as_written: String,
    /// Replaces the image's entrypoint when not empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entrypoint: Vec<String>,
    /// Replaces the image's command when not empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Variables; one without a value is unset in the container.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, Option<String>>,
    /// The folder that the command starts in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<String>,
    /// Its Windows credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential_spec: Option<CredentialSpec>,
    /// The user that the command runs as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Further groups that the command runs with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub group_add: Vec<String>,
    /// The privileges of its processes besides capabilities.
    #[serde(skip_serializing_if = "is_default")]
    pub security_opt: Privileges,
    /// How readily it is killed when memory runs out, -1000 to 1000 (engines from API 1.46).
    #[serde(skip_serializing_if = "is_default")]
    pub oom_score_adj: i64,
    /// The container's host name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// Whether it gets a terminal.
    #[serde(skip_serializing_if = "is_false")]
    pub tty: bool,
    /// Whether standard input stays open.
    #[serde(skip_serializing_if = "is_false")]
    pub stdin_open: bool,
    /// Whether the container's own files are read-only.
    #[serde(skip_serializing_if = "is_false")]
    pub read_only: bool,
    /// Whether an init process is PID 1; the engine's default if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init: Option<bool>,
    /// The isolation technology (Windows).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub isolation: Option<String>,
    /// The signal that stops it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_signal: Option<String>,
    /// How long it may take to stop before it is killed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_grace_period: Option<Nanos>,
    /// How the engine checks its health; the image's own if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<Healthcheck>,
    /// Labels of the service (`deploy.labels`), without Docker's own.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Labels of its containers (`labels`), without Docker's own.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub container_labels: BTreeMap<String, String>,
    /// Volumes, binds and tmpfs mounts, by target.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<Mount>,
    /// Configs it can read, ordered by source and target.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub configs: Vec<FileReference>,
    /// Secrets it can read, ordered by source and target.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<FileReference>,
    /// Networks it joins, by full name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub networks: BTreeMap<String, Attachment>,
    /// Lines for `/etc/hosts`, as Docker wants them: `IP host`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extra_hosts: Vec<String>,
    /// Name servers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dns: Vec<String>,
    /// Domains that names are searched in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dns_search: Vec<String>,
    /// Options of the resolver, such as `ndots:1`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dns_opt: Vec<String>,
    /// Capabilities added, as `CAP_…`, ordered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cap_add: Vec<String>,
    /// Capabilities dropped, as `CAP_…`, ordered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cap_drop: Vec<String>,
    /// Kernel parameters.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub sysctls: BTreeMap<String, String>,
    /// Resource limits of the process, by name: soft and hard.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub ulimits: BTreeMap<String, (i64, i64)>,
    /// The log driver; the engine's default if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logging: Option<Logging>,
    /// The mode, which determines the number of tasks.
    pub mode: Mode,
    /// The limits of its resources.
    #[serde(skip_serializing_if = "is_default")]
    pub limits: Resources,
    /// The reserved resources.
    #[serde(skip_serializing_if = "is_default")]
    pub reservations: Resources,
    /// When ended tasks are replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart_policy: Option<RestartPolicy>,
    /// How an update proceeds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update_config: Option<UpdateConfig>,
    /// How Swarm's own rollback proceeds; skep does not use it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback_config: Option<UpdateConfig>,
    /// Constraints on its nodes, such as `node.role == worker`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub constraints: Vec<String>,
    /// Labels that its tasks are spread over.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub preferences: Vec<String>,
    /// The most tasks on one node; 0 for no limit.
    #[serde(skip_serializing_if = "is_default")]
    pub max_replicas_per_node: u64,
    /// Ports it publishes, ordered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<Port>,
    /// `vip` or `dnsrr`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint_mode: Option<String>,
    /// The conditions of other services for changing this one. Not known to Swarm.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "conditions")]
    pub depends_on: BTreeMap<ServiceName, Condition>,
    /// The public address from `x-skep.http`. Not known to Swarm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The checks before a release counts as healthy (`x-skep.check`). Not known to Swarm.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
    /// Whether an autoscaler or the like sets the number of replicas once it exists: `x-skep.replicas`.
    #[serde(skip_serializing_if = "is_false")]
    pub scaled_elsewhere: bool,
    /// Whether it may be removed and created again for changes that Swarm cannot make: `x-skep.recreate`.
    #[serde(skip_serializing_if = "is_false")]
    pub may_be_recreated: bool,
}

impl Service {
    /// The full names of the configs that it needs: the mounted ones, and that of its credential spec.
    pub fn config_names(&self) -> impl Iterator<Item = &str> {
        let credentials = self.credential_spec.iter().map(|spec| spec.config.as_str()).filter(|name| !name.is_empty());
        self.configs.iter().map(|file| file.source.as_str()).chain(credentials)
    }
}

/// The condition of a service for changing the services that depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Its tasks have been started; their health checks need not have passed.
    Started,
    /// Its tasks run, which Swarm reports only after their health checks have passed.
    #[default]
    Healthy,
    /// Its tasks have succeeded.
    Completed,
}

/// Records of earlier versions have a list of services here, all of which had to be healthy.
fn conditions<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<ServiceName, Condition>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Names(BTreeSet<ServiceName>),
        Conditions(BTreeMap<ServiceName, Condition>),
    }
    Ok(match Written::deserialize(deserializer)? {
        Written::Names(names) => names.into_iter().map(|name| (name, Condition::Healthy)).collect(),
        Written::Conditions(conditions) => conditions,
    })
}
