//! Services, and what the engine makes of their bodies.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::names::{check_part_of_dns, invalid};
use super::requests::{Filters, Outcome, Refusal, Request, joined, name_taken, not_found, out_of_sequence};
use super::tasks::Task;
use super::{Meta, State};
use crate::plan::observed::TaskState;

/// A service.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) meta: Meta,
    pub(super) spec: Value,
    pub(super) previous: Option<Value>,
    pub(super) update: Option<Update>,
}

/// How far an update has got.
#[derive(Debug)]
pub(super) struct Update {
    pub(super) state: &'static str,
    pub(super) message: String,
    pub(super) started: Timestamp,
    pub(super) completed: Option<Timestamp>,
}

impl State {
    pub(super) fn services_request(&mut self, request: &Request, rest: &[&str]) -> Outcome {
        match (request.method.as_str(), rest) {
            ("GET", []) => Ok(self.list_services(&request.filters())),
            ("POST", ["create"]) => self.create_service(request.body()?),
            ("GET", [id]) => self.service_id(id).map(|id| self.services[&id].json()),
            ("POST", [id, "update"]) => self.update_service(id, request),
            ("DELETE", [id]) => self.delete_service(id),
            _ => request.not_allowed(),
        }
    }

    fn service_id(&self, id_or_name: &str) -> Result<String, Refusal> {
        let mut services = self.services.values();
        let found = services.find(|service| service.id() == id_or_name || service.name() == id_or_name);
        found.map(|service| service.id().to_owned()).ok_or_else(|| not_found("service", id_or_name))
    }

    fn list_services(&self, filters: &Filters) -> Value {
        let fits = |service: &&Service| filters.object(service.id(), &service.spec);
        self.services.values().filter(fits).map(Service::json).collect()
    }

    fn create_service(&mut self, body: &Value) -> Outcome {
        let name = body["Name"].as_str().unwrap_or_default();
        check_part_of_dns(name)?;
        if self.service_id(name).is_ok() {
            return Err(name_taken("service", name));
        }
        let spec = self.accepted(body)?;
        self.check_ports(&spec, "")?;
        let meta = self.new_meta("service");
        let id = meta.id.clone();
        self.services.insert(id.clone(), Service { meta, spec, previous: None, update: None });
        self.orchestrate();
        Ok(json!({ "ID": id }))
    }

    /// Only one that replaces tasks has a status (swarmkit `manager/orchestrator/update/updater.go`, `Run`).
    fn update_service(&mut self, id: &str, request: &Request) -> Outcome {
        let (id, version) = (self.service_id(id)?, request.version()?);
        if self.services[&id].meta.version != version {
            return Err(out_of_sequence());
        }
        let spec = self.accepted(request.body()?)?;
        self.check_ports(&spec, &id)?;
        if kind_of_mode(&spec) != kind_of_mode(&self.services[&id].spec) {
            let words = "service mode change is not allowed";
            return Err(Refusal(501, format!("rpc error: code = Unimplemented desc = {words}")));
        }
        let (index, now) = (self.next_index(), self.now);
        let service = self.services.get_mut(&id).expect("it was found above");
        service.previous = Some(std::mem::replace(&mut service.spec, spec));
        (service.meta.version, service.meta.updated, service.update) = (index, now, None);
        if self.tasks.iter().any(|task| task.service == id && task.is_live() && !self.services[&id].is_run_by(task)) {
            self.set_update(&id, "updating", "update in progress");
        }
        self.orchestrate();
        Ok(json!({ "Warnings": null }))
    }

    fn delete_service(&mut self, id: &str) -> Outcome {
        let id = self.service_id(id)?;
        self.services.remove(&id);
        let now = self.now;
        self.tasks.retain(|task| task.service != id || task.state == TaskState::Running);
        for task in self.tasks.iter_mut().filter(|task| task.service == id) {
            (task.desired, task.since) = (TaskState::Remove, now);
        }
        Ok(Value::Null)
    }

    /// Notes how far an update has got; like any write, that moves the version index.
    pub(super) fn set_update(&mut self, id: &str, state: &'static str, message: &str) {
        let (index, now) = (self.next_index(), self.now);
        let Some(service) = self.services.get_mut(id) else { return };
        let started = service.update.as_ref().map_or(now, |update| update.started);
        let completed = state.ends_with("completed").then_some(now);
        service.update = Some(Update { state, message: message.to_owned(), started, completed });
        (service.meta.version, service.meta.updated) = (index, now);
    }

    /// The body as the engine keeps it: ids in place of network names, and defaults where it fills them in.
    fn accepted(&self, body: &Value) -> Result<Value, Refusal> {
        let mut spec = body.clone();
        check_mounts(&spec)?;
        self.check_files(&spec, "config", "Configs", "ConfigID")?;
        self.check_files(&spec, "secret", "Secrets", "SecretID")?;
        for network in items(&mut spec["TaskTemplate"]["Networks"]) {
            network["Target"] = self.network_id(network["Target"].as_str().unwrap_or_default())?.into();
        }
        fill_in_defaults(&mut spec);
        Ok(spec)
    }

