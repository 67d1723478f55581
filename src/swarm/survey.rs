//! Surveys the surroundings of a stack.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::listed::{ListedNetwork, ListedService, ListedTask};
use super::spec::ServiceSpec;
use super::{Swarm, decode, encode};
use crate::engine::{Call, Error};
use crate::name::StackName;
use crate::plan::is_content_addressed;
use crate::plan::observed::Observed;
use crate::preflight::surroundings::{Neighbour, Pool, Segment, StoredVolume, Surroundings};
use crate::stack::{NAMESPACE_LABEL, Port, Stack};

/// An impossible version index: a write with it is always refused.
const NO_VERSION: u64 = 0;
/// Where an engine takes the addresses of networks from when nobody has told it (moby `daemon/cluster`).
const DEFAULT_POOL: &str = "10.0.0.0/8";

/// The part of `/info` about the swarm.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Info {
    swarm: SwarmInfo,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct SwarmInfo {
    #[serde(rename = "NodeID")]
    node_id: String,
    cluster: Cluster,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Cluster {
    default_addr_pool: Vec<String>,
    subnet_size: u8,
}

/// The response of `/volumes`.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct ListedVolumes {
    volumes: Option<Vec<ListedVolume>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct ListedVolume {
    name: String,
    driver: String,
    options: Option<BTreeMap<String, String>>,
}

impl Swarm {
    /// What there is around a stack, whatever the stack itself is now. Three requests at once, one more each if the
    /// stack has volumes of its own, if it has folders, and if others publish ports on the nodes themselves that the
    /// stack wants, however big the swarm is. What cannot be read is left out.
    /// [`changed_secrets`](Self::changed_secrets) has the rest.
    pub async fn survey(&self, desired: &Stack) -> Surroundings {
        let _permit = self.looks.acquire().await;
        let data = async { if desired.folders.is_empty() { None } else { self.data_root().await.ok() } };
        let (networks, info, foreign, volumes, data) = tokio::join!(
            self.list(Call::get("/networks"), Some::<ListedNetwork>),
            self.read(Call::get("/info"), |call| self.engine.json::<Info>(call)),
            self.list(Call::get("/services"), |service| neighbour(&desired.name, service)),
            self.stored_volumes(desired),
            data,
        );
        let names: BTreeMap<&str, &str> =
            networks.iter().map(|network| (network.id.as_str(), network.name.as_str())).collect();
        let mut foreign: BTreeMap<String, Neighbour> = foreign.into_iter().collect();
        for neighbour in foreign.values_mut() {
            let called = |id: String| names.get(id.as_str()).map_or(id, |name| (*name).to_owned());
            neighbour.networks = std::mem::take(&mut neighbour.networks).into_iter().map(called).collect();
        }
        self.locate(&mut foreign, desired).await;
        Surroundings {
            services: foreign.into_values().collect(),
            networks: networks.iter().map(|network| (network.name.clone(), segment(network))).collect(),
            pool: pool(&info.swarm.cluster),
            node: info.swarm.node_id,
            volumes,
            changed_secrets: BTreeSet::new(),
            data,
        }
    }

    /// The volumes of this node that the stack names.
    async fn stored_volumes(&self, desired: &Stack) -> BTreeMap<String, StoredVolume> {
        let mounts = desired.services.values().flat_map(|service| &service.volumes);
        let named: BTreeSet<&str> =
            mounts.filter(|mount| mount.volume.is_some()).map(|it| it.source.as_str()).collect();
        if named.is_empty() {
            return BTreeMap::new();
        }
        let listed = self.read(Call::get("/volumes"), |call| self.engine.json::<ListedVolumes>(call)).await;
        let wanted = listed.volumes.unwrap_or_default().into_iter().filter(|it| named.contains(it.name.as_str()));
        wanted
            .map(|it| (it.name, StoredVolume { driver: it.driver, options: it.options.unwrap_or_default() }))
            .collect()
    }

    /// The secrets that keep their name and not their content. Nobody can read a secret, but the engine compares: an
    /// update with other content is refused as that, and one with the same content for its version index, which no
    /// secret has. One request for each secret that has a name of its own.
    pub async fn changed_secrets(&self, desired: &Stack, observed: &Observed) -> BTreeSet<String> {
        let mut changed = BTreeSet::new();
        for (name, secret) in desired.secrets.iter().filter(|(name, _)| !is_content_addressed(&desired.name, name)) {
            let Some(there) = observed.secrets.get(name) else { continue };
            let body = encode::secret(&desired.name, name, secret).filter(|body| !body["Data"].is_null());
            let Some(body) = body else { continue };
            let call = Call::post(format!("/secrets/{}/update", there.id), body).with("version", NO_VERSION);
            if let Err(Error::Refused { message, .. }) = self.engine.call(call).await
                && message.contains("only updates to Labels")
            {
                changed.insert(name.clone());
            }
        }
        changed
    }

    async fn list<T: DeserializeOwned, K>(&self, call: Call, keep: impl FnMut(T) -> Option<K>) -> Vec<K> {
        self.read(call, |call| self.engine.list(call, keep)).await
    }

    async fn read<T: Default, F>(&self, call: Call, read: impl FnOnce(Call) -> F) -> T
    where
        F: Future<Output = Result<T, Error>>,
    {
        let shown = call.to_string();
        read(call).await.unwrap_or_else(|error| {
            tracing::debug!(call = shown, %error, "left out of what is looked at in advance");
            T::default()
        })
    }

    /// Finds the nodes of the services, by id, that have a port of their nodes which the stack wants.
    async fn locate(&self, services: &mut BTreeMap<String, Neighbour>, desired: &Stack) {
        let wanted: BTreeSet<(u16, String)> =
            desired.services.values().flat_map(|it| &it.ports).filter_map(on_nodes).collect();
        let has = |service: &Neighbour| service.ports.iter().filter_map(on_nodes).any(|port| wanted.contains(&port));
        let holders: Vec<&str> = services.iter().filter(|(_, it)| has(it)).map(|(id, _)| id.as_str()).collect();
        if holders.is_empty() {
            return;
        }
        let filters = serde_json::json!({ "service": holders, "desired-state": ["running"] });
        let tasks = self.list(Call::get("/tasks").with("filters", filters), Some::<ListedTask>).await;
        for task in tasks.into_iter().filter(|task| !task.node_id.is_empty()) {
            if let Some(service) = services.get_mut(&task.service_id) {
                service.nodes.insert(task.node_id);
            }
        }
    }
}

/// A port that is published on the nodes themselves.
fn on_nodes(port: &Port) -> Option<(u16, String)> {
    let protocol = if port.protocol.is_empty() { "tcp" } else { &port.protocol };
    let number = port.published.filter(|number| *number != 0 && port.is_of_the_node())?;
    Some((number, protocol.to_owned()))
}

/// A service of somebody else, by its id, with the ids of its networks; none for one of the stack's own, and for one
/// that is not understood.
fn neighbour(stack: &StackName, listed: ListedService) -> Option<(String, Neighbour)> {
    let spec: ServiceSpec = serde_json::from_value(listed.spec).ok()?;
    let (name, owner) = (spec.name.clone(), spec.labels.get(NAMESPACE_LABEL).cloned());
    if owner.as_deref() == Some(stack.as_str()) {
        return None;
    }
    let service = decode::from_spec(spec);
    Some((
        listed.id,
        Neighbour {
            name,
            stack: owner,
            routing: service.labels.into_iter().filter(|(key, _)| is_for_traefik(key)).collect(),
            image: service.image,
            mode: service.mode,
            networks: service.networks.into_keys().collect(),
            has_virtual_address: service.endpoint_mode.as_deref() != Some("dnsrr"),
            constraints: service.constraints,
            ports: service.ports,
            nodes: BTreeSet::new(),
        },
    ))
}

/// Traefik reads labels whatever the case of their letters.
fn is_for_traefik(label: &str) -> bool {
    label.get(..8).is_some_and(|begin| begin.eq_ignore_ascii_case("traefik."))
}

fn segment(network: &ListedNetwork) -> Segment {
    Segment {
        is_of_the_swarm: network.scope == "swarm",
        subnets: network.ipam.config.iter().filter_map(|config| config.range.parse().ok()).collect(),
    }
}

fn pool(cluster: &Cluster) -> Option<Pool> {
    let mut nets: Vec<IpNet> = cluster.default_addr_pool.iter().filter_map(|net| net.parse().ok()).collect();
    if nets.is_empty() {
        nets.extend(DEFAULT_POOL.parse::<IpNet>());
    }
    (cluster.subnet_size > 0).then_some(Pool { nets, prefix: cluster.subnet_size })
}
