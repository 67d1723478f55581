//! The contents of a stack file. Fields have the names of their keys; decoded values keep their places.

use std::collections::BTreeMap;
use std::ops::Deref;

use crate::diagnostic::Span;
use crate::name::{RepoPath, ServiceName};
use crate::stack::check::Check;
use crate::stack::{
    Condition, CredentialSpec, FileReference, Healthcheck, Logging, Mode, Nanos, OwnNetwork, Port, Privileges,
    Resources, RestartPolicy, SecretDriver, UpdateConfig,
};

/// A value and its place in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned<T> {
    /// Its place.
    pub span: Span,
    /// The value.
    pub value: T,
}

impl<T> Deref for Spanned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// A key that Docker ignores in a swarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// Its place.
    pub span: Span,
    /// The key.
    pub key: String,
    /// The alternative.
    pub instead: &'static str,
}

/// A service as written.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Service {
    /// The place of its name.
    pub span: Span,
    /// `image`.
    pub image: Option<Spanned<String>>,
    /// `build`, with `x-skep.test`.
    pub build: Option<Build>,
    /// `command`, split into words.
    pub command: Option<Spanned<Vec<String>>>,
    /// `entrypoint`, split into words.
    pub entrypoint: Option<Spanned<Vec<String>>>,
    /// `environment`; a variable without a value is unset in the container.
    pub environment: BTreeMap<String, Spanned<Option<String>>>,
    /// `env_file`, in order.
    pub env_file: Vec<EnvFile>,
    /// `networks`, in the order of the file.
    pub networks: Vec<NetworkReference>,
    /// `ports`, with ranges expanded.
    pub ports: Vec<Spanned<Port>>,
    /// `expose`: the ports that it listens on.
    pub expose: Vec<Spanned<u16>>,
    /// `volumes`.
    pub volumes: Vec<Spanned<Mount>>,
    /// `tmpfs`: folders in memory, which Docker ignores in a swarm without saying so.
    pub tmpfs: Vec<Spanned<Mount>>,
    /// `shm_size`: the size of `/dev/shm` in bytes, which Docker ignores in a swarm.
    pub shm_size: Option<Spanned<i64>>,
    /// `configs`; the source is a key of the file.
    pub configs: Vec<Spanned<FileReference>>,
    /// `secrets`; the source is a key of the file.
    pub secrets: Vec<Spanned<FileReference>>,
    /// `healthcheck`.
    pub healthcheck: Option<Spanned<Healthcheck>>,
    /// `labels`: those of the containers.
    pub labels: BTreeMap<String, Spanned<String>>,
    /// `depends_on`.
    pub depends_on: Vec<Dependency>,
    /// `deploy`.
    pub deploy: Deploy,
    /// `restart`, which applies if `deploy.restart_policy` is not given.
    pub restart: Option<Spanned<Restart>>,
    /// `working_dir`.
    pub working_dir: Option<Spanned<String>>,
    /// `user`.
    pub user: Option<Spanned<String>>,
    /// `group_add`.
    pub group_add: Vec<Spanned<String>>,
    /// `security_opt`.
    pub security_opt: Option<Spanned<Privileges>>,
    /// `oom_score_adj`.
    pub oom_score_adj: Option<Spanned<i64>>,
    /// `credential_spec`; a config is a key of the file.
    pub credential_spec: Option<Spanned<CredentialSpec>>,
    /// `hostname`.
    pub hostname: Option<Spanned<String>>,
    /// `tty`.
    pub tty: Option<Spanned<bool>>,
    /// `stdin_open`.
    pub stdin_open: Option<Spanned<bool>>,
    /// `read_only`.
    pub read_only: Option<Spanned<bool>>,
    /// `init`.
    pub init: Option<Spanned<bool>>,
    /// `isolation`.
    pub isolation: Option<Spanned<String>>,
    /// `stop_signal`.
    pub stop_signal: Option<Spanned<String>>,
    /// `stop_grace_period`.
    pub stop_grace_period: Option<Spanned<Nanos>>,
    /// `extra_hosts`, as `IP host`.
    pub extra_hosts: Vec<Spanned<String>>,
    /// `dns`.
    pub dns: Vec<Spanned<String>>,
    /// `dns_search`.
    pub dns_search: Vec<Spanned<String>>,
    /// `dns_opt`.
    pub dns_opt: Vec<Spanned<String>>,
    /// `network_mode`, if it is `host`.
    pub on_host_network: Option<Span>,
    /// `links`.
    pub links: Vec<Link>,
    /// `cap_add`.
    pub cap_add: Vec<Spanned<String>>,
    /// `cap_drop`.
    pub cap_drop: Vec<Spanned<String>>,
    /// `sysctls`.
    pub sysctls: BTreeMap<String, Spanned<String>>,
    /// `ulimits`: soft and hard.
    pub ulimits: BTreeMap<String, Spanned<(i64, i64)>>,
    /// `logging`.
    pub logging: Option<Spanned<Logging>>,
    /// `x-skep.http`.
    pub http: Option<Http>,
    /// `x-skep.check`.
    pub checks: Vec<Check>,
    /// `x-skep.replicas: external`.
    pub scaled_elsewhere: bool,
    /// `x-skep.recreate: allow`.
    pub may_be_recreated: bool,
}

