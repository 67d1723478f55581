//! The number of a service's tasks, their resources, updates and ports.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Nanos, is_default, is_false};

/// The mode of a service, which determines the number of its tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// This number of tasks, one if absent.
    Replicated(Option<u64>),
    /// One task on every eligible node.
    Global,
    /// A job with this number of tasks, one if absent.
    ReplicatedJob(Option<u64>),
    /// A job with one task on every eligible node.
    GlobalJob,
}

impl Mode {
    /// Whether the modes differ in the number of tasks only, which is all that Swarm can change.
    pub fn is_like(self, other: Self) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&other)
    }

    /// The name of the mode in the file.
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

/// Amounts of a node's resources.
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
    /// Generic resources of nodes, by kind.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub generic: BTreeMap<String, i64>,
    /// Whether empty resources are sent.
    #[serde(skip_serializing_if = "is_false")]
    pub empty: bool,
}

/// When ended tasks are replaced.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RestartPolicy {
    /// `none`, `on-failure` or `any` (the engine's default when empty).
    #[serde(skip_serializing_if = "String::is_empty")]
    pub condition: String,
    /// The delay before a replacement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<Nanos>,
    /// The most replacements.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u64>,
    /// The period in which replacements are counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<Nanos>,
}

/// How an update proceeds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct UpdateConfig {
    /// The number of tasks updated at the same time; all if 0.
    pub parallelism: u64,
    /// The delay between two batches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<Nanos>,
    /// `pause`, `continue` or `rollback`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub failure_action: String,
    /// How long a new task is monitored.
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
    /// The port on the nodes; chosen by the engine if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published: Option<u16>,
    /// The port in the container.
    pub target: u16,
    /// `tcp`, `udp` or `sctp`; the engine's default when empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub protocol: String,
    /// `ingress` or `host`; the engine's default when empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mode: String,
}

impl Port {
    /// Whether Swarm refuses two services with these ports: the same published port, unless both are published on the
    /// task's node only (swarmkit `manager/controlapi/service.go`, `checkPortConflicts`).
    pub fn excludes(&self, other: &Self) -> bool {
        let number = |port: &Self| port.published.filter(|number| *number != 0);
        let protocol = |port: &Self| if port.protocol.is_empty() { "tcp".to_owned() } else { port.protocol.clone() };
        let same = number(self).is_some() && number(self) == number(other) && protocol(self) == protocol(other);
        same && !(self.is_of_the_node() && other.is_of_the_node())
    }

    /// Whether it is published only on the nodes that run a task.
    pub fn is_of_the_node(&self) -> bool {
        self.mode == "host"
    }
}
