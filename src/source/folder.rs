//! A folder on disk as a [`Revision`], for `skep lint`, `plan` and `deploy` without a push.
//!
//! Everything in the folder is included except `.git`: a `.gitignore` decides what is committed, not what exists. The
//! ids of files and tree are those of Git, so that a folder and its commit share images and releases. [`look`]
//! needs no ids and does not use Git.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::fs::{DirEntry, Metadata};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use git2::{ObjectType, Oid, Repository, StatusOptions};
use sha2::{Digest as _, Sha256};

use super::objects::{Files, content};
use super::read::{path, subject, tree_id, with_small_texts, with_texts, within_limit};
use super::{Error, Objects, blocking};
use crate::name::{CommitId, RepoPath, TreeId};
use crate::revision::{Entry, EntryKind, Revision};

/// Reads a folder. Its commit is `HEAD` if it is a Git work tree without changes, otherwise the id of its tree.
pub async fn read<W>(folder: &Path, wanted: W) -> Result<(Revision, Objects), Error>
where
    W: Fn(&Revision) -> Vec<RepoPath> + Send + 'static,
{
    let folder = folder.to_owned();
    blocking(move || {
        if let Some(revision) = without_stacks(&folder, &wanted)? {
            return Ok((revision, Objects::of_folder(Files::default())));
        }
        let (revision, objects) = found(&folder)?;
        let reader = objects.open()?;
        Ok((with_texts(revision, &reader, wanted)?, objects))
    })
    .await
}

/// The next files to read of a revision, given the files read so far.
pub type Wanted<'a> = &'a dyn Fn(&Revision) -> Vec<RepoPath>;

