//! Writes a stack once, like `docker stack deploy`, with the same parts of the API as the Docker CLI.
//!
//! [`Swarm::prepare_stack_deploy`] reads the current state, resolves digests and converts everything; only then
//! [`Swarm::stack_deploy`] writes: networks, secrets, configs, services. It does not wait, removes nothing, and
//! records no release. Unchanged objects are not written.
//!
//! The value of a secret cannot be read. So an existing one is sent again, before everything else: the engine accepts
//! it if it is equal and refuses it otherwise, and then nothing else has been written.

mod found;
mod image;

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;
use serde_json::Value;

use super::encode::{self, Ids};
use super::{Error, Swarm, spec};
use crate::engine::Call;
use crate::lease::Lease;
use crate::name::ServiceName;
use crate::plan::observed::Observed;
use crate::plan::{self, Action, ApiVersion, FieldChange, Plan, Removable, Subject};
use crate::registry::Logins;
use crate::stack::{Config, IMAGE_LABEL, Network, Secret, Stack};
use found::{Found, FoundService};

/// The most concurrent requests.
const AT_ONCE: usize = 8;

/// When images are resolved to digests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Resolve {
    /// For every image.
    #[default]
    Always,
    /// For images that changed in the file.
    Changed,
    /// Never.
    Never,
}

/// The options of writing a stack once.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// When images are resolved to digests.
    pub resolve: Resolve,
    /// The logins to registries; each goes with the images of its own registry.
    pub logins: Logins,
}

/// The prepared writes.
#[derive(Debug)]
pub struct Prepared {
    stack: Stack,
    found: Found,
    platforms: BTreeMap<ServiceName, Vec<spec::Platform>>,
    options: Options,
    /// Whether the engine is so old that it must be told to refuse a second network of the same name.
    check_duplicate: bool,
    writes: Vec<Write>,
    /// Warnings, in sentences.
    pub warnings: Vec<String>,
}

/// One write.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Write {
    /// The object.
    #[serde(flatten)]
    pub subject: Subject,
    /// Whether it does not exist yet.
    pub creates: bool,
    /// The changed fields, in the terms of the file; empty if unknown, or if the object is created.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldChange>,
}

impl Prepared {
    /// The writes, in order.
    pub fn writes(&self) -> &[Write] {
        &self.writes
    }
}

impl Write {
    fn is_of_a_secret(&self) -> bool {
        matches!(self.subject, Subject::Secret(_))
    }
}

impl Swarm {
    /// Reads the current state, and makes sure that everything can be written. Writes nothing.
    pub async fn prepare_stack_deploy(&self, desired: &Stack, options: &Options) -> Result<Prepared, Error> {
        let found = self.found(desired).await?;
        let mut warnings = found.warnings(desired)?;
        let mut stack = desired.clone();
        let platforms = self.resolved(&mut stack, &found, options, &mut warnings).await;
        let api = self.engine.version().await?;
        warnings.extend(plan::left_out(&stack, api));
        let writes = writes(&stack, &found, api)?;
        let ids = Ids { configs: pretended(stack.configs.keys()), secrets: pretended(stack.secrets.keys()) };
        for (key, service) in &stack.services {
            encode::service(&stack.name, key, service, &ids)?;
        }
        let check_duplicate = api < (1, 44);
        Ok(Prepared { stack, found, platforms, options: options.clone(), check_duplicate, writes, warnings })
    }

    /// Makes the writes. An error stops in the middle.
    pub async fn stack_deploy(&self, _: &Lease, prepared: &Prepared) -> Result<(), Error> {
        let (created, updated): (Vec<&Write>, Vec<&Write>) = prepared.writes.iter().partition(|write| write.creates);
        let (secrets, others): (Vec<_>, Vec<_>) = updated.into_iter().partition(|write| write.is_of_a_secret());
        for write in secrets {
            self.update_file(prepared, &write.subject).await?;
        }
        for write in created {
            self.create(prepared, &write.subject).await?;
        }
        for write in others {
            self.update_file(prepared, &write.subject).await?;
        }
        let ids = self.ids_of_files(&prepared.stack).await?;
        let services = prepared.writes.iter().filter_map(|write| write.subject.service());
        let services: Vec<_> = services.map(|key| self.write_one_service(prepared, key, &ids)).collect();
        stream::iter(services).buffer_unordered(AT_ONCE).try_collect().await
    }

    async fn create(&self, prepared: &Prepared, subject: &Subject) -> Result<(), Error> {
        let stack = &prepared.stack;
        let (path, body) = match subject {
            Subject::Network(name) => ("/networks/create", network(stack, name, prepared.check_duplicate)),
            Subject::Secret(name) => ("/secrets/create", secret(stack, name)),
            Subject::Config(name) => ("/configs/create", config(stack, name)),
            Subject::Service(_) => return Ok(()),
        };
        let Some(body) = body else { return Ok(()) };
        self.write(Call::post(path, body), &subject.to_string()).await
    }

