//! The changes of a push, or of a commit that is about to be made: for `skep hook`, on any Git server.
//!
//! The objects of a push that is not accepted yet are read where Git keeps them. A file counts as changed if it differs
//! from both the previous commit of the branch and the branch that the repository's `HEAD` names: whoever merges the
//! pushes of others is not asked about them again. Names that skep refuses elsewhere, and files that are too large, are
//! skipped: a hook should not refuse what it does not check.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use git2::{Commit, Delta, Index, Oid, Repository, Tree};

use super::extent::Extents;
use super::objects::{Reader, opened};
use super::read::{kind, path, tree_id, with_small_texts};
use super::{Error, memory};
use crate::name::RepoPath;
use crate::revision::{Entry, Revision};

/// A repository, and the folders with the objects of a push that is not accepted yet.
#[derive(Debug, Clone)]
pub struct Receiving {
    /// The folder with `HEAD` in it.
    pub repository: PathBuf,
    /// Further folders with objects.
    pub objects: Vec<PathBuf>,
}

/// A commit of a push.
#[derive(Debug)]
pub struct Pushed {
    /// Its tree, with the requested texts.
    pub revision: Revision,
    /// The changed files and the deleted files.
    pub changed: BTreeSet<RepoPath>,
}

impl Receiving {
    /// Reads the new commit of a ref, and its changes compared with `old`. `None` if it is not a commit, or if nothing
    /// changes.
    pub fn read(
        &self,
        old: Option<&str>,
        new: &str,
        wanted: impl Fn(&Revision, &BTreeSet<RepoPath>) -> Vec<RepoPath>,
    ) -> Result<Option<Pushed>, Error> {
        let repository = opened(&self.repository, self.objects.iter().map(PathBuf::as_path))?;
        let doing = || format!("read the pushed object {new}");
        let object =
            Oid::from_str(new).and_then(|id| repository.find_object(id, None)).map_err(Error::local(doing()))?;
        // A tag may name a file or a tree, which is never deployed.
        let Ok(commit) = object.peel_to_commit() else { return Ok(None) };
        let tree = commit.tree().map_err(Error::local(doing()))?;
        let changed = changed(&repository, &tree, bases(&repository, old, &commit))?;
        if changed.is_empty() {
            return Ok(None);
        }
        let revision = revision(&repository, &tree, commit.id())?;
        drop((tree, commit, object));
        pushed(repository, revision, changed, wanted).map(Some)
    }
}

/// Where the next commit of a work tree is prepared. Git tells its hooks by environment variables (`git help git`).
#[derive(Debug, Clone, Default)]
pub struct Staging {
    /// The folder with `HEAD` in it (`GIT_DIR`); looked for from the work tree if not given.
    pub repository: Option<PathBuf>,
    /// The index that becomes the commit (`GIT_INDEX_FILE`); by default the repository's own. `git commit -a` and
    /// `git commit FILE` use another one.
    pub index: Option<PathBuf>,
}

impl Staging {
    fn open(&self, folder: &Path) -> Result<Repository, git2::Error> {
        match &self.repository {
            Some(repository) => Repository::open(folder.join(repository)),
            None => Repository::discover(folder),
        }
    }

    fn tree(&self, folder: &Path, repository: &Repository) -> Result<Oid, git2::Error> {
        match &self.index {
            Some(index) => Index::open(&folder.join(index))?.write_tree_to(repository),
            None => repository.index()?.write_tree(),
        }
    }
}

/// Reads the next commit of a work tree, and its changes. Paths of `staging` are relative to `folder`.
pub fn staged(
    folder: &Path,
    staging: &Staging,
    wanted: impl Fn(&Revision, &BTreeSet<RepoPath>) -> Vec<RepoPath>,
) -> Result<Option<Pushed>, Error> {
    let doing = || format!("read what is staged in {}", folder.display());
    let repository = staging.open(folder).map_err(Error::local(doing()))?;
    memory::bound();
    let id = staging.tree(folder, &repository).map_err(Error::local(doing()))?;
    let tree = repository.find_tree(id).map_err(Error::local(doing()))?;
    let head = repository.head().and_then(|head| head.peel_to_tree()).ok();
    let changed = changed(&repository, &tree, head.into_iter().collect())?;
    if changed.is_empty() {
        return Ok(None);
    }
    let revision = revision(&repository, &tree, id)?;
    drop(tree);
    pushed(repository, revision, changed, wanted).map(Some)
}

