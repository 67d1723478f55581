//! What rules look at.

use std::collections::BTreeMap;

use crate::lint::dockerfile::Dockerfile;
use crate::lint::elsewhere::Elsewhere;
use crate::lint::settings::Settings;
use crate::lint::shell::Script;
use crate::lint::traefik::{Picture, Proxy};
use crate::name::RepoPath;
use crate::revision::Revision;
use crate::stack::file::{File, Service};
use crate::stack::template::Misfit;

/// Why a stack file is not understood.
#[derive(Debug)]
pub(super) enum Reading<'a> {
    /// Its bytes were not read.
    TooLarge,
    /// The stack files before it say too much.
    TooMany,
    /// Nothing came out of its template.
    Template(&'a [Misfit]),
    /// What it says is no stack.
    Problems(&'a [Misfit]),
}

/// A stack file that was understood, in its revision.
#[derive(Debug)]
pub(super) struct StackSubject<'a> {
    /// The file.
    pub(super) file: &'a File,
    /// What the stack is called, if the revision tells.
    pub(super) name: Option<&'a str>,
    /// The Dockerfiles of the revision.
    pub(super) dockerfiles: &'a BTreeMap<RepoPath, Dockerfile>,
    /// What all stack files of the revision say about Traefik.
    pub(super) traefik: &'a Picture,
    /// What else is there.
    pub(super) revision: &'a Revision,
    /// What the repository keeps elsewhere.
    pub(super) elsewhere: &'a Elsewhere,
    /// What the repository says about its checks.
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
    /// What its `RUN` say.
    pub(super) scripts: &'a [Script<'a>],
    /// Which folders it is built in.
    pub(super) contexts: &'a Contexts,
    /// What else is there.
    pub(super) revision: &'a Revision,
    /// What the repository keeps elsewhere.
    pub(super) elsewhere: &'a Elsewhere,
    /// What the repository says about its checks.
    pub(super) settings: &'a Settings,
}

/// The folders that a Dockerfile is built in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Contexts {
    /// All of these: stack files say so.
    Known(Vec<RepoPath>),
    /// One of these: its own folder, and those above it; none if it was read without what is around it.
    Likely(Vec<RepoPath>),
}

impl Contexts {
    /// All that there may be.
    pub(super) fn all(&self) -> &[RepoPath] {
        match self {
            Self::Known(contexts) | Self::Likely(contexts) => contexts,
        }
    }

    /// The context, if there is one, in which something surely does not exist.
    pub(super) fn lacking(&self, is_there: impl Fn(&RepoPath) -> bool) -> Option<&RepoPath> {
        match self {
            Self::Known(contexts) => contexts.iter().find(|context| !is_there(context)),
            Self::Likely(contexts) => contexts.first().filter(|_| !contexts.iter().any(is_there)),
        }
    }
}
