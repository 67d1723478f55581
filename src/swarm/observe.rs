//! From the lists that the API gives to a stack as it is.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::future::try_join_all;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::listed::{FileSpec, Identified, ListedFile, ListedNetwork, ListedNode, ListedService, ListedTask};
use super::spec::Labels;
use super::{Error, Swarm, decode};
use crate::engine::{Call, Error as EngineError, RECORD_LABEL};
use crate::name::{ServiceName, StackName};
use crate::plan::ApiVersion;
use crate::plan::is_content_addressed;
use crate::plan::observed::{Foreign, Observed, ObservedFile, ObservedNetwork, ObservedService, Task};
use crate::stack::{NAMESPACE_LABEL, Network, PREDEFINED_NETWORKS};

/// The services and tasks of one stack, or of all.
#[derive(Default)]
struct Share {
    services: Vec<ListedService>,
    tasks: Vec<ListedTask>,
}

/// What the API lists beside them.
struct Lists {
    /// The ids of the tasks that run what their service is now.
    current: BTreeSet<String>,
    networks: Vec<ListedNetwork>,
    configs: Vec<ListedFile>,
    secrets: Vec<ListedFile>,
    nodes: Vec<ListedNode>,
    api: ApiVersion,
    /// The names of networks by id, also of those that are in no list.
    names: Labels,
}

impl Swarm {
    /// The stack of this name as it is now. Seven requests, however big the stack is, and one for each network that
    /// its services are attached to and the engine does not list, which are `host` and the like.
    ///
    /// They are answered one by one, so that what they tell can be some milliseconds apart. The services come first: a
    /// task whose failure stopped an update is then among the tasks. A write is safe all the same, for it carries the
    /// version index of what was seen.
    pub async fn observe(&self, stack: &StackName) -> Result<Observed, Error> {
        let (share, lists) = self.lists(&format!("{NAMESPACE_LABEL}={stack}")).await?;
        lists.stack(stack, share)
    }

    /// Every stack that has services, ours or not, and those of `more`, as [`observe`](Self::observe) shows each. As many
    /// requests as for one, however many they are; one that cannot be read does not hide the others.
    pub async fn observe_all(
        &self,
        more: impl IntoIterator<Item = StackName>,
    ) -> Result<BTreeMap<StackName, Result<Observed, Error>>, Error> {
        let (all, lists) = self.lists(NAMESPACE_LABEL).await?;
        let mut shares = all.by_stack();
        for name in more {
            shares.entry(name).or_default();
        }
        let each = shares.into_iter().map(|(name, share)| {
            let observed = lists.stack(&name, share);
            (name, observed)
        });
        Ok(each.collect())
    }

    /// The lists, of services and tasks only what has this label.
    async fn lists(&self, label: &str) -> Result<(Share, Lists), Error> {
        let services: Vec<ListedService> = self.engine.json(Call::get("/services").filtered("label", &[label])).await?;
        let (tasks, current, networks, configs, secrets, nodes) = tokio::try_join!(
            self.engine.json::<Vec<ListedTask>>(Call::get("/tasks").filtered("label", &[label])),
            self.engine.json::<Vec<Identified>>(Call::get("/tasks").with("filters", up_to_date(label))),
            self.engine.json::<Vec<ListedNetwork>>(Call::get("/networks")),
            self.engine.json::<Vec<ListedFile>>(Call::get("/configs")),
            self.engine.json::<Vec<ListedFile>>(Call::get("/secrets")),
            self.engine.json::<Vec<ListedNode>>(Call::get("/nodes")),
        )?;
        let current = current.into_iter().map(|task| task.id).collect();
        let names = self.network_names(&networks, &services).await?;
        let api = self.engine.version().await?;
        Ok((Share { services, tasks }, Lists { current, networks, configs, secrets, nodes, api, names }))
    }

    /// The names of networks by id. Swarm has predefined networks (`host`) that the engine shows only when it is asked
    /// for each by its id (moby `daemon/cluster/networks.go`, `filterPredefinedNetworks`).
    async fn network_names(&self, listed: &[ListedNetwork], services: &[ListedService]) -> Result<Labels, Error> {
        let mut names: Labels = listed.iter().map(|network| (network.id.clone(), network.name.clone())).collect();
        let attached: BTreeSet<&str> = services.iter().flat_map(|service| attached_networks(&service.spec)).collect();
        let unlisted = attached.into_iter().filter(|&id| !names.contains_key(id));
        let found = try_join_all(unlisted.map(|id| self.unlisted_network(id))).await?;
        names.extend(found.into_iter().flatten().map(|network| (network.id, network.name)));
        Ok(names)
    }

