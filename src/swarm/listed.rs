//! The lists of the API, limited to the fields in use.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::decode;
use super::spec::{self, Labels};
use crate::engine::RECORD_LABEL;
use crate::name::StackName;
use crate::plan::is_content_addressed;
use crate::plan::observed::{Node, ObservedFile, Task, TaskState};
use crate::stack::holds::Hold;
use crate::stack::{NAMESPACE_LABEL, OwnNetwork, Resources, Service};

/// Where libnetwork keeps what it allocated, among the options that were asked for
/// (`libnetwork/drivers/overlay/ovmanager`).
const ALLOCATED_OPTION: &str = "com.docker.network.driver.overlay.vxlanid_list";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Identified {
    #[serde(rename = "ID")]
    pub(super) id: String,
}

#[derive(Debug, Clone, Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Version {
    pub(super) index: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListedService {
    #[serde(rename = "ID")]
    pub(super) id: String,
    pub(super) version: Version,
    pub(super) spec: Value,
    #[serde(default)]
    pub(super) update_status: UpdateStatus,
}

#[derive(Debug, Clone, Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct UpdateStatus {
    pub(super) state: String,
    pub(super) message: String,
    pub(super) started_at: Timestamp,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListedTask {
    #[serde(rename = "ID")]
    pub(super) id: String,
    pub(super) created_at: Timestamp,
    #[serde(rename = "ServiceID", default)]
    pub(super) service_id: String,
    #[serde(default)]
    pub(super) slot: u64,
    #[serde(rename = "NodeID", default)]
    pub(super) node_id: String,
    pub(super) status: TaskStatus,
    pub(super) desired_state: String,
    #[serde(default)]
    spec: TaskSpec,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct TaskSpec {
    container_spec: ContainerSpec,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct ContainerSpec {
    labels: Labels,
    mounts: Option<Vec<spec::Mount>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TaskStatus {
    pub(super) timestamp: Timestamp,
    pub(super) state: String,
    #[serde(default)]
    pub(super) message: String,
    #[serde(default)]
    pub(super) err: String,
    #[serde(default)]
    pub(super) container_status: ContainerStatus,
    #[serde(default)]
    port_status: PortStatus,
}

/// The ports of the node itself that a task has.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct PortStatus {
    ports: Option<Vec<spec::Port>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ContainerStatus {
    #[serde(rename = "ContainerID")]
    pub(super) container_id: String,
    pub(super) exit_code: i64,
}

#[derive(Debug, Deserialize, Clone)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListedNetwork {
    pub(super) name: String,
    pub(super) id: String,
    #[serde(default)]
    pub(super) scope: String,
    #[serde(default)]
    pub(super) driver: String,
    #[serde(default)]
    pub(super) internal: bool,
    #[serde(default)]
    pub(super) attachable: bool,
    #[serde(default)]
    pub(super) options: Labels,
    #[serde(default)]
    pub(super) labels: Labels,
    #[serde(rename = "IPAM", default)]
    pub(super) ipam: Ipam,
    #[serde(rename = "EnableIPv6", default)]
    pub(super) enable_ipv6: bool,
}

#[derive(Debug, Deserialize, Default, Clone)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Ipam {
    pub(super) driver: String,
    pub(super) config: Vec<Subnet>,
}

#[derive(Debug, Deserialize, Default, Clone)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Subnet {
    #[serde(rename = "Subnet")]
    pub(super) range: String,
    pub(super) gateway: String,
    #[serde(rename = "IPRange")]
    pub(super) ip_range: String,
}

/// A config or secret as it is listed; a secret comes without its data.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListedFile {
    #[serde(rename = "ID")]
    id: String,
    version: Version,
    #[serde(default)]
    created_at: Timestamp,
    spec: FileSpec,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FileSpec {
    name: String,
    #[serde(default)]
    labels: Labels,
    #[serde(default)]
    data: String,
}

