//! Builds the observed stack from the lists of the API.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::future::try_join_all;
use serde_json::Value;

use super::listed::{File, Identified, ListedFile, ListedNetwork, ListedNode, ListedService, ListedTask, UpdateStatus};
use super::spec::Labels;
use super::{Error, Swarm, decode};
use crate::engine::{Call, Error as EngineError};
use crate::name::{ServiceName, StackName};
use crate::plan::ApiVersion;
use crate::plan::observed::{
    Foreign, ForeignNames, Node, Observed, ObservedFile, ObservedNetwork, ObservedService, Owners, Task,
};
use crate::stack::{NAMESPACE_LABEL, Network, PREDEFINED_NETWORKS, Stack};

/// The services and tasks of one stack.
#[derive(Debug, Default)]
struct Share {
    services: Vec<PackedService>,
    /// Tasks by the id of their service, newest first.
    tasks: BTreeMap<String, Vec<Task>>,
}

/// A service whose spec is kept as text: that takes a fifth of the memory. It is packed as it arrives, so that a long
/// list is never in memory unpacked.
#[derive(Debug)]
struct PackedService {
    id: String,
    version: u64,
    update_status: UpdateStatus,
    /// The stack that it is labelled with.
    stack: Option<StackName>,
    /// The ids of the networks that it is attached to.
    networks: Vec<String>,
    spec: Box<str>,
}

impl PackedService {
    fn of(listed: ListedService) -> Self {
        let stack = listed.stack();
        let networks = attached_networks(&listed.spec).map(str::to_owned).collect();
        let ListedService { id, version, spec, update_status } = listed;
        Self { id, version: version.index, update_status, stack, networks, spec: spec.to_string().into() }
    }

    fn spec(&self) -> Value {
        serde_json::from_str(&self.spec).expect("a value was written to it")
    }
}

/// What the API lists beside services and tasks.
#[derive(Debug)]
struct Around {
    networks: Vec<ListedNetwork>,
    configs: Vec<File>,
    secrets: Vec<File>,
    nodes: Vec<Node>,
    api: ApiVersion,
    /// The names of networks by id, also of those that are in no list.
    names: Labels,
    owners: AllOwners,
}

/// The owners of all objects, shared by all observed stacks.
#[derive(Debug)]
struct AllOwners {
    networks: Owners,
    configs: Owners,
    secrets: Owners,
}

impl AllOwners {
    fn of(networks: &[ListedNetwork], configs: &[&[File]], secrets: &[&[File]]) -> Self {
        let of_swarm = networks.iter().filter(|network| network.scope == "swarm");
        let listed = of_swarm.map(|network| (network.name.clone(), owner(&network.labels)));
        let predefined = PREDEFINED_NETWORKS.map(|name| (name.to_owned(), None));
        let files = |lists: &[&[File]]| {
            let all = lists.iter().copied().flatten();
            Arc::new(all.map(|file| (file.name.clone(), owner(&file.labels))).collect())
        };
        Self {
            networks: Arc::new(predefined.into_iter().chain(listed).collect()),
            configs: files(configs),
            secrets: files(secrets),
        }
    }

    /// What is not the stack's.
    fn foreign(&self, stack: &StackName) -> Foreign {
        Foreign {
            networks: ForeignNames::of(&self.networks, stack),
            configs: ForeignNames::of(&self.configs, stack),
            secrets: ForeignNames::of(&self.secrets, stack),
        }
    }
}

/// The stack that labels name.
fn owner(labels: &Labels) -> Option<StackName> {
    labels.get(NAMESPACE_LABEL)?.parse().ok()
}

/// The names of networks by id: those of this observation, and those that an overview has found.
#[derive(Clone, Copy)]
struct NetworkNames<'a> {
    found: &'a Labels,
    known: Option<&'a Labels>,
}

impl NetworkNames<'_> {
    fn get(&self, id: &str) -> Option<&str> {
        self.found.get(id).or_else(|| self.known?.get(id)).map(String::as_str)
    }
}

/// The objects of a stack other than services and tasks; objects of other stacks may be included.
struct Belongings<'a> {
    networks: &'a [ListedNetwork],
    configs: &'a [File],
    secrets: &'a [File],
}

/// Every stack of the swarm in one observation.
#[derive(Debug)]
pub struct Overview {
    shares: BTreeMap<StackName, Share>,
    around: Around,
}

impl Overview {
    /// The stacks that have services or tasks, skep's or not.
    pub fn stacks(&self) -> impl Iterator<Item = &StackName> {
        self.shares.keys()
    }

