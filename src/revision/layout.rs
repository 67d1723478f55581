//! Which files of a repository are stacks, and which only look like stacks.
//!
//! The first of these that exists determines the stacks: `skep.yml`; `stacks/<name>/stack.yml`; a stack
//! file at the top; other files below `stacks/`; a folder or a file for each stack at the top. Older layouts
//! come first, so that a repository does not deploy other stacks because a newer skep supports more layouts.
//! All other Compose files are linted and not deployed.

use std::collections::{BTreeMap, BTreeSet};

use super::{AT_THE_TOP, Revision, StackSource};
use crate::diagnostic::{Diagnostic, Span};
use crate::name::{Invalid, RepoPath, StackName};
use crate::stack::listing::{self, Listed, Listing};
use crate::stack::template::Template;

/// Generic names of folders at the top, which are not names of stacks.
const NO_STACKS: [&str; 34] = [
    "app",
    "build",
    "ci",
    "cmd",
    "compose",
    "config",
    "contrib",
    "demo",
    "deploy",
    "deployment",
    "dev",
    "develop",
    "development",
    "doc",
    "docker",
    "docs",
    "e2e",
    "example",
    "examples",
    "fixtures",
    "hack",
    "infra",
    "local",
    "ops",
    "sample",
    "samples",
    "scripts",
    "src",
    "stacks",
    "swarm",
    "templates",
    "test",
    "testing",
    "tests",
];
/// Folders of third-party code.
const FOREIGN: [&str; 5] = ["node_modules", "vendor", "venv", "site-packages", "third_party"];
/// The top-level keys of a Compose file.
const SECTIONS: [&str; 8] = ["version", "name", "services", "networks", "volumes", "configs", "secrets", "include"];
/// The most files that are linted without being deployed.
pub(super) const MAX_OTHERS: usize = 10_000;

/// A stack file that was found by its path: name and path.
type Found<'a> = (&'a str, &'a RepoPath);

impl Revision {
    /// The stack files that are deployed, in the order of their paths.
    pub fn stack_files(&self) -> Vec<StackSource> {
        if self.named.is_some() {
            return self.named_files();
        }
        if let Some((listing, _)) = self.listing() {
            return self.listed(&listing).0;
        }
        let found = self.found_by_layout();
        if !found.is_empty() || !self.stack_folders().is_empty() {
            let source = |(name, path): Found<'_>| Some(StackSource::of(Some(name.parse().ok()?), path.clone()));
            return found.into_iter().filter_map(source).collect();
        }
        self.at_the_top().next().map(|path| StackSource::of(None, path)).into_iter().collect()
    }

    /// Other Compose files, which are linted but not deployed. A variant, such as
    /// `docker-compose.override.yml`, is merged over its base file.
    pub fn other_files(&self) -> Vec<StackSource> {
        if self.named.is_some() {
            return Vec::new();
        }
        let deployed: BTreeSet<RepoPath> = self.stack_files().into_iter().flat_map(|source| source.files()).collect();
        let others = self.entries.keys().filter(|path| self.is_compose(path) && !deployed.contains(*path));
        let readable = others.filter(|path| self.readable(path).is_ok()).take(MAX_OTHERS);
        readable.map(|path| StackSource { under: self.base(path), ..StackSource::of(None, path.clone()) }).collect()
    }

    /// YAML files that may be Compose files, depending on their text.
    pub fn unsure(&self) -> impl Iterator<Item = &RepoPath> {
        let unsure = self.entries.keys().filter(|path| self.named.is_none() && is_yaml(path) && is_own(path));
        unsure.filter(|path| !says_compose(path) && self.readable(path).is_ok())
    }

    /// The files that must be read to determine which files are stacks.
    pub(super) fn wanted_first(&self) -> Vec<RepoPath> {
        if self.named.is_some() {
            return Vec::new();
        }
        if let Some(path) = self.listing_path().filter(|path| !self.texts.contains_key(path)) {
            return vec![path];
        }
        if self.listing().is_some() || !self.stack_folders().is_empty() || self.at_the_top().next().is_some() {
            return Vec::new();
        }
        self.unsure().filter(|path| may_be_stack(path)).take(MAX_OTHERS).cloned().collect()
    }

