//! A commit read into a [`Revision`].
//!
//! The contents of a repository come from anybody who may push, so everything is checked and limited: the number of
//! entries, their depth, the length and the characters of their names, the size of each text.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use git2::{Commit, ObjectType, Oid, Repository};

use super::extent::within_bytes;
use super::objects::{Reader, opened};
use super::{Error, blocking};
use crate::name::{CommitId, RepoPath, TreeId};
use crate::revision::{Entry, EntryKind, Revision};

/// Files and folders in a revision, at most.
pub const MAX_ENTRIES: usize = 200_000;
/// Bytes in a path, at most.
pub const MAX_PATH: usize = 1024;
/// Folders in a path, at most.
pub const MAX_DEPTH: usize = 64;
/// Bytes in a file that is read as text, at most.
pub const MAX_TEXT: u64 = 1 << 20;
/// Bytes in all texts together, at most.
pub const MAX_TEXTS: u64 = 64 << 20;
/// Bytes in one commit or tree object, at most.
const MAX_HEADER: usize = 16 << 20;

/// Reads a commit of a bare repository: its tree, and the files that `wanted` requests, until it requests none.
///
/// `quarantine` is where Git keeps the objects of a push that is not accepted yet.
pub async fn read<W>(
    repository: &Path,
    commit: &CommitId,
    quarantine: Option<&Path>,
    wanted: W,
) -> Result<Revision, Error>
where
    W: Fn(&Revision) -> Vec<RepoPath> + Send + 'static,
{
    let (path, commit, quarantine) = (repository.to_owned(), commit.clone(), quarantine.map(Path::to_owned));
    blocking(move || {
        let repository = opened(&path, quarantine.as_deref())?;
        let revision = revision_of(&repository, &commit)?;
        with_texts(revision, &Reader::of(repository), wanted)
    })
    .await
}

/// Reads the files that the revision requests, until it requests none.
pub(super) fn with_texts(
    mut revision: Revision,
    reader: &Reader,
    wanted: impl Fn(&Revision) -> Vec<RepoPath>,
) -> Result<Revision, Error> {
    let (mut room, mut refused) = (MAX_TEXTS, BTreeSet::new());
    loop {
        let mut paths = wanted(&revision);
        paths.retain(|path| !revision.texts.contains_key(path) && !refused.contains(path));
        if paths.is_empty() {
            return Ok(revision);
        }
        for path in paths {
            match text(&revision, &path, reader, &mut room) {
                Ok(text) => drop(revision.texts.insert(path, text)),
                // No file refers to it: it was only read to see whether it is a stack file.
                Err(Error::TooLarge { .. }) if revision.is_guess(&path) => drop(refused.insert(path)),
                Err(error) => return Err(error),
            }
        }
    }
}

/// Reads what the revision wants, until it wants nothing more. What is too large, or does not exist, has no text then,
/// which is for rules to tell.
pub(super) fn with_small_texts(
    mut revision: Revision,
    reader: &Reader,
    wanted: impl Fn(&Revision) -> Vec<RepoPath>,
) -> Result<Revision, Error> {
    let (mut room, mut refused) = (MAX_TEXTS, BTreeSet::new());
    loop {
        let mut paths = wanted(&revision);
        paths.retain(|path| !revision.texts.contains_key(path) && !refused.contains(path));
        if paths.is_empty() {
            return Ok(revision);
        }
        for path in paths {
            match small_text(&revision, &path, reader, room)? {
                Some(text) => {
                    room -= text.len() as u64;
                    revision.texts.insert(path, text);
                }
                None => drop(refused.insert(path)),
            }
        }
    }
}

fn small_text(revision: &Revision, path: &RepoPath, reader: &Reader, room: u64) -> Result<Option<Arc<[u8]>>, Error> {
    let Some(entry) = revision.entries.get(path) else { return Ok(None) };
    if reader.size(&entry.id)? > MAX_TEXT.min(room) {
        return Ok(None);
    }
    Ok(Some(reader.read(&entry.id)?.into()))
}

