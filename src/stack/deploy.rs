//! How many tasks a service has, what they may use, how they are replaced, and where they are reached.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Nanos, is_default, is_false};

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