    /// Whether a file is read only to see whether it is a stack or sets variables; a file that is too
    /// large does neither.
    pub fn is_guess(&self, path: &RepoPath) -> bool {
        if self.named.is_some() {
            return false;
        }
        let is_stack = || self.stack_files().iter().any(|source| source.path == *path);
        let may_be = is_yaml(path) && !says_compose(path) && may_be_stack(path) && !is_stack();
        may_be || file_name(path) == ".env"
    }

    /// The repository's list of stacks, if it has one.
    pub fn listing(&self) -> Option<(Listing, Vec<Diagnostic>)> {
        let path = self.listing_path()?;
        // Until the list is read, there are no stacks.
        let Some(text) = self.texts.get(&path) else { return Some((Listing::default(), Vec::new())) };
        let (listing, problems) = Listing::parse(text);
        let misfits = problems.into_iter().map(|problem| problem.in_file(path.clone())).collect();
        Some((listing?, misfits))
    }

    /// The path of the file that lists stacks if its text has a list.
    pub fn listing_path(&self) -> Option<RepoPath> {
        let named = listing::NAMES.iter().filter_map(|name| name.parse::<RepoPath>().ok());
        named.into_iter().find(|path| self.named.is_none() && self.readable(path).is_ok())
    }

    /// The errors of the repository's list of stacks.
    pub fn listing_misfits(&self) -> Vec<Diagnostic> {
        let Some((listing, mut misfits)) = self.listing() else { return Vec::new() };
        let path = self.listing_path().unwrap_or_else(RepoPath::root);
        let problems = self.listed(&listing).1.into_iter();
        misfits.extend(problems.map(|problem| problem.in_file(path.clone())));
        misfits
    }

    /// The stacks of a list, and its errors. A stack that is listed by name is not also found by a pattern.
    fn listed(&self, listing: &Listing) -> (Vec<StackSource>, Vec<Diagnostic<Span>>) {
        let (mut sources, mut problems) = (Vec::new(), Vec::new());
        let named: BTreeSet<&StackName> = listing.listed.iter().filter_map(|listed| listed.name.as_ref()).collect();
        let mut taken = BTreeSet::new();
        for listed in &listing.listed {
            problems.extend(self.missing(listed));
            let under: Vec<RepoPath> = listed.with.iter().map(|with| with.value.clone()).collect();
            let source =
                |name, path: RepoPath| StackSource { under: under.clone(), ..StackSource::of(Some(name), path) };
            match &listed.name {
                Some(name) => sources.push(source(name.clone(), listed.file.value.clone())),
                None => sources.extend(self.matched(listed).into_iter().filter_map(|(name, path)| {
                    let name: StackName = name.parse().ok()?;
                    let is_new = !named.contains(&name) && taken.insert(path.clone());
                    is_new.then(|| source(name, path.clone()))
                })),
            }
        }
        sources.retain(|source| self.readable(&source.path).is_ok());
        (sources, problems)
    }

    fn missing(&self, listed: &Listed) -> Vec<Diagnostic<Span>> {
        let is_pattern = listed.name.is_none();
        if is_pattern && self.matched(listed).is_empty() {
            let message = format!("no file of the repository matches `{}`", listed.file.value);
            let help = "correct the pattern; the star matches the name of a stack";
            return vec![Diagnostic::new(listed.file.span.clone(), message).help(help)];
        }
        let file = Some(&listed.file).filter(|_| !is_pattern);
        let missing = |file: &crate::stack::file::Spanned<RepoPath>| {
            let reason = self.readable(&file.value).err()?;
            let message = format!("`{}` cannot be read: {reason}", file.value);
            let help = "paths are relative to the top of the repository";
            Some(Diagnostic::new(file.span.clone(), message).help(help))
        };
        file.into_iter().chain(&listed.with).filter_map(missing).collect()
    }

