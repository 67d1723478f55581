//! Files that are not in the repository itself: in Git LFS, and in submodules.
//!
//! skep runs no filters and fetches no submodules: it sees only the pointer of a file in Git LFS, and nothing of a
//! submodule. A checkout contains both, so `.gitattributes` and `.gitmodules` are read, which show what a push
//! contains.

use std::collections::BTreeMap;

use crate::name::RepoPath;
use crate::revision::Revision;
use crate::stack::ignore::Ignore;

/// The beginning of a pointer of Git LFS (git-lfs `docs/spec.md`).
const POINTER: &[u8] = b"version https://git-lfs.github.com/spec/v1\n";

/// The most steps for comparing the patterns of one `.gitattributes` with paths; afterwards the result is unknown.
const MAX_STEPS: u64 = 2_000_000;

/// The files that the repository keeps elsewhere.
#[derive(Debug, Default)]
pub(super) struct Elsewhere {
    /// The patterns for Git LFS by the folder of their `.gitattributes`.
    lfs: BTreeMap<RepoPath, Ignore>,
    submodules: Vec<RepoPath>,
}

/// Whether a text is a pointer of Git LFS instead of a file.
pub(super) fn is_pointer(text: &[u8]) -> bool {
    text.starts_with(POINTER)
}

/// Whether a file lists files that are kept elsewhere.
pub(super) fn is_asked(path: &RepoPath) -> bool {
    path.as_str() == ".gitmodules" || path.as_str().rsplit('/').next() == Some(".gitattributes")
}

impl Elsewhere {
    /// Reads these files of a revision.
    pub(super) fn of(revision: &Revision) -> Self {
        let text = |path: &RepoPath| revision.texts.get(path).and_then(|text| std::str::from_utf8(text).ok());
        let asked: Vec<&RepoPath> = revision.texts.keys().filter(|path| is_asked(path)).collect();
        let (modules, attributes): (Vec<&RepoPath>, Vec<&RepoPath>) =
            asked.into_iter().partition(|path| path.as_str() == ".gitmodules");
        let lfs = attributes.into_iter().filter_map(|path| Some((path.parent(), patterns(text(path)?)?)));
        let submodules = modules.into_iter().filter_map(text).flat_map(submodules).collect();
        Self { lfs: lfs.collect(), submodules }
    }

    /// Whether a file is kept in Git LFS.
    pub(super) fn is_in_lfs(&self, path: &RepoPath) -> bool {
        // The nearest `.gitattributes` with a matching pattern decides; few repositories have more than one.
        self.lfs.iter().any(|(folder, ignore)| {
            let inside = path.below(folder);
            inside.is_some_and(|inside| ignore.filter(MAX_STEPS).ignores(inside).unwrap_or(false))
        })
    }

    /// The submodule that contains a path.
    pub(super) fn submodule(&self, path: &RepoPath) -> Option<&RepoPath> {
        self.submodules.iter().find(|module| *module == path || module.holds(path))
    }

    /// A submodule below a folder.
    pub(super) fn submodule_below(&self, folder: &RepoPath) -> Option<&RepoPath> {
        self.submodules.iter().find(|module| folder.holds(module))
    }

    /// Whether there is any file in Git LFS.
    pub(super) fn has_lfs(&self) -> bool {
        !self.lfs.is_empty()
    }
}

/// The patterns of a `.gitattributes` for Git LFS, in the form of an ignore file; `None` if there are none.
fn patterns(text: &str) -> Option<Ignore> {
    let mut lines = String::new();
    let mut has_any = false;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', '[', '!'])) {
        let mut words = line.split_whitespace();
        let Some(pattern) = words.next().map(|word| word.trim_matches('"')) else { continue };
        let Some(filter) = words.rev().find(|word| is_filter(word)) else { continue };
        let is_lfs = filter == "filter=lfs";
        has_any |= is_lfs;
        let mark = if is_lfs { "" } else { "!" };
        // A name without a slash matches in every folder.
        let glob = match pattern.strip_prefix('/') {
            Some(rest) => rest.to_owned(),
            None if pattern.trim_end_matches('/').contains('/') => pattern.to_owned(),
            None => format!("**/{pattern}"),
        };
        lines.extend([mark, &glob, "\n"]);
    }
    has_any.then(|| Ignore::read(&lines).ok())?
}

fn is_filter(word: &str) -> bool {
    word.trim_start_matches(['-', '!']) == "filter" || word.starts_with("filter=")
}

/// The paths in a `.gitmodules`.
fn submodules(text: &str) -> Vec<RepoPath> {
    let paths = text.lines().filter_map(|line| {
        let (key, path) = line.trim().split_once('=')?;
        (key.trim() == "path").then(|| path.trim().trim_matches('"'))
    });
    paths.filter_map(|path| RepoPath::root().join(path).ok()).filter(|path| !path.as_str().is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_tell_what_is_in_lfs() {
        let attributes = "# large\n*.bin filter=lfs diff=lfs merge=lfs -text\n/top.dat filter=lfs\ndata/** filter=lfs\ndata/small.txt !filter\n*.txt text\n";
        let inner = "*.png filter=lfs -text\n";
        let modules = "[submodule \"lib\"]\n\tpath = vendor/lib\n\turl = https://example.com/lib.git\n";
        let revision =
            Revision::of(&[(".gitattributes", attributes), ("web/.gitattributes", inner), (".gitmodules", modules)]);
        let elsewhere = Elsewhere::of(&revision);
        let is = |path: &str| elsewhere.is_in_lfs(&path.parse().unwrap());
        for path in ["a.bin", "a/b/c.bin", "top.dat", "data/a/b", "web/logo.png"] {
            assert!(is(path), "{path}");
        }
        for path in ["a.txt", "web/top.dat", "data/small.txt", "logo.png", "a.bin.txt"] {
            assert!(!is(path), "{path}");
        }
        let module = |path: &str| elsewhere.submodule(&path.parse().unwrap()).map(RepoPath::as_str);
        assert_eq!(
            [module("vendor/lib"), module("vendor/lib/a"), module("vendor/other")],
            [Some("vendor/lib"), Some("vendor/lib"), None]
        );
        assert!(elsewhere.submodule_below(&"vendor".parse().unwrap()).is_some());
    }
}