fn text(revision: &Revision, path: &RepoPath, reader: &Reader, room: &mut u64) -> Result<Arc<[u8]>, Error> {
    let entry = revision.entries.get(path).ok_or_else(|| unfit(path.as_str(), "it does not exist"))?;
    let size = reader.size(&entry.id)?;
    let too_large = |what: String, limit: u64| Error::TooLarge {
        what,
        limit: format!("{} MiB", limit >> 20),
        help: "skep reads stack files, Dockerfiles and what they name, and these are small; take it out of the repository, or do not name it there",
    };
    if size > MAX_TEXT {
        return Err(too_large(format!("the file {path} ({size} bytes)"), MAX_TEXT));
    }
    *room = room.checked_sub(size).ok_or_else(|| too_large("what skep reads of this commit".into(), MAX_TEXTS))?;
    Ok(reader.read(&entry.id)?.into())
}

fn revision_of(repository: &Repository, id: &CommitId) -> Result<Revision, Error> {
    let oid = Oid::from_str(id.as_str()).map_err(Error::local(format!("read the commit {id}")))?;
    bounded(repository, oid, ObjectType::Commit)?;
    let commit = repository.find_commit(oid).map_err(Error::local(format!("read the commit {id}")))?;
    let tree = commit.tree_id();
    Ok(Revision {
        commit: id.clone(),
        tree: tree_id(tree),
        author: author(&commit),
        subject: subject(&commit),
        entries: entries(repository, tree)?,
        texts: BTreeMap::new(),
        named: None,
    })
}

pub(super) fn tree_id(id: Oid) -> TreeId {
    id.to_string().parse().expect("libgit2 writes an id in hexadecimal digits")
}

fn author(commit: &Commit<'_>) -> String {
    let author = commit.author();
    let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).chars().take(200).collect();
    let (name, email): (String, String) = (shown(author.name_bytes()), shown(author.email_bytes()));
    format!("{name} <{email}>")
}

pub(super) fn subject(commit: &Commit<'_>) -> String {
    let message = String::from_utf8_lossy(commit.message_bytes());
    let line = message.trim_start().lines().next().unwrap_or_default();
    line.chars().take(200).collect()
}

/// All entries of a tree. The folders to visit are kept in a list instead of recursing.
fn entries(repository: &Repository, root: Oid) -> Result<BTreeMap<RepoPath, Entry>, Error> {
    let mut entries = BTreeMap::new();
    let mut folders = vec![(String::new(), root)];
    let (mut seen, mut bytes) = (0, 0);
    while let Some((folder, id)) = folders.pop() {
        bounded(repository, id, ObjectType::Tree)?;
        let tree = repository.find_tree(id).map_err(Error::local(format!("read the folder `{folder}`")))?;
        for entry in &tree {
            seen += 1;
            within_limit(seen)?;
            let path = path(&folder, entry.name_bytes())?;
            bytes += path.as_str().len();
            within_bytes(bytes)?;
            match kind(entry.filemode()) {
                None => folders.push((path.as_str().to_owned(), entry.id())),
                Some(kind) => add(&mut entries, path, Entry { kind, id: entry.id().to_string() })?,
            }
        }
    }
    Ok(entries)
}

/// A forged tree may name the same path twice, or a file and a folder alike.
fn add(entries: &mut BTreeMap<RepoPath, Entry>, path: RepoPath, entry: Entry) -> Result<(), Error> {
    if entries.contains_key(&path) {
        return Err(unfit(path.as_str(), "it is there twice"));
    }
    entries.insert(path, entry);
    Ok(())
}

pub(super) fn within_limit(entries: usize) -> Result<(), Error> {
    if entries <= MAX_ENTRIES {
        return Ok(());
    }
    Err(Error::TooLarge {
        what: "the tree".into(),
        limit: format!("{MAX_ENTRIES} files and folders"),
        help: "take out what the stacks do not need, such as installed dependencies",
    })
}

/// The path of an entry in a folder, if it is valid.
pub(super) fn path(folder: &str, name: &[u8]) -> Result<RepoPath, Error> {
    let shown = || {
        let name = String::from_utf8_lossy(name);
        let name = name.chars().take(80).flat_map(char::escape_debug);
        if folder.is_empty() { name.collect() } else { format!("{folder}/{}", name.collect::<String>()) }
    };
    let refused = |reason: &str| unfit(&shown(), reason);
    let text = std::str::from_utf8(name).map_err(|_| refused("its name is not UTF-8; rename it"))?;
    if text.chars().any(char::is_control) {
        return Err(refused("its name has a control character in it; rename it"));
    }
    if text.eq_ignore_ascii_case(".git") || text.contains('/') {
        return Err(refused("no file may be called so"));
    }
    let path = if folder.is_empty() { text.to_owned() } else { format!("{folder}/{text}") };
    if path.len() > MAX_PATH || path.split('/').count() > MAX_DEPTH {
        return Err(refused("its path is too long or too deep"));
    }
    path.parse().map_err(|_| refused("no file may be called so"))
}

