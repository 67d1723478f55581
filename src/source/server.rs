//! The repositories of the built-in Git server.
//!
//! Each is an ordinary bare repository, `<root>/<name>.git`. They exist only on this disk, which has to be persistent
//! and backed up. The whole configuration is passed with each call of `git` ([`serve`](super::serve)) and none is
//! stored in the repositories, so that a newer skep finds no old configuration.

use std::fmt;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use git2::{BranchType, ErrorCode, Oid, Reference, Repository, RepositoryInitOptions};

use super::receive::Room;
use super::{Error, blocking, close, open};
use crate::name::{CommitId, Invalid};

/// The name of a repository on the server: `shop` or `team/shop`, of lower-case letters, digits, `-` and `_`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepositoryName(String);

/// The settings of the server.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder of the repositories.
    pub root: PathBuf,
    /// A folder on this machine that only this process uses, with the hook, its socket and an empty home. It is never
    /// shared with another controller, which would otherwise answer the hooks of this one.
    pub runtime: PathBuf,
    /// The command of the `pre-receive` hook: the path of skep itself and its arguments.
    pub push_hook: Vec<String>,
    /// The command of the `proc-receive` hook, to which Git leaves the deployed branches.
    pub branch_hook: Vec<String>,
    /// Bytes in one push, at most.
    pub max_push: u64,
    /// The longest duration of a request, including the deploy that it waits for.
    pub patience: Duration,
}

impl Settings {
    /// The environment variable that tells the hook where the controller's socket is.
    pub const SOCKET: &str = "SKEP_HOOK_SOCKET";
    /// The environment variable that tells the hook which repository is pushed to.
    pub const REPOSITORY: &str = "SKEP_REPOSITORY";
    /// The default of [`max_push`](Self::max_push).
    pub const MAX_PUSH: u64 = 256 << 20;
    /// The default of [`patience`](Self::patience).
    pub const PATIENCE: Duration = Duration::from_hours(1);
}

/// The name of the hook's socket in [`Settings::runtime`].
pub const SOCKET: &str = "hook.sock";
/// The most repositories: a push to a new name creates one.
pub(super) const MOST: usize = 1_000;
/// How many pushes of the largest size may be stored while they are received.
const LARGE_PUSHES: u64 = 4;

/// The built-in Git server. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Server {
    pub(super) settings: Settings,
    pub(super) room: Room,
}

impl Server {
    /// Creates the folders and the hook. Makes existing repositories accessible to skep's own user only.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        let room = Room::of(settings.max_push.saturating_mul(LARGE_PUSHES));
        let server = Self { settings, room };
        for folder in [&server.settings.root, &server.hooks(), &server.home()] {
            fs::create_dir_all(folder).map_err(Error::disk(format!("make the folder {}", folder.display())))?;
        }
        close(&server.settings.root);
        server.listed().iter().for_each(|name| close(&server.path(name)));
        let commands = [&server.settings.push_hook, &server.settings.branch_hook];
        for (hook, command) in server.hook_files().iter().zip(commands) {
            write_hook(hook, command).map_err(Error::disk(format!("write the hook {}", hook.display())))?;
        }
        server.ensure_hook()?;
        Ok(server)
    }

    /// The socket of the controller for the hook, [`Settings::SOCKET`] in the hook's environment.
    pub fn socket(&self) -> PathBuf {
        self.settings.runtime.join(SOCKET)
    }

    /// Fails unless Git can run the hooks: Git silently accepts a push if it cannot run a hook.
    pub fn ensure_hook(&self) -> Result<(), Error> {
        self.hook_files().iter().try_for_each(|hook| {
            rustix::fs::access(hook, rustix::fs::Access::EXEC_OK).map_err(|error| Error::Local {
                doing: format!("run the hook {}", hook.display()),
                reason: format!(
                    "{error}; put the setting `runtime` (SKEP_RUNTIME) to a folder that programs may be run from, and restart skep"
                ),
            })
        })
    }

    /// The path of a repository, whether or not it exists.
    pub fn path(&self, name: &RepositoryName) -> PathBuf {
        self.settings.root.join(format!("{name}.git"))
    }

    /// Whether a repository exists.
    pub fn has(&self, name: &RepositoryName) -> bool {
        self.path(name).join("HEAD").is_file()
    }

    /// Creates a repository if it does not exist: next to its final path, and then renames it, so that it is never
    /// incomplete.
    pub async fn create(&self, name: &RepositoryName) -> Result<(), Error> {
        let path = self.path(name);
        if self.has(name) {
            return Ok(());
        }
        let server = self.clone();
        let name = name.clone();
        blocking(move || {
            if server.listed().len() >= MOST {
                return Err(Error::Full);
            }
            match create(&path) {
                Err(_) if server.has(&name) => Ok(()),
                done => done,
            }
        })
        .await
    }

    /// The existing repositories.
    pub async fn repositories(&self) -> Vec<RepositoryName> {
        let server = self.clone();
        blocking(move || server.listed()).await
    }

    pub(super) fn listed(&self) -> Vec<RepositoryName> {
        let root = &self.settings.root;
        let grouped =
            folders(root).flat_map(|(group, path)| folders(&path).map(move |(name, _)| format!("{group}/{name}")));
        let single = folders(root).map(|(name, _)| name);
        single.chain(grouped).filter_map(|name| name.strip_suffix(".git")?.parse().ok()).collect()
    }

    pub(super) fn hooks(&self) -> PathBuf {
        self.settings.runtime.join("hooks")
    }

    /// The hooks, which decide whether a push is accepted and which branches Git moves.
    fn hook_files(&self) -> [PathBuf; 2] {
        ["pre-receive", "proc-receive"].map(|name| self.hooks().join(name))
    }

    pub(super) fn home(&self) -> PathBuf {
        self.settings.runtime.join("home")
    }
}

