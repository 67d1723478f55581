//! The observed state of a stack, in the terms of [`crate::stack`].

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::too_new::ApiVersion;
use crate::name::{ServiceName, StackName};
use crate::stack::holds::Hold;
use crate::stack::{Config, Network, Resources, Secret, Service, Stack};

/// The observed state of a stack.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// Its name.
    pub name: StackName,
    /// Its services, by the key below the stack's prefix.
    pub services: BTreeMap<ServiceName, ObservedService>,
    /// The networks that carry its label, by full name, and external ones that exist.
    pub networks: BTreeMap<String, ObservedNetwork>,
    /// The configs that carry its label, by full name.
    pub configs: BTreeMap<String, ObservedFile>,
    /// The secrets that carry its label, by full name.
    pub secrets: BTreeMap<String, ObservedFile>,
    /// Names of networks, configs and secrets of others, which the stack may refer to as external.
    pub foreign: Foreign,
    /// The nodes of the swarm.
    pub nodes: Vec<Node>,
    /// The version of the engine's API in use.
    pub api: ApiVersion,
    /// Tasks of removed services that have not stopped yet.
    pub leaving: Vec<Task>,
}

/// Names of objects of others.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Foreign {
    /// Networks of swarm scope, and the predefined ones (`host`, `none`, …).
    pub networks: ForeignNames,
    /// Configs: all, or those that the stack names.
    pub configs: ForeignNames,
    /// Secrets: all, or those that the stack names.
    pub secrets: ForeignNames,
}

/// Names of one kind of object, each with its owner, if any. Shared by all stacks.
pub type Owners = Arc<BTreeMap<String, Option<StackName>>>;

/// The names among those of a swarm that a stack does not own.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ForeignNames {
    owners: Owners,
    stack: Option<StackName>,
}

impl ForeignNames {
    /// The names that `stack` does not own.
    pub fn of(owners: &Owners, stack: &StackName) -> Self {
        Self { owners: owners.clone(), stack: Some(stack.clone()) }
    }

    /// Whether an object with this name exists that the stack does not own.
    pub fn contains(&self, name: &str) -> bool {
        self.owners.get(name).is_some_and(|owner| self.is_foreign(owner.as_ref()))
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.owners.iter().filter(|(_, owner)| self.is_foreign(owner.as_ref())).map(|(name, _)| name.as_str())
    }

    fn is_foreign(&self, owner: Option<&StackName>) -> bool {
        owner.is_none() || owner != self.stack.as_ref()
    }
}

impl FromIterator<String> for ForeignNames {
    /// Names without an owner.
    fn from_iter<T: IntoIterator<Item = String>>(names: T) -> Self {
        Self { owners: Arc::new(names.into_iter().map(|name| (name, None)).collect()), stack: None }
    }
}

/// An observed service.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ObservedService {
    /// Its id.
    pub id: String,
    /// The version index for the next write.
    pub version: u64,
    /// Its current state, without Docker's additions (its labels, IDs instead of names).
    pub service: Service,
    /// The counter that `docker service update --force` raises, and every other update keeps.
    pub force_update: u64,
    /// Properties that stack files lack (set by hand, or by a newer engine), by their places in the API's
    /// body, such as `TaskTemplate.ContainerSpec.Privileges.SELinuxContext`.
    pub unknown: BTreeMap<String, String>,
    /// The state of Swarm's own update, such as `updating`, `paused`, `completed`; empty if there was none.
    pub update_state: String,
    /// Swarm's message about the update.
    pub update_message: String,
    /// When the update began, by the clock of the manager; the epoch if there was none.
    pub update_started: Timestamp,
    /// Its tasks, newest first.
    pub tasks: Vec<Task>,
}

/// An observed network.
#[derive(Debug, Clone, PartialEq)]
pub struct ObservedNetwork {
    /// Its id.
    pub id: String,
    /// What it is.
    pub network: Network,
}