/// How an image is built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// The place of the section.
    pub span: Span,
    /// The folder that is sent to the builder.
    pub context: Spanned<RepoPath>,
    /// The Dockerfile, resolved against the context.
    pub dockerfile: Spanned<RepoPath>,
    /// The build arguments; one without a value is taken from the variables.
    pub args: BTreeMap<String, String>,
    /// The stage to build; the last one if absent.
    pub target: Option<Spanned<String>>,
    /// `x-skep.test`: a command that must succeed in the built image before it is pushed; empty if there is none.
    pub test: Vec<String>,
}

/// An `env_file`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvFile {
    /// Its path.
    pub path: Spanned<RepoPath>,
    /// Whether it must exist.
    pub required: bool,
}

/// A network that a service joins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkReference {
    /// Its key in the file.
    pub name: Spanned<String>,
    /// Further names of the service there.
    pub aliases: Vec<String>,
    /// Options of the driver.
    pub driver_opts: BTreeMap<String, String>,
}

/// A mount of a service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mount {
    /// `volume`, `bind`, `tmpfs`, `npipe`, `image` or `cluster`.
    pub kind: String,
    /// A key of `volumes`, or a path; empty for an anonymous volume or a tmpfs.
    pub source: String,
    /// The path in the container.
    pub target: String,
    /// Whether the container may not write to it.
    pub read_only: bool,
    /// `consistency`.
    pub consistency: String,
    /// `bind.propagation`.
    pub propagation: String,
    /// `volume.nocopy`.
    pub nocopy: bool,
    /// `volume.subpath`.
    pub subpath: String,
    /// Whether there are options of its type, even empty ones.
    pub options: bool,
    /// `tmpfs.size` in bytes.
    pub tmpfs_size: i64,
    /// `tmpfs.mode`; 0 is the engine's default.
    pub tmpfs_mode: u32,
}

/// A dependency on another service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// Which.
    pub service: Spanned<ServiceName>,
    /// `condition`: the state to wait for, by default health.
    pub condition: Condition,
    /// `required`: whether the service must exist.
    pub required: bool,
}

/// A service under another name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Which.
    pub service: Spanned<ServiceName>,
    /// The alias for this service, if it differs.
    pub alias: Option<String>,
}

/// A service left out because none of its profiles is enabled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Its profiles.
    pub profiles: Vec<String>,
}

/// `restart`, as Docker's `ParseRestartPolicy` reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restart {
    /// `no`, `always`, `unless-stopped` or `on-failure`.
    pub condition: String,
    /// The number after a colon.
    pub max_attempts: Option<u64>,
}

