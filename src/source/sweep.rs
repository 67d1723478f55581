//! Removes the files that interrupted pushes leave behind.
//!
//! Git stores the objects of a push in a separate folder and removes it at the end, unless it is killed. The folder of
//! a push in progress looks the same. So a [`Presence`] holds a lock on the folder of the repositories: a process that
//! is alone may remove all of them, and otherwise only those that are older than a push can be.

use std::fs::{self, DirEntry, File, Metadata};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::server::{RepositoryName, Server, folders};
use super::{Error, blocking};

/// A controller that uses the repositories, until it is dropped or its process ends.
#[derive(Debug)]
pub struct Presence {
    _lock: File,
    is_alone: bool,
}

impl Server {
    /// Locks the repositories for this process, and finds out whether another one uses them.
    pub fn enter(&self) -> Result<Presence, Error> {
        let path = self.settings.root.join("lock");
        entered(&path).map_err(Error::disk(format!("lock {}", path.display())))
    }

    /// Removes the files and folders that earlier pushes left behind; returns their number.
    pub async fn sweep(&self, presence: &Presence) -> usize {
        let least_age = if presence.is_alone { Duration::ZERO } else { self.settings.patience.saturating_mul(2) };
        let server = self.clone();
        blocking(move || server.leftovers().into_iter().filter(|path| is_removed(path, least_age)).count()).await
    }

    fn leftovers(&self) -> Vec<PathBuf> {
        let root = &self.settings.root;
        let groups = folders(root).filter(|(name, _)| name.parse::<RepositoryName>().is_ok()).map(|(_, path)| path);
        let halves = groups.chain([root.clone()]).flat_map(|folder| named(&folder, &["tmp_skep-"]));
        let objects = self.listed().into_iter().map(|name| self.path(&name).join("objects"));
        halves.chain(objects.flat_map(|objects| leftovers_of(&objects))).collect()
    }
}

/// Without locks it is unknown whether another process uses the repositories.
fn entered(path: &Path) -> std::io::Result<Presence> {
    let lock = File::create(path)?;
    let is_alone = lock.try_lock().is_ok();
    // From here on other processes find this one.
    drop(lock.unlock());
    drop(lock.try_lock_shared());
    Ok(Presence { _lock: lock, is_alone })
}

/// Whether it has a name that Git (`tmp-objdir.c`, `object-file.c`, `pack-write.c`) or skep gives to incomplete files.
fn leftovers_of(objects: &Path) -> Vec<PathBuf> {
    let mut found = named(objects, &["incoming-", "tmp_"]);
    for (name, folder) in folders(objects) {
        if name == "pack" || name.len() == 2 {
            found.extend(named(&folder, &["tmp_"]));
        }
    }
    found
}

/// The entries of a folder whose names have this prefix.
fn named(folder: &Path, beginnings: &[&str]) -> Vec<PathBuf> {
    let is_one = |entry: &DirEntry| {
        let name = entry.file_name();
        beginnings.iter().any(|beginning| name.to_string_lossy().starts_with(beginning))
    };
    fs::read_dir(folder).into_iter().flatten().flatten().filter(is_one).map(|entry| entry.path()).collect()
}

fn is_removed(path: &Path, least_age: Duration) -> bool {
    let Ok(about) = path.symlink_metadata() else { return false };
    if age(&about) < least_age {
        return false;
    }
    let removed = if about.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    if let Err(error) = &removed {
        tracing::warn!(path = %path.display(), %error, "a left-over of an earlier push cannot be removed");
    }
    removed.is_ok()
}

fn age(about: &Metadata) -> Duration {
    about.modified().ok().and_then(|changed| changed.elapsed().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::super::server::Settings;
    use super::*;

    fn server(folder: &Path) -> Server {
        let settings = Settings {
            root: folder.join("git"),
            runtime: folder.join("run"),
            push_hook: vec!["false".into()],
            branch_hook: vec!["false".into()],
            max_push: Settings::MAX_PUSH,
            patience: Settings::PATIENCE,
        };
        Server::new(settings).unwrap()
    }

    /// A repository with what two kinds of cut-off pushes leave in it, and an object that stays.
    async fn repository(server: &Server) -> PathBuf {
        let name = "team/shop".parse().unwrap();
        server.create(&name).await.unwrap();
        let path = server.path(&name);
        for folder in ["objects/tmp_objdir-incoming-a1B2c3/pack", "objects/ab", "../tmp_skep-1-1/objects"] {
            fs::create_dir_all(path.join(folder)).unwrap();
        }
        for file in ["objects/pack/tmp_pack_x", "objects/ab/tmp_skep-1-0", "objects/ab/tmp_obj_y", "objects/ab/cd"] {
            fs::write(path.join(file), "x").unwrap();
        }
        path
    }

    #[tokio::test]
    async fn what_cut_off_pushes_leave_is_removed_by_the_next_controller() {
        let folder = tempfile::tempdir().unwrap();
        let server = server(folder.path());
        let path = repository(&server).await;
        assert_eq!(server.sweep(&server.enter().unwrap()).await, 5);
        assert_eq!(server.leftovers(), Vec::<PathBuf>::new());
        assert!(path.join("objects/ab/cd").exists());
    }

    #[tokio::test]
    async fn what_another_controller_may_be_using_stays() {
        let folder = tempfile::tempdir().unwrap();
        let server = server(folder.path());
        repository(&server).await;
        let other = server.enter().unwrap();
        assert_eq!(server.sweep(&server.enter().unwrap()).await, 0);
        drop(other);
        assert_eq!(server.sweep(&server.enter().unwrap()).await, 5);
    }

    #[tokio::test]
    async fn nobody_else_may_look_into_a_repository() {
        let folder = tempfile::tempdir().unwrap();
        let path = repository(&server(folder.path())).await;
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o700);
        // One that an earlier version made.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let next = server(folder.path());
        assert_eq!((mode(&path), mode(&next.settings.root)), (0o700, 0o700));
    }
}