/// Whether a folder is in the work tree of a repository with SHA-256 ids, which libgit2 does not open.
pub fn is_sha_256(folder: &Path) -> bool {
    let Ok(folder) = folder.canonicalize() else { return false };
    let configs = folder.ancestors().map(|above| above.join(".git/config"));
    let config = configs.into_iter().find_map(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
    let mut settings = config.lines().filter_map(|line| line.split_once('='));
    settings.any(|(key, value)| {
        key.trim().eq_ignore_ascii_case("objectformat") && value.trim().eq_ignore_ascii_case("sha256")
    })
}

/// The trees that a file is compared with.
fn bases<'r>(repository: &'r Repository, old: Option<&str>, new: &Commit<'r>) -> Vec<Tree<'r>> {
    let head = repository.head().ok().and_then(|head| head.peel_to_commit().ok());
    let old = old.and_then(|old| repository.find_commit(Oid::from_str(old).ok()?).ok());
    let branched = || {
        let base = repository.merge_base(head.as_ref()?.id(), new.id()).ok()?;
        repository.find_commit(base).ok()
    };
    let begin = old.or_else(branched);
    begin.into_iter().chain(head.clone()).filter_map(|commit| commit.tree().ok()).collect()
}

/// The paths at which a tree differs from each of the others. Trees that are too large to be compared are ignored.
fn changed(repository: &Repository, tree: &Tree<'_>, mut bases: Vec<Tree<'_>>) -> Result<BTreeSet<RepoPath>, Error> {
    let mut extents = Extents::of(repository);
    extents.ensure_bounded(tree)?;
    bases.retain(|base| extents.ensure_bounded(base).is_ok());
    let mut changed = differing(repository, bases.first(), tree)?;
    for other in bases.iter().skip(1) {
        if changed.is_empty() {
            break;
        }
        let also = differing(repository, Some(other), tree)?;
        changed.retain(|path| also.contains(path));
    }
    Ok(changed)
}

fn differing(repository: &Repository, old: Option<&Tree<'_>>, new: &Tree<'_>) -> Result<BTreeSet<RepoPath>, Error> {
    let diff = repository.diff_tree_to_tree(old, Some(new), None).map_err(Error::local("compare two trees"))?;
    let file = |delta: &git2::DiffDelta<'_>| {
        let file = if delta.status() == Delta::Deleted { delta.old_file() } else { delta.new_file() };
        std::str::from_utf8(file.path_bytes()?).ok()?.parse().ok()
    };
    Ok(diff.deltas().filter_map(|delta| file(&delta)).collect())
}

fn revision(repository: &Repository, tree: &Tree<'_>, commit: Oid) -> Result<Revision, Error> {
    let mut revision = Revision {
        commit: commit.to_string().parse().expect("libgit2 writes an id in hexadecimal digits"),
        tree: tree_id(tree.id()),
        author: String::new(),
        subject: String::new(),
        entries: std::collections::BTreeMap::new(),
        texts: std::collections::BTreeMap::new(),
        named: None,
    };
    // Its extent is known by now to be bounded.
    let mut folders = vec![(String::new(), tree.id())];
    while let Some((folder, id)) = folders.pop() {
        let tree = repository.find_tree(id).map_err(Error::local(format!("read the folder `{folder}`")))?;
        for entry in &tree {
            let Ok(path) = path(&folder, entry.name_bytes()) else { continue };
            match kind(entry.filemode()) {
                None => folders.push((path.as_str().to_owned(), entry.id())),
                Some(kind) => drop(revision.entries.insert(path, Entry { kind, id: entry.id().to_string() })),
            }
        }
    }
    Ok(revision)
}

fn pushed(
    repository: Repository,
    revision: Revision,
    changed: BTreeSet<RepoPath>,
    wanted: impl Fn(&Revision, &BTreeSet<RepoPath>) -> Vec<RepoPath>,
) -> Result<Pushed, Error> {
    let revision = with_small_texts(revision, &Reader::of(repository), |revision| wanted(revision, &changed))?;
    Ok(Pushed { revision, changed })
}

/// Where the hooks of a work tree are.
pub fn hooks(folder: &Path) -> Option<PathBuf> {
    let (git, config) = match Repository::open(folder) {
        Ok(repository) => (repository.commondir().to_owned(), repository.config()),
        Err(_) if is_sha_256(folder) => {
            let git = folder.join(".git").canonicalize().ok()?;
            let config = settings_of(&git);
            (git, config)
        }
        Err(_) => return None,
    };
    let set = config.and_then(|config| config.get_path("core.hooksPath"));
    Some(match set {
        Ok(path) => folder.join(path),
        Err(_) => git.join("hooks"),
    })
}

/// The settings of the user and of a repository that libgit2 does not open.
fn settings_of(git: &Path) -> Result<git2::Config, git2::Error> {
    let mut config = git2::Config::open_default()?;
    config.add_file(&git.join("config"), git2::ConfigLevel::Local, false)?;
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_work_tree_with_longer_ids_is_known_by_its_settings() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("a/b");
        std::fs::create_dir_all(&inside).unwrap();
        std::fs::create_dir(folder.path().join(".git")).unwrap();
        let config = folder.path().join(".git/config");
        std::fs::write(&config, "[core]\n\trepositoryformatversion = 1\n[extensions]\n\tobjectFormat = sha256\n")
            .unwrap();
        assert!(is_sha_256(&inside) && is_sha_256(folder.path()));
        let git = folder.path().canonicalize().unwrap().join(".git");
        assert_eq!((hooks(folder.path()), hooks(&inside)), (Some(git.join("hooks")), None));
        std::fs::write(
            &config,
            [&std::fs::read_to_string(&config).unwrap(), "[core]\n\thooksPath = .hooks\n"].concat(),
        )
        .unwrap();
        assert_eq!(hooks(folder.path()), Some(folder.path().join(".hooks")));
        std::fs::write(&config, "[core]\n\trepositoryformatversion = 0\n").unwrap();
        assert!(!is_sha_256(&inside));
    }
}
