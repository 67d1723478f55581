//! The controller's settings that shape stacks, kept in the swarm, so that a command on another machine renders the same
//! stack.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// The controller's settings that shape stacks. It contains no secret and no value of a variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shaping {
    /// Where built images are pushed; `None` if they stay on the node that built them.
    pub registry: Option<Place>,
    /// Where named volumes are kept.
    pub data_root: String,
    /// Whether all nodes share that folder.
    pub data_shared: bool,
    /// The setup of Traefik.
    pub traefik: Proxy,
    /// The names of the variables that are set.
    #[serde(default)]
    pub variables: BTreeSet<String>,
}

/// A registry, without a login.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// What image names begin with.
    pub prefix: String,
    /// Whether to connect without TLS.
    #[serde(default)]
    pub insecure: bool,
}

/// The setup of Traefik.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proxy {
    /// The network of Traefik and the services behind it.
    pub network: String,
    /// The entry point for HTTPS.
    pub entrypoint: String,
    /// The entry point for HTTP.
    pub insecure_entrypoint: String,
    /// The certificate resolver; empty for none.
    pub resolver: String,
    /// The seconds after which it notices that a task stops.
    #[serde(default = "refresh_seconds")]
    pub refresh_seconds: u16,
}

/// The value before it could be set.
fn refresh_seconds() -> u16 {
    2
}
