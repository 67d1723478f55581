//! What a stack should be, with nothing left to decide.
//!
//! A [`Stack`] is the outcome of rendering: the body of every service, network, config and secret, in the terms of
//! the stack file, under the full names that the swarm knows. It is what a release stores, what a plan compares with
//! what is there, and what a rollback brings back. [`yaml`] and [`file`](mod@file) hold the file as it was written.
//!
//! A field that the author left out stays `None` or empty here, as it does in the body that Docker is sent; what the
//! engine fills in is compared away in [`crate::plan`].

pub mod check;
pub mod file;
pub mod gather;
pub mod ignore;
pub mod interpolate;
pub mod merge;
pub mod recipe;
pub mod sources;
pub mod template;
pub mod yaml;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::name::{ServiceName, StackName};
use check::Check;

/// The label by which Docker and skep know what belongs to a stack.
pub const NAMESPACE_LABEL: &str = "com.docker.stack.namespace";
/// The label in which `docker stack deploy` keeps the image as the file has it.
pub const IMAGE_LABEL: &str = "com.docker.stack.image";

/// Networks that every engine has, under the names by which a stack may use them, and where a service has no names of
/// its own (docker `container.NetworkMode.IsUserDefined`).
pub const PREDEFINED_NETWORKS: [&str; 4] = ["bridge", "default", "host", "none"];

/// How many problems of one file are told.
pub(crate) const MAX_PROBLEMS: usize = 500;

/// Something in a stack file that is not understood, or cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where in the file.
    pub span: yaml::Span,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// Everything that a stack should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stack {
    /// Its name, the prefix of all it owns.
    pub name: StackName,
    /// How it is rolled out.
    #[serde(default)]
    pub settings: Settings,
    /// Networks by their full name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub networks: BTreeMap<String, Network>,
    /// Configs by their full, content-addressed name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub configs: BTreeMap<String, Config>,
    /// Secrets by their full, content-addressed name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, Secret>,
    /// Services by the key they have in the file.
    pub services: BTreeMap<ServiceName, Service>,
    /// Folders on the host that must exist before a task starts: the named volumes under the data root.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub folders: BTreeSet<String>,
}

impl Stack {
    /// The stack of this name with nothing in it: where a first release that failed goes back to.
    pub fn empty(name: StackName) -> Self {
        Self {
            name,
            settings: Settings::default(),
            networks: BTreeMap::new(),
            configs: BTreeMap::new(),
            secrets: BTreeMap::new(),
            services: BTreeMap::new(),
            folders: BTreeSet::new(),
        }
    }
}

/// How a stack is rolled out and kept: `x-skep` at the top of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// How long a release may take until it is healthy; then it goes back.
    pub deadline: Nanos,
    /// How long nothing may restart before a release counts as healthy.
    pub stable: Nanos,
    /// What to do about changes made by hand.
    pub drift: Drift,
    /// Whether services that the file no longer has are removed.
    pub prune: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { deadline: Nanos::seconds(600), stable: Nanos::seconds(10), drift: Drift::Warn, prune: true }
    }
}

/// What to do about changes made by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Drift {
    /// Nothing; do not even say so.
    Off,
    /// Say so in `status`.
    Warn,
    /// Change it back.
    Heal,
}

/// A length of time in nanoseconds, as Docker writes them; shown as Go does (`1m30s`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Nanos(pub i64);

impl Nanos {
    /// This many whole seconds.
    pub const fn seconds(seconds: i64) -> Self {
        Self(seconds * 1_000_000_000)
    }
}

impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SECOND: i64 = 1_000_000_000;
        let (hours, minutes) = (self.0 / (3600 * SECOND), self.0 / (60 * SECOND) % 60);
        let rest = self.0 % (60 * SECOND);
        if self.0 != 0 && self.0.abs() < SECOND {
            #[expect(clippy::cast_precision_loss, reason = "less than a second has nine digits")]
            return write!(f, "{}ms", self.0 as f64 / 1e6);
        }
        if hours != 0 {
            write!(f, "{hours}h")?;
        }
        if minutes != 0 {
            write!(f, "{minutes}m")?;
        }
        if rest != 0 || self.0 == 0 {
            #[expect(clippy::cast_precision_loss, reason = "less than a minute has eleven digits")]
            write!(f, "{}s", rest as f64 / 1e9)?;
        }
        Ok(())
    }
}

/// A network of the stack, or one that must be there already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// Somebody else's.
    External,
    /// Created with the stack.
    Own(OwnNetwork),
}