    async fn update_file(&self, prepared: &Prepared, subject: &Subject) -> Result<(), Error> {
        let (kind, body, there) = match subject {
            Subject::Secret(name) => ("secret", secret(&prepared.stack, name), prepared.found.secrets.get(name)),
            Subject::Config(name) => ("config", config(&prepared.stack, name), prepared.found.configs.get(name)),
            Subject::Network(_) | Subject::Service(_) => return Ok(()),
        };
        let (Some(body), Some(there)) = (body, there) else { return Ok(()) };
        let call = Call::post(format!("/{kind}s/{}/update", there.id), body).with("version", there.version);
        self.write(call, &subject.to_string()).await.map_err(|error| changed(error, subject))
    }

    async fn write_one_service(&self, prepared: &Prepared, key: &ServiceName, ids: &Ids) -> Result<(), Error> {
        let (stack, service) = (&prepared.stack, &prepared.stack.services[key]);
        let mut body = encode::service(&stack.name, key, service, ids)?;
        body.task_template.placement.platforms = prepared.platforms.get(key).cloned().unwrap_or_default();
        let name = stack.name.scoped(key.as_str());
        let live = prepared.found.services.get(&name);
        body.task_template.force_update = live.map_or(0, |live| live.force_update);
        let body = serde_json::to_value(body).expect("a spec has only strings as keys");
        let mut call = match live {
            Some(live) => Call::post(format!("/services/{}/update", live.id), body).with("version", live.version),
            None => Call::post("/services/create", body),
        };
        let running = live.map(FoundService::image);
        call.registry_auth = prepared.options.logins.header_to_run(&service.image, running.as_deref());
        self.write(call, &format!("service {name}")).await
    }
}

/// All objects that differ from the desired state.
fn writes(stack: &Stack, found: &Found, api: ApiVersion) -> Result<Vec<Write>, Error> {
    let create = |subject| Write { subject, creates: true, fields: Vec::new() };
    let mut writes = Vec::new();
    for (name, network) in &stack.networks {
        if matches!(network, Network::Own(_)) && !found.networks.contains_key(name) {
            writes.push(create(Subject::Network(name.clone())));
        }
    }
    for (name, _) in stack.secrets.iter().filter(|(_, secret)| matches!(secret, Secret::Own { .. })) {
        let creates = !found.secrets.contains_key(name);
        writes.push(Write { subject: Subject::Secret(name.clone()), creates, fields: Vec::new() });
    }
    for (name, own) in stack.configs.iter().filter(|(_, config)| matches!(config, Config::Own { .. })) {
        let subject = Subject::Config(name.clone());
        let Some(there) = found.configs.get(name) else {
            writes.push(create(subject));
            continue;
        };
        let body = encode::config(&stack.name, name, own).unwrap_or_default();
        if there.has_other_data(&body) {
            return Err(Error::Immutable { subject: subject.to_string() });
        }
        if !there.is(&body) {
            writes.push(Write { subject, creates: false, fields: Vec::new() });
        }
    }
    writes.extend(services(stack, found, api)?);
    Ok(writes)
}

/// The services that are missing or differ.
fn services(stack: &Stack, found: &Found, api: ApiVersion) -> Result<Vec<Write>, Error> {
    let observed = Observed { api, ..found.observed(&stack.name)? };
    let plan = Plan::between(stack, &observed, &Removable::default());
    let changes = plan.changes.into_iter().filter(|change| change.subject.service().is_some());
    let write = |change: crate::plan::Change| match change.action {
        Action::Create => Ok(Some(Write { subject: change.subject, creates: true, fields: Vec::new() })),
        Action::Update { fields, .. } => Ok(Some(Write { subject: change.subject, creates: false, fields })),
        Action::Recreate { .. } => Err(Error::Conflict {
            subject: change.subject.to_string(),
            reason: "Swarm cannot change its mode; remove it first".to_owned(),
        }),
        // A plan between two descriptions resumes nothing.
        Action::Resume { .. } | Action::Remove => Ok(None),
    };
    Ok(changes.map(write).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

fn network(stack: &Stack, name: &str, check_duplicate: bool) -> Option<Value> {
    let Some(Network::Own(own)) = stack.networks.get(name) else { return None };
    let mut body = encode::network(&stack.name, name, own);
    if check_duplicate {
        body["CheckDuplicate"] = true.into();
    }
    Some(body)
}

fn secret(stack: &Stack, name: &str) -> Option<Value> {
    stack.secrets.get(name).and_then(|secret| encode::secret(&stack.name, name, secret))
}

fn config(stack: &Stack, name: &str) -> Option<Value> {
    stack.configs.get(name).and_then(|config| encode::config(&stack.name, name, config))
}

/// An id for every name, to see whether a body can be made.
fn pretended<'a>(names: impl Iterator<Item = &'a String>) -> BTreeMap<String, String> {
    names.map(|name| (name.clone(), String::new())).collect()
}

/// What the engine means when it takes no new data.
fn changed(error: Error, subject: &Subject) -> Error {
    match error {
        Error::Engine(crate::engine::Error::Refused { message, .. }) if message.contains("only updates to Labels") => {
            Error::Immutable { subject: subject.to_string() }
        }
        error => error,
    }
}

/// The images that services are to run, by their name in the file.
fn images(stack: &Stack) -> BTreeSet<&str> {
    stack.services.values().map(|service| service.image_as_written.as_str()).collect()
}

/// The image that a running service was deployed for.
fn label_of_image(spec: &Value) -> &str {
    spec["Labels"][IMAGE_LABEL].as_str().unwrap_or_default()
}
