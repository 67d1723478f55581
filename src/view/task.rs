//! The view of tasks.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::health;
use crate::plan::observed::{Observed, Task, TaskState};

/// A task.
#[derive(Debug, Clone, Serialize)]
pub struct TaskView {
    /// Its id.
    pub id: String,
    /// Its service.
    pub service: String,
    /// Its slot among the replicas; `None` in a global service.
    pub slot: Option<u64>,
    /// The node's host name, or its id if unknown.
    pub node: String,
    /// Whether it runs the current spec of the service.
    pub current: bool,
    /// Its desired state.
    pub desired: TaskState,
    /// Its state.
    pub state: TaskState,
    /// Since when.
    pub since: Timestamp,
    /// The exit code of its process.
    pub exit_code: Option<i64>,
    /// Its error.
    pub error: Option<String>,
}

impl TaskView {
    /// The tasks of a stack by service, newest first; ended ones only with `all`.
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

    /// Its name: the service and the slot.
    pub fn name(&self) -> String {
        match self.slot {
            Some(slot) => format!("{}.{slot}", self.service),
            None => self.service.clone(),
        }
    }
}