    /// The stack of this name, as [`observe`](Swarm::observe) shows it. One that cannot be read does not hide the others.
    pub fn stack(&self, stack: &StackName) -> Result<Observed, Error> {
        let none = Share::default();
        self.around.stack(stack, self.shares.get(stack).unwrap_or(&none))
    }
}

impl Swarm {
    /// The stack of this name as it is now. Seven requests, however big the stack is, and one for each network that
    /// its services are attached to and the engine does not list, which are `host` and the like.
    ///
    /// They are answered one by one, so that what they tell can be some milliseconds apart. The services come first: a
    /// task whose failure stopped an update is then among the tasks. A write is safe all the same, for it carries the
    /// version index of what was seen.
    pub async fn observe(&self, stack: &StackName) -> Result<Observed, Error> {
        let (services, tasks, around) = self.lists(&of(stack)).await?;
        around.stack(stack, &Share::of(services, tasks))
    }

    /// Every stack as it is now. As many requests as for one, however many they are.
    pub async fn overview(&self) -> Result<Overview, Error> {
        let (services, tasks, around) = self.lists(NAMESPACE_LABEL).await?;
        Ok(Overview { shares: by_stack(services, tasks), around })
    }

    /// The stack of this name as it is now, as far as somebody needs to know who is about to make `desired` of it: of
    /// configs and secrets only its own, and those of others that have a name in it. What is asked for does not become
    /// more with the swarm, but for the list of networks.
    pub async fn observe_for(&self, desired: &Stack) -> Result<Observed, Error> {
        let (stack, label) = (&desired.name, of(&desired.name));
        let _permit = self.looks.acquire().await;
        let services = self.services(&label).await?;
        let (tasks, networks, configs, named_configs, secrets, named_secrets, nodes, api) = tokio::try_join!(
            self.tasks(&label),
            self.networks(Call::get("/networks")),
            self.listed_files(Call::get("/configs").filtered("label", &[&label])),
            self.named_files("/configs", desired.configs.keys()),
            self.listed_files(Call::get("/secrets").filtered("label", &[&label])),
            self.named_files("/secrets", desired.secrets.keys()),
            self.nodes(),
            async { Ok(self.engine.version().await?) },
        )?;
        let names = self.network_names(&networks, &services).await?;
        let owners = AllOwners::of(&networks, &[&configs, &named_configs], &[&secrets, &named_secrets]);
        let around = Around { networks, configs, secrets, nodes, api, names, owners };
        around.stack(stack, &Share::of(services, tasks))
    }

    /// The configs or secrets that have one of these names. The API's filter takes a prefix for the whole name.
    async fn named_files(&self, path: &str, names: impl Iterator<Item = &String>) -> Result<Vec<File>, Error> {
        let names: Vec<&str> = names.map(String::as_str).collect();
        if names.is_empty() {
            return Ok(Vec::new());
        }
        self.listed_files(Call::get(path).filtered("name", &names)).await
    }

    /// The stack as it is now, among nodes and things of others as an overview has shown them: what is asked for does
    /// not become more with the swarm. A stack that is attached to a network which the overview does not know is
    /// observed as if there was none.
    pub async fn observe_among(&self, stack: &StackName, overview: &Overview) -> Result<Observed, Error> {
        let label = of(stack);
        let services = self.services(&label).await?;
        let (tasks, networks, configs, secrets) = tokio::try_join!(
            self.tasks(&label),
            self.networks(Call::get("/networks").filtered("label", &[&label])),
            self.listed_files(Call::get("/configs").filtered("label", &[&label])),
            self.listed_files(Call::get("/secrets").filtered("label", &[&label])),
        )?;
        let found = names_by_id(&networks).collect();
        let names = NetworkNames { found: &found, known: Some(&overview.around.names) };
        if services.iter().flat_map(|service| &service.networks).any(|id| names.get(id).is_none()) {
            return self.observe(stack).await;
        }
        let own = Belongings { networks: &networks, configs: &configs, secrets: &secrets };
        overview.around.stack_with(stack, &Share::of(services, tasks), &own, names)
    }

    /// All lists; of services and tasks only what has this label. They are long where the swarm is big, so that only a
    /// few look at them at once.
    async fn lists(&self, label: &str) -> Result<(Vec<PackedService>, Vec<StackTask>, Around), Error> {
        let _permit = self.looks.acquire().await;
        let services = self.services(label).await?;
        let (tasks, networks, configs, secrets, nodes) = tokio::try_join!(
            self.tasks(label),
            self.networks(Call::get("/networks")),
            self.listed_files(Call::get("/configs")),
            self.listed_files(Call::get("/secrets")),
            self.nodes(),
        )?;
        let names = self.network_names(&networks, &services).await?;
        let api = self.engine.version().await?;
        let owners = AllOwners::of(&networks, &[&configs], &[&secrets]);
        Ok((services, tasks, Around { networks, configs, secrets, nodes, api, names, owners }))
    }

