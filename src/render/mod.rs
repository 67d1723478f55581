//! Renders a stack file into a stack.
//!
//! It does exactly what `docker stack deploy` does (`cli/compose/convert`): names, networks, aliases, restart policies,
//! capabilities, order. In addition, unless [`Inputs::as_written`]: named volumes become folders below the data root,
//! configs and secrets are named after their contents, a service with `x-skep.http` gets labels for Traefik, and a
//! failed update pauses, so that skep can roll it back.
//!
//! Knowingly not handled: credential specs and secret drivers, which the file refuses, and the order of several
//! `-c` files.

pub mod compose;
mod environment;
mod image;
mod links;
mod service;
mod sources;
pub(crate) mod traefik;
mod volumes;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::diagnostic::suggest::did_you_mean;
use crate::diagnostic::{Diagnostic, Span};
use crate::name::{ObjectKind, RepoPath, ServiceName, StackName};
use crate::sops::Keys;
use crate::stack::file::{File, Spanned};
use crate::stack::{Condition, Config, Network, OwnNetwork, PREDEFINED_NETWORKS, Secret, Stack};

pub use traefik::Traefik;

/// The input for rendering that is not in the file.
#[derive(Debug, Clone)]
pub struct Inputs<'a> {
    /// The stack's name.
    pub name: StackName,
    /// Images that were built, by service: full references.
    pub images: BTreeMap<ServiceName, String>,
    /// Maps images as written to `name:tag@digest`; missing ones stay without a digest.
    pub pinned: BTreeMap<String, String>,
    /// The folder on every node below which volumes are kept, such as `/data`.
    pub data_root: String,
    /// The files of the repository.
    pub texts: &'a BTreeMap<RepoPath, Arc<[u8]>>,
    /// The keys for decrypting secrets. `None` if nothing is deployed: an encrypted secret then has its
    /// name, which is derived from the ciphertext, but no value.
    pub keys: Option<&'a Keys>,
    /// The swarm's Traefik.
    pub traefik: Traefik,
    /// Whether the stack should be exactly that of `docker stack deploy`.
    pub as_written: bool,
}

impl<'a> Inputs<'a> {
    /// Inputs with default settings, and nothing built or pinned.
    pub fn new(name: StackName, texts: &'a BTreeMap<RepoPath, Arc<[u8]>>) -> Self {
        Self {
            name,
            images: BTreeMap::new(),
            pinned: BTreeMap::new(),
            data_root: "/data".to_owned(),
            texts,
            keys: None,
            traefik: Traefik::default(),
            as_written: false,
        }
    }
}

/// Renders a file into a stack, or returns all problems.
pub fn render(file: &File, inputs: &Inputs<'_>) -> Result<Stack, Vec<Diagnostic<Span>>> {
    let mut renderer = Renderer {
        file,
        inputs,
        stack: Stack { settings: file.settings.clone(), ..Stack::empty(inputs.name.clone()) },
        config_names: BTreeMap::new(),
        secret_names: BTreeMap::new(),
        awaited: awaited(file),
        circular: file.circular(),
        room: MAX_READ,
        problems: Vec::new(),
    };
    renderer.sources();
    for (name, service) in &file.services {
        renderer.check_length(name, &service.span);
        let service = renderer.service(name, service);
        renderer.stack.services.insert(name.clone(), service);
    }
    if !inputs.as_written {
        renderer.links();
    }
    if renderer.problems.is_empty() {
        return Ok(renderer.stack);
    }
    renderer.problems.sort_by_key(|problem| (problem.place.start, problem.place.end));
    // An object used by several services is checked as often.
    renderer.problems.dedup();
    Err(renderer.problems)
}

/// The services that others wait for until they end.
fn awaited(file: &File) -> BTreeSet<&ServiceName> {
    let dependencies = file.services.values().flat_map(|service| &service.depends_on);
    dependencies.filter(|one| one.condition == Condition::Completed).map(|one| &one.service.value).collect()
}

/// The most bytes in all files of a stack's configs, secrets and variables; a file counts for each
/// use.
const MAX_READ: usize = 32 << 20;

/// The state of rendering.
struct Renderer<'a> {
    file: &'a File,
    inputs: &'a Inputs<'a>,
    stack: Stack,
    /// Full names of configs by their keys.
    config_names: BTreeMap<String, String>,
    /// Full names of secrets by their keys.
    secret_names: BTreeMap<String, String>,
    /// Services that others wait for until they end.
    awaited: BTreeSet<&'a ServiceName>,
    /// Services that depend on each other in a cycle.
    circular: BTreeSet<&'a ServiceName>,
    /// How many bytes of files may still be read.
    room: usize,
    problems: Vec<Diagnostic<Span>>,
}

