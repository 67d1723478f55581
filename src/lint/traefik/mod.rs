//! Traefik as it sees a repository: labels of services, the rules in them, and Traefik's own stack if it is there.
//!
//! Pure, and cautious: what is not surely known, such as entry points in a file that nobody has read, is no reason to
//! say anything. Knowingly not handled: what Traefik's file provider defines, several Traefiks that each see a part of
//! the services, plugins.

pub(super) mod constraints;
pub(super) mod definitions;
pub(super) mod expression;
pub(super) mod known;
pub(super) mod labels;
pub(super) mod matchers;
pub(super) mod options;
pub(super) mod proxy;
mod static_file;
mod toml;
pub(super) mod values;

use std::collections::BTreeSet;

use crate::diagnostic::Span;
use crate::name::{RepoPath, ServiceName};
use crate::revision::Revision;
use crate::stack::file::File;
use crate::stack::file::Spanned;
use crate::stack::sources::Sources;
use labels::{Kind, Protocol};
use proxy::Version;

pub(super) use proxy::Proxy;
pub(super) use static_file::bound;

/// Everything about Traefik that the stack files of a repository say together.
#[derive(Debug, Default)]
pub(super) struct Picture {
    /// The Traefiks that the repository deploys.
    pub(super) proxies: Vec<Proxy>,
    /// What is defined in any stack: routers, middlewares and services.
    pub(super) defined: BTreeSet<(Protocol, Kind, String)>,
}

impl Picture {
    /// What these files of a revision say; each with the name of its stack, if that is known.
    pub(super) fn of<'a>(
        stacks: impl Iterator<Item = (Option<&'a str>, &'a File)> + Clone,
        revision: &Revision,
    ) -> Self {
        let mut defined = BTreeSet::new();
        for (stack, file) in stacks.clone() {
            for (name, service) in &file.services {
                let all = definitions::of(stack, name, service).into_iter();
                defined.extend(all.map(|it| (it.protocol, it.kind, it.name)));
            }
        }
        let text = |path: &RepoPath| revision.texts.get(path).map(|text| text.to_vec());
        let proxies = stacks.flat_map(|(stack, file)| Proxy::all_of(stack, file, text)).collect();
        Self { proxies, defined }
    }

    /// The Traefik that is this service of this stack.
    pub(super) fn proxy(&self, stack: Option<&str>, service: &ServiceName) -> Option<&Proxy> {
        self.proxies.iter().find(|proxy| proxy.stack.as_deref() == stack && proxy.service == *service)
    }

    /// The version of Traefik; none if the repository does not tell, or has several.
    pub(super) fn release(&self) -> Option<Version> {
        let mut versions = self.proxies.iter().map(|proxy| proxy.version);
        let first = versions.next()??;
        versions.all(|version| version == Some(first)).then_some(first)
    }

    /// The major version of Traefik; none if the repository does not tell, or has several.
    pub(super) fn version(&self) -> Option<u32> {
        let mut versions = self.proxies.iter().map(|proxy| proxy.version.map(|version| version.major));
        let first = versions.next()??;
        versions.all(|version| version == Some(first)).then_some(first)
    }

    /// Whether labels are for Traefik 1, and mean something else than today.
    pub(super) fn is_old(&self) -> bool {
        self.version() == Some(1)
    }

    /// Whether every Traefik looks at the containers of its node, and none at the services of the swarm.
    pub(super) fn reads_containers(&self) -> bool {
        !self.proxies.is_empty() && self.proxies.iter().all(Proxy::reads_containers)
    }

    /// Whether rules are read as those of Traefik 2.
    pub(super) fn has_old_syntax(&self) -> bool {
        self.version() == Some(2) || self.proxies.iter().any(|proxy| proxy.reads_rules_of_2)
    }

    /// Whether something of this name is defined.
    pub(super) fn defines(&self, protocol: Protocol, kind: Kind, name: &str) -> bool {
        self.defined.contains(&(protocol, kind, name.to_owned()))
    }

    /// The names of what is defined.
    pub(super) fn names(&self, protocol: Protocol, kind: Kind) -> impl Iterator<Item = &str> {
        let of_kind = self.defined.iter().filter(move |(its, its_kind, _)| (*its, *its_kind) == (protocol, kind));
        of_kind.map(|(.., name)| name.as_str())
    }
}

/// The place of a part of a value; that of the whole where the value does not stand in the file as it is.
pub(super) fn place(sources: &Sources, value: &Spanned<String>, part: &Span) -> Span {
    let written = String::from_utf8_lossy(sources.text(&value.span)).into_owned();
    let single = !value.is_empty() && written.matches(value.as_str()).count() == 1;
    match written.find(value.as_str()).filter(|_| single && part.end <= value.len() && part.start < part.end) {
        Some(at) => value.span.start + at + part.start..value.span.start + at + part.end,
        None => value.span.clone(),
    }
}
