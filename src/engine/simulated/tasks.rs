//! Tasks, as the API shows them.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::State;
use super::requests::{Filters, Outcome, Refusal, not_found};
use crate::plan::observed::TaskState;
use crate::time;

/// One attempt to run a service.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) id: String,
    /// The id of its service.
    pub(super) service: String,
    pub(super) slot: u64,
    pub(super) node: String,
    /// The service's `TaskTemplate` and `EndpointSpec` when the task was made.
    pub(super) spec: Value,
    pub(super) endpoint: Value,
    /// The labels of the service, which may be gone since.
    pub(super) labels: Value,
    pub(super) created: Timestamp,
    /// When it may be started: at once, or after the delay of a restart.
    pub(super) start: Timestamp,
    pub(super) state: TaskState,
    pub(super) desired: TaskState,
    pub(super) since: Timestamp,
    /// When it stops that was told to, and goes on for a while.
    pub(super) stops: Option<Timestamp>,
    pub(super) message: &'static str,
    pub(super) error: String,
    pub(super) exit_code: Option<i64>,
}

impl State {
    pub(super) fn list_tasks(&self, filters: &Filters) -> Value {
        self.tasks.iter().filter(|task| self.fits(task, filters)).map(Task::json).collect()
    }

    pub(super) fn inspect_task(&self, id: &str) -> Outcome {
        self.task(id).map(Task::json)
    }

    /// The last lines of a task's log, multiplexed as the engine sends them (moby `pkg/stdcopy`).
    pub(super) fn task_log(&self, id: &str, tail: Option<usize>) -> Result<Vec<u8>, Refusal> {
        let name = self.services.get(&self.task(id)?.service).map_or("", |service| service.name());
        let lines = self.logs.get(name).map_or(&[][..], Vec::as_slice);
        let skipped = tail.map_or(0, |tail| lines.len().saturating_sub(tail));
        Ok(lines[skipped..].iter().flat_map(|line| frame(&format!("{line}\n"))).collect())
    }

    /// The last lines of each of a service's tasks, with time and details, one a second from when the task was made.
    pub(super) fn service_log(&self, id: &str, tail: Option<usize>) -> Result<Vec<u8>, Refusal> {
        let service = self.services.get(id).ok_or_else(|| not_found("service", id))?;
        let lines = self.logs.get(service.name()).map_or(&[][..], Vec::as_slice);
        let skipped = tail.map_or(0, |tail| lines.len().saturating_sub(tail));
        let mut log = Vec::new();
        let answers = |task: &&Task| task.service == id && !self.down.contains(&task.node);
        for task in self.tasks.iter().filter(answers) {
            for (nth, line) in (0..).zip(lines).skip(skipped) {
                let at = time::after(task.created, jiff::SignedDuration::from_secs(nth));
                let details = format!("com.docker.swarm.node.id={},com.docker.swarm.task.id={}", task.node, task.id);
                log.extend(frame(&format!("{at} {details} {line}\n")));
            }
        }
        Ok(log)
    }

    fn task(&self, id: &str) -> Result<&Task, Refusal> {
        self.tasks.iter().find(|task| task.id == id).ok_or_else(|| not_found("task", id))
    }

    fn fits(&self, task: &Task, filters: &Filters) -> bool {
        let service = self.services.get(&task.service);
        let desired = state_name(task.desired);
        let is_named = |wanted: &str| service.is_some_and(|service| service.name() == wanted);
        let is_current = || service.is_some_and(|service| service.is_run_by(task));
        filters.labels(service.map_or(&task.labels, |service| &service.spec["Labels"]))
            && filters.any("id", |id| task.id.starts_with(id))
            && filters.any("service", |wanted| task.service == wanted || is_named(wanted))
            && filters.any("node", |node| task.node == node)
            && filters.any("desired-state", |wanted| desired == wanted)
            && filters.any("_up-to-date", |wanted| wanted != "true" || is_current())
    }
}

impl Task {
    /// Whether it is wanted, and not over.
    pub(super) fn is_live(&self) -> bool {
        self.desired <= TaskState::Complete && !self.state.is_over()
    }

    fn json(&self) -> Value {
        let mut status = json!({
            "Timestamp": self.since.to_string(), "State": state_name(self.state), "Message": self.message, "PortStatus": {},
        });
        if !self.state.is_over() && self.state >= TaskState::Starting {
            let ports = self.endpoint["Ports"].as_array().into_iter().flatten();
            let of_the_node: Vec<&Value> = ports.filter(|port| port["PublishMode"] == "host").collect();
            if !of_the_node.is_empty() {
                status["PortStatus"] = json!({ "Ports": of_the_node });
            }
        }
        if !self.error.is_empty() {
            status["Err"] = self.error.clone().into();
        }
        if self.state >= TaskState::Starting && self.state != TaskState::Rejected {
            let id = format!("container-{}", self.id);
            status["ContainerStatus"] = json!({ "ContainerID": id, "PID": 0, "ExitCode": self.exit_code.unwrap_or(0) });
        }
        json!({
            "ID": self.id, "Version": { "Index": 1 }, "CreatedAt": self.created.to_string(),
            "UpdatedAt": self.since.to_string(), "Labels": {}, "Spec": self.spec, "ServiceID": self.service,
            "Slot": self.slot, "NodeID": self.node, "Status": status, "DesiredState": state_name(self.desired),
        })
    }
}

fn state_name(state: TaskState) -> Value {
    serde_json::to_value(state).expect("a state is a word")
}

/// A text as a piece of a multiplexed stream.
pub(super) fn frame(text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes();
    [&[1, 0, 0, 0], &length[..], text.as_bytes()].concat()
}