    fn matched(&self, listed: &Listed) -> Vec<Found<'_>> {
        let found = |path: &'_ RepoPath| self.readable(path).is_ok();
        let paths = self.entries.keys().filter_map(|path| Some((listed.finds(path.as_str())?, path)));
        paths.filter(|(_, path)| found(path)).collect()
    }

    /// Stack files in folders whose names are not valid for stacks, with the reason.
    pub fn misnamed(&self) -> Vec<(RepoPath, Invalid)> {
        let listing = self.listing();
        let found = match &listing {
            Some((listing, _)) => {
                let patterns = listing.listed.iter().filter(|listed| listed.name.is_none());
                patterns.flat_map(|listed| self.matched(listed)).collect()
            }
            None => self.found_by_layout(),
        };
        let wrong = |(name, path): Found<'_>| Some((path.clone(), name.parse::<StackName>().err()?));
        found.into_iter().filter_map(wrong).collect()
    }

    /// Folders that look like a stack, because their neighbours are stacks, but are not deployed.
    pub fn idle_folders(&self) -> Vec<RepoPath> {
        let files = self.stack_files().into_iter().flat_map(|source| source.files());
        let above = |path: RepoPath| std::iter::successors(Some(path.parent()), |folder| Some(folder.parent()));
        let is_some = |folder: &RepoPath| !folder.as_str().is_empty();
        let used: BTreeSet<RepoPath> = files.flat_map(|path| above(path).take_while(is_some)).collect();
        self.folders_of_stacks().into_iter().filter(|folder| !used.contains(folder)).collect()
    }

    /// The folders that should each be a stack: those that match a pattern, or those below `stacks/`.
    fn folders_of_stacks(&self) -> BTreeSet<RepoPath> {
        if self.named.is_some() {
            return BTreeSet::new();
        }
        let patterns: Vec<String> = match self.listing() {
            Some((listing, _)) => {
                listing.listed.iter().filter_map(|listed| Some(listed.folders()?.to_owned())).collect()
            }
            None => vec!["stacks/*".to_owned()],
        };
        // Not by `globset`, which tells whether a path matches, but not which of its folders does.
        let like = |pattern: &str, path: &RepoPath| {
            let depth = pattern.split('/').count();
            let parts: Vec<&str> = path.as_str().split('/').collect();
            let folder = (parts.len() > depth).then(|| parts[..depth].join("/"))?;
            let fits = pattern.split('/').zip(&parts).all(|(pattern, part)| match pattern.split_once('*') {
                None => pattern == *part,
                Some((before, after)) => {
                    part.len() >= before.len() + after.len()
                        && part.starts_with(before)
                        && part.ends_with(after)
                        && !part.starts_with('.')
                }
            });
            if fits { folder.parse::<RepoPath>().ok() } else { None }
        };
        let found = |pattern: &String| self.entries.keys().filter_map(|path| like(pattern, path)).collect::<Vec<_>>();
        patterns.iter().flat_map(found).collect()
    }

    /// The stack files of the first layout that finds any, with their names.
    fn found_by_layout(&self) -> Vec<Found<'_>> {
        let folders = self.stack_folders();
        if !folders.is_empty() || self.at_the_top().next().is_some() {
            return folders;
        }
        let below_stacks = self.files_for_stacks(|parts| match parts {
            ["stacks", name, _] => Some((*name, Depth::Folder)),
            ["stacks", _, name, _] => Some((*name, Depth::Deeper)),
            ["stacks", file] => Some((stem(file)?, Depth::File)),
            _ => None,
        });
        if !below_stacks.is_empty() {
            return below_stacks;
        }
        self.files_for_stacks(|parts| match parts {
            [name, _] if !NO_STACKS.contains(name) => Some((*name, Depth::Folder)),
            [file] => Some((stem(file)?, Depth::File)),
            _ => None,
        })
    }

    /// The files that `place` accepts: one for each folder, the first of the usual names. There are no stacks below
    /// a folder with a stack file.
    fn files_for_stacks<'a>(&'a self, place: impl Fn(&[&'a str]) -> Option<(&'a str, Depth)>) -> Vec<Found<'a>> {
        let mut found: BTreeMap<&str, (Depth, usize, Found<'a>)> = BTreeMap::new();
        for path in self.entries.keys().filter(|path| is_own(path) && self.readable(path).is_ok()) {
            let parts: Vec<&str> = path.as_str().split('/').collect();
            let Some((name, depth)) = place(&parts) else { continue };
            let (folder, file) = path.as_str().rsplit_once('/').unwrap_or(("", path.as_str()));
            let (key, rank) = match (depth, AT_THE_TOP.iter().position(|known| *known == file)) {
                (Depth::File, _) if self.is_alone_in_its_file(path) => (path.as_str(), 0),
                (Depth::Folder | Depth::Deeper, Some(rank)) if self.is_compose(path) => (folder, rank),
                _ => continue,
            };
            let known = found.entry(key).or_insert((depth, rank, (name, path)));
            if rank < known.1 {
                *known = (depth, rank, (name, path));
            }
        }
        let is_stack = |folder: &str| found.get(folder).is_some_and(|(depth, ..)| *depth == Depth::Folder);
        let inside = |folder: &str| folder.rsplit_once('/').is_some_and(|(above, _)| is_stack(above));
        let kept = found.iter().filter(|(folder, (depth, ..))| *depth != Depth::Deeper || !inside(folder));
        kept.map(|(_, (_, _, found))| *found).collect()
    }

    /// Whether a file is a stack by its text, and not a part or variant of another one.
    fn is_alone_in_its_file(&self, path: &RepoPath) -> bool {
        is_yaml(path) && !says_compose(path) && self.is_compose(path)
    }

    /// Whether a file is a Compose file, by its name or by its text if it was read.
    fn is_compose(&self, path: &RepoPath) -> bool {
        let says = || self.texts.get(path).is_some_and(|text| looks_like_compose(text));
        is_yaml(path) && is_own(path) && (says_compose(path) || says())
    }

    /// The base file of a variant.
    fn base(&self, path: &RepoPath) -> Vec<RepoPath> {
        let Some(base) = variant_of(path) else { return Vec::new() };
        let named = ["yml", "yaml"].iter().filter_map(|ending| path.parent().join(&format!("{base}.{ending}")).ok());
        named.into_iter().find(|base| self.readable(base).is_ok()).into_iter().collect()
    }
}