/// An observed config or secret; its content-addressed name identifies its contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedFile {
    /// Its id.
    pub id: String,
    /// The version index for the next write.
    pub version: u64,
    /// Labels, without Docker's own.
    pub labels: BTreeMap<String, String>,
    /// When it was created, by the clock of the manager.
    pub created: Timestamp,
    /// The hash of its contents, in hexadecimal digits, for a config whose name does not contain it. Secrets cannot be
    /// read.
    pub content: Option<String>,
}

/// One attempt to run a service.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Task {
    /// Its id.
    pub id: String,
    /// Its slot among the replicas, 0 in a global service.
    pub slot: u64,
    /// The node that it is assigned to; empty before.
    pub node: String,
    /// Whether it runs the current spec of the service, rather than an earlier one.
    pub current: bool,
    /// Its state.
    pub state: TaskState,
    /// The state that Swarm wants.
    pub desired: TaskState,
    /// When it reached its state, by the clock of its node.
    pub since: Timestamp,
    /// When it was created, by the clock of the manager.
    pub created: Timestamp,
    /// Swarm's message about it, such as `started`.
    pub message: String,
    /// Its error, such as `task: non-zero exit (1)`.
    pub error: String,
    /// The exit code of its container, if it has ended.
    pub exit_code: Option<i64>,
    /// Its engine's message about an unreachable registry, if it failed because of that and skep has checked.
    pub registry_away: Option<String>,
    /// The data and ports that it still holds although it is stopping or of an older version, so that others must wait.
    pub holds: Vec<Hold>,
}

/// The states of a task, in the order in which it goes through them (swarmkit `api/types.proto`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskState {
    /// Made.
    #[default]
    New,
    /// Resources are being allocated.
    Allocated,
    /// Waiting for a node.
    Pending,
    /// Assigned to a node.
    Assigned,
    /// Accepted by the node.
    Accepted,
    /// The image is being pulled.
    Preparing,
    /// The image is available.
    Ready,
    /// The container starts; with a health check, until it is healthy.
    Starting,
    /// It runs.
    Running,
    /// It succeeded.
    Complete,
    /// It was stopped on purpose.
    Shutdown,
    /// It failed.
    Failed,
    /// The node could not run it.
    Rejected,
    /// It will be removed.
    Remove,
    /// Its node is gone.
    Orphaned,
}

impl TaskState {
    /// Whether it has ended.
    pub fn is_over(self) -> bool {
        self >= Self::Complete
    }
}

/// A node of the swarm.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Node {
    /// Its id.
    pub id: String,
    /// Its host name.
    pub hostname: String,
    /// Whether it is `ready` and `active`, so that it can be assigned tasks.
    pub available: bool,
    /// Whether the managers consider it down.
    pub down: bool,
    /// Whether the managers have not heard of it since one of them began to lead.
    pub unheard: bool,
    /// When it was last seen to be away, if known.
    pub last_away: Option<Timestamp>,
    /// When the managers last changed their record of it. They do when its engine registers after a restart (swarmkit
    /// `manager/dispatcher/dispatcher.go`, `markNodeReady`), but also when its first or last task on an overlay network
    /// comes or goes.
    pub changed: Option<Timestamp>,
    /// When its engine was restarted, if known.
    pub restarted: Option<Timestamp>,
    /// Whether its engine may have been restarted, which is being checked.
    pub suspected: bool,
    /// `manager` or `worker`.
    pub role: String,
    /// The address at which the managers see it.
    pub address: String,
    /// Its operating system, such as `linux`.
    pub os: String,
    /// Its architecture, such as `x86_64`.
    pub architecture: String,
    /// The labels that operators gave it.
    pub labels: BTreeMap<String, String>,
    /// The labels of its engine's own settings.
    pub engine_labels: BTreeMap<String, String>,
    /// Its total resources.
    pub resources: Resources,
}

impl Observed {
    /// The observed state of a stack without objects.
    pub fn nothing(name: StackName) -> Self {
        Self {
            name,
            services: BTreeMap::new(),
            networks: BTreeMap::new(),
            configs: BTreeMap::new(),
            secrets: BTreeMap::new(),
            foreign: Foreign::default(),
            nodes: Vec::new(),
            api: (u32::MAX, 0),
            leaving: Vec::new(),
        }
    }

