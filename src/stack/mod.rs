//! The desired stack, with nothing left to decide.
//!
//! A [`Stack`] is the result of rendering: the body of every service, network, config and secret, in the terms of
//! the stack file, with their full names in the swarm. A release stores it, a plan compares it with
//! the observed state, and a rollback restores it. [`yaml`] and [`file`](mod@file) represent the file as written.
//!
//! A field that the author left out stays `None` or empty here, as in the body sent to Docker; the engine's
//! defaults are normalised away in [`crate::plan`].

pub mod check;
mod container;
mod deploy;
pub mod dotenv;
pub mod file;
pub mod gather;
pub mod holds;
pub mod ignore;
pub mod interpolate;
pub mod listing;
pub mod merge;
mod nanos;
mod objects;
pub mod recipe;
mod service;
pub mod sources;
pub mod spans;
pub mod template;
pub mod variables;
pub mod yaml;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::name::{ServiceName, StackName};

pub use container::{
    Attachment, CredentialSpec, FileReference, Healthcheck, Logging, Mount, Privileges, SelinuxContext, VolumeOptions,
};
pub use deploy::{Mode, Port, Resources, RestartPolicy, UpdateConfig};
pub use nanos::Nanos;
pub use objects::{Config, Network, OwnNetwork, Secret, SecretBytes, SecretDriver};
pub use service::{Condition, Service};

/// The label by which Docker and skep recognise the objects of a stack.
pub const NAMESPACE_LABEL: &str = "com.docker.stack.namespace";
/// The label in which `docker stack deploy` keeps the image as written.
pub const IMAGE_LABEL: &str = "com.docker.stack.image";

/// The prefix of images that skep builds and does not push. No such registry exists.
pub const LOCAL_IMAGES: &str = "skep.local";

/// The prefix of names and labels of skep's own records, which stack files may not use.
pub const RESERVED: &str = "skep.";

/// Whether a name or label is reserved for skep's own records. Swarm treats names that differ only in
/// case as equal.
pub fn is_reserved(name: &str) -> bool {
    name.get(..RESERVED.len()).is_some_and(|start| start.eq_ignore_ascii_case(RESERVED))
}

/// The predefined networks of every engine, on which services have no aliases
/// (docker `container.NetworkMode.IsUserDefined`).
pub const PREDEFINED_NETWORKS: [&str; 4] = ["bridge", "default", "host", "none"];

/// The most problems of one file that are reported.
pub(crate) const MAX_PROBLEMS: usize = 500;

/// A desired stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stack {
    /// Its name, the prefix of the names of its objects.
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
    /// Services by their keys in the file.
    pub services: BTreeMap<ServiceName, Service>,
    /// Folders on the host that must exist before a task starts: the named volumes under the data root.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub folders: BTreeSet<String>,
}

impl Stack {
    /// The public addresses of its services.
    pub fn urls(&self) -> Vec<String> {
        self.services.values().filter_map(|service| service.url.clone()).collect()
    }

    /// An empty stack with this name, the target of rolling back a failed first release.
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

    /// The first service that joins a network for Traefik (`x-skep.http`).
    pub fn behind_traefik(&self, network: &str) -> Option<&ServiceName> {
        let joins = |service: &Service| {
            service.url.is_some() && service.labels.get("traefik.swarm.network").is_some_and(|name| name == network)
        };
        self.services.iter().find(|(_, service)| joins(service)).map(|(name, _)| name)
    }
}

/// The remedy if Traefik's network is missing.
pub const TRAEFIK_FIRST: &str = "deploy Traefik first: its stack makes the network (`stacks/traefik` of skep); if yours shares \
                                 another one, name it as `traefik.network` in skep's settings";

/// How a stack is rolled out and maintained: `x-skep` at the top of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// How long a release may take to become healthy before it is rolled back.
    pub deadline: Nanos,
    /// How long nothing may restart before a release counts as healthy.
    pub stable: Nanos,
    /// The treatment of manual changes.
    pub drift: Drift,
    /// Whether objects that the file no longer has are removed.
    pub prune: bool,
}

impl Settings {
    /// The longest `deadline` and `stable`: a stack that rolls out occupies a slot that others wait for.
    pub const LONGEST: Nanos = Nanos::seconds(24 * 3600);
}

impl Default for Settings {
    fn default() -> Self {
        Self { deadline: Nanos::seconds(600), stable: Nanos::seconds(10), drift: Drift::Warn, prune: true }
    }
}

/// The treatment of manual changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Drift {
    /// Ignore them.
    Off,
    /// Report them in `status`.
    Warn,
    /// Undo them.
    Heal,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