/// Reads the requested files that are not too large, and lists the others: for checks of files, independent of Git. Ids
/// are made from paths. Blocks.
pub fn look(folder: &Path, wanted: &[Wanted<'_>]) -> Result<Revision, Error> {
    let (entries, by_id) = walk(folder, id_of_path)?;
    let revision = Revision { entries, named: None, ..Revision::alone(BTreeMap::new()) };
    let reader = Objects::of_folder(Files { by_id, are_hashed: false }).open()?;
    wanted.iter().try_fold(revision, |revision, wanted| with_small_texts(revision, &reader, wanted))
}

/// The entries near the top of a folder, to see at once that it has no stack, without reading all of a large folder.
fn without_stacks(folder: &Path, wanted: &dyn Fn(&Revision) -> Vec<RepoPath>) -> Result<Option<Revision>, Error> {
    let mut walked = Walked::default();
    let looks_into = |path: &str| {
        let is_hidden = path.rsplit('/').next().is_some_and(|name| name.starts_with('.'));
        let depth = path.split('/').count();
        !is_hidden && depth <= if path == "stacks" || path.starts_with("stacks/") { 3 } else { 1 }
    };
    walk_into(&mut walked, &RepoPath::root(), folder, &looks_into, id_of_path)?;
    let (entries, by_id) = walked;
    let revision = Revision { entries, named: None, ..Revision::alone(BTreeMap::new()) };
    if revision.listing_path().is_some() {
        return Ok(None);
    }
    let reader = Objects::of_folder(Files { by_id, are_hashed: false }).open()?;
    let revision = with_small_texts(revision, &reader, |revision: &Revision| {
        if revision.stack_files().is_empty() { wanted(revision) } else { Vec::new() }
    })?;
    Ok(Some(revision).filter(|revision| revision.stack_files().is_empty() && revision.misnamed().is_empty()))
}

#[expect(clippy::unnecessary_wraps, reason = "the id of the content cannot always be found")]
pub(super) fn id_of_path(path: &Path, _: EntryKind) -> Result<String, Error> {
    Ok(hex::encode(Sha256::digest(path.as_os_str().as_encoded_bytes())))
}

fn found(folder: &Path) -> Result<(Revision, Objects), Error> {
    let (entries, by_id) = walk(folder, id)?;
    let tree = tree_of(&entries);
    let commit = tree.as_str().parse().expect("a tree's id has the form of a commit's");
    let revision = Revision {
        commit,
        tree,
        author: author(folder),
        subject: format!("folder {}", folder.display()),
        entries,
        texts: BTreeMap::new(),
        named: None,
    };
    let revision = match clean_head(folder) {
        Some((commit, subject)) => Revision { commit, subject, ..revision },
        None => revision,
    };
    Ok((revision, Objects::of_folder(Files { by_id, are_hashed: true })))
}

/// Every file below a folder, and the paths by id.
pub(super) type Walked = (BTreeMap<RepoPath, Entry>, HashMap<String, (PathBuf, EntryKind)>);

/// Finds every file below the folder. Links are not followed.
fn walk(root: &Path, id: impl Fn(&Path, EntryKind) -> Result<String, Error>) -> Result<Walked, Error> {
    let mut walked = Walked::default();
    walk_into(&mut walked, &RepoPath::root(), root, &|_| true, id)?;
    Ok(walked)
}

/// Adds every file below a folder, which is `above` in the revision, up to the requested depth. If there are too many
/// files, those found so far are kept.
pub(super) fn walk_into(
    (entries, by_id): &mut Walked,
    above: &RepoPath,
    root: &Path,
    looks_into: &dyn Fn(&str) -> bool,
    id: impl Fn(&Path, EntryKind) -> Result<String, Error>,
) -> Result<(), Error> {
    let mut folders = vec![(above.as_str().to_owned(), root.to_owned())];
    let mut seen = 0;
    while let Some((name, folder)) = folders.pop() {
        for child in children(&folder)? {
            seen += 1;
            within_limit(seen)?;
            let path = path(&name, child.file_name().as_encoded_bytes())?;
            let about = child.metadata().map_err(Error::disk(format!("read {}", child.path().display())))?;
            if about.is_dir() {
                if looks_into(path.as_str()) {
                    folders.push((path.as_str().to_owned(), child.path()));
                }
            } else if let Some(kind) = kind(&about) {
                let id = id(&child.path(), kind)?;
                by_id.insert(id.clone(), (child.path(), kind));
                entries.insert(path, Entry { kind, id });
            }
        }
    }
    Ok(())
}

fn children(folder: &Path) -> Result<Vec<DirEntry>, Error> {
    let listed = std::fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut children = listed.map_err(Error::disk(format!("read {}", folder.display())))?;
    children.retain(|child| child.file_name() != OsStr::new(".git"));
    Ok(children)
}

/// The kind of a file in Git; `None` for sockets, pipes and devices, which Git ignores.
fn kind(about: &Metadata) -> Option<EntryKind> {
    if about.is_symlink() {
        Some(EntryKind::Symlink)
    } else if !about.is_file() {
        None
    } else if about.permissions().mode() & 0o100 != 0 {
        Some(EntryKind::Executable)
    } else {
        Some(EntryKind::File)
    }
}

pub(super) fn id(path: &Path, kind: EntryKind) -> Result<String, Error> {
    let doing = format!("read {}", path.display());
    let id = if kind == EntryKind::Symlink {
        let target = content(path, kind).map_err(Error::disk(doing.as_str()))?;
        Oid::hash_object(ObjectType::Blob, &target)
    } else {
        Oid::hash_file(ObjectType::Blob, path)
    };
    id.map(|id| id.to_string()).map_err(Error::local(doing))
}

/// The id of the tree with these entries, as `git write-tree` computes it (Git's format: `fsck.c`, `tree.c`).
fn tree_of(entries: &BTreeMap<RepoPath, Entry>) -> TreeId {
    let listed: Vec<(&str, &Entry)> = entries.iter().map(|(path, entry)| (path.as_str(), entry)).collect();
    tree_id(hash_tree(&listed))
}

fn hash_tree(entries: &[(&str, &Entry)]) -> Oid {
    let mut folders: BTreeMap<&str, Vec<(&str, &Entry)>> = BTreeMap::new();
    let mut lines: Vec<(String, Vec<u8>)> = Vec::new();
    for (path, entry) in entries {
        match path.split_once('/') {
            Some((folder, rest)) => folders.entry(folder).or_default().push((rest, entry)),
            None => lines.push(((*path).to_owned(), line(entry.kind.mode(), path, &entry.id))),
        }
    }
    for (folder, entries) in folders {
        // Git sorts a folder as if its name ended in a slash.
        lines.push((format!("{folder}/"), line("40000", folder, &hash_tree(&entries).to_string())));
    }
    lines.sort();
    let body: Vec<u8> = lines.into_iter().flat_map(|(_, line)| line).collect();
    Oid::hash_object(ObjectType::Tree, &body).expect("hashing in memory cannot fail")
}

fn line(mode: &str, name: &str, id: &str) -> Vec<u8> {
    let id = hex::decode(id).expect("an entry's id is in hexadecimal digits");
    [mode.as_bytes(), b" ", name.as_bytes(), b"\0", &id].concat()
}

/// The current commit and its subject, if the folder is a work tree without changes.
fn clean_head(folder: &Path) -> Option<(CommitId, String)> {
    let repository = Repository::discover(folder).ok()?;
    let mut options = StatusOptions::new();
    options.include_untracked(true).disable_pathspec_match(true);
    let below = inside(&repository, folder)?;
    if !below.as_os_str().is_empty() {
        options.pathspec(below);
    }
    let clean = repository.statuses(Some(&mut options)).ok()?.is_empty();
    let head = repository.head().ok()?.peel_to_commit().ok()?;
    clean.then(|| Some((head.id().to_string().parse().ok()?, subject(&head))))?
}

/// The branch that is checked out in a folder; `None` if it is not a work tree, or on no branch.
pub fn branch(folder: &Path) -> Option<String> {
    let repository = Repository::discover(folder).ok()?;
    // Before the first commit only the name of the branch exists.
    let head = repository.find_reference("HEAD").ok()?;
    head.symbolic_target().ok()??.strip_prefix("refs/heads/").map(str::to_owned)
}

/// The folder relative to its work tree.
fn inside(repository: &Repository, folder: &Path) -> Option<PathBuf> {
    let top = repository.workdir()?.canonicalize().ok()?;
    Some(folder.canonicalize().ok()?.strip_prefix(top).ok()?.to_owned())
}

/// The author in Git's settings; empty if there is none.
fn author(folder: &Path) -> String {
    let settings = Repository::discover(folder).and_then(|repository| repository.config());
    let Ok(settings) = settings.or_else(|_| git2::Config::open_default()) else { return String::new() };
    let setting = |key| settings.get_string(key).ok();
    match (setting("user.name"), setting("user.email")) {
        (Some(name), Some(email)) => format!("{name} <{email}>"),
        (name, email) => name.or(email).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use git2::{IndexAddOption, Signature};

    use super::*;

    fn write(path: &Path, text: &str) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// A work tree with a file, an executable, a link and names that Git sorts in its own way; its tree and commit.
    fn work_tree(folder: &Path) -> (String, String) {
        for file in ["stack.yml", "a/x", "a.txt", "a0", "web/app/main"] {
            write(&folder.join(file), file);
        }
        std::fs::set_permissions(folder.join("web/app/main"), PermissionsExt::from_mode(0o755)).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", folder.join("link")).unwrap();
        let repository = Repository::init(folder).unwrap();
        repository.config().unwrap().set_str("user.name", "Ada").unwrap();
        repository.config().unwrap().set_str("user.email", "ada@example.com").unwrap();
        let mut index = repository.index().unwrap();
        index.add_all(["*"], IndexAddOption::DEFAULT, None).unwrap();
        index.write().unwrap();
        let tree = repository.find_tree(index.write_tree().unwrap()).unwrap();
        let by = Signature::now("Ada", "ada@example.com").unwrap();
        let commit = repository.commit(Some("HEAD"), &by, &by, "Add a shop", &tree, &[]).unwrap();
        (tree.id().to_string(), commit.to_string())
    }

    fn stack_file(revision: &Revision) -> Vec<RepoPath> {
        let path: RepoPath = "stack.yml".parse().unwrap();
        if revision.texts.contains_key(&path) { vec![] } else { vec![path] }
    }

    #[tokio::test]
    async fn a_clean_work_tree_is_its_commit() {
        let folder = tempfile::tempdir().unwrap();
        let (tree, commit) = work_tree(folder.path());
        let (revision, objects) = read(folder.path(), stack_file).await.unwrap();
        assert_eq!((revision.tree.as_str(), revision.commit.as_str()), (tree.as_str(), commit.as_str()));
        assert_eq!((revision.subject.as_str(), revision.author.as_str()), ("Add a shop", "Ada <ada@example.com>"));
        assert_eq!(&*revision.texts[&"stack.yml".parse().unwrap()], b"stack.yml");
        let entry = |path: &str| &revision.entries[&path.parse().unwrap()];
        assert_eq!((entry("link").kind, entry("web/app/main").kind), (EntryKind::Symlink, EntryKind::Executable));
        assert_eq!(objects.read(&entry("link").id).unwrap(), b"/etc/passwd");
        assert_eq!(objects.size(&entry("web/app/main").id).unwrap(), 12);
    }

    #[tokio::test]
    async fn a_changed_work_tree_is_only_itself() {
        let folder = tempfile::tempdir().unwrap();
        let (tree, commit) = work_tree(folder.path());
        write(&folder.path().join("new"), "new");
        let (revision, objects) = read(folder.path(), stack_file).await.unwrap();
        assert_ne!(revision.tree.as_str(), tree);
        assert_ne!(revision.commit.as_str(), commit);
        assert_eq!(revision.commit.as_str(), revision.tree.as_str());

        let id = &revision.entries[&"new".parse().unwrap()].id;
        write(&folder.path().join("new"), "newer");
        let error = objects.read(id).unwrap_err().to_string();
        assert!(error.ends_with("it changed while it was read; try again"), "{error}");
    }

    #[test]
    fn a_look_reads_what_is_wanted() {
        let folder = tempfile::tempdir().unwrap();
        work_tree(folder.path());
        let revision = look(folder.path(), &[&stack_file]).unwrap();
        let paths: Vec<&str> = revision.entries.keys().map(RepoPath::as_str).collect();
        assert_eq!(paths, ["a.txt", "a/x", "a0", "link", "stack.yml", "web/app/main"]);
        assert_eq!(revision.texts.len(), 1);
        assert_eq!(&*revision.texts[&"stack.yml".parse().unwrap()], b"stack.yml");
        assert!(look(&folder.path().join("gone"), &[&stack_file]).is_err());
    }

    #[tokio::test]
    async fn a_folder_needs_no_git() {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("stack.yml"), "services: {}");
        let (revision, _) = read(folder.path(), stack_file).await.unwrap();
        assert_eq!(revision.tree, tree_of(&revision.entries));
        assert_eq!(revision.subject, format!("folder {}", folder.path().display()));
        assert!(read(&folder.path().join("gone"), stack_file).await.is_err());
    }
}