/// `deploy`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Deploy {
    /// The place of the section; empty if there is none.
    pub span: Span,
    /// `mode` and `replicas`.
    pub mode: Spanned<Mode>,
    /// `labels`: those of the service.
    pub labels: BTreeMap<String, Spanned<String>>,
    /// `update_config`.
    pub update_config: Option<Spanned<UpdateConfig>>,
    /// `rollback_config`.
    pub rollback_config: Option<Spanned<UpdateConfig>>,
    /// `restart_policy`.
    pub restart_policy: Option<Spanned<RestartPolicy>>,
    /// `resources.limits`.
    pub limits: Option<Spanned<Resources>>,
    /// `resources.reservations`.
    pub reservations: Option<Spanned<Resources>>,
    /// `placement.constraints`.
    pub constraints: Vec<Spanned<String>>,
    /// `placement.preferences`, each a `spread`.
    pub preferences: Vec<Spanned<String>>,
    /// `placement.max_replicas_per_node`.
    pub max_replicas_per_node: Option<Spanned<u64>>,
    /// `endpoint_mode`.
    pub endpoint_mode: Option<Spanned<String>>,
}

impl<T: Default> Default for Spanned<T> {
    fn default() -> Self {
        Self { span: 0..0, value: T::default() }
    }
}

/// `x-skep.http`: the public address of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http {
    /// The host name.
    pub host: Spanned<String>,
    /// Only this path and the paths below it.
    pub path: Option<Spanned<String>>,
    /// The port that the service listens on; if absent, the only one that it names.
    pub port: Option<Spanned<u16>>,
    /// Whether a visitor keeps being served by the same task.
    pub sticky: bool,
    /// Middlewares of Traefik to apply, such as `auth@file`.
    pub middlewares: Vec<Spanned<String>>,
    /// Traefik's entrypoint, if it differs from the settings.
    pub entrypoint: Option<Spanned<String>>,
}

/// A network at the top of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Network {
    /// The place of its key.
    pub span: Span,
    /// Whether it must already exist.
    pub external: bool,
    /// Its full name, if it is not `<stack>_<key>`.
    pub name: Option<Spanned<String>>,
    /// Its options.
    pub options: OwnNetwork,
}

/// A volume at the top of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Volume {
    /// The place of its key.
    pub span: Span,
    /// Whether it must already exist.
    pub external: bool,
    /// Its full name, if it is not `<stack>_<key>`.
    pub name: Option<Spanned<String>>,
    /// `driver`; the engine's default when empty.
    pub driver: String,
    /// `driver_opts`.
    pub driver_opts: BTreeMap<String, String>,
    /// `labels`.
    pub labels: BTreeMap<String, String>,
}

/// A config or secret at the top of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The place of its key.
    pub span: Span,
    /// Its full name, if it is not derived from stack, key and contents.
    pub name: Option<Spanned<String>>,
    /// `labels`.
    pub labels: BTreeMap<String, String>,
    /// `template_driver`.
    pub template_driver: Option<String>,
    /// `x-skep.key` of a secret: the path of keys to its value in an encrypted file.
    pub key: Option<Spanned<Vec<String>>>,
    /// The source of its contents.
    pub origin: Origin,
}

/// The source of a config's or secret's contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// It must already exist in the swarm.
    External,
    /// A file of the repository.
    File(Spanned<RepoPath>),
    /// The stack file contains it.
    Content(Spanned<String>),
    /// A driver provides it; for secrets only.
    Driver(SecretDriver),
}

impl Source {
    /// The source file, if it is one.
    pub fn file(&self) -> Option<&Spanned<RepoPath>> {
        if let Origin::File(path) = &self.origin { Some(path) } else { None }
    }
}

/// A file or folder of the repository that a stack file refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Which.
    pub path: RepoPath,
    /// The place of the reference in the stack file.
    pub span: Span,
    /// The kind of the reference.
    pub what: ReferenceKind,
}

impl Reference {
    pub(super) fn to(path: &Spanned<RepoPath>, what: ReferenceKind) -> Self {
        Self { path: path.value.clone(), span: path.span.clone(), what }
    }
}

/// The kind of a reference to a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReferenceKind {
    /// An `env_file`.
    EnvFile,
    /// An optional `env_file`.
    OptionalEnvFile,
    /// The content of a config.
    Config,
    /// The content of a secret.
    Secret,
    /// The Dockerfile of an image.
    Dockerfile,
    /// The build context of an image.
    Context,
}
