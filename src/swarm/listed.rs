//! The lists that the API gives, as far as they are read.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::decode;
use super::spec::Labels;
use crate::name::StackName;
use crate::plan::observed::{Node, Task, TaskState};
use crate::stack::{NAMESPACE_LABEL, OwnNetwork, Resources};

/// Where libnetwork keeps what it allocated, among the options that were asked for
/// (`libnetwork/drivers/overlay/ovmanager`).
const ALLOCATED_OPTION: &str = "com.docker.network.driver.overlay.vxlanid_list";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Identified {
    #[serde(rename = "ID")]
    pub(super) id: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Version {
    pub(super) index: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListedService {
    #[serde(rename = "ID")]
    pub(super) id: String,
    pub(super) version: Version,
    pub(super) spec: Value,
    #[serde(default)]
    pub(super) update_status: UpdateStatus,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct UpdateStatus {
    pub(super) state: String,
    pub(super) message: String,
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
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ContainerStatus {
    #[serde(rename = "ContainerID")]
    pub(super) container_id: String,
    pub(super) exit_code: i64,
}

#[derive(Deserialize, Clone)]
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

#[derive(Deserialize, Default, Clone)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Ipam {
    pub(super) driver: String,
    pub(super) config: Vec<Subnet>,
}

#[derive(Deserialize, Default, Clone)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Subnet {
    #[serde(rename = "Subnet")]
    pub(super) range: String,
    pub(super) gateway: String,
    #[serde(rename = "IPRange")]
    pub(super) ip_range: String,
}

/// A config or secret; a secret comes without its data.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListedFile {
    #[serde(rename = "ID")]
    pub(super) id: String,
    pub(super) version: Version,
    #[serde(default)]
    pub(super) created_at: Timestamp,
    pub(super) spec: FileSpec,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct FileSpec {
    pub(super) name: String,
    #[serde(default)]
    pub(super) labels: Labels,
    #[serde(default)]
    pub(super) data: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListedNode {
    #[serde(rename = "ID")]
    pub(super) id: String,
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

impl ListedTask {
    /// The stack that its container is labelled with.
    pub(super) fn stack(&self) -> Option<StackName> {
        self.spec.container_spec.labels.get(NAMESPACE_LABEL)?.parse().ok()
    }

    pub(super) fn observed(self, current: &BTreeSet<String>) -> Task {
        let state = task_state(&self.status.state);
        let container = self.status.container_status;
        Task {
            current: current.contains(&self.id),
            id: self.id,
            slot: self.slot,
            node: self.node_id,
            state,
            desired: task_state(&self.desired_state),
            since: self.status.timestamp,
            created: self.created_at,
            message: self.status.message,
            error: self.status.err,
            exit_code: (state.is_over() && !container.container_id.is_empty()).then_some(container.exit_code),
        }
    }
}

impl ListedNode {
    pub(super) fn observed(&self) -> Node {
        let description = &self.description;
        Node {
            id: self.id.clone(),
            hostname: description.hostname.clone(),
            available: self.status.state == "ready" && self.spec.availability == "active",
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

/// A state that we do not know, of a newer engine, is taken for one in which nothing is certain yet.
fn task_state(text: &str) -> TaskState {
    serde_json::from_value(text.into()).unwrap_or(TaskState::Pending)
}