    /// A port that another service publishes in the whole swarm, or wants to (swarmkit
    /// `manager/controlapi/service.go`, `checkPortConflicts`).
    fn check_ports(&self, spec: &Value, id: &str) -> Result<(), Refusal> {
        let ports = |spec: &Value| spec["EndpointSpec"]["Ports"].as_array().cloned().unwrap_or_default();
        let number = |port: &Value| (port["PublishedPort"].as_u64().filter(|it| *it != 0), port["Protocol"].clone());
        let is_host = |port: &Value| port["PublishMode"] == "host";
        for port in ports(spec).iter().filter(|port| number(port).0.is_some()) {
            let takes = |other: &Value| number(other) == number(port) && !(is_host(other) && is_host(port));
            let others = self.services.values().filter(|service| service.id() != id);
            if let Some(other) = others.into_iter().find(|service| ports(&service.spec).iter().any(takes)) {
                let words = format!("port '{}' is already in use by service '{}'", port["PublishedPort"], other.name());
                return Err(Refusal(400, format!("rpc error: code = InvalidArgument desc = {words}")));
            }
        }
        Ok(())
    }

    fn check_files(&self, spec: &Value, kind: &str, field: &str, id_field: &str) -> Result<(), Refusal> {
        let files = if kind == "config" { &self.configs } else { &self.secrets };
        let references = spec["TaskTemplate"]["ContainerSpec"][field].as_array();
        let mut ids = references.into_iter().flatten().filter_map(|reference| reference[id_field].as_str());
        match ids.find(|id| !files.contains_key(*id)) {
            None => Ok(()),
            Some(id) => Err(Refusal(400, format!("rpc error: code = InvalidArgument desc = {kind} not found: {id}"))),
        }
    }
}

impl Service {
    pub(super) fn id(&self) -> &str {
        &self.meta.id
    }

    pub(super) fn name(&self) -> &str {
        self.spec["Name"].as_str().unwrap_or_default()
    }

    /// Whether a task runs what the service is now (swarmkit `manager/orchestrator/task.go`, `IsTaskDirty`, negated).
    pub(super) fn is_run_by(&self, task: &Task) -> bool {
        without_placement(&task.spec) == without_placement(&self.spec["TaskTemplate"])
            && task.endpoint == self.spec["EndpointSpec"]
    }

    pub(super) fn is_job(&self) -> bool {
        kind_of_mode(&self.spec).ends_with("Job")
    }

    pub(super) fn uses_network(&self, id: &str) -> bool {
        self.spec["TaskTemplate"]["Networks"].as_array().into_iter().flatten().any(|network| network["Target"] == id)
    }

    pub(super) fn uses_file(&self, kind: &str, id: &str) -> bool {
        let (field, id_field) = if kind == "config" { ("Configs", "ConfigID") } else { ("Secrets", "SecretID") };
        let references = self.spec["TaskTemplate"]["ContainerSpec"][field].as_array();
        references.into_iter().flatten().any(|reference| reference[id_field] == id)
    }

    fn json(&self) -> Value {
        let mut service =
            joined(self.meta.json(), json!({ "Spec": self.spec, "Endpoint": { "Spec": self.spec["EndpointSpec"] } }));
        if let Some(previous) = &self.previous {
            service["PreviousSpec"] = previous.clone();
        }
        if let Some(update) = &self.update {
            service["UpdateStatus"] = update.json();
        }
        service
    }
}

impl Update {
    fn json(&self) -> Value {
        let mut status = json!({ "State": self.state, "StartedAt": self.started.to_string(), "Message": self.message });
        if let Some(completed) = self.completed {
            status["CompletedAt"] = completed.to_string().into();
        }
        status
    }
}

fn check_mounts(spec: &Value) -> Result<(), Refusal> {
    let mounts = spec["TaskTemplate"]["ContainerSpec"]["Mounts"].as_array();
    let mut targets = BTreeSet::new();
    match mounts.into_iter().flatten().find(|mount| !targets.insert(mount["Target"].as_str())) {
        None => Ok(()),
        Some(twice) => Err(invalid(&format!("ContainerSpec: duplicate mount point: {}", twice["Target"]))),
    }
}

fn kind_of_mode(spec: &Value) -> &str {
    spec["Mode"].as_object().and_then(|mode| mode.keys().next()).map_or("Replicated", String::as_str)
}

fn without_placement(task_template: &Value) -> Value {
    let mut template = task_template.clone();
    if let Some(fields) = template.as_object_mut() {
        fields.remove("Placement");
    }
    template
}

fn fill_in_defaults(spec: &mut Value) {
    let default = |place: &mut Value, value: Value| {
        if place.is_null() || *place == "" {
            *place = value;
        }
    };
    default(&mut spec["TaskTemplate"]["Runtime"], "container".into());
    default(&mut spec["TaskTemplate"]["ContainerSpec"]["Isolation"], "default".into());
    default(&mut spec["EndpointSpec"]["Mode"], "vip".into());
    for port in items(&mut spec["EndpointSpec"]["Ports"]) {
        default(&mut port["Protocol"], "tcp".into());
        default(&mut port["PublishMode"], "ingress".into());
    }
    if let Some(replicated) = spec["Mode"].get_mut("Replicated") {
        default(&mut replicated["Replicas"], 1.into());
    }
    if let Some(job) = spec["Mode"].get_mut("ReplicatedJob") {
        default(&mut job["MaxConcurrent"], 1.into());
        default(&mut job["TotalCompletions"], 1.into());
    }
    if let Some(policy) = spec["TaskTemplate"].get_mut("RestartPolicy").filter(|policy| policy.is_object()) {
        default(&mut policy["Condition"], "any".into());
        default(&mut policy["MaxAttempts"], 0.into());
    }
    for update in ["UpdateConfig", "RollbackConfig"] {
        if let Some(update) = spec.get_mut(update).filter(|update| update.is_object()) {
            default(&mut update["FailureAction"], "pause".into());
            default(&mut update["Order"], "stop-first".into());
        }
    }
}

fn items(value: &mut Value) -> impl Iterator<Item = &mut Value> {
    value.as_array_mut().into_iter().flatten()
}