/// The options of a network that the stack creates.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OwnNetwork {
    /// `overlay` when empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub driver: String,
    /// Options of the driver.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub driver_opts: BTreeMap<String, String>,
    /// Whether containers outside of the swarm's services may join.
    #[serde(skip_serializing_if = "is_false")]
    pub attachable: bool,
    /// Whether it has no way out.
    #[serde(skip_serializing_if = "is_false")]
    pub internal: bool,
    /// Labels, without Docker's own.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The driver of its addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipam_driver: Option<String>,
    /// Its subnets, in CIDR form.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subnets: Vec<String>,
    /// The address of the gateway in a subnet, by subnet.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub gateways: BTreeMap<String, String>,
    /// The part of a subnet that addresses are given from, by subnet.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub ip_ranges: BTreeMap<String, String>,
    /// Whether it has IPv6 addresses, too.
    #[serde(skip_serializing_if = "is_false")]
    pub enable_ipv6: bool,
}

/// A config of the stack, or one that must be there already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Config {
    /// Somebody else's.
    External,
    /// Created with the stack.
    Own {
        /// What the file holds.
        #[serde(with = "base64_bytes")]
        content: Vec<u8>,
        /// Labels, without Docker's own.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        labels: BTreeMap<String, String>,
        /// `golang`, if the engine fills in placeholders.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        template_driver: Option<String>,
    },
}

/// A secret of the stack, or one that must be there already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Secret {
    /// Somebody else's.
    External,
    /// Created with the stack.
    Own {
        /// What the file holds. Never serialized: a stack that was read from a record has none, and needs none,
        /// because the secret was created before the record was written.
        #[serde(skip)]
        content: SecretBytes,
        /// Labels, without Docker's own.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        labels: BTreeMap<String, String>,
        /// `golang`, if the engine fills in placeholders.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        template_driver: Option<String>,
        /// Who has the value, if the swarm itself has not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        driver: Option<SecretDriver>,
    },
}

/// A plugin that has the values of secrets.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SecretDriver {
    /// Its name.
    pub name: String,
    /// Its options.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
}

/// The bytes of a secret: no `Display`, a `Debug` that says nothing, and equal to all others, because a secret is told
/// apart by its content-addressed name.
#[derive(Clone, Default)]
pub struct SecretBytes(Option<Arc<secrecy::SecretBox<Vec<u8>>>>);

impl SecretBytes {
    /// Takes the bytes in.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Some(Arc::new(secrecy::SecretBox::new(Box::new(bytes)))))
    }

    /// The bytes, for the one expression that sends them; none if this was read from a record.
    pub fn expose(&self) -> Option<&[u8]> {
        use secrecy::ExposeSecret as _;
        self.0.as_ref().map(|bytes| bytes.expose_secret().as_slice())
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes")
    }
}

