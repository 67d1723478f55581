//! The current state of a stack, read with the requests of the Docker CLI.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Value, json};

use super::AT_ONCE;
use crate::engine::{self, Call, RECORD_LABEL};
use crate::name::StackName;
use crate::plan::observed::{Observed, ObservedService};
use crate::stack::{Config, NAMESPACE_LABEL, Network, PREDEFINED_NETWORKS, Secret, Stack};
use crate::swarm::encode::Ids;
use crate::swarm::observe::{attached_networks, key_of, name_networks};
use crate::swarm::{Error, Swarm, decode};

/// The current state.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The ids of the stack's networks, and of the external ones that it names, by name.
    pub(super) networks: BTreeMap<String, String>,
    /// The stack's own networks, by name.
    own_networks: BTreeMap<String, Value>,
    pub(super) secrets: BTreeMap<String, FoundFile>,
    pub(super) configs: BTreeMap<String, FoundFile>,
    /// The stack's services by their full name.
    pub(super) services: BTreeMap<String, FoundService>,
}

/// An existing config or secret.
#[derive(Debug)]
pub(super) struct FoundFile {
    pub(super) id: String,
    pub(super) version: u64,
    spec: Value,
}

/// An existing service.
#[derive(Debug)]
pub(super) struct FoundService {
    pub(super) id: String,
    pub(super) version: u64,
    pub(super) force_update: u64,
    pub(super) spec: Value,
}

impl Swarm {
    /// Reads everything that the stack has or refers to; an error if a reference is missing.
    pub(super) async fn found(&self, stack: &Stack) -> Result<Found, Error> {
        tokio::try_join!(self.expect_a_manager(), self.expect_no_releases(&stack.name))?;
        let label = json!({ "label": { format!("{NAMESPACE_LABEL}={}", stack.name): true } });
        let own: Vec<Value> = self.engine.json(Call::get("/networks").with("filters", &label)).await?;
        let own_networks: BTreeMap<String, Value> = own.into_iter().map(|it| (text(&it, "Name"), it)).collect();
        let mut networks: BTreeMap<String, String> =
            own_networks.iter().map(|(name, network)| (name.clone(), text(network, "Id"))).collect();
        networks.extend(self.external_networks(stack).await?);
        let own = |is_own: bool, name: &String| is_own.then(|| name.clone());
        let secrets = stack.secrets.iter().filter_map(|(name, it)| own(matches!(it, Secret::Own { .. }), name));
        let configs = stack.configs.iter().filter_map(|(name, it)| own(matches!(it, Config::Own { .. }), name));
        let secrets = self.files("secret", secrets.collect()).await?;
        let configs = self.files("config", configs.collect()).await?;
        self.expect_external_files(stack).await?;
        let services: Vec<Value> = self.engine.json(Call::get("/services").with("filters", &label)).await?;
        let services: BTreeMap<String, FoundService> = services.into_iter().map(FoundService::of).collect();
        networks.extend(self.unlisted_networks(&networks, &services).await?);
        Ok(Found { networks, own_networks, secrets, configs, services })
    }

    async fn expect_a_manager(&self) -> Result<(), Error> {
        let info: Value = self.engine.json(Call::get("/info")).await?;
        if get(get(&info, "Swarm"), "ControlAvailable").as_bool() == Some(true) {
            Ok(())
        } else {
            Err(Error::NoManager)
        }
    }

    /// Refuses a stack with releases, which would undo other writes.
    async fn expect_no_releases(&self, stack: &StackName) -> Result<(), Error> {
        let prefix = format!("skep.{stack}.");
        let call = Call::get("/configs").with("filters", json!({ "name": { &prefix: true } }));
        let records: Vec<Value> = self.engine.json(call).await?;
        let is_release = |record: &Value| {
            let spec = get(record, "Spec");
            let has = |label| !get(get(spec, "Labels"), label).is_null();
            text(spec, "Name").starts_with(&prefix) && has(RECORD_LABEL) && !has(NAMESPACE_LABEL)
        };
        if records.iter().any(is_release) { Err(Error::HasReleases { stack: stack.clone() }) } else { Ok(()) }
    }

    /// The ids of the external networks, by name.
    async fn external_networks(&self, stack: &Stack) -> Result<Vec<(String, String)>, Error> {
        let external = stack.networks.iter().filter(|(_, network)| matches!(network, Network::External));
        let names = external.map(|(name, _)| name).filter(|name| !is_predefined(name));
        let requests: Vec<_> = names.map(|name| self.external_network(name)).collect();
        stream::iter(requests).buffer_unordered(AT_ONCE).try_collect().await
    }