/// A hook has to be a file; its two lines are the only shell script of skep.
fn write_hook(path: &Path, command: &[String]) -> std::io::Result<()> {
    let command = shlex::try_join(command.iter().map(String::as_str)).map_err(std::io::Error::other)?;
    let fresh = beside(path);
    fs::write(&fresh, format!("#!/bin/sh\nexec {command}\n"))?;
    fs::set_permissions(&fresh, fs::Permissions::from_mode(0o700))?;
    fs::rename(fresh, path)
}

/// The folders in a folder, by name; empty if it cannot be read.
pub(super) fn folders(path: &Path) -> impl Iterator<Item = (String, PathBuf)> + use<> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.path().is_dir())
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
}

/// A new path in the same folder, with a name that `git gc` removes if it is left behind (Git's `builtin/prune.c`).
fn beside(path: &Path) -> PathBuf {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    path.with_file_name(format!("tmp_skep-{}-{number}", std::process::id()))
}

fn create(path: &Path) -> Result<(), Error> {
    let doing = format!("make the repository {}", path.display());
    let parent = path.parent().expect("a repository is below the root");
    fs::create_dir_all(parent).map_err(Error::disk(doing.as_str()))?;
    let fresh = beside(path);
    let mut options = RepositoryInitOptions::new();
    options.bare(true).external_template(false).initial_head("main");
    Repository::init_opts(&fresh, &options).map_err(Error::local(doing.as_str()))?;
    close(&fresh);
    let moved = fs::rename(&fresh, path).map_err(Error::disk(doing));
    if moved.is_err() {
        drop(fs::remove_dir_all(&fresh));
    }
    moved
}

/// Moves the objects of a push into the repository before Git does it, so that a deploy can go on if the push is
/// interrupted or skep is restarted. A pack's index comes last, because Git takes a pack with an index as complete.
pub async fn keep_objects(repository: &Path, quarantine: &Path) -> Result<(), Error> {
    let (from, to) = (quarantine.to_owned(), repository.join("objects"));
    blocking(move || {
        let doing = format!("keep the objects of the push in {}", from.display());
        copy_objects(&from, &to).map_err(Error::disk(doing))
    })
    .await
}

fn copy_objects(from: &Path, to: &Path) -> std::io::Result<()> {
    let mut files = Vec::new();
    for folder in fs::read_dir(from)? {
        let folder = folder?;
        if folder.file_type()?.is_dir() && is_object_folder(&folder.file_name().to_string_lossy()) {
            for file in fs::read_dir(folder.path())? {
                files.push(Path::new(&folder.file_name()).join(file?.file_name()));
            }
        }
    }
    files.sort_by_key(|file| file.extension().is_some_and(|extension| extension == "idx"));
    files.iter().try_for_each(|file| copy_object(&from.join(file), &to.join(file)))
}