impl PartialEq for SecretBytes {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for SecretBytes {}

/// A service. The fields bear the names that they have in the file, so that a plan can speak in its terms.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the file")]
pub struct Service {
    /// What is run: `name:tag@digest`, or `name:tag` where no registry is asked.
    pub image: String,
    /// The image as the file has it, for Docker's label; the built one's name for a service with `build`.
    pub image_as_written: String,
    /// Replaces the image's entrypoint when not empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entrypoint: Vec<String>,
    /// Replaces the image's command when not empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Variables; one without a value is taken away from the image.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, Option<String>>,
    /// The folder that the command starts in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<String>,
    /// Which credentials of Windows it runs with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential_spec: Option<CredentialSpec>,
    /// The user that the command runs as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Further groups that the command runs with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub group_add: Vec<String>,
    /// What its processes may do, beside capabilities.
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
    /// Whether an init process runs first; the engine's default if absent.
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
    /// Where its output goes; the engine's default if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logging: Option<Logging>,
    /// How many tasks, and where.
    pub mode: Mode,
    /// What it may use at most.
    #[serde(skip_serializing_if = "is_default")]
    pub limits: Resources,
    /// What is set aside for it.
    #[serde(skip_serializing_if = "is_default")]
    pub reservations: Resources,
    /// When a task that ended is replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart_policy: Option<RestartPolicy>,
    /// How an update proceeds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update_config: Option<UpdateConfig>,
    /// How Swarm's own rollback proceeds; skep does not use it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback_config: Option<UpdateConfig>,
    /// Which nodes it may run on, such as `node.role == worker`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub constraints: Vec<String>,
    /// Labels that its tasks are spread over.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub preferences: Vec<String>,
    /// How many of its tasks one node may have; 0 is no limit.
    #[serde(skip_serializing_if = "is_default")]
    pub max_replicas_per_node: u64,
    /// Ports it publishes, ordered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<Port>,
    /// `vip` or `dnsrr`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint_mode: Option<String>,
    /// What must be so of other services before this one is changed. Swarm does not know of it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "conditions")]
    pub depends_on: BTreeMap<ServiceName, Condition>,
    /// Where a person reaches it, if `x-skep.http` says so. Swarm does not know of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What must be so before a release counts as healthy (`x-skep.check`). Swarm does not know of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
    /// Whether somebody else, such as an autoscaler, says how many replicas it has once it is there: `x-skep.replicas`.
    #[serde(skip_serializing_if = "is_false")]
    pub scaled_elsewhere: bool,
    /// Whether it may be removed and made anew where Swarm cannot change it: `x-skep.recreate`.
    #[serde(skip_serializing_if = "is_false")]
    pub may_be_recreated: bool,
}

impl Service {
    /// The full names of the configs that it needs: those that are mounted, and the one with its credential spec.
    pub fn config_names(&self) -> impl Iterator<Item = &str> {
        let credentials = self.credential_spec.iter().map(|spec| spec.config.as_str()).filter(|name| !name.is_empty());
        self.configs.iter().map(|file| file.source.as_str()).chain(credentials)
    }
}

/// What must be so of a service before those that depend on it are changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Its tasks have been started; their health checks need not have passed.
    Started,
    /// Its tasks run, which they do only once their health checks have passed.
    #[default]
    Healthy,
    /// Its tasks have run to a good end.
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

/// What the processes of a service may do, beside capabilities (engines from API 1.44, but for `selinux`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Privileges {
    /// Whether they can never get more than they start with.
    #[serde(skip_serializing_if = "is_false")]
    pub no_new_privileges: bool,
    /// `default` or `unconfined`; the engine's default when empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub seccomp: String,
    /// `default` or `disabled`; the engine's default when empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub apparmor: String,
    /// Labels of `SELinux`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selinux: Option<SelinuxContext>,
}

/// Labels of `SELinux`; those that are empty are the engine's.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SelinuxContext {
    /// Whether there are none.
    #[serde(skip_serializing_if = "is_false")]
    pub disable: bool,
    /// The user.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// The role.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub role: String,
    /// The type.
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// The level.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub level: String,
}

/// Which credentials of Windows a service runs with: one of these.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CredentialSpec {
    /// The full name of a config.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub config: String,
    /// A file on the nodes.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub file: String,
    /// A value in the nodes' registry.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub registry: String,
}

/// How the engine checks a container's health.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Healthcheck {
    /// `["NONE"]`, `["CMD", …]` or `["CMD-SHELL", …]`; the image's own when empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub test: Vec<String>,
    /// Between two checks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<Nanos>,
    /// Until a check counts as failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Nanos>,
    /// How long failures do not count after the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_period: Option<Nanos>,
    /// Between two checks during the start period (engines from API 1.44).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_interval: Option<Nanos>,
    /// How many failures in a row make it unhealthy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<u64>,
}

/// Something mounted into the containers of a service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Mount {
    /// Where the container sees it.
    pub target: String,
    /// `volume`, `bind`, `tmpfs`, `npipe`, `image` or `cluster`.
    pub kind: String,
    /// The volume's full name or the folder on the host; empty for an anonymous volume or a tmpfs.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// Whether the container may not write to it.
    #[serde(skip_serializing_if = "is_false")]
    pub read_only: bool,
    /// `consistent`, `cached` or `delegated`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub consistency: String,
    /// How mounts inside of a bind are seen, such as `rslave`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub propagation: String,
    /// Options of a volume that the engine creates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume: Option<VolumeOptions>,
    /// The size of a tmpfs in bytes.
    #[serde(skip_serializing_if = "is_default")]
    pub tmpfs_size: i64,
    /// The mode bits of a tmpfs; the engine's default (1777) if 0.
    #[serde(skip_serializing_if = "is_default")]
    pub tmpfs_mode: u32,
    /// Whether options of a bind or tmpfs are sent although they say nothing.
    #[serde(skip_serializing_if = "is_false")]
    pub empty_options: bool,
}

/// Options of a volume that the engine creates.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct VolumeOptions {
    /// Whether the image's files are not copied into a new volume.
    #[serde(skip_serializing_if = "is_false")]
    pub nocopy: bool,
    /// The folder inside of the volume that is mounted.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub subpath: String,
    /// Labels, without Docker's own.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Whether it carries Docker's own label: so does all but an external volume.
    pub owned: bool,
    /// The driver; the engine's default when empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub driver: String,
    /// Options of the driver.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub driver_opts: BTreeMap<String, String>,
}

