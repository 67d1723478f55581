//! The folders that named volumes become.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::{Error, Swarm};

impl Swarm {
    /// Creates the folders that are not there yet, on the node that skep runs on: Swarm refuses a task whose bind
    /// has no source. So the data root must be shared by all nodes (Ceph, NFS), or the swarm have only this one. Where it is
    /// not the one that the swarm knows, nothing is made.
    ///
    /// A folder that is not below the data root, has `..` in it, or leads out of it through a symbolic link is
    /// refused. The data root itself is created if it is missing.
    pub async fn ensure_folders(&self, folders: &BTreeSet<String>) -> Result<(), Error> {
        if folders.is_empty() {
            return Ok(());
        }
        self.claim_data_root().await?;
        let (root, folders) = (self.data_root.clone(), folders.clone());
        let created = tokio::task::spawn_blocking(move || create(&root, &folders)).await;
        created.unwrap_or_else(|error| {
            Err(Error::Folder { path: self.data_root.display().to_string(), reason: error.to_string() })
        })
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
}
