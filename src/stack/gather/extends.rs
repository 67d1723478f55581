//! `extends`: merges a service over another one, of the same file or of another file of the repository.
//!
//! The service is merged over the extended one by the same rules as files. The dependencies of that one
//! (`depends_on`, `links`, networks, volumes, configs, secrets) are inherited, and must be defined in the stack.

use std::collections::HashMap;

use super::{Gatherer, MAX_COPIED, Mention, Place, circle, shortened};
use crate::diagnostic::Span;
use crate::name::RepoPath;
use crate::stack::merge::{self, Zeros};
use crate::stack::yaml::{Node, Value};

/// The longest chain of services that extend each other.
const MAX_CHAIN: usize = 32;

/// The services of a file that may be extended.
pub(super) struct Scope {
    path: RepoPath,
    place: Place,
    services: Node,
    /// Whether variables are not yet replaced: in a file that is only extended, unused services may be invalid.
    raw: bool,
    done: HashMap<String, Option<Node>>,
}

/// A service that is being assembled, and its file.
type Link = (usize, String);

impl Gatherer<'_> {
    /// Assembles the services of a file that extend others.
    pub(super) fn extend_services(&mut self, path: &RepoPath, tree: &mut Node, place: &Place) {
        let Value::Mapping(sections) = &mut tree.value else { return };
        let Some((_, services)) = sections.iter_mut().find(|(key, _)| key.raw() == "services") else { return };
        if !services.entries().iter().any(|(_, service)| service.get("extends").is_some()) {
            return;
        }
        let scope = self.scope(path.clone(), place.clone(), services.clone(), false);
        let Value::Mapping(entries) = &mut services.value else { return };
        for (key, service) in entries {
            if service.get("extends").is_none() {
                continue;
            }
            match self.extended(scope, key.raw(), &key.span, &mut Vec::new()) {
                Some(extended) => *service = extended,
                // Already reported; the rest of the service is still checked.
                None => drop(service.remove("extends")),
            }
        }
    }

    fn scope(&mut self, path: RepoPath, place: Place, services: Node, raw: bool) -> usize {
        self.scopes.push(Scope { path, place, services, raw, done: HashMap::new() });
        self.scopes.len() - 1
    }

    /// A service merged over what it extends; `at` is the place of the reference.
    fn extended(&mut self, scope: usize, name: &str, at: &Span, chain: &mut Vec<Link>) -> Option<Node> {
        if self.copies_left == 0 && !self.may_copy(1, at) {
            return None;
        }
        if let Some(done) = self.scopes[scope].done.get(name) {
            let size = done.as_ref()?.size();
            return if self.may_copy(size, at) { self.scopes[scope].done[name].clone() } else { None };
        }
        if !self.may_extend(scope, name, at, chain) {
            return None;
        }
        let service = self.service(scope, name, at)?;
        chain.push((scope, name.to_owned()));
        let extended = self.laid_over_base(scope, service, chain);
        chain.pop();
        self.scopes[scope].done.insert(name.to_owned(), extended.clone());
        extended
    }

    fn may_extend(&mut self, scope: usize, name: &str, at: &Span, chain: &[Link]) -> bool {
        if chain.iter().any(|(known, service)| *known == scope && service == name) {
            let members = chain.iter().map(|(_, service)| service.as_str());
            let message = format!("services extend each other in a cycle: {}", circle(members, name));
            self.once(at, message, "remove one of these `extends`");
            return false;
        }
        if chain.len() >= MAX_CHAIN {
            let message = format!("more than {MAX_CHAIN} services extend each other in a row");
            self.once(at, message, "extend one service with the common parts");
            return false;
        }
        true
    }

    /// A service as defined in its file.
    fn service(&mut self, scope: usize, name: &str, at: &Span) -> Option<Node> {
        let Some(size) = self.scopes[scope].services.get(name).map(Node::size) else {
            let message =
                format!("there is no service `{}` to extend in `{}`", shortened(name), self.scopes[scope].path);
            self.problem(at, message, None);
            return None;
        };
        if !self.may_copy(size, at) {
            return None;
        }
        let mut service = self.scopes[scope].services.get(name)?.clone();
        if self.scopes[scope].raw {
            let variables = self.scopes[scope].place.variables.clone();
            self.interpolate(&mut service, &variables);
        }
        Some(service)
    }

    fn laid_over_base(&mut self, scope: usize, mut service: Node, chain: &mut Vec<Link>) -> Option<Node> {
        let Some((_, extends)) = service.remove("extends") else { return Some(service) };
        let (base, name) = self.base(scope, &extends)?;
        let base = self.extended(base, name.raw(), &name.span, chain)?;
        Some(merge::services(base, service, Zeros::Count))
    }

    /// The file and the name of the service that is extended.
    fn base(&mut self, scope: usize, extends: &Node) -> Option<(usize, Node)> {
        if extends.as_str().is_some() {
            return Some((scope, extends.clone()));
        }
        for (key, _) in extends.entries().iter().filter(|(key, _)| !["file", "service"].contains(&key.raw())) {
            let message = format!("extends has no key `{}`", shortened(key.raw()));
            self.problem(&key.span, message, "it has `service` and `file`".to_owned());
        }
        let Some(name) = extends.get("service").filter(|name| name.as_str().is_some()) else {
            let help = "write `extends: { service: NAME }`, with `file: PATH` if it is in another file".to_owned();
            self.problem(&extends.span, "`extends` does not name a `service`".to_owned(), help);
            return None;
        };
        match extends.get("file").filter(|file| !file.is_null()) {
            Some(file) => Some((self.scope_of_file(scope, file)?, name.clone())),
            None => Some((scope, name.clone())),
        }
    }

    /// The services of another file; its paths are relative to its own folder.
    fn scope_of_file(&mut self, scope: usize, file: &Node) -> Option<usize> {
        let Place { folder, variables } = self.scopes[scope].place.clone();
        let Mention { path, span } = self.path(file, &folder)?;
        if self.scopes[scope].path == path {
            return Some(scope);
        }
        let key = (path.clone(), variables.address());
        if let Some(known) = self.scope_of.get(&key) {
            return *known;
        }
        let found = self.loaded(&Mention { path: path.clone(), span }).and_then(|file| {
            let place = self.with_defaults(
                std::slice::from_ref(&file),
                &Place { folder: path.parent(), variables: variables.clone() },
            );
            let (_, services) = self.added(file, &place)?.remove("services")?;
            Some(self.scope(path, place, services, true))
        });
        self.scope_of.insert(key, found);
        found
    }

    /// Counts copied values. Once the limit is exceeded, nothing more is copied, so that refused input costs no time.
    fn may_copy(&mut self, size: usize, at: &Span) -> bool {
        let left = self.copies_left.checked_sub(size);
        self.copies_left = left.unwrap_or_default();
        if left.is_none() {
            let message = format!("`extends` copies more than {MAX_COPIED} values");
            self.once(at, message, "extend smaller services");
        }
        left.is_some()
    }
}
