//! The inputs of rules.

use std::collections::BTreeMap;

use crate::diagnostic::Diagnostic;
use crate::lint::dockerfile::Dockerfile;
use crate::lint::elsewhere::Elsewhere;
use crate::lint::settings::Settings;
use crate::lint::shell::Script;
use crate::lint::traefik::{Picture, Proxy};
use crate::name::RepoPath;
use crate::revision::Revision;
use crate::stack::file::{File, Service};

/// Why a stack file is not valid.
#[derive(Debug)]
pub(super) enum Reading<'a> {
    /// Its bytes were not read.
    TooLarge,
    /// The stack files before it have reached the limit.
    TooMany,
    /// Its template could not be filled in.
    Template(&'a [Diagnostic]),
    /// Its contents are not a stack.
    Problems(&'a [Diagnostic]),
}

/// A valid stack file in its revision.
#[derive(Debug)]
pub(super) struct StackSubject<'a> {
    /// The file.
    pub(super) file: &'a File,
    /// The name of the stack, if the revision determines it.
    pub(super) name: Option<&'a str>,
    /// The Dockerfiles of the revision.
    pub(super) dockerfiles: &'a BTreeMap<RepoPath, Dockerfile>,
    /// The definitions for Traefik in all stack files of the revision.
    pub(super) traefik: &'a Picture,
    /// The paths of the revision.
    pub(super) revision: &'a Revision,
    /// The files that the repository keeps elsewhere.
    pub(super) elsewhere: &'a Elsewhere,
    /// The repository's settings of the linter.
    pub(super) settings: &'a Settings,
}

impl StackSubject<'_> {
    /// The Traefiks that it deploys.
    pub(super) fn proxies(&self) -> impl Iterator<Item = (&Proxy, &Service)> {
        let proxy = |(name, service)| Some((self.traefik.proxy(self.name, name)?, service));
        self.file.services.iter().filter_map(proxy)
    }

    /// The stack, in words.
    pub(super) fn described(&self) -> String {
        self.name.map_or_else(|| "another stack".to_owned(), |name| format!("the stack `{name}`"))
    }
}

/// A Dockerfile in its revision.
#[derive(Debug)]
pub(super) struct DockerfileSubject<'a> {
    /// Where it is.
    pub(super) path: &'a RepoPath,
    /// The file.
    pub(super) file: &'a Dockerfile,
    /// The scripts of its `RUN` instructions.
    pub(super) scripts: &'a [Script<'a>],
    /// The folders that it is built in.
    pub(super) contexts: &'a Contexts,
    /// The paths of the revision.
    pub(super) revision: &'a Revision,
    /// The files that the repository keeps elsewhere.
    pub(super) elsewhere: &'a Elsewhere,
    /// The repository's settings of the linter.
    pub(super) settings: &'a Settings,
}

/// The folders that a Dockerfile is built in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Contexts {
    /// Exactly these, by stack files.
    Known(Vec<RepoPath>),
    /// One of these: its own folder, and those above it; empty if it was read without its surroundings.
    Likely(Vec<RepoPath>),
}

impl Contexts {
    /// All possible contexts.
    pub(super) fn all(&self) -> &[RepoPath] {
        match self {
            Self::Known(contexts) | Self::Likely(contexts) => contexts,
        }
    }

    /// A context, if there is one, in which a path certainly does not exist.
    pub(super) fn lacking(&self, is_there: impl Fn(&RepoPath) -> bool) -> Option<&RepoPath> {
        match self {
            Self::Known(contexts) => contexts.iter().find(|context| !is_there(context)),
            Self::Likely(contexts) => contexts.first().filter(|_| !contexts.iter().any(is_there)),
        }
    }
}
