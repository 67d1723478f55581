//! The Compose file as written: typed keys with their places.
//!
//! A [`File`] may be made from several files ([`super::gather`]); a place tells which ([`super::sources`]).
//!
//! Every value in a [`File`] is valid: [`File::read`] returns all problems, not only the first.
//! Unambiguous values have the meaning of Compose, even if `docker stack deploy` refuses them (`true` as
//! the value of a label, `published: "80"`, `cpus: 0.5`, `depends_on` as a map, empty sections). Keys that Docker
//! ignores are in [`File::ignored`]. References to undefined names are not checked here, but by rules and by
//! rendering.
//!
//! Where Docker's reading is a pitfall, the author's intention is used instead: a date stays a date, an empty value
//! in `environment` is not replaced by the deployer's, `v:/data` is a volume and not a Windows drive, a backslash in
//! quotes has the meaning of a shell, and a second document is an error. Some of these follow Docker if the file is
//! deployed as written ([`ReadMode`]). Knowingly not supported: `dockerfile_inline`, and contexts that are
//! addresses.

mod attach;
mod check;
mod circles;
mod deploy;
mod fields;
mod limits;
mod mounts;
mod ports;
mod read_mode;
mod refused;
mod run;
mod security;
mod service;
mod shell;
mod skep;
mod top;
mod types;
mod values;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::name::{RepoPath, ServiceName};
use fields::{Fields, Reader};

use super::Settings;
use super::gather::{Absent, Gathered, Library, gather};
use super::interpolate::{self, Unset};
use super::merge::Zeros;
use super::sources::Sources;
use super::spans::Spans;
use super::template::Written;
use super::variables::Set;
use super::yaml::Node;
use crate::diagnostic::{Diagnostic, KeyPath, Span};
pub(crate) use mounts::is_windows_path;
pub(crate) use ports::is_port_spec;
pub(super) use ports::short as short_ports;
pub use read_mode::ReadMode;
pub use service::ASKED_PROFILES;
pub use types::*;
pub use values::{bytes, cpus, duration};

/// A stack file as written, with its variables replaced.
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    /// The files that it was read from; every place points into them.
    pub sources: Arc<Sources>,
    /// The tree that it was read from, with its variables replaced.
    pub tree: Node,
    /// `version`, which no longer has a meaning.
    pub version: Option<Spanned<String>>,
    /// `name`: the default name of the stack.
    pub name: Option<Spanned<String>>,
    /// `x-skep` at the top.
    pub settings: Settings,
    /// `services`.
    pub services: BTreeMap<ServiceName, Service>,
    /// Services left out because none of their profiles is enabled.
    pub left_out: BTreeMap<ServiceName, LeftOut>,
    /// `networks`.
    pub networks: BTreeMap<String, Network>,
    /// `volumes`.
    pub volumes: BTreeMap<String, Volume>,
    /// `configs`.
    pub configs: BTreeMap<String, Source>,
    /// `secrets`.
    pub secrets: BTreeMap<String, Source>,
    /// Keys that Docker and skep ignore in a swarm.
    pub ignored: Vec<Ignored>,
    /// Uses of unset variables. Such a value is unknown and stays as written; if the file is deployed as written, the
    /// variable is empty.
    pub unset: Vec<Unset>,
    /// Values that were dropped because they are invalid without an unset variable.
    pub lost: Vec<Span>,
    /// Errors of `.env` files beside it.
    pub env_files: Vec<Diagnostic>,
    /// How it was read.
    pub read_mode: ReadMode,
}

impl File {
    /// Reads a file at `path` in the repository, with `variables` replaced.
    pub fn read(
        path: &RepoPath,
        text: &[u8],
        variables: &BTreeMap<String, String>,
    ) -> Result<Self, Vec<Diagnostic<Span>>> {
        match Self::of(gathered(&[(path.clone(), text)], variables, Zeros::Count)) {
            (file, problems) if problems.is_empty() => Ok(file),
            (_, problems) => Err(problems),
        }
    }

    /// Reads several files, merged in order. Files that they include or extend must be among them.
    pub fn read_all(
        files: &[(RepoPath, &[u8])],
        variables: &BTreeMap<String, String>,
        zeros: Zeros,
    ) -> Result<Self, Vec<Diagnostic>> {
        let (file, problems) = Self::of(gathered(files, variables, zeros));
        if problems.is_empty() {
            return Ok(file);
        }
        Err(problems.into_iter().map(|problem| file.sources.placed(problem)).collect())
    }

    /// The place of the last of these keys. Objects with their own name are found by that name.
    pub fn span_of(&self, keys: &KeyPath) -> Span {
        let keys = keys.0.as_slice();
        let given = if let [section, name] = keys { self.given_name(section, name) } else { None };
        given.unwrap_or_else(|| self.sources.span_of(keys))
    }

    /// The place in a section at which an object gets this name.
    fn given_name(&self, section: &str, name: &str) -> Option<Span> {
        let names: Vec<&Option<Spanned<String>>> = match section {
            "networks" => self.networks.values().map(|network| &network.name).collect(),
            "volumes" => self.volumes.values().map(|volume| &volume.name).collect(),
            "configs" => self.configs.values().map(|config| &config.name).collect(),
            "secrets" => self.secrets.values().map(|secret| &secret.name).collect(),
            _ => return None,
        };
        let mut names = names.into_iter().flatten();
        names.find(|given| given.value == name).map(|given| given.span.clone())
    }

