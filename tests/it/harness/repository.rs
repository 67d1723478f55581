//! A bare Git repository that is committed to without a work tree.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use git2::{Index, IndexEntry, IndexTime, Signature, Time};
use skep::name::CommitId;

/// The files of the next commit, and where the commits are.
pub(crate) struct Repository {
    pub(crate) path: PathBuf,
    pub(crate) files: BTreeMap<String, String>,
}

impl Repository {
    pub(crate) fn new(path: &Path) -> Self {
        git2::Repository::init_bare(path).unwrap();
        Self { path: path.to_owned(), files: BTreeMap::new() }
    }

    /// Commits all files, by the same person at the same moment, so that ids are always the same.
    pub(crate) fn commit(&self, subject: &str) -> CommitId {
        let repository = git2::Repository::open_bare(&self.path).unwrap();
        let tree = repository.find_tree(self.tree(&repository)).unwrap();
        let ada = Signature::new("Ada", "ada@example.com", &Time::new(1_767_225_600, 0)).unwrap();
        let parent = repository.find_reference("refs/heads/main").ok().map(|main| main.peel_to_commit().unwrap());
        let parents: Vec<_> = parent.iter().collect();
        let commit = repository.commit(Some("refs/heads/main"), &ada, &ada, subject, &tree, &parents).unwrap();
        commit.to_string().parse().unwrap()
    }

    fn tree(&self, repository: &git2::Repository) -> git2::Oid {
        let mut index = Index::new().unwrap();
        for (path, text) in &self.files {
            let id = repository.blob(text.as_bytes()).unwrap();
            index.add(&entry(path, id)).unwrap();
        }
        index.write_tree_to(repository).unwrap()
    }
}

fn entry(path: &str, id: git2::Oid) -> IndexEntry {
    let never = IndexTime::new(0, 0);
    IndexEntry {
        ctime: never,
        mtime: never,
        dev: 0,
        ino: 0,
        mode: 0o100_644,
        uid: 0,
        gid: 0,
        file_size: 0,
        id,
        flags: 0,
        flags_extended: 0,
        path: path.as_bytes().to_vec(),
    }
}
