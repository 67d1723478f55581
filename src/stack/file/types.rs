//! What a stack file can say. Fields bear the names of their keys; what was decoded keeps its place.

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
    /// Where it stands.
    pub span: Span,
    /// What it is.
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
    /// Where it stands.
    pub span: Span,
    /// The key.
    pub key: String,
    /// What to write instead.
    pub instead: &'static str,
}

/// A service as written.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Service {
    /// Where its name stands.
    pub span: Span,
    /// `image`.
    pub image: Option<Spanned<String>>,
    /// `build`, with `x-skep.test`.
    pub build: Option<Build>,
    /// `command`, split into words.
    pub command: Option<Spanned<Vec<String>>>,
    /// `entrypoint`, split into words.
    pub entrypoint: Option<Spanned<Vec<String>>>,
    /// `environment`; a variable without a value is taken away from the image.
    pub environment: BTreeMap<String, Spanned<Option<String>>>,
    /// `env_file`, in order.
    pub env_file: Vec<EnvFile>,
    /// `networks`, in the order of the file.
    pub networks: Vec<NetworkReference>,
    /// `ports`, each range spread out.
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
    /// `restart`, which Docker uses where `deploy.restart_policy` is not given.
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
    /// Where the section stands.
    pub span: Span,
    /// The folder that is sent to the builder.
    pub context: Spanned<RepoPath>,
    /// The recipe, resolved against the context.
    pub dockerfile: Spanned<RepoPath>,
    /// Its arguments; one without a value is taken from the variables.
    pub args: BTreeMap<String, String>,
    /// The stage that is built; the last if absent.
    pub target: Option<Spanned<String>>,
    /// `x-skep.test`: a command that must succeed in the built image before it is pushed; empty if there is none.
    pub test: Vec<String>,
}

/// A file of variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvFile {
    /// Where it is.
    pub path: Spanned<RepoPath>,
    /// Whether it must be there.
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

/// Something mounted into a container.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mount {
    /// `volume`, `bind`, `tmpfs`, `npipe`, `image` or `cluster`.
    pub kind: String,
    /// A key of `volumes`, or a path; empty for an anonymous volume or a tmpfs.
    pub source: String,
    /// Where the container sees it.
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
    /// Whether there are options of its kind at all, even if they say nothing.
    pub options: bool,
    /// `tmpfs.size` in bytes.
    pub tmpfs_size: i64,
    /// `tmpfs.mode`; 0 is the engine's default.
    pub tmpfs_mode: u32,
}

/// Another service, which this one waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// Which.
    pub service: Spanned<ServiceName>,
    /// `condition`: what it waits for; health if nothing is said.
    pub condition: Condition,
    /// `required`: whether it must be there.
    pub required: bool,
}

/// A service under another name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Which.
    pub service: Spanned<ServiceName>,
    /// The name by which this service finds it, if it is another one.
    pub alias: Option<String>,
}

/// A service that is left out, because none of its profiles is asked for.
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
    /// Where the section stands; empty if there is none.
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

/// `x-skep.http`: the address under which people reach a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http {
    /// The host name.
    pub host: Spanned<String>,
    /// Only this path and what is below it.
    pub path: Option<Spanned<String>>,
    /// The port that it listens on; the only one it names if absent.
    pub port: Option<Spanned<u16>>,
    /// Whether a visitor keeps the task they first met.
    pub sticky: bool,
    /// Traefik's middlewares to go through, such as `auth@file`.
    pub middlewares: Vec<Spanned<String>>,
    /// Traefik's entrypoint, if not the usual one.
    pub entrypoint: Option<Spanned<String>>,
}

/// A network at the top of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Network {
    /// Where its key stands.
    pub span: Span,
    /// Whether it must be there already.
    pub external: bool,
    /// Its full name, if it is not `<stack>_<key>`.
    pub name: Option<Spanned<String>>,
    /// What it is made of.
    pub options: OwnNetwork,
}

/// A volume at the top of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Volume {
    /// Where its key stands.
    pub span: Span,
    /// Whether it must be there already.
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
    /// Where its key stands.
    pub span: Span,
    /// Its full name, if it is not made from stack, key and content.
    pub name: Option<Spanned<String>>,
    /// `labels`.
    pub labels: BTreeMap<String, String>,
    /// `template_driver`.
    pub template_driver: Option<String>,
    /// `x-skep.key` of a secret: the keys that lead to the one value of an encrypted file that it holds.
    pub key: Option<Spanned<Vec<String>>>,
    /// Where what it holds comes from.
    pub origin: Origin,
}

/// Where what a config or secret holds comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// It must be in the swarm already.
    External,
    /// A file of the repository.
    File(Spanned<RepoPath>),
    /// It stands in the stack file.
    Content(Spanned<String>),
    /// A driver has it: only secrets.
    Driver(SecretDriver),
}

impl Source {
    /// The file that it comes from.
    pub fn file(&self) -> Option<&Spanned<RepoPath>> {
        if let Origin::File(path) = &self.origin { Some(path) } else { None }
    }
}

/// A file or folder of the repository that a stack file refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Which.
    pub path: RepoPath,
    /// Where the stack file says so.
    pub span: Span,
    /// What it is to it.
    pub what: ReferenceKind,
}

impl Reference {
    pub(super) fn to(path: &Spanned<RepoPath>, what: ReferenceKind) -> Self {
        Self { path: path.value.clone(), span: path.span.clone(), what }
    }
}

/// What a file or folder is to a stack file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReferenceKind {
    /// A file of variables.
    EnvFile,
    /// A file of variables that need not be there.
    OptionalEnvFile,
    /// The content of a config.
    Config,
    /// The content of a secret.
    Secret,
    /// The recipe of an image.
    Dockerfile,
    /// The folder that an image is built from.
    Context,
}