    async fn services(&self, label: &str) -> Result<Vec<PackedService>, Error> {
        let call = Call::get("/services").filtered("label", &[label]);
        Ok(self.engine.list(call, |service| Some(PackedService::of(service))).await?)
    }

    async fn tasks(&self, label: &str) -> Result<Vec<StackTask>, Error> {
        let all = Call::get("/tasks").filtered("label", &[label]);
        let current = Call::get("/tasks").with("filters", up_to_date(label));
        let (tasks, current) = tokio::try_join!(
            self.engine.list(all, Some::<ListedTask>),
            self.engine.list(current, |task: Identified| Some(task.id)),
        )?;
        let current = current.into_iter().collect();
        Ok(tasks.into_iter().map(|task| StackTask::of(task, &current)).collect())
    }

    /// All tasks on a node, of whatever stack, each with the id of its service. One request.
    pub async fn tasks_of_node(&self, node: &str) -> Result<Vec<(String, Task)>, Error> {
        let call = Call::get("/tasks").filtered("node", &[node]);
        let read = |task: ListedTask| Some((task.service_id.clone(), task.observed(&BTreeSet::new())));
        Ok(self.engine.list(call, read).await?)
    }

    async fn networks(&self, call: Call) -> Result<Vec<ListedNetwork>, Error> {
        Ok(self.engine.list(call, Some).await?)
    }

    async fn listed_files(&self, call: Call) -> Result<Vec<File>, Error> {
        Ok(self.engine.list(call, ListedFile::without_data).await?)
    }

    async fn nodes(&self) -> Result<Vec<Node>, Error> {
        Ok(self.engine.list(Call::get("/nodes"), |node: ListedNode| Some(node.observed())).await?)
    }