impl<'a> Renderer<'a> {
    fn problem(&mut self, span: &Span, message: impl Into<String>, help: impl Into<Option<String>>) {
        self.problems.push(Diagnostic { help: help.into(), ..Diagnostic::new(span.clone(), message) });
    }

    /// The text of a file that the stack file names; reports a problem if there is none.
    fn text(&mut self, path: &Spanned<RepoPath>) -> Option<&'a [u8]> {
        let Some(text) = self.inputs.texts.get(&path.value) else {
            let message = format!("`{}` is not in the repository", path.value);
            self.problem(&path.span, message, "commit it".to_owned());
            return None;
        };
        let Some(room) = self.room.checked_sub(text.len()) else {
            let message =
                format!("the files of configs, secrets and variables up to here have more than {} MiB", MAX_READ >> 20);
            self.problem(&path.span, message, "use smaller files, or split the stack".to_owned());
            return None;
        };
        self.room = room;
        Some(text)
    }

    fn check_length(&mut self, service: &ServiceName, span: &Span) {
        let (full, longest) = (self.inputs.name.scoped(service.as_str()), ObjectKind::Service.longest());
        if full.len() > longest {
            let message = format!("the full name `{full}` has {} characters, but Swarm allows {longest}", full.len());
            self.problem(span, message, "choose a shorter name for the service".to_owned());
        }
    }

    /// Checks a name that the author has given to an object of the stack.
    fn check_given_name(&mut self, kind: ObjectKind, name: &Spanned<String>) {
        if let Some(reason) = kind.objection(&name.value) {
            let message = unusable(kind, &name.value, &reason);
            self.problem(&name.span, message, "choose another `name`, or remove it".to_owned());
        }
    }

    fn check_network_name(&mut self, name: &Spanned<String>) {
        if PREDEFINED_NETWORKS.contains(&name.value.as_str()) || name.value == "ingress" {
            let message = format!("Docker has its own network `{}`, so a stack cannot create it", name.value);
            self.problem(
                &name.span,
                message,
                "write `external: true` to use that one, or choose another `name`".to_owned(),
            );
        } else {
            self.check_given_name(ObjectKind::Network, name);
        }
    }

    /// The full name of an object of the stack without a name from the author. It is shortened to fit,
    /// unless the file is deployed as written.
    fn own_name(&mut self, kind: ObjectKind, key: &str, span: &Span) -> String {
        let name = self.inputs.name.scoped(key);
        if !self.inputs.as_written {
            return kind.fitted(&name);
        }
        if let Some(reason) = kind.objection(&name) {
            let message = unusable(kind, &name, &reason);
            self.problem(span, message, "choose another key, or give it a `name`".to_owned());
        }
        name
    }

    /// Reports that a key refers to an undefined object.
    fn undefined<'k>(&mut self, what: &str, key: &str, span: &Span, known: impl Iterator<Item = &'k String>) {
        let help = did_you_mean(key, known.map(String::as_str))
            .unwrap_or_else(|| format!("define it under `{what}s` at the top of the file"));
        self.problem(span, format!("the {what} `{key}` is not defined"), help);
    }

    /// The host network, which exists in every swarm.
    fn host_network(&mut self) -> String {
        let name = "host".to_owned();
        self.stack.networks.insert(name.clone(), Network::External);
        name
    }

    /// The full name of a network, which is added to the stack.
    fn network(&mut self, key: &str, span: &Span) -> Option<String> {
        let Some(network) = self.file.networks.get(key) else {
            if key != "default" {
                self.undefined("network", key, span, self.file.networks.keys());
                return None;
            }
            let name = self.own_name(ObjectKind::Network, key, span);
            self.stack.networks.insert(name.clone(), Network::Own(OwnNetwork::default()));
            return Some(name);
        };
        let (name, network) = match (&network.name, network.external) {
            (given, true) => (given.as_ref().map_or(key, |name| name.value.as_str()).to_owned(), Network::External),
            (Some(given), false) => {
                self.check_network_name(given);
                (given.value.clone(), Network::Own(network.options.clone()))
            }
            (None, false) => {
                (self.own_name(ObjectKind::Network, key, &network.span), Network::Own(network.options.clone()))
            }
        };
        self.stack.networks.insert(name.clone(), network);
        Some(name)
    }
}

/// The message about a name that the engine refuses.
fn unusable(kind: ObjectKind, name: &str, reason: &str) -> String {
    let shown: String = name.chars().take(80).flat_map(char::escape_debug).collect();
    format!("`{shown}` cannot be the name of a {}: {reason}", kind.noun())
}

#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod tests;