    /// Reads gathered files; returns the file and all problems.
    pub fn of(gathered: Gathered) -> (Self, Vec<Diagnostic<Span>>) {
        let Gathered { sources, tree, problems, read_mode, unset, env_files, .. } = gathered;
        let mut reader = Reader::new(Arc::new(sources), read_mode);
        reader.problems = problems;
        let known = reader.problems.iter().map(|problem| problem.place.clone());
        let unknown = unset.iter().filter(|_| !read_mode.as_written).map(|unset| unset.span.clone());
        let unknown: Spans = known.chain(unknown).collect();
        let already = reader.problems.len();
        reader.problems.iter_mut().for_each(|problem| narrow(problem, &reader.sources));
        let mut file = Self::decode(&mut reader, &tree);
        // Errors caused by an unset variable are skipped.
        let found = reader.problems.split_off(already);
        let (lost, told): (Vec<Diagnostic<Span>>, Vec<Diagnostic<Span>>) =
            found.into_iter().partition(|problem| unknown.touch(&problem.place));
        reader.problems.extend(told);
        file.lost = lost.into_iter().map(|problem| problem.place).collect();
        file.tree = tree;
        file.ignored = reader.ignored;
        file.unset = unset;
        file.unset.extend(reader.unset);
        file.env_files = env_files;
        reader.problems.sort_by_key(|problem| (problem.place.start, problem.place.end));
        reader.problems.dedup();
        (file, reader.problems)
    }

    fn decode(reader: &mut Reader, tree: &Node) -> Self {
        let mut fields = Fields::of(reader, tree, "a stack file");
        let version = fields.take("version").and_then(|node| reader.version(node));
        let name = fields.string(reader, "name");
        let settings = fields.take("x-skep").map(|node| reader.settings(node)).unwrap_or_default();
        let services = fields.take("services").map(|node| reader.services(node)).unwrap_or_default();
        let networks = fields.take("networks").map(|node| reader.networks(node)).unwrap_or_default();
        let volumes = fields.take("volumes").map(|node| reader.volumes(node)).unwrap_or_default();
        let configs = fields.take("configs").map(|node| reader.sources("config", node)).unwrap_or_default();
        let secrets = fields.take("secrets").map(|node| reader.sources("secret", node)).unwrap_or_default();
        // Already followed: see `stack::gather`.
        fields.take("include");
        fields.finish(reader);
        Self {
            sources: reader.sources.clone(),
            tree: Node::nothing(0..0),
            version,
            name,
            settings,
            services,
            left_out: std::mem::take(&mut reader.left_out),
            networks,
            volumes,
            configs,
            secrets,
            ignored: Vec::new(),
            unset: Vec::new(),
            lost: Vec::new(),
            env_files: Vec::new(),
            read_mode: reader.read_mode,
        }
    }

    /// The builds, by service.
    pub fn builds(&self) -> impl Iterator<Item = (&ServiceName, &Build)> {
        self.services.iter().filter_map(|(name, service)| Some((name, service.build.as_ref()?)))
    }

    /// Every file and folder of the repository that this file refers to, in the order of the file.
    pub fn references(&self) -> Vec<Reference> {
        let mut references = Vec::new();
        for service in self.services.values() {
            for file in &service.env_file {
                let what = if file.required { ReferenceKind::EnvFile } else { ReferenceKind::OptionalEnvFile };
                references.push(Reference::to(&file.path, what));
            }
            if let Some(build) = &service.build {
                references.push(Reference::to(&build.context, ReferenceKind::Context));
                references.push(Reference::to(&build.dockerfile, ReferenceKind::Dockerfile));
            }
        }
        for (sources, what) in [(&self.configs, ReferenceKind::Config), (&self.secrets, ReferenceKind::Secret)] {
            let files = sources.values().filter_map(|source| source.file());
            references.extend(files.map(|path| Reference::to(path, what)));
        }
        references.sort_by_key(|reference| reference.span.start);
        references
    }
}

/// Narrows a problem about an invalid variable to its line in a text of many lines.
fn narrow(problem: &mut Diagnostic<Span>, sources: &Sources) {
    if !problem.message.ends_with("is not a variable") {
        return;
    }
    let written = std::str::from_utf8(sources.text(&problem.place)).unwrap_or_default();
    if let Some(range) = interpolate::first_invalid(written) {
        problem.place = problem.place.start + range.start..problem.place.start + range.end;
    }
}

/// Gathers these files, with nothing else in the repository.
fn gathered(files: &[(RepoPath, &[u8])], variables: &Set, zeros: Zeros) -> Gathered {
    let text = |path: &RepoPath| match files.iter().find(|(known, _)| known == path) {
        Some((_, text)) => Ok(Arc::from(*text)),
        None => Err(Absent::Missing("it is not among the files that are read".to_owned())),
    };
    let written = |path: &RepoPath, text| Ok(Written::Out(path.clone(), text));
    let paths: Vec<RepoPath> = files.iter().map(|(path, _)| path.clone()).collect();
    gather(&paths, Library { text: &text, written: &written, read_mode: ReadMode::default() }, &variables.into(), zeros)
}

#[cfg(test)]
mod contract_tests;
#[cfg(test)]
mod tests;