    /// The names of networks by id. Swarm has predefined networks (`host`) that the engine shows only when it is asked
    /// for each by its id (moby `daemon/cluster/networks.go`, `filterPredefinedNetworks`).
    async fn network_names(&self, listed: &[ListedNetwork], services: &[PackedService]) -> Result<Labels, Error> {
        let mut names: Labels = names_by_id(listed).collect();
        let attached: BTreeSet<&String> = services.iter().flat_map(|service| &service.networks).collect();
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

/// A task, and whose it is.
struct StackTask {
    service: String,
    /// The stack that its container is labelled with.
    stack: Option<StackName>,
    task: Task,
}

impl StackTask {
    fn of(listed: ListedTask, current: &BTreeSet<String>) -> Self {
        Self { service: listed.service_id.clone(), stack: listed.stack(), task: listed.observed(current) }
    }
}

impl Share {
    fn of(services: Vec<PackedService>, tasks: Vec<StackTask>) -> Self {
        Self { services, tasks: by_service(tasks) }
    }
}

/// The label of what belongs to a stack.
fn of(stack: &StackName) -> String {
    format!("{NAMESPACE_LABEL}={stack}")
}

fn names_by_id(networks: &[ListedNetwork]) -> impl Iterator<Item = (String, String)> {
    networks.iter().map(|network| (network.id.clone(), network.name.clone()))
}

/// The tasks by the id of their service, newest first.
fn by_service(tasks: Vec<StackTask>) -> BTreeMap<String, Vec<Task>> {
    let mut grouped: BTreeMap<String, Vec<Task>> = BTreeMap::new();
    for StackTask { service, task, .. } in tasks {
        grouped.entry(service).or_default().push(task);
    }
    for tasks in grouped.values_mut() {
        tasks.sort_by(|one, other| (other.created, &other.id).cmp(&(one.created, &one.id)));
    }
    grouped
}

/// The share of each stack. A task whose service is gone still has the label on its container.
fn by_stack(services: Vec<PackedService>, tasks: Vec<StackTask>) -> BTreeMap<StackName, Share> {
    let mut shares: BTreeMap<StackName, Share> = BTreeMap::new();
    let mut stacks: BTreeMap<String, StackName> = BTreeMap::new();
    for service in services {
        let Some(stack) = service.stack.clone() else { continue };
        stacks.insert(service.id.clone(), stack.clone());
        shares.entry(stack).or_default().services.push(service);
    }
    let mut of_stack: BTreeMap<StackName, Vec<StackTask>> = BTreeMap::new();
    for task in tasks {
        if let Some(stack) = stacks.get(&task.service).or(task.stack.as_ref()).cloned() {
            of_stack.entry(stack).or_default().push(task);
        }
    }
    for (stack, tasks) in of_stack {
        shares.entry(stack).or_default().tasks = by_service(tasks);
    }
    shares
}

impl Around {
    fn stack(&self, stack: &StackName, share: &Share) -> Result<Observed, Error> {
        let all = Belongings { networks: &self.networks, configs: &self.configs, secrets: &self.secrets };
        self.stack_with(stack, share, &all, NetworkNames { found: &self.names, known: None })
    }

    /// The stack of this share and these belongings; `names` has the networks that its services are attached to.
    fn stack_with(
        &self,
        stack: &StackName,
        share: &Share,
        own: &Belongings<'_>,
        names: NetworkNames<'_>,
    ) -> Result<Observed, Error> {
        let mut tasks = share.tasks.clone();
        let services = observed_services(stack, &share.services, &mut tasks, names)?;
        Ok(Observed {
            name: stack.clone(),
            foreign: self.owners.foreign(stack),
            networks: self.observed_networks(stack, own.networks, &services),
            services,
            configs: own_files(stack, own.configs),
            secrets: own_files(stack, own.secrets),
            nodes: self.nodes.clone(),
            api: self.api,
            leaving: tasks.into_values().flatten().filter(|task| !task.state.is_over()).collect(),
        })
    }

    /// The stack's own networks, and of the others those that its services are attached to.
    fn observed_networks(
        &self,
        stack: &StackName,
        own: &[ListedNetwork],
        services: &BTreeMap<ServiceName, ObservedService>,
    ) -> BTreeMap<String, ObservedNetwork> {
        let joined: BTreeSet<&String> = services.values().flat_map(|it| it.service.networks.keys()).collect();
        let others = self.networks.iter().filter(|it| !it.is_of(stack) && joined.contains(&it.name));
        let others =
            others.map(|it| (it.name.clone(), ObservedNetwork { id: it.id.clone(), network: Network::External }));
        let own = own.iter().filter(|network| network.is_of(stack)).map(|network| {
            let there = ObservedNetwork { id: network.id.clone(), network: Network::Own(network.clone().own()) };
            (network.name.clone(), there)
        });
        others.chain(own).collect()
    }
}

fn own_files(stack: &StackName, files: &[File]) -> BTreeMap<String, ObservedFile> {
    files.iter().filter(|file| file.is_of(stack)).map(|file| (file.name.clone(), file.observed())).collect()
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

fn observed_services(
    stack: &StackName,
    services: &[PackedService],
    tasks: &mut BTreeMap<String, Vec<Task>>,
    networks: NetworkNames<'_>,
) -> Result<BTreeMap<ServiceName, ObservedService>, Error> {
    let mut observed = BTreeMap::new();
    for service in services {
        let mut spec = service.spec();
        let Some(key) = key_of(stack, &spec) else {
            tracing::warn!(stack = %stack, service.id = service.id, "a service has the stack's label, but no name that a stack can give it");
            continue;
        };
        let tasks = tasks.remove(&service.id).unwrap_or_default();
        name_networks(&mut spec, |id| networks.get(id));
        let service = observed_service(stack, &key, service, &spec, tasks)?;
        observed.insert(key, service);
    }
    Ok(observed)
}

fn observed_service(
    stack: &StackName,
    key: &ServiceName,
    listed: &PackedService,
    spec: &Value,
    tasks: Vec<Task>,
) -> Result<ObservedService, Error> {
    let (service, unknown) = decode::service(stack, key, spec).map_err(|error| EngineError::Strange {
        call: "GET /services".into(),
        reason: format!("service {}: {error}", stack.scoped(key.as_str())),
    })?;
    Ok(ObservedService {
        id: listed.id.clone(),
        version: listed.version,
        service,
        force_update: spec.pointer("/TaskTemplate/ForceUpdate").and_then(Value::as_u64).unwrap_or(0),
        unknown,
        update_state: listed.update_status.state.clone(),
        update_message: listed.update_status.message.clone(),
        update_started: listed.update_status.started_at,
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
pub(super) fn name_networks<'a>(spec: &mut Value, name: impl Fn(&str) -> Option<&'a str>) {
    let Some(attachments) = spec.pointer_mut("/TaskTemplate/Networks").and_then(Value::as_array_mut) else { return };
    for attachment in attachments {
        if let Some(name) = attachment["Target"].as_str().and_then(&name) {
            attachment["Target"] = name.into();
        }
    }
}
