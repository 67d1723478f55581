//! What a stack should be, with nothing left to decide.
//!
//! A [`Stack`] is the outcome of rendering: the body of every service, network, config and secret, in the terms of
//! the stack file, under the full names that the swarm knows. It is what a release stores, what a plan compares with
//! what is there, and what a rollback brings back. [`yaml`] and [`file`](mod@file) hold the file as it was written.
//!
//! A field that the author left out stays `None` or empty here, as it does in the body that Docker is sent; what the
//! engine fills in is compared away in [`crate::plan`].

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

/// The label by which Docker and skep know what belongs to a stack.
pub const NAMESPACE_LABEL: &str = "com.docker.stack.namespace";
/// The label in which `docker stack deploy` keeps the image as the file has it.
pub const IMAGE_LABEL: &str = "com.docker.stack.image";

/// What the names of images begin with that skep builds and pushes nowhere. No such registry exists.
pub const LOCAL_IMAGES: &str = "skep.local";

/// What the names and labels of skep's own records begin with, which no stack file may use.
pub const RESERVED: &str = "skep.";

/// Whether a name in the swarm, or a label, is reserved for skep's own records. Swarm takes names that differ only in
/// case for the same.
pub fn is_reserved(name: &str) -> bool {
    name.get(..RESERVED.len()).is_some_and(|start| start.eq_ignore_ascii_case(RESERVED))
}

/// Networks that every engine has, under the names by which a stack may use them, and where a service has no names of
/// its own (docker `container.NetworkMode.IsUserDefined`).
pub const PREDEFINED_NETWORKS: [&str; 4] = ["bridge", "default", "host", "none"];

/// How many problems of one file are told.
pub(crate) const MAX_PROBLEMS: usize = 500;

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
    /// Where people reach it.
    pub fn urls(&self) -> Vec<String> {
        self.services.values().filter_map(|service| service.url.clone()).collect()
    }

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

    /// The first service that joins a network because Traefik reaches it there (`x-skep.http`).
    pub fn behind_traefik(&self, network: &str) -> Option<&ServiceName> {
        let joins = |service: &Service| {
            service.url.is_some() && service.labels.get("traefik.swarm.network").is_some_and(|name| name == network)
        };
        self.services.iter().find(|(_, service)| joins(service)).map(|(name, _)| name)
    }
}

/// What to do where the network is missing that Traefik shares with what it serves.
pub const TRAEFIK_FIRST: &str = "deploy Traefik first: its stack makes the network (`stacks/traefik` of skep); if yours shares \
                                 another one, name it as `traefik.network` in skep's settings";

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

impl Settings {
    /// The longest `deadline`, and the longest `stable`: while a stack rolls out it holds a place that others wait for.
    pub const LONGEST: Nanos = Nanos::seconds(24 * 3600);
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

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