/// How deep a stack file is in its layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// The file itself is the stack.
    File,
    /// The file is in the folder of the stack.
    Folder,
    /// The folder of the stack is in a group folder.
    Deeper,
}

fn file_name(path: &RepoPath) -> &str {
    path.as_str().rsplit('/').next().unwrap_or_default()
}

/// A name without the extension of a YAML file.
fn stem(name: &str) -> Option<&str> {
    name.strip_suffix(".yml").or_else(|| name.strip_suffix(".yaml")).filter(|stem| !stem.is_empty())
}

fn is_yaml(path: &RepoPath) -> bool {
    stem(file_name(path)).is_some()
}

/// Whether a path is the repository's own: not hidden, third-party code or a template.
fn is_own(path: &RepoPath) -> bool {
    let text = path.as_str();
    let is_template = text.strip_prefix(Template::FOLDER).is_some_and(|rest| rest.starts_with('/'));
    !is_template && text.split('/').all(|part| !part.starts_with('.') && !FOREIGN.contains(&part))
}

/// Whether a file is a Compose file by its name. `stack.yml` is not, because other programs use that name.
fn says_compose(path: &RepoPath) -> bool {
    let Some(stem) = stem(file_name(path)) else { return false };
    let words = stem.to_ascii_lowercase();
    words.split(['.', '-', '_']).any(|word| word == "compose")
}

/// The name, without extension, of the base file of a variant: `docker-compose` for
/// `docker-compose.override.yml`.
pub fn variant_of(path: &RepoPath) -> Option<&str> {
    let stem = stem(file_name(path))?;
    ["docker-compose", "compose"]
        .into_iter()
        .find(|base| stem.strip_prefix(base).is_some_and(|rest| rest.starts_with(['.', '-', '_'])))
}

/// Whether a file with any name is in a place for stacks.
fn may_be_stack(path: &RepoPath) -> bool {
    match path.as_str().split('/').collect::<Vec<_>>()[..] {
        [_] | ["stacks", _] => true,
        [_, file] | ["stacks", _, file] | ["stacks", _, _, file] => AT_THE_TOP.contains(&file),
        _ => false,
    }
}