fn unfit(what: &str, reason: &str) -> Error {
    Error::Tree { what: format!("`{what}` in it"), reason: reason.to_owned() }
}

/// The kind of an entry by its mode; `None` for a folder.
pub(super) fn kind(mode: i32) -> Option<EntryKind> {
    match mode & 0o170_000 {
        0o040_000 => None,
        0o120_000 => Some(EntryKind::Symlink),
        0o160_000 => Some(EntryKind::Submodule),
        _ if mode & 0o111 != 0 => Some(EntryKind::Executable),
        _ => Some(EntryKind::File),
    }
}

pub(super) fn bounded(repository: &Repository, id: Oid, kind: ObjectType) -> Result<(), Error> {
    let odb = repository.odb().map_err(Error::local("read the repository's objects"))?;
    let (size, found) = odb.read_header(id).map_err(Error::local(format!("read the object {id}")))?;
    if found != kind && kind == ObjectType::Commit {
        return Err(Error::NotACommit { kind: found.to_string(), id: id.to_string() });
    }
    if found != kind {
        return Err(Error::Tree { what: format!("the object {id} in it"), reason: format!("it is not a {kind}") });
    }
    if size > MAX_HEADER {
        let help = "keep fewer files in one folder, and shorter commit messages";
        return Err(Error::TooLarge {
            what: format!("the {kind} {id}"),
            limit: format!("{} MiB", MAX_HEADER >> 20),
            help,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use git2::Signature;
    use tempfile::TempDir;

    use super::*;

    struct Sandbox {
        folder: TempDir,
        repository: Repository,
    }

    fn sandbox() -> Sandbox {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init_bare(folder.path()).unwrap();
        Sandbox { folder, repository }
    }

    impl Sandbox {
        fn blob(&self, bytes: &[u8]) -> Oid {
            self.repository.blob(bytes).unwrap()
        }

        /// A tree as a hostile client would write it: nothing is checked.
        fn tree(&self, entries: &[(&str, &[u8], Oid)]) -> Oid {
            let line =
                |(mode, name, id): &(&str, &[u8], Oid)| [mode.as_bytes(), b" ", name, b"\0", id.as_bytes()].concat();
            let body: Vec<u8> = entries.iter().flat_map(line).collect();
            self.repository.odb().unwrap().write(ObjectType::Tree, &body).unwrap()
        }

        fn commit(&self, tree: Oid) -> CommitId {
            let by = Signature::now("Ada\u{1b}[2J", "ada@example.com").unwrap();
            let tree = self.repository.find_tree(tree).unwrap();
            let id = self.repository.commit(None, &by, &by, "\n\nAdd a shop\n\nAnd more", &tree, &[]).unwrap();
            id.to_string().parse().unwrap()
        }

        async fn read(&self, tree: Oid, wanted: &'static [&'static str]) -> Result<Revision, Error> {
            let wanted = move |revision: &Revision| {
                let paths = wanted.iter().map(|path| path.parse::<RepoPath>().unwrap());
                paths.filter(|path| !revision.texts.contains_key(path)).collect()
            };
            read(self.folder.path(), &self.commit(tree), None, wanted).await
        }
    }

    #[tokio::test]
    async fn a_commit_is_read_with_what_is_wanted() {
        let sandbox = sandbox();
        let file = sandbox.blob(b"services: {}");
        let module = Oid::from_str(&"1".repeat(40)).unwrap();
        let web = sandbox.tree(&[("100755", b"run.sh", file), ("160000", b"lib", module)]);
        let tree = sandbox.tree(&[("100644", b"stack.yml", file), ("40000", b"web", web), ("120000", b"link", file)]);
        let revision = sandbox.read(tree, &["stack.yml", "web/run.sh"]).await.unwrap();
        assert_eq!(
            (revision.subject.as_str(), revision.author.as_str()),
            ("Add a shop", "Ada\u{1b}[2J <ada@example.com>")
        );
        assert_eq!(revision.tree.as_str(), tree.to_string());
        let entries = revision.entries.iter().map(|(path, entry)| format!("{path} {:?}", entry.kind));
        let entries = entries.collect::<Vec<_>>().join("\n");
        insta::assert_snapshot!(entries, @r"
        link Symlink
        stack.yml File
        web/lib Submodule
        web/run.sh Executable
        ");
        assert_eq!(&*revision.texts[&"web/run.sh".parse().unwrap()], b"services: {}");
        let objects = super::super::Objects::of_repository(sandbox.folder.path(), None);
        let id = file.to_string();
        assert_eq!((objects.size(&id).unwrap(), objects.read(&id).unwrap()), (12, b"services: {}".to_vec()));
        assert!(objects.read(&"2".repeat(40)).is_err());
    }

    #[tokio::test]
    async fn a_hostile_tree_is_refused() {
        let sandbox = sandbox();
        let file = sandbox.blob(b"x");
        let one = |name: &[u8]| sandbox.tree(&[("100644", name, file)]);
        let deep = (0..MAX_DEPTH).fold(one(b"x"), |tree, _| sandbox.tree(&[("40000", b"d", tree)]));
        let a = sandbox.tree(&[("100644", b"x", file)]);
        let bomb = (0..30).fold(a, |tree, _| sandbox.tree(&[("40000", b"a", tree), ("40000", b"b", tree)]));
        let trees = [
            ("twice", sandbox.tree(&[("100644", b"a", file), ("100755", b"a", file)])),
            ("git", sandbox.tree(&[("40000", b".GIT", one(b"hooks"))])),
            ("up", one(b"..")),
            ("slash", one(b"a/../b")),
            ("escape", one(b"a\x1b[2J")),
            ("latin", one(b"caf\xe9")),
            ("long", one("n".repeat(MAX_PATH + 1).as_bytes())),
            ("deep", deep),
            ("bomb", bomb),
            ("not a tree", sandbox.tree(&[("40000", b"a", file)])),
        ];
        let mut reasons = Vec::new();
        for (what, tree) in trees {
            let error = sandbox.read(tree, &[]).await.unwrap_err().to_string();
            let error = error.replace(&"d/".repeat(MAX_DEPTH), "d/…/").replace(&"n".repeat(80), "n…");
            reasons.push(format!("{what}: {error}"));
        }
        insta::assert_snapshot!(reasons.join("\n"), @r"
        twice: the tree of the commit has `a` in it: it is there twice
        git: the tree of the commit has `.GIT` in it: no file may be called so
        up: the tree of the commit has `..` in it: no file may be called so
        slash: the tree of the commit has `a/../b` in it: no file may be called so
        escape: the tree of the commit has `a\u{1b}[2J` in it: its name has a control character in it; rename it
        latin: the tree of the commit has `caf�` in it: its name is not UTF-8; rename it
        long: the tree of the commit has `n…` in it: its path is too long or too deep
        deep: the tree of the commit has `d/…/x` in it: its path is too long or too deep
        bomb: the tree is larger than the limit of 200000 files and folders; take out what the stacks do not need, such as installed dependencies
        not a tree: the tree of the commit has the object c1b0730e0133447badcfd47fd144e254807b06e1 in it: it is not a tree
        ");
    }

    #[tokio::test]
    async fn what_is_no_commit_is_told() {
        let sandbox = sandbox();
        let blob: CommitId = sandbox.blob(b"x").to_string().parse().unwrap();
        let error = read(sandbox.folder.path(), &blob, None, |_| Vec::new()).await.unwrap_err();
        insta::assert_snapshot!(error, @"the branch names the blob c1b0730e0133447badcfd47fd144e254807b06e1, not a commit; push what a tag names with `git push REMOTE 'TAG^{commit}:BRANCH'`");
    }

    #[tokio::test]
    async fn a_text_has_a_limit() {
        let sandbox = sandbox();
        let large = sandbox.blob(&vec![b'x'; usize::try_from(MAX_TEXT).unwrap() + 1]);
        let tree = sandbox.tree(&[("100644", b"stack.yml", large)]);
        let error = sandbox.read(tree, &["stack.yml"]).await.unwrap_err();
        insta::assert_snapshot!(error, @"the file stack.yml (1048577 bytes) is larger than the limit of 1 MiB; skep reads stack files, Dockerfiles and what they name, and these are small; take it out of the repository, or do not name it there");
        assert!(sandbox.read(tree, &["other"]).await.is_err());
    }
}
