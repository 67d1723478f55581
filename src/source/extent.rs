//! The size of a tree with all of its paths, computed without listing them.
//!
//! A tree may occur in another one many times, and that one in a third: thirty small objects can have more paths than
//! memory has bytes. Here every object is read once.

use std::collections::HashMap;

use git2::{ObjectType, Oid, Repository, Tree};

use super::Error;
use super::read::{MAX_ENTRIES, bounded, kind, within_limit};

/// Bytes in all paths of a tree together, at most.
pub(super) const MAX_PATHS: usize = 64 << 20;
/// The deepest nesting of folders. skep ignores deeper files, but would have to walk there.
const MAX_HEIGHT: usize = 256;

/// The number and size of the paths below a tree; the sums saturate.
#[derive(Debug, Clone, Copy, Default)]
struct Extent {
    entries: usize,
    bytes: usize,
    height: usize,
}

/// The extents of the trees of a repository, as far as they are known.
pub(super) struct Extents<'r> {
    repository: &'r Repository,
    known: HashMap<Oid, Extent>,
}

impl<'r> Extents<'r> {
    pub(super) fn of(repository: &'r Repository) -> Self {
        Self { repository, known: HashMap::new() }
    }

    /// Fails if the paths of a tree are too many, too long or too deep to be listed.
    pub(super) fn ensure_bounded(&mut self, tree: &Tree<'_>) -> Result<(), Error> {
        let extent = self.extent(tree.id(), 0, &mut 0)?;
        within_limit(extent.entries)?;
        within_bytes(extent.bytes)
    }

    /// Each tree that is read adds its entries to `seen`, a lower bound for the number of paths.
    fn extent(&mut self, id: Oid, depth: usize, seen: &mut usize) -> Result<Extent, Error> {
        let known = self.known.get(&id).copied();
        if depth + known.map_or(0, |extent| extent.height) > MAX_HEIGHT {
            let reason = format!("keep folders less than {MAX_HEIGHT} deep");
            return Err(Error::Tree { what: "too many folders in one another".to_owned(), reason });
        }
        if let Some(extent) = known {
            return Ok(extent);
        }
        bounded(self.repository, id, ObjectType::Tree)?;
        let tree = self.repository.find_tree(id).map_err(Error::local(format!("read the tree {id}")))?;
        *seen += tree.len();
        within_limit((*seen).min(MAX_ENTRIES + 1))?;
        let mut all = Extent::default();
        for entry in &tree {
            let name = entry.name_bytes().len();
            let below = match kind(entry.filemode()) {
                None => self.extent(entry.id(), depth + 1, seen)?,
                Some(_) => Extent::default(),
            };
            all.add(name, below);
        }
        self.known.insert(id, all);
        Ok(all)
    }
}

impl Extent {
    /// Adds an entry with a name of this length, and the paths below it.
    fn add(&mut self, name: usize, below: Self) {
        self.entries = self.entries.saturating_add(1).saturating_add(below.entries);
        let before = below.entries.saturating_mul(name + 1);
        self.bytes = self.bytes.saturating_add(name).saturating_add(before).saturating_add(below.bytes);
        self.height = self.height.max(below.height + 1);
    }
}

pub(super) fn within_bytes(bytes: usize) -> Result<(), Error> {
    if bytes <= MAX_PATHS {
        return Ok(());
    }
    Err(Error::TooLarge {
        what: "the list of all paths of the tree".into(),
        limit: format!("{} MiB", MAX_PATHS >> 20),
        help: "take out what the stacks do not need, or use shorter names for folders",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree of these entries.
    fn tree(repository: &Repository, entries: &[(String, Oid, bool)]) -> Oid {
        let mut builder = repository.treebuilder(None).unwrap();
        for (name, id, is_folder) in entries {
            builder.insert(name, *id, if *is_folder { 0o040_000 } else { 0o100_644 }).unwrap();
        }
        builder.write().unwrap()
    }

    #[test]
    fn what_cannot_be_listed_is_known_without_listing_it() {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init_bare(folder.path()).unwrap();
        let blob = repository.blob(b"x").unwrap();
        let file = |name: &str| tree(&repository, &[(name.into(), blob, false)]);
        let over = |times: usize, width: usize, name: &str, tree_id: Oid| {
            let entries = |id| (0..width).map(|number| (format!("{name}{number}"), id, true)).collect::<Vec<_>>();
            (0..times).fold(tree_id, |id, _| tree(&repository, &entries(id)))
        };
        let many: Vec<_> = (0..2000).map(|number| (format!("f{number}"), blob, false)).collect();
        let trees = [
            ("small", over(3, 3, "d", file("x"))),
            ("bomb", over(64, 2, "d", file("x"))),
            ("deep", over(300, 1, "d", file("x"))),
            ("long", over(1, 30, &"n".repeat(2000), tree(&repository, &many))),
        ];
        let told = trees.map(|(what, id)| {
            let found = Extents::of(&repository).ensure_bounded(&repository.find_tree(id).unwrap());
            format!("{what}: {}", found.map_or_else(|error| error.to_string(), |()| "fine".into()))
        });
        insta::assert_snapshot!(told.join("\n"), @"
        small: fine
        bomb: the tree is larger than the limit of 200000 files and folders; take out what the stacks do not need, such as installed dependencies
        deep: the tree of the commit has too many folders in one another: keep folders less than 256 deep
        long: the list of all paths of the tree is larger than the limit of 64 MiB; take out what the stacks do not need, or use shorter names for folders
        ");
    }
}