fn is_object_folder(name: &str) -> bool {
    name == "pack" || (name.len() == 2 && name.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// An object's name is its content, so what already exists is the same.
fn copy_object(from: &Path, to: &Path) -> std::io::Result<()> {
    if to.exists() {
        return Ok(());
    }
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    let fresh = beside(to);
    let mut file = fs::File::create(&fresh)?;
    std::io::copy(&mut fs::File::open(from)?, &mut file)?;
    file.set_permissions(fs::Permissions::from_mode(0o444))?;
    file.sync_all()?;
    fs::rename(fresh, to)
}

/// Protects a commit without a branch from garbage collection: `refs/skep/pushed/<commit>`, which clients do not see.
pub async fn pin(repository: &Path, commit: &CommitId) -> Result<(), Error> {
    let (path, commit) = (repository.to_owned(), commit.clone());
    blocking(move || {
        let repository = open(&path)?;
        let pinned = oid(&commit).and_then(|oid| repository.reference(&pin_of(&commit), oid, true, "skep: pushed"));
        pinned.map(drop).map_err(Error::local(format!("keep the commit {commit}")))
    })
    .await
}

/// Removes the pin, if there is one.
pub async fn unpin(repository: &Path, commit: &CommitId) -> Result<(), Error> {
    let (path, commit) = (repository.to_owned(), commit.clone());
    blocking(move || {
        let repository = open(&path)?;
        match repository.find_reference(&pin_of(&commit)).and_then(|mut pin| pin.delete()) {
            Err(error) if error.code() != ErrorCode::NotFound => {
                Err(Error::local(format!("let go of the commit {commit}"))(error))
            }
            _ => Ok(()),
        }
    })
    .await
}

/// The commits that are pinned.
pub async fn pinned(repository: &Path) -> Result<Vec<CommitId>, Error> {
    let path = repository.to_owned();
    blocking(move || {
        let repository = open(&path)?;
        let failed = |error| Error::local(format!("list the pins of {}", path.display()))(error);
        let pins = repository.references_glob(&pin_of("*")).map_err(failed)?;
        Ok(pins.flatten().filter_map(|pin| pin.target()?.to_string().parse().ok()).collect())
    })
    .await
}

fn pin_of(commit: impl fmt::Display) -> String {
    format!("refs/skep/pushed/{commit}")
}

/// Moves a branch to a commit that runs: from `base`, its commit at the time of the push, or forward from its current
/// commit. A branch that already exists, or was moved elsewhere in the meantime, is not changed.
pub async fn move_branch(repository: &Path, name: &str, base: Option<&CommitId>, new: &CommitId) -> Result<(), Error> {
    let (path, name, base, new) = (repository.to_owned(), name.to_owned(), base.cloned(), new.clone());
    blocking(move || {
        let repository = open(&path)?;
        let there = at(&repository, &name);
        if there.as_ref() == Some(&new) {
            return Ok(());
        }
        if !may_move(&repository, there.as_ref(), base.as_ref(), &new) {
            let text = |id: Option<&CommitId>| id.map_or_else(|| "nowhere".to_owned(), CommitId::to_string);
            return Err(Error::Moved { name, expected: text(base.as_ref()), found: text(there.as_ref()) });
        }
        moved(&repository, &name, there.as_ref(), &new).map_err(Error::local(format!("move {name}")))?;
        point_head(&path)
    })
    .await
}

/// The commit of a ref; `None` if it does not exist, or cannot be read.
pub fn branch_at(repository: &Path, name: &str) -> Option<CommitId> {
    at(&open(repository).ok()?, name)
}

fn at(repository: &Repository, name: &str) -> Option<CommitId> {
    repository.refname_to_id(name).ok()?.to_string().parse().ok()
}

fn may_move(repository: &Repository, there: Option<&CommitId>, base: Option<&CommitId>, new: &CommitId) -> bool {
    let Some(there) = there else { return true };
    let forward = |there, new| repository.graph_descendant_of(new, there).unwrap_or(false);
    Some(there) == base || oid(there).is_ok_and(|there| oid(new).is_ok_and(|new| forward(there, new)))
}

fn moved(repository: &Repository, name: &str, there: Option<&CommitId>, new: &CommitId) -> Result<(), git2::Error> {
    let (new, reason) = (oid(new)?, "skep: deployed");
    if let Some(there) = there {
        return repository.reference_matching(name, new, true, oid(there)?, reason).map(drop);
    }
    remove_unreadable(repository, name);
    repository.reference(name, new, true, reason).map(drop)
}

/// Removes the file of a ref that cannot be read, such as one that a full disk left empty: libgit2 does not overwrite it.
fn remove_unreadable(repository: &Repository, name: &str) {
    if repository.refname_to_id(name).is_err_and(|error| error.code() != ErrorCode::NotFound) {
        // An error here also occurs when the new one is written, and is reported there.
        drop(fs::remove_file(repository.path().join(name)));
    }
}

fn oid(commit: &CommitId) -> Result<Oid, git2::Error> {
    Oid::from_str(commit.as_str())
}

/// The branches that may be deployed; each repository deploys one of them ([`deployed_branch`]). skep moves that one,
/// and Git moves all others.
pub const DEPLOYED: [&str; 2] = ["refs/heads/main", "refs/heads/master"];

/// The full name of the deployed branch of a repository: the one of [`DEPLOYED`] that exists, or, if both exist, the
/// one that `HEAD` names. `None` before the first push to either.
pub fn deployed_branch(repository: &Path) -> Option<&'static str> {
    let repository = open(repository).ok()?;
    let head = repository.find_reference("HEAD").ok();
    let is_head = |name: &str| head.as_ref().is_some_and(|head| head.symbolic_target_bytes() == Some(name.as_bytes()));
    let mut there: Vec<&str> = DEPLOYED.into_iter().filter(|name| repository.find_reference(name).is_ok()).collect();
    there.sort_by_key(|name| !is_head(name));
    there.first().copied()
}

/// The branches of a repository and their commits, by name without `refs/heads/`.
pub async fn branches(repository: &Path) -> Result<Vec<(String, CommitId)>, Error> {
    let path = repository.to_owned();
    blocking(move || {
        let repository = open(&path)?;
        let listed = listed(&repository);
        listed.map_err(Error::local(format!("list the branches of {}", path.display())))
    })
    .await
}

fn listed(repository: &Repository) -> Result<Vec<(String, CommitId)>, git2::Error> {
    let mut branches = Vec::new();
    for branch in repository.branches(Some(BranchType::Local))? {
        let branch = branch?.0.into_reference();
        if let (Some(name), Some(id)) = (short_name(&branch), branch.target()) {
            branches.push((name, id.to_string().parse().map_err(|_| git2::Error::from_str("not a commit"))?));
        }
    }
    branches.sort();
    Ok(branches)
}

fn short_name(branch: &Reference<'_>) -> Option<String> {
    std::str::from_utf8(branch.name_bytes()).ok()?.strip_prefix("refs/heads/").map(str::to_owned)
}

/// Points `HEAD` at an existing branch, so that a clone can check it out: a new repository's `HEAD` is `main`.
pub(super) fn point_head(repository: &Path) -> Result<(), Error> {
    let repository = open(repository)?;
    let is_deployed = |(name, _): &&(String, CommitId)| DEPLOYED.contains(&format!("refs/heads/{name}").as_str());
    let pointed =
        listed(&repository).and_then(|branches| match branches.iter().find(is_deployed).or(branches.first()) {
            Some((first, _)) if repository.head().is_err() => repository.set_head(&format!("refs/heads/{first}")),
            _ => Ok(()),
        });
    pointed.map_err(Error::local("point HEAD to the first branch"))
}

impl FromStr for RepositoryName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        let fits = |part: &str| (1..=64).contains(&part.len()) && part.chars().all(allowed) && !part.starts_with('-');
        if text.split('/').all(fits) && text.split('/').count() <= 2 {
            return Ok(Self(text.to_owned()));
        }
        Err(Invalid {
            text: text.chars().take(80).flat_map(char::escape_default).collect(),
            what: "repository name",
            reason: "write `name` or `group/name` with lower-case letters, digits, `-` and `_`".to_owned(),
        })
    }
}

impl fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