    /// `desired` with the current number of replicas for services that are scaled by others
    /// (`x-skep: { replicas: external }`).
    pub fn scaled<'a>(&self, desired: &'a Stack) -> Cow<'a, Stack> {
        let mut scaled = Cow::Borrowed(desired);
        for (name, service) in desired.services.iter().filter(|(_, service)| service.scaled_elsewhere) {
            let Some(there) = self.services.get(name).map(|there| there.service.mode) else { continue };
            if there.is_like(service.mode)
                && there != service.mode
                && let Some(service) = scaled.to_mut().services.get_mut(name)
            {
                service.mode = there;
            }
        }
        scaled
    }
}

impl Observed {
    /// The tasks of this stack's services that failed because their image is missing.
    pub fn without_image(&self) -> impl Iterator<Item = &Task> {
        let tasks = self.services.values().flat_map(|there| &there.tasks);
        tasks.filter(|task| task.current && task.has_failed() && task.has_no_image())
    }

    /// Adds to nodes, by id, when they were last seen to be away, and when their engines were restarted or may
    /// have been.
    pub fn note_nodes(
        &mut self,
        away: &BTreeMap<String, Timestamp>,
        restarted: &BTreeMap<String, Timestamp>,
        suspected: &BTreeMap<String, Timestamp>,
    ) {
        for node in &mut self.nodes {
            node.last_away = away.get(&node.id).copied();
            node.restarted = restarted.get(&node.id).copied();
            node.suspected = suspected.contains_key(&node.id);
        }
    }

    /// Adds to tasks, by id, messages about unreachable registries.
    pub fn note_registries_away(&mut self, said: &BTreeMap<String, String>) {
        for task in self.services.values_mut().flat_map(|there| &mut there.tasks) {
            task.registry_away = said.get(&task.id).cloned();
        }
    }

    /// The observed state as a stack for rollbacks, with configs and secrets as external objects.
    pub fn as_stack(&self) -> Stack {
        let services = self.services.iter().map(|(name, there)| (name.clone(), there.service.clone()));
        let networks = self.networks.iter().map(|(name, there)| (name.clone(), there.network.clone()));
        Stack {
            services: services.collect(),
            networks: networks.collect(),
            configs: self.configs.keys().map(|name| (name.clone(), Config::External)).collect(),
            secrets: self.secrets.keys().map(|name| (name.clone(), Secret::External)).collect(),
            ..Stack::empty(self.name.clone())
        }
    }
}

impl ObservedService {
    /// Whether Swarm has rolled it back to its previous spec, or is doing so.
    pub fn is_rolled_back(&self) -> bool {
        self.update_state.starts_with("rollback_")
    }
}

impl Task {
    /// Whether it runs and should run.
    pub fn is_running(&self) -> bool {
        self.state == TaskState::Running && self.desired == TaskState::Running
    }

    /// Whether its container has been started, or has already succeeded.
    pub fn is_started(&self) -> bool {
        let begun = matches!(self.state, TaskState::Starting | TaskState::Running);
        self.state == TaskState::Complete || (begun && self.desired == TaskState::Running)
    }

    /// Whether it failed because its image is not available. With containerd's image store, as since Docker 29, the
    /// messages are containerd's.
    pub fn has_no_image(&self) -> bool {
        ["No such image", "failed to resolve reference"].iter().any(|words| self.error.contains(words))
    }

    /// Whether its container was gone, or its engine had not yet joined the swarm, because the engine was restarted.
    pub fn has_lost_its_engine(&self) -> bool {
        let words = ["No such container", "when swarm is not active"];
        self.has_failed() && words.iter().any(|words| self.error.contains(words))
    }

    /// Whether Swarm itself stopped it, for example on a drained node.
    pub fn was_stopped(&self) -> bool {
        matches!(self.state, TaskState::Shutdown | TaskState::Orphaned | TaskState::Remove)
    }

    /// Whether it failed.
    pub fn has_failed(&self) -> bool {
        matches!(self.state, TaskState::Failed | TaskState::Rejected)
    }
}