    async fn external_network(&self, name: &str) -> Result<(String, String), Error> {
        let Some(network) = self.maybe(format!("/networks/{name}")).await? else {
            return Err(Error::Missing { kind: "network", name: name.to_owned() });
        };
        match text(&network, "Scope").as_str() {
            "swarm" => Ok((name.to_owned(), text(&network, "Id"))),
            scope => {
                let reason = format!("its scope is `{scope}`, and services need a network of the swarm");
                Err(Error::Conflict { subject: format!("network {name}"), reason })
            }
        }
    }

    /// The networks, such as `host`, that services are attached to and that are in no list, by name.
    async fn unlisted_networks(
        &self,
        known: &BTreeMap<String, String>,
        services: &BTreeMap<String, FoundService>,
    ) -> Result<Vec<(String, String)>, Error> {
        let known: BTreeSet<&str> = known.values().map(String::as_str).collect();
        let attached: BTreeSet<&str> = services.values().flat_map(|live| attached_networks(&live.spec)).collect();
        let mut found = Vec::new();
        for id in attached.into_iter().filter(|id| !known.contains(id)) {
            let network = self.maybe(format!("/networks/{id}")).await?;
            found.extend(network.map(|network| (text(&network, "Name"), id.to_owned())));
        }
        Ok(found)
    }

