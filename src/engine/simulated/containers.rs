//! Containers of running tasks, and commands in them.

use serde_json::{Value, json};

use super::requests::{Filters, Outcome, Refusal, Request, not_found};
use super::tasks::{Task, frame};
use super::{Behaviour, State, shell};
use crate::plan::observed::TaskState;

/// The node of the engine that is talked to: it knows no containers but its own.
const HERE: &str = "node-1";

/// A command that was run in a container.
#[derive(Debug)]
pub(super) struct Execution {
    id: String,
    command: Vec<String>,
}

impl State {
    pub(super) fn containers_request(&mut self, request: &Request, rest: &[&str]) -> Outcome {
        match (request.method.as_str(), rest) {
            ("GET", ["json"]) => {
                let filters = request.filters();
                let mut containers = self.list_containers(&filters);
                if request.query.contains_key("all") {
                    containers.extend(self.list_trials(&filters));
                }
                Ok(containers.into())
            }
            ("GET", [id, "json"]) => self.inspect_container(id),
            ("POST", [id, "exec"]) => self.create_execution(id, request.body()?),
            _ => request.not_allowed(),
        }
    }

    fn list_containers(&self, filters: &Filters) -> Vec<Value> {
        let here = self.tasks.iter().filter(|task| task.node == HERE && task.state == TaskState::Running);
        let labelled = here.map(|task| (task, self.container_labels(task)));
        let listed = labelled.filter(|(_, labels)| filters.labels(labels));
        listed.map(|(task, labels)| json!({ "Id": container_id(task), "Labels": labels, "State": "running" })).collect()
    }

    fn container_labels(&self, task: &Task) -> Value {
        let service = self.services.get(&task.service).map_or("", |service| service.name());
        json!({ "com.docker.swarm.service.name": service, "com.docker.swarm.task.id": task.id })
    }

    fn container(&self, id: &str) -> Result<&Task, Refusal> {
        let mut here = self.tasks.iter().filter(|task| task.node == HERE);
        here.find(|task| container_id(task) == id).ok_or_else(|| Refusal(404, format!("No such container: {id}")))
    }

    /// What is left of a container tells how it ended.
    fn inspect_container(&self, id: &str) -> Outcome {
        let task = self.container(id)?;
        let behaviour = self.services.get(&task.service).map(|service| self.behaviour(service, task));
        let mut state = json!({ "OOMKilled": behaviour == Some(Behaviour::OutOfMemory) });
        if behaviour == Some(Behaviour::Unhealthy) {
            let run = json!({ "ExitCode": 1, "Output": "connection refused\n" });
            state["Health"] = json!({ "Status": "unhealthy", "FailingStreak": 3, "Log": [run] });
        }
        Ok(json!({ "Id": id, "State": state }))
    }

    fn create_execution(&mut self, id: &str, body: &Value) -> Outcome {
        if self.container(id)?.state != TaskState::Running {
            return Err(Refusal(409, format!("Container {id} is not running")));
        }
        let words = body["Cmd"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let execution = Execution { id: String::new(), command: words.map(str::to_owned).collect() };
        let id = self.new_id("exec");
        self.executions.push(Execution { id: id.clone(), ..execution });
        Ok(json!({ "Id": id }))
    }

    /// What a command writes, as soon as it is started.
    pub(super) fn start_execution(&self, id: &str) -> Result<Vec<u8>, Refusal> {
        let (_, output) = self.execution(id)?.outcome();
        Ok(if output.is_empty() { Vec::new() } else { frame(&format!("{output}\n")) })
    }

    pub(super) fn inspect_execution(&self, id: &str) -> Outcome {
        let (code, _) = self.execution(id)?.outcome();
        Ok(json!({ "ID": id, "Running": false, "ExitCode": code }))
    }

    fn execution(&self, id: &str) -> Result<&Execution, Refusal> {
        self.executions.iter().find(|execution| execution.id == id).ok_or_else(|| not_found("exec", id))
    }
}

impl Execution {
    /// The exit code and the output of the command.
    fn outcome(&self) -> (i64, String) {
        if shell::knows(&self.command) {
            let (code, output) = shell::run(&self.command);
            return (code, output.trim_end().to_owned());
        }
        let word = self.command.iter().find(|word| *word != "/bin/busybox").map_or("", String::as_str);
        let why = format!("exec: {word:?}: executable file not found in $PATH: unknown");
        (126, format!("OCI runtime exec failed: exec failed: unable to start container process: {why}"))
    }
}

fn container_id(task: &Task) -> String {
    format!("container-{}", task.id)
}
