//! The folders of named volumes.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::time::Duration;

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::{Error, Swarm};
use crate::lease::Lease;

/// How long the file system of the data root may take to respond: a network file system hangs for ever when its server is
/// away.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);
/// The most concurrent accesses; a thread that hangs in the kernel cannot be stopped.
pub(super) const WAITING: usize = 8;

impl Swarm {
    /// Runs an operation on the file system of the data root, with a time limit.
    pub(super) async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Path) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.on_disk_within(PATIENCE, work).await
    }

    async fn on_disk_within<T: Send + 'static>(
        &self,
        patience: Duration,
        work: impl FnOnce(&Path) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (root, disk) = (self.data_root.clone(), self.disk.clone());
        let done = async move {
            let place = disk.acquire_owned().await;
            tokio::task::spawn_blocking(move || {
                let outcome = work(&root);
                drop(place);
                outcome
            })
            .await
        };
        let path = || self.data_root.display().to_string();
        match tokio::time::timeout(patience, done).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(panic)) => Err(Error::Folder { path: path(), reason: panic.to_string() }),
            Err(_) => Err(Error::Stuck { path: path() }),
        }
    }

    /// Creates the folders that are not there yet, on the node that skep runs on: Swarm refuses a task whose bind has
    /// no source. So the data root must be shared by all nodes (Ceph, NFS), or the swarm have only this one. Where it
    /// is not the one that the swarm knows, nothing is made.
    ///
    /// A folder that is not below the data root, has `..` in it, or leads out of it through a symbolic link is
    /// refused. The data root itself is created if it is missing.
    pub async fn ensure_folders(&self, _: &Lease, folders: &BTreeSet<String>) -> Result<(), Error> {
        if folders.is_empty() {
            return Ok(());
        }
        self.claim_data_root().await?;
        let folders = folders.clone();
        self.on_disk(move |root| create(root, &folders)).await
    }
}

fn create(root: &Path, folders: &BTreeSet<String>) -> Result<(), Error> {
    let failed = |path: &str, reason: io::Error| Error::Folder { path: path.to_owned(), reason: reason.to_string() };
    let shown = root.to_string_lossy();
    std::fs::create_dir_all(root).map_err(|error| failed(&shown, error))?;
    let base = Dir::open_ambient_dir(root, ambient_authority()).map_err(|error| failed(&shown, error))?;
    for folder in folders {
        below(root, folder).and_then(|path| base.create_dir_all(path)).map_err(|error| failed(folder, error))?;
    }
    Ok(())
}

/// The path below the root. `Dir` sees to it that no symbolic link leads out of it, whoever changes it meanwhile.
fn below<'a>(root: &Path, folder: &'a str) -> io::Result<&'a Path> {
    let refused = |why: &str| Err(io::Error::new(io::ErrorKind::PermissionDenied, why.to_owned()));
    let Ok(path) = Path::new(folder).strip_prefix(root) else {
        return refused(&format!("it is not below the data root {}", root.display()));
    };
    if path.components().any(|part| part == std::path::Component::ParentDir) {
        refused("it has `..` in it")
    } else {
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Engine;
    use crate::engine::simulated::World;

    fn outcome(root: &Path, folder: &str) -> String {
        match create(root, &BTreeSet::from([folder.to_owned()])) {
            Ok(()) => "created".to_owned(),
            Err(error) => error.to_string().replace(&*root.to_string_lossy(), "ROOT"),
        }
    }

    #[test]
    fn nothing_is_created_outside_of_the_data_root() {
        let (data, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let root = data.path().join("data");
        let inside = root.join("shop/db");
        assert_eq!(outcome(&root, inside.to_str().unwrap()), "created");
        assert_eq!(outcome(&root, inside.to_str().unwrap()), "created");
        assert!(inside.is_dir());

        std::os::unix::fs::symlink(elsewhere.path(), root.join("out")).unwrap();
        std::os::unix::fs::symlink("shop", root.join("in")).unwrap();
        let shown = ["out/x", "shop/../../x", "in/y"].map(|path| outcome(&root, root.join(path).to_str().unwrap()));
        insta::assert_snapshot!(shown.join("\n"), @r"
        cannot create the folder `ROOT/out/x`: a path led outside of the filesystem
        cannot create the folder `ROOT/shop/../../x`: it has `..` in it
        created
        ");
        insta::assert_snapshot!(outcome(&root, "/etc/x"), @"cannot create the folder `/etc/x`: it is not below the data root ROOT");
        assert_eq!(elsewhere.path().read_dir().unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_file_system_that_hangs_holds_up_nothing_else() {
        let swarm = Swarm::new(Engine::Simulated(World::new()));
        let (end, hangs) = std::sync::mpsc::channel::<()>();
        let hangs = std::sync::Arc::new(std::sync::Mutex::new(hangs));
        // More of them than may wait: those that do not even begin give up.
        let stuck = (0..=WAITING).map(|_| {
            let (swarm, hangs) = (swarm.clone(), hangs.clone());
            let work = move |_: &Path| {
                let _: Result<(), _> = hangs.lock().unwrap().recv();
                Ok(())
            };
            async move { swarm.on_disk_within(Duration::from_millis(1), work).await.unwrap_err().to_string() }
        });
        let said: BTreeSet<String> = futures_util::future::join_all(stuck).await.into_iter().collect();
        insta::assert_snapshot!(said.into_iter().collect::<Vec<_>>().join("\n"), @"the file system of the data root `/data` has not responded for 20 s: check the storage that is mounted there");
        drop(end);
        assert!(swarm.on_disk(|_| Ok(())).await.is_ok(), "it answers again");
    }
}