/// A config or secret as a file in the containers of a service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FileReference {
    /// The full name of the config or secret.
    pub source: String,
    /// The file's path (for a secret, below `/run/secrets` unless absolute).
    pub target: String,
    /// The file's owner.
    pub uid: String,
    /// The file's group.
    pub gid: String,
    /// The file's mode bits.
    pub mode: u32,
}

/// How a service is attached to a network.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Attachment {
    /// Names by which others find it there; the service's key is among them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Options of the driver.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub driver_opts: BTreeMap<String, String>,
}

/// Where the output of containers goes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Logging {
    /// The driver; the engine's default when empty.
    pub driver: String,
    /// Options of the driver.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
}

/// How many tasks a service has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// This many, one if absent.
    Replicated(Option<u64>),
    /// One on every node that it may run on.
    Global,
    /// This many run to their end, one if absent.
    ReplicatedJob(Option<u64>),
    /// One on every node that it may run on runs to its end.
    GlobalJob,
}

impl Mode {
    /// Whether it is the other with another number at most: all that Swarm can change of a mode.
    pub fn is_like(self, other: Self) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&other)
    }

    /// Its name in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Replicated(_) => "replicated",
            Self::Global => "global",
            Self::ReplicatedJob(_) => "replicated-job",
            Self::GlobalJob => "global-job",
        }
    }
}

impl Default for Mode {
    fn default() -> Self {
        Self::Replicated(None)
    }
}

/// Amounts of what a node has.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Resources {
    /// Billionths of a processor.
    #[serde(skip_serializing_if = "is_default")]
    pub nano_cpus: i64,
    /// Bytes.
    #[serde(skip_serializing_if = "is_default")]
    pub memory: i64,
    /// Processes.
    #[serde(skip_serializing_if = "is_default")]
    pub pids: i64,
    /// Countable things that nodes announce, by kind.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub generic: BTreeMap<String, i64>,
    /// Whether they are sent although there are none.
    #[serde(skip_serializing_if = "is_false")]
    pub empty: bool,
}

/// When a task that ended is replaced.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RestartPolicy {
    /// `none`, `on-failure` or `any` (the engine's default when empty).
    #[serde(skip_serializing_if = "String::is_empty")]
    pub condition: String,
    /// Before it is replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<Nanos>,
    /// How often at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u64>,
    /// How long the attempts are counted over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<Nanos>,
}

/// How an update proceeds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct UpdateConfig {
    /// How many tasks at once; all of them if 0.
    pub parallelism: u64,
    /// Between two batches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<Nanos>,
    /// `pause`, `continue` or `rollback`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub failure_action: String,
    /// How long a new task is watched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monitor: Option<Nanos>,
    /// The share of tasks that may fail, 0 to 1.
    #[serde(skip_serializing_if = "is_default")]
    pub max_failure_ratio: f64,
    /// `stop-first` or `start-first`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub order: String,
}

impl Eq for UpdateConfig {}

impl Port {
    /// Whether Swarm does not let two services have both: the same published port, unless each has it on its own nodes
    /// only (swarmkit `manager/controlapi/service.go`, `checkPortConflicts`).
    pub fn excludes(&self, other: &Self) -> bool {
        let number = |port: &Self| port.published.filter(|number| *number != 0);
        let protocol = |port: &Self| if port.protocol.is_empty() { "tcp".to_owned() } else { port.protocol.clone() };
        let same = number(self).is_some() && number(self) == number(other) && protocol(self) == protocol(other);
        same && !(self.is_of_the_node() && other.is_of_the_node())
    }

    /// Whether it is published on the nodes that run a task, and not on all.
    pub fn is_of_the_node(&self) -> bool {
        self.mode == "host"
    }
}

/// A port that a service publishes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Port {
    /// On the nodes; chosen by the engine if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published: Option<u16>,
    /// In the container.
    pub target: u16,
    /// `tcp`, `udp` or `sctp`; the engine's default when empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub protocol: String,
    /// `ingress` or `host`; the engine's default when empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mode: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

mod base64_bytes {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_reads_as_docker_writes_it() {
        let shown = [0, 500_000_000, 10_000_000_000, 90_000_000_000, 3_600_000_000_000, 1_500_000_000]
            .map(|nanos| Nanos(nanos).to_string());
        assert_eq!(shown, ["0s", "500ms", "10s", "1m30s", "1h", "1.5s"]);
    }
}