    async fn unlisted_network(&self, id: &str) -> Result<Option<ListedNetwork>, Error> {
        match self.engine.json(Call::get(format!("/networks/{id}"))).await {
            Ok(network) => Ok(Some(network)),
            Err(EngineError::Refused { status: 404, .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

impl Share {
    /// The share of each stack. A task whose service is gone still has the label on its container.
    fn by_stack(self) -> BTreeMap<StackName, Self> {
        let mut shares: BTreeMap<StackName, Self> = BTreeMap::new();
        let mut stacks: BTreeMap<String, StackName> = BTreeMap::new();
        for service in self.services {
            let stack =
                service.spec["Labels"][NAMESPACE_LABEL].as_str().and_then(|name| name.parse::<StackName>().ok());
            let Some(stack) = stack else { continue };
            stacks.insert(service.id.clone(), stack.clone());
            shares.entry(stack).or_default().services.push(service);
        }
        for task in self.tasks {
            if let Some(stack) = stacks.get(&task.service_id).cloned().or_else(|| task.stack()) {
                shares.entry(stack).or_default().tasks.push(task);
            }
        }
        shares
    }
}

impl Lists {
    fn stack(&self, stack: &StackName, share: Share) -> Result<Observed, Error> {
        let mut tasks = tasks_by_service(share.tasks, &self.current);
        let services = observed_services(stack, share.services, &mut tasks, &self.names)?;
        let (configs, foreign_configs) = own_and_foreign(stack, &self.configs);
        let (secrets, foreign_secrets) = own_and_foreign(stack, &self.secrets);
        let foreign_networks = self.networks.iter().filter(|network| !network.is_of(stack));
        let foreign_networks = foreign_networks.filter(|network| network.scope == "swarm").map(|it| it.name.clone());
        Ok(Observed {
            name: stack.clone(),
            foreign: Foreign {
                networks: foreign_networks.chain(PREDEFINED_NETWORKS.map(String::from)).collect(),
                configs: foreign_configs,
                secrets: foreign_secrets,
            },
            networks: observed_networks(stack, &self.networks, &services),
            services,
            configs,
            secrets,
            nodes: self.nodes.iter().map(ListedNode::observed).collect(),
            api: self.api,
            leaving: tasks.into_values().flatten().filter(|task| !task.state.is_over()).collect(),
        })
    }
}

/// The filter with which the engine itself says which tasks run what their service is now: swarmkit's `IsTaskDirty`
/// (`manager/orchestrator/task.go`), negated. `docker service update` waits with it (docker/cli
/// `service/progress/progress.go`).
///
/// To compare specs here would be worth less: the API does not show the ports that a task was made for. Seen on
/// Docker 20.10: an update of labels alone, or of placement constraints that the task's node satisfies, leaves the
/// tasks current; a raised `ForceUpdate`, other ports, or constraints that the node does not satisfy do not. Tasks
/// that ended are current or not by the same rule.
fn up_to_date(label: &str) -> Value {
    serde_json::json!({ "label": [label], "_up-to-date": ["true"] })
}

/// The tasks by the id of their service, newest first.
fn tasks_by_service(tasks: Vec<ListedTask>, current: &BTreeSet<String>) -> BTreeMap<String, Vec<Task>> {
    let mut grouped: BTreeMap<String, Vec<Task>> = BTreeMap::new();
    for task in tasks {
        grouped.entry(task.service_id.clone()).or_default().push(task.observed(current));
    }
    for tasks in grouped.values_mut() {
        tasks.sort_by(|one, other| (other.created, &other.id).cmp(&(one.created, &one.id)));
    }
    grouped
}

fn observed_services(
    stack: &StackName,
    services: Vec<ListedService>,
    tasks: &mut BTreeMap<String, Vec<Task>>,
    networks: &Labels,
) -> Result<BTreeMap<ServiceName, ObservedService>, Error> {
    let mut observed = BTreeMap::new();
    for service in services {
        let Some(key) = key_of(stack, &service.spec) else {
            tracing::warn!(stack = %stack, service.id = service.id, "a service has the stack's label, but no name that a stack can give it");
            continue;
        };
        let tasks = tasks.remove(&service.id).unwrap_or_default();
        let service = observed_service(stack, &key, service, tasks, networks)?;
        observed.insert(key, service);
    }
    Ok(observed)
}

fn observed_service(
    stack: &StackName,
    key: &ServiceName,
    mut listed: ListedService,
    tasks: Vec<Task>,
    networks: &Labels,
) -> Result<ObservedService, Error> {
    name_networks(&mut listed.spec, networks);
    let (service, unknown) = decode::service(stack, key, &listed.spec).map_err(|error| EngineError::Strange {
        call: "GET /services".into(),
        reason: format!("service {}: {error}", stack.scoped(key.as_str())),
    })?;
    Ok(ObservedService {
        id: listed.id,
        version: listed.version.index,
        service,
        unknown,
        update_state: listed.update_status.state,
        update_message: listed.update_status.message,
        tasks,
    })
}

/// The key below the stack's prefix; the whole name for a service that was given the stack's label by hand.
pub(super) fn key_of(stack: &StackName, spec: &Value) -> Option<ServiceName> {
    let name = spec["Name"].as_str()?;
    let key = name.strip_prefix(stack.as_str()).and_then(|rest| rest.strip_prefix('_')).unwrap_or(name);
    key.parse().ok()
}

pub(super) fn attached_networks(spec: &Value) -> impl Iterator<Item = &str> {
    let attachments = spec["TaskTemplate"]["Networks"].as_array();
    attachments.into_iter().flatten().filter_map(|attachment| attachment["Target"].as_str())
}

/// Puts names where the engine keeps ids. A network that is gone keeps its id, so that it differs from every name.
pub(super) fn name_networks(spec: &mut Value, names: &Labels) {
    let Some(attachments) = spec.pointer_mut("/TaskTemplate/Networks").and_then(Value::as_array_mut) else { return };
    for attachment in attachments {
        if let Some(name) = attachment["Target"].as_str().and_then(|id| names.get(id)) {
            attachment["Target"] = name.as_str().into();
        }
    }
}

/// The stack's own networks, and of the others those that its services are attached to.
fn observed_networks(
    stack: &StackName,
    networks: &[ListedNetwork],
    services: &BTreeMap<ServiceName, ObservedService>,
) -> BTreeMap<String, ObservedNetwork> {
    let joined: BTreeSet<&String> = services.values().flat_map(|it| it.service.networks.keys()).collect();
    let mut observed = BTreeMap::new();
    for network in networks {
        let (id, name) = (network.id.clone(), network.name.clone());
        if network.is_of(stack) {
            observed.insert(name, ObservedNetwork { id, network: Network::Own(network.clone().own()) });
        } else if joined.contains(&name) {
            observed.insert(name, ObservedNetwork { id, network: Network::External });
        }
    }
    observed
}

/// The configs or secrets of the stack, and the names of all others. Records of releases are neither.
fn own_and_foreign(stack: &StackName, files: &[ListedFile]) -> (BTreeMap<String, ObservedFile>, BTreeSet<String>) {
    let (mut own, mut foreign) = (BTreeMap::new(), BTreeSet::new());
    for ListedFile { id, version, created_at, spec } in files {
        if spec.labels.contains_key(RECORD_LABEL) {
            continue;
        }
        if spec.labels.get(NAMESPACE_LABEL).is_some_and(|name| name == stack.as_str()) {
            let file = ObservedFile {
                id: id.clone(),
                version: version.index,
                labels: decode::without_namespace(spec.labels.clone()),
                created: *created_at,
                content: content(stack, spec),
            };
            own.insert(spec.name.clone(), file);
        } else {
            foreign.insert(spec.name.clone());
        }
    }
    (own, foreign)
}

/// The hash of what a config holds, where its name does not say it.
fn content(stack: &StackName, config: &FileSpec) -> Option<String> {
    if config.data.is_empty() || is_content_addressed(stack, &config.name) {
        return None;
    }
    let data = STANDARD.decode(&config.data).ok()?;
    Some(hex::encode(Sha256::digest(data)))
}
