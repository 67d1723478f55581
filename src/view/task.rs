//! The tasks of a stack.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::health;
use crate::plan::observed::{Observed, Task, TaskState};

/// A task.
#[derive(Debug, Clone, Serialize)]
pub struct TaskView {
    /// Swarm's id of it.
    pub id: String,
    /// The service that it is of.
    pub service: String,
    /// Its place among the replicas; none in a global service.
    pub slot: Option<u64>,
    /// The node's host name, or its id where that is not known.
    pub node: String,
    /// Whether it runs what the service is now.
    pub current: bool,
    /// What Swarm wants of it.
    pub desired: TaskState,
    /// How it is.
    pub state: TaskState,
    /// Since when.
    pub since: Timestamp,
    /// With what its process ended.
    pub exit_code: Option<i64>,
    /// Why it ended badly.
    pub error: Option<String>,
}

impl TaskView {
    /// The tasks of a stack, service by service, and in each newest first; those that ended only if `all` are wanted.
    pub fn of(observed: &Observed, all: bool) -> Vec<Self> {
        let names: BTreeMap<&str, &str> =
            observed.nodes.iter().map(|node| (node.id.as_str(), node.hostname.as_str())).collect();
        let wanted = |task: &&Task| all || !task.state.is_over() || !task.desired.is_over();
        let mut tasks = Vec::new();
        for (name, there) in &observed.services {
            tasks.extend(there.tasks.iter().filter(wanted).map(|task| Self {
                id: task.id.clone(),
                service: name.to_string(),
                slot: (task.slot != 0).then_some(task.slot),
                node: (*names.get(task.node.as_str()).unwrap_or(&task.node.as_str())).to_owned(),
                current: task.current,
                desired: task.desired,
                state: task.state,
                since: task.since,
                exit_code: task.exit_code,
                error: health::trouble(task, &there.service),
            }));
        }
        tasks
    }

    /// What it is called: its service, and its place among the replicas.
    pub fn name(&self) -> String {
        match self.slot {
            Some(slot) => format!("{}.{slot}", self.service),
            None => self.service.clone(),
        }
    }
}