/// A config or secret without its contents.
#[derive(Debug)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) labels: Labels,
    pub(super) id: String,
    pub(super) version: u64,
    pub(super) created: Timestamp,
    /// The hash of its contents, if its name does not contain it.
    pub(super) content: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListedNode {
    #[serde(rename = "ID")]
    pub(super) id: String,
    #[serde(default)]
    pub(super) updated_at: Option<Timestamp>,
    pub(super) spec: NodeSpec,
    #[serde(default)]
    pub(super) description: NodeDescription,
    #[serde(default)]
    pub(super) status: NodeStatus,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NodeSpec {
    #[serde(default)]
    pub(super) availability: String,
    #[serde(default)]
    pub(super) role: String,
    #[serde(default)]
    pub(super) labels: Labels,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct NodeDescription {
    pub(super) hostname: String,
    pub(super) platform: Platform,
    pub(super) resources: NodeResources,
    pub(super) engine: NodeEngine,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Platform {
    pub(super) architecture: String,
    #[serde(rename = "OS")]
    pub(super) os: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct NodeResources {
    #[serde(rename = "NanoCPUs")]
    pub(super) nano_cpus: i64,
    pub(super) memory_bytes: i64,
    pub(super) generic_resources: Vec<Value>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct NodeEngine {
    pub(super) labels: Labels,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct NodeStatus {
    pub(super) state: String,
    pub(super) addr: String,
}

impl ListedFile {
    /// The object without its contents; `None` for the record of a release, which is not part of any stack.
    pub(super) fn without_data(self) -> Option<File> {
        let FileSpec { name, labels, data } = self.spec;
        if labels.contains_key(RECORD_LABEL) && !labels.contains_key(NAMESPACE_LABEL) {
            return None;
        }
        let stack = labels.get(NAMESPACE_LABEL).and_then(|stack| stack.parse().ok());
        let content = stack.and_then(|stack: StackName| content(&stack, &name, &data));
        Some(File { name, labels, id: self.id, version: self.version.index, created: self.created_at, content })
    }
}

impl File {
    pub(super) fn is_of(&self, stack: &StackName) -> bool {
        self.labels.get(NAMESPACE_LABEL).is_some_and(|name| name == stack.as_str())
    }

    pub(super) fn observed(&self) -> ObservedFile {
        ObservedFile {
            id: self.id.clone(),
            version: self.version,
            labels: decode::without_namespace(self.labels.clone()),
            created: self.created,
            content: self.content.clone(),
        }
    }
}

/// The hash of a stack's config, if its name does not contain it.
fn content(stack: &StackName, name: &str, data: &str) -> Option<String> {
    if data.is_empty() || is_content_addressed(stack, name) {
        return None;
    }
    Some(hex::encode(Sha256::digest(STANDARD.decode(data).ok()?)))
}

impl ListedNetwork {
    pub(super) fn is_of(&self, stack: &StackName) -> bool {
        self.labels.get(NAMESPACE_LABEL).is_some_and(|name| name == stack.as_str())
    }

    pub(super) fn own(mut self) -> OwnNetwork {
        self.options.remove(ALLOCATED_OPTION);
        OwnNetwork {
            driver: self.driver,
            driver_opts: self.options,
            attachable: self.attachable,
            internal: self.internal,
            labels: decode::without_namespace(self.labels),
            ipam_driver: (!self.ipam.driver.is_empty()).then_some(self.ipam.driver),
            gateways: given(&self.ipam.config, |config| &config.gateway),
            ip_ranges: given(&self.ipam.config, |config| &config.ip_range),
            enable_ipv6: self.enable_ipv6,
            subnets: self.ipam.config.into_iter().map(|config| config.range).collect(),
        }
    }
}

/// What is said of subnets, by subnet.
fn given(subnets: &[Subnet], what: fn(&Subnet) -> &String) -> Labels {
    let said = subnets.iter().filter(|subnet| !what(subnet).is_empty());
    said.map(|subnet| (subnet.range.clone(), what(subnet).clone())).collect()
}

impl ListedService {
    /// The stack that it is labelled with.
    pub(super) fn stack(&self) -> Option<StackName> {
        self.spec["Labels"][NAMESPACE_LABEL].as_str()?.parse().ok()
    }
}

impl ListedTask {
    /// The stack that its container is labelled with.
    pub(super) fn stack(&self) -> Option<StackName> {
        self.spec.container_spec.labels.get(NAMESPACE_LABEL)?.parse().ok()
    }

    pub(super) fn observed(self, current: &BTreeSet<String>) -> Task {
        let (state, desired) = (task_state(&self.status.state), task_state(&self.desired_state));
        let current = current.contains(&self.id);
        let lets_go = !state.is_over() && (!current || desired > TaskState::Complete);
        let container = self.status.container_status;
        Task {
            current,
            id: self.id,
            slot: self.slot,
            node: self.node_id,
            state,
            desired,
            since: self.status.timestamp,
            created: self.created_at,
            message: self.status.message,
            error: self.status.err,
            exit_code: (state.is_over() && !container.container_id.is_empty()).then_some(container.exit_code),
            registry_away: None,
            holds: if lets_go {
                holds(self.spec.container_spec.mounts, self.status.port_status.ports)
            } else {
                Vec::new()
            },
        }
    }
}

/// What a task with these mounts, and these ports of its node, has.
fn holds(mounts: Option<Vec<spec::Mount>>, ports: Option<Vec<spec::Port>>) -> Vec<Hold> {
    let volumes = mounts.into_iter().flatten().map(decode::mount).collect();
    let ports = ports.into_iter().flatten().map(decode::port).collect();
    Service { volumes, ports, ..Service::default() }.holds()
}

impl ListedNode {
    pub(super) fn observed(&self) -> Node {
        let description = &self.description;
        Node {
            id: self.id.clone(),
            hostname: description.hostname.clone(),
            // A manager that has just begun to lead does not know yet which nodes are alive.
            available: matches!(self.status.state.as_str(), "ready" | "unknown") && self.spec.availability == "active",
            down: self.status.state == "down",
            unheard: self.status.state == "unknown",
            last_away: None,
            changed: self.updated_at,
            restarted: None,
            suspected: false,
            role: self.spec.role.clone(),
            address: self.status.addr.clone(),
            os: description.platform.os.clone(),
            architecture: description.platform.architecture.clone(),
            labels: self.spec.labels.clone(),
            engine_labels: description.engine.labels.clone(),
            resources: description.resources.observed(),
        }
    }
}

impl NodeResources {
    /// Countable things are announced as a number, or each by a name of its own.
    fn observed(&self) -> Resources {
        let mut generic: BTreeMap<String, i64> = BTreeMap::new();
        for resource in &self.generic_resources {
            let (counted, named) = (&resource["DiscreteResourceSpec"], &resource["NamedResourceSpec"]);
            if let Some(kind) = counted["Kind"].as_str().or(named["Kind"].as_str()) {
                *generic.entry(kind.to_owned()).or_default() += counted["Value"].as_i64().unwrap_or(1);
            }
        }
        Resources { nano_cpus: self.nano_cpus, memory: self.memory_bytes, pids: 0, generic, empty: false }
    }
}

/// An unknown state, of a newer engine, counts as one in which nothing is certain yet.
pub(super) fn task_state(text: &str) -> TaskState {
    serde_json::from_value(text.into()).unwrap_or(TaskState::Pending)
}
