//! `include`: adds services, networks, volumes, configs and secrets of other files of the repository.

use std::collections::HashMap;

use super::{Gatherer, Mention, Origin, Place, Variables, circle};
use crate::name::RepoPath;
use crate::stack::merge::{self, Zeros};
use crate::stack::yaml::{Node, Value};

/// How deep files may include each other.
const MAX_DEPTH: usize = 16;
/// The sections that an included file adds.
const SECTIONS: [&str; 5] = ["services", "networks", "volumes", "configs", "secrets"];
const KEYS: [&str; 3] = ["path", "env_file", "project_directory"];

impl Gatherer<'_> {
    /// A file with its includes added.
    pub(super) fn include(&mut self, mut tree: Node, included: &Node, place: &Place) -> Node {
        let list = std::slice::from_ref(included);
        let entries = if let Value::Sequence(items) = &included.value { items.as_slice() } else { list };
        for entry in entries {
            if let Some(model) = self.included(entry, place) {
                self.bring_in(&mut tree, model);
            }
        }
        tree
    }

    /// The tree of one entry: a path, or a map with one path or several, merged in order.
    fn included(&mut self, entry: &Node, place: &Place) -> Option<Node> {
        let paths = match &entry.value {
            Value::Scalar { .. } if !entry.is_null() => entry,
            Value::Mapping(_) => self.checked(entry)?,
            _ => {
                let help = "write the path of a file, or a map with `path`".to_owned();
                self.problem(&entry.span, format!("`include` takes paths, but this is {}", entry.kind()), help);
                return None;
            }
        };
        let list = std::slice::from_ref(paths);
        let paths = if let Value::Sequence(items) = &paths.value { items.as_slice() } else { list };
        let files: Vec<Mention> = paths.iter().filter_map(|path| self.path(path, &place.folder)).collect();
        let first = files.first()?;
        if !self.may_include(&files) {
            return None;
        }
        let folder = match entry.get("project_directory") {
            Some(node) => self.path(node, &place.folder)?.path,
            None => first.path.parent(),
        };
        let variables = match entry.get("env_file") {
            Some(node) => self.more_variables(node, place),
            None if folder != place.folder => self.with_env_file(&folder, &place.variables),
            None => place.variables.clone(),
        };
        self.model(&files, &Place { folder, variables }, false)
    }

    /// The value of `path`; reports unknown keys.
    fn checked<'n>(&mut self, entry: &'n Node) -> Option<&'n Node> {
        for (key, _) in entry.entries().iter().filter(|(key, _)| !KEYS.contains(&key.raw())) {
            let help = "it has `path`, `env_file` and `project_directory`".to_owned();
            self.problem(&key.span, format!("an include has no key `{}`", super::shortened(key.raw())), help);
        }
        let path = entry.get("path");
        if path.is_none() {
            self.problem(&entry.span, "an include has no `path`".to_owned(), None);
        }
        path
    }

    fn may_include(&mut self, files: &[Mention]) -> bool {
        if let Some(again) = files.iter().find(|file| self.open.contains(&file.path)) {
            let shown = circle(self.open.iter().map(RepoPath::as_str), again.path.as_str());
            let help = "remove one of these includes".to_owned();
            self.problem(&again.span, format!("files include each other in a cycle: {shown}"), help);
            return false;
        }
        if self.open.len() > MAX_DEPTH {
            let message = format!("files include each other more than {MAX_DEPTH} deep");
            self.once(&files[0].span, message, "include them from one place");
            return false;
        }
        true
    }

    /// Adds the variables of `env_file`s: variables set elsewhere take precedence, then later files.
    fn more_variables(&mut self, files: &Node, place: &Place) -> Variables {
        let list = std::slice::from_ref(files);
        let nodes = if let Value::Sequence(items) = &files.value { items.as_slice() } else { list };
        let files: Vec<Mention> = nodes.iter().filter_map(|node| self.path(node, &place.folder)).collect();
        place.variables.with(Origin::DotEnv, self.named_env_files(&files, &place.variables))
    }

    /// Adds the definitions of an included file. Objects defined in both must be equal.
    fn bring_in(&mut self, tree: &mut Node, mut model: Node) {
        for section in SECTIONS {
            let Some((key, more)) = model.remove(section) else { continue };
            let Value::Mapping(more) = more.value else {
                self.problem(&more.span, format!("`{section}` must be a map, but is {}", more.kind()), None);
                continue;
            };
            if !more.is_empty() {
                self.define(tree, &key, more);
            }
        }
        // `x-skep` of an included file is the default for the including file.
        if let Some((key, settings)) = model.remove("x-skep") {
            match tree.remove("x-skep") {
                Some((own_key, own)) => {
                    let merged = merge::files(settings, own, Zeros::Count);
                    add(tree, own_key, merged);
                }
                None => add(tree, key, settings),
            }
        }
    }

    fn define(&mut self, tree: &mut Node, section: &Node, more: Vec<(Node, Node)>) {
        if tree.get(section.raw()).is_none_or(Node::is_null) {
            drop(tree.remove(section.raw()));
            add(tree, section.clone(), Node::new(section.span.clone(), Value::Mapping(Vec::new())));
        }
        let Value::Mapping(sections) = &mut tree.value else { return };
        let known = sections.iter_mut().find(|(key, _)| key.raw() == section.raw());
        let Some((_, Node { value: Value::Mapping(known), .. })) = known else { return };
        let mut places: HashMap<String, usize> =
            known.iter().enumerate().map(|(at, (key, _))| (key.raw().to_owned(), at)).collect();
        for (name, value) in more {
            let Some((key, there)) = places.get(name.raw()).map(|&at| &known[at]) else {
                places.insert(name.raw().to_owned(), known.len());
                known.push((name, value));
                continue;
            };
            if !there.says_the_same(&value) {
                let shown = super::shortened(name.raw());
                let message = format!("`{shown}` of `{}` is defined here and in an included file", section.raw());
                let help = "rename one of them, or merge the files: `include: [{ path: [a, b] }]`";
                self.problem(&key.span, message, help.to_owned());
            }
        }
    }
}

fn add(tree: &mut Node, key: Node, value: Node) {
    if let Value::Mapping(entries) = &mut tree.value {
        entries.push((key, value));
    }
}
