//! The settings that decide what a stack becomes, as the controller of a swarm has them: kept in the swarm, so that a
//! command on another machine means the same stack.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// What the settings of the controller make of a stack file. No secret and no value of a variable is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shaping {
    /// Where built images are pushed; `None` if they stay on the node that built them.
    pub registry: Option<Place>,
    /// Where named volumes are kept.
    pub data_root: String,
    /// Whether that is on storage that all nodes share.
    pub data_shared: bool,
    /// How Traefik is set up.
    pub traefik: Proxy,
    /// The names of the variables that are set.
    #[serde(default)]
    pub variables: BTreeSet<String>,
}

/// A registry, without who logs in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// What image names begin with.
    pub prefix: String,
    /// Whether it is asked without TLS.
    #[serde(default)]
    pub insecure: bool,
}

/// How Traefik is set up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proxy {
    /// The network that it shares with what it serves.
    pub network: String,
    /// The entry point for HTTPS.
    pub entrypoint: String,
    /// The entry point for HTTP.
    pub insecure_entrypoint: String,
    /// The certificate resolver; empty for none.
    pub resolver: String,
    /// After how many seconds it has seen that a task goes.
    #[serde(default = "refresh_seconds")]
    pub refresh_seconds: u16,
}

/// What it was before it could be said.
fn refresh_seconds() -> u16 {
    2
}