/// Whether a text is a Compose file: only its sections at the top, and services with an image or a
/// build.
fn looks_like_compose(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (mut section, mut says) = ("", false);
    for line in text.lines() {
        let inside = line.trim_start();
        let is_key =
            inside.len() == line.len() && !line.starts_with(['#', '-', '.', '%', '}', ']']) && !line.trim().is_empty();
        let rest = if is_key {
            let Some((key, rest)) = line.split_once(':') else { return false };
            section = key.trim().trim_matches(['"', '\'']);
            if !SECTIONS.contains(&section) && !section.starts_with("x-") {
                return false;
            }
            rest
        } else {
            inside
        };
        says |= match section {
            "include" => is_key,
            "services" => ["image", "build", "extends"].iter().any(|key| has_key(rest, key)),
            "x-skep" => has_key(rest, "template"),
            _ => false,
        };
    }
    says
}

/// Whether a line contains this key, at its beginning or in braces.
fn has_key(line: &str, key: &str) -> bool {
    line.match_indices(key).any(|(at, _)| {
        let before = line[..at].trim_end().trim_end_matches(['"', '\'']);
        let after = line[at + key.len()..].trim_start_matches(['"', '\'']);
        (before.is_empty() || before.ends_with(['{', ','])) && after.trim_start().starts_with(':')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STACK: &str = "services: { web: { image: \"nginx:1.27\" } }";

    /// Which stacks are deployed and which files are only linted, as `name=path` and `path`.
    fn shown(files: &[(&str, &str)]) -> String {
        let revision = Revision::of(files);
        let deployed = revision.stack_files().into_iter().map(|source| {
            let name = source.name.as_ref().map_or("", StackName::as_str).to_owned();
            let under: Vec<String> = source.under.iter().map(|path| format!(" over {path}")).collect();
            format!("{name}={}{}", source.path, under.concat())
        });
        let others = revision.other_files().into_iter().map(|source| source.path.to_string());
        format!("{} | {}", deployed.collect::<Vec<_>>().join(" "), others.collect::<Vec<_>>().join(" "))
    }

    fn of(paths: &[&str]) -> String {
        shown(&paths.iter().map(|path| (*path, STACK)).collect::<Vec<_>>())
    }

    #[test]
    fn what_was_deployed_before_is_deployed_alone() {
        assert_eq!(
            of(&["stack.yml", "tests/docker-compose.yml", "web.yml"]),
            "=stack.yml | tests/docker-compose.yml web.yml"
        );
        assert_eq!(of(&["compose.yaml", "stacks/a/compose.yml"]), "=compose.yaml | stacks/a/compose.yml");
        assert_eq!(
            of(&["stacks/api/compose.yml", "stacks/web/stack.yml", "stacks/c.yml", "x/compose.yml"]),
            "web=stacks/web/stack.yml | stacks/api/compose.yml stacks/c.yml x/compose.yml"
        );
        assert_eq!(of(&["stacks/A.b/stack.yml", "x/compose.yml"]), " | stacks/A.b/stack.yml x/compose.yml");
    }

    #[test]
    fn stacks_are_found_where_people_keep_them() {
        assert_eq!(
            of(&[
                "stacks/apps/a/docker-compose.yml",
                "stacks/infra/b/compose.yaml",
                "stacks/c/docker-compose.yml",
                "stacks/d.yml"
            ]),
            "a=stacks/apps/a/docker-compose.yml c=stacks/c/docker-compose.yml d=stacks/d.yml b=stacks/infra/b/compose.yaml | "
        );
        assert_eq!(
            of(&[
                "a/docker-compose.yml",
                "b/compose.yml",
                "b/docker-compose.yml",
                "c.yml",
                "d/stack.yml",
                "b/dev/compose.yml"
            ]),
            "a=a/docker-compose.yml b=b/compose.yml c=c.yml d=d/stack.yml | b/dev/compose.yml b/docker-compose.yml"
        );
        // A subfolder of a stack's folder is part of the stack.
        assert_eq!(
            of(&["stacks/a/compose.yml", "stacks/a/dev/compose.yml"]),
            "a=stacks/a/compose.yml | stacks/a/dev/compose.yml"
        );
    }

    #[test]
    fn what_is_called_for_what_it_is_is_no_stack() {
        assert_eq!(
            of(&[
                "docker/compose.yml",
                "tests/docker-compose.yml",
                "docker-compose.prod.yml",
                ".ci/compose.yml",
                "vendor/a/compose.yml",
                "templates/web/stack.yml"
            ]),
            " | docker-compose.prod.yml docker/compose.yml tests/docker-compose.yml"
        );
    }

    #[test]
    fn a_file_without_a_name_that_says_so_is_known_by_its_text() {
        let compose = [
            STACK,
            "# a\nversion: \"3.8\"\n\nservices:\n  web:\n    image: a\n",
            "services:\n  web:\n    build:\n      context: .\nx-a: &a\n  b: c\n",
            "include: [a.yml]\n",
            "x-skep: { template: web }\n",
        ];
        for text in compose {
            assert!(looks_like_compose(text.as_bytes()), "{text}");
        }
        let others = [
            "",
            "- hosts: all\n  tasks: []\n",
            "services:\n  - postgres:17\ntest:\n  image: a\n",
            "services:\n  _defaults: { autowire: true }\n  App\\: { resource: '../src' }\n",
            "image: { repository: a }\nservices:\n  a: { image: b }\n",
            "apiVersion: v1\nkind: Service\n",
            "on: push\njobs: { a: { services: { db: { image: a } } } }\n",
            "{ not: yaml",
        ];
        for text in others {
            assert!(!looks_like_compose(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn a_list_says_which_stacks_there_are() {
        let list = "stacks:\n  shop: { file: deploy/shop.yml, with: [base.yml] }\n  \"*\": \"apps/*/docker-compose.yml\"\n  b: apps/b/docker-compose.yml\n";
        let files = [
            ("skep.yml", list),
            ("base.yml", STACK),
            ("deploy/shop.yml", STACK),
            ("apps/a/docker-compose.yml", STACK),
            ("apps/b/docker-compose.yml", STACK),
            ("apps/c/compose.yml", STACK),
            ("stack.yml", STACK),
        ];
        assert_eq!(
            shown(&files),
            "shop=deploy/shop.yml over base.yml a=apps/a/docker-compose.yml b=apps/b/docker-compose.yml | apps/c/compose.yml stack.yml"
        );
        let idle: Vec<String> = Revision::of(&files).idle_folders().iter().map(ToString::to_string).collect();
        assert_eq!(idle, ["apps/c"]);
        // A file with skep's own settings is not a list.
        assert_eq!(shown(&[("skep.yml", "data: /data\n"), ("stack.yml", STACK)]), "=stack.yml | ");
    }

    #[test]
    fn what_the_list_names_must_be_there() {
        let list =
            "stacks:\n  a: a.yml\n  b: { file: b.yml, with: [no.yml] }\n  \"*\": [\"apps/*/x.yml\", \"*.yml\"]\n";
        let revision = Revision::of(&[("skep.yml", list), ("b.yml", STACK), ("C.yml", STACK)]);
        let told: Vec<String> = revision.listing_misfits().into_iter().map(|misfit| misfit.message).collect();
        insta::assert_snapshot!(told.join("\n"), @"
        `a.yml` cannot be read: it is not in the repository; commit it
        `no.yml` cannot be read: it is not in the repository; commit it
        no file of the repository matches `apps/*/x.yml`
        ");
        let misnamed: Vec<String> = revision.misnamed().into_iter().map(|(path, _)| path.to_string()).collect();
        assert_eq!(misnamed, ["C.yml"]);
    }

    #[test]
    fn nothing_is_a_stack_before_its_list_was_read() {
        let mut revision =
            Revision::of(&[("skep.yml", "stacks: { a: a.yml }"), ("a.yml", STACK), ("stack.yml", STACK)]);
        let texts = std::mem::take(&mut revision.texts);
        let mut rounds = Vec::new();
        loop {
            let wanted = revision.wanted();
            if wanted.is_empty() {
                break;
            }
            rounds.push(wanted.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "));
            revision.texts.extend(wanted.into_iter().map(|path| (path.clone(), texts[&path].clone())));
        }
        assert_eq!(rounds, ["skep.yml", "a.yml"]);
    }

    #[test]
    fn folders_below_stacks_without_a_stack_are_told() {
        let idle = |paths: &[&str]| {
            let files: Vec<(&str, &str)> = paths.iter().map(|path| (*path, STACK)).collect();
            Revision::of(&files).idle_folders().iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(idle(&["stacks/web/stack.yml", "stacks/api/compose.yml", "stacks/c/README"]), "stacks/api stacks/c");
        assert_eq!(idle(&["stacks/apps/a/compose.yml", "stacks/b/compose.yml"]), "");
    }
}