    async fn files(&self, kind: &'static str, names: Vec<String>) -> Result<BTreeMap<String, FoundFile>, Error> {
        let requests: Vec<_> = names.into_iter().map(|name| self.file(kind, name)).collect();
        let found: Vec<_> = stream::iter(requests).buffer_unordered(AT_ONCE).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn file(&self, kind: &'static str, name: String) -> Result<Option<(String, FoundFile)>, Error> {
        Ok(self.maybe(format!("/{kind}s/{name}")).await?.map(|file| (name, FoundFile::of(&file))))
    }

    async fn maybe(&self, path: String) -> Result<Option<Value>, Error> {
        match self.engine.json(Call::get(path)).await {
            Ok(found) => Ok(Some(found)),
            Err(engine::Error::Refused { status: 404, .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn expect_external_files(&self, stack: &Stack) -> Result<(), Error> {
        let secrets = stack.secrets.iter().filter(|(_, it)| matches!(it, Secret::External)).map(|(name, _)| name);
        self.ids_of("secret", secrets.collect()).await?;
        let configs = stack.configs.iter().filter(|(_, it)| matches!(it, Config::External)).map(|(name, _)| name);
        self.ids_of("config", configs.collect()).await.map(drop)
    }

    /// The ids of all configs and secrets that services refer to.
    pub(super) async fn ids_of_files(&self, stack: &Stack) -> Result<Ids, Error> {
        let services = stack.services.values();
        let secrets: BTreeSet<String> =
            services.clone().flat_map(|service| &service.secrets).map(|file| file.source.clone()).collect();
        let configs: BTreeSet<String> =
            services.flat_map(|service| service.config_names().map(str::to_owned).collect::<Vec<_>>()).collect();
        Ok(Ids {
            secrets: self.ids_of("secret", secrets.iter().collect()).await?,
            configs: self.ids_of("config", configs.iter().collect()).await?,
        })
    }

    /// The ids of configs or secrets by name, all of which must exist. The API's filter matches prefixes of names.
    async fn ids_of(&self, kind: &'static str, names: BTreeSet<&String>) -> Result<BTreeMap<String, String>, Error> {
        if names.is_empty() {
            return Ok(BTreeMap::new());
        }
        let wanted: serde_json::Map<String, Value> = names.iter().map(|name| ((*name).clone(), true.into())).collect();
        let call = Call::get(format!("/{kind}s")).with("filters", json!({ "name": wanted }));
        let files: Vec<Value> = self.engine.json(call).await?;
        let ids: BTreeMap<String, String> =
            files.iter().map(|file| (text(get(file, "Spec"), "Name"), text(file, "ID"))).collect();
        match names.iter().find(|name| !ids.contains_key(**name)) {
            Some(name) => Err(Error::Missing { kind, name: (*name).clone() }),
            None => Ok(ids),
        }
    }
}

impl Found {
    /// Checks that the existing objects can become as desired; an error if one belongs to another stack.
    pub(super) fn warnings(&self, stack: &Stack) -> Result<Vec<String>, Error> {
        for (kind, files) in [("secret", &self.secrets), ("config", &self.configs)] {
            for (name, file) in files {
                if let Some(owner) = file.owner().filter(|owner| *owner != stack.name.as_str()) {
                    let reason = format!("it belongs to the stack `{owner}`; give this one another `name`");
                    return Err(Error::Conflict { subject: format!("{kind} {name}"), reason });
                }
            }
        }
        let mut observed = Observed::nothing(stack.name.clone());
        observed.networks = self.observed_networks();
        Ok(crate::plan::Plan::between(stack, &observed, &crate::plan::Removable::default()).notes)
    }

    /// The existing services.
    pub(super) fn observed(&self, stack: &StackName) -> Result<Observed, Error> {
        let names: BTreeMap<&str, &str> = self.networks.iter().map(|(name, id)| (id.as_str(), name.as_str())).collect();
        let mut observed = Observed::nothing(stack.clone());
        for found in self.services.values() {
            let Some(key) = key_of(stack, &found.spec) else { continue };
            let mut spec = found.spec.clone();
            name_networks(&mut spec, |id| names.get(id).copied());
            let (service, unknown) = decode::service(stack, &key, &spec).map_err(|error| engine::Error::Strange {
                call: "GET /services".into(),
                reason: format!("service {}: {error}", stack.scoped(key.as_str())),
            })?;
            let there = ObservedService {
                id: found.id.clone(),
                version: found.version,
                service,
                force_update: found.force_update,
                unknown,
                ..ObservedService::default()
            };
            observed.services.insert(key, there);
        }
        Ok(observed)
    }

    fn observed_networks(&self) -> BTreeMap<String, crate::plan::observed::ObservedNetwork> {
        let listed = self.own_networks.iter().filter_map(|(name, network)| {
            let listed: crate::swarm::listed::ListedNetwork = serde_json::from_value(network.clone()).ok()?;
            let network = Network::Own(listed.own());
            Some((name.clone(), crate::plan::observed::ObservedNetwork { id: self.networks[name].clone(), network }))
        });
        listed.collect()
    }
}

impl FoundFile {
    fn of(file: &Value) -> Self {
        Self { id: text(file, "ID"), version: version(file), spec: get(file, "Spec").clone() }
    }

    fn owner(&self) -> Option<&str> {
        get(get(&self.spec, "Labels"), NAMESPACE_LABEL).as_str()
    }

    /// Whether it is known to differ from the body.
    pub(super) fn has_other_data(&self, body: &Value) -> bool {
        let data = get(&self.spec, "Data");
        !data.is_null() && *data != body["Data"]
    }

    /// Whether it is known to equal the body.
    pub(super) fn is(&self, body: &Value) -> bool {
        let labels = get(&self.spec, "Labels");
        get(&self.spec, "Data") == &body["Data"] && !body["Data"].is_null() && *labels == body["Labels"]
    }
}

impl FoundService {
    /// The service under its full name.
    fn of(mut service: Value) -> (String, Self) {
        let spec = match &mut service {
            Value::Object(fields) => fields.remove("Spec").unwrap_or_default(),
            _ => Value::Null,
        };
        let force_update = spec.pointer("/TaskTemplate/ForceUpdate").and_then(Value::as_u64).unwrap_or(0);
        let found = Self { id: text(&service, "ID"), version: version(&service), force_update, spec };
        (text(&found.spec, "Name"), found)
    }
}

pub(super) fn is_predefined(name: &str) -> bool {
    PREDEFINED_NETWORKS.contains(&name) || name.starts_with("container:")
}

fn version(object: &Value) -> u64 {
    get(get(object, "Version"), "Index").as_u64().unwrap_or(0)
}

fn text(object: &Value, field: &str) -> String {
    get(object, field).as_str().unwrap_or_default().to_owned()
}

/// A field, ignoring the case of its name: engines write `Id` or `ID`, and Go reads both.
pub(super) fn get<'a>(object: &'a Value, field: &str) -> &'a Value {
    const NOTHING: &Value = &Value::Null;
    let Value::Object(fields) = object else { return NOTHING };
    let any_case = || fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(field)).map(|(_, value)| value);
    fields.get(field).or_else(any_case).unwrap_or(NOTHING)
}
