//! The mark of the data root: a file in it, and a copy in a config of the swarm.
//!
//! Both are written when the first folder is created. From then on a file system without this mark is
//! not the one with the data, for example the local disk of a node where the shared storage is not mounted.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::io;
use std::path::Path;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::json;

use super::{Error, Swarm};
use crate::engine::{self, Call};
use crate::preflight::data::{MARK, config_name};
use crate::preflight::surroundings::{DataRoot, Marks};

/// The label of the config with the path of the data root.
const LABEL: &str = "skep.data";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Config {
    spec: Spec,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Spec {
    #[serde(default)]
    data: String,
}

impl Swarm {
    /// Fails if the data root of this node is not the one marked in the swarm.
    pub async fn check_data_root(&self) -> Result<(), Error> {
        known(&self.data_root().await?)
    }

    /// The data root of this node, with its marks.
    pub(super) async fn data_root(&self) -> Result<DataRoot, Error> {
        let path = self.data_root.display().to_string();
        let marks = Marks { kept: self.kept_mark(&path).await?, found: self.on_disk(found_mark).await? };
        Ok(DataRoot { path, is_shared: self.data_shared, marks })
    }

    /// Makes sure that folders are made in the data root that the swarm knows. The first time, it is marked: the file
    /// first, so that what is interrupted in between is made good by the next.
    pub(super) async fn claim_data_root(&self) -> Result<(), Error> {
        let root = self.data_root().await?;
        if root.marks.kept.is_none() {
            let mark = match root.marks.found {
                Some(mark) => mark,
                None => self.on_disk(write_mark).await?,
            };
            self.keep_mark(&mark).await?;
            return self.check_data_root().await;
        }
        known(&root)
    }

    async fn kept_mark(&self, path: &str) -> Result<Option<String>, Error> {
        let config: Config = match self.engine.json(Call::get(format!("/configs/{}", config_name(path)))).await {
            Ok(config) => config,
            Err(engine::Error::Refused { status: 404, .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mark = STANDARD.decode(&config.spec.data).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        Ok(Some(mark.unwrap_or_default()))
    }

    /// Stores the mark in the swarm. If another controller does so at the same time, the mark is read afterwards.
    async fn keep_mark(&self, mark: &str) -> Result<(), Error> {
        let path = self.data_root.display().to_string();
        let labels = json!({ LABEL: path });
        let body = json!({ "Name": config_name(&path), "Labels": labels, "Data": STANDARD.encode(mark) });
        match self.engine.call(Call::post("/configs/create", body)).await {
            Ok(_) | Err(engine::Error::Refused { status: 409, .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Writes a new mark, and returns the existing one if another controller was faster.
fn write_mark(root: &Path) -> Result<String, Error> {
    let mark = format!("{:016x}", RandomState::new().build_hasher().finish());
    let failed = |reason: io::Error| folder_error(&root.join(MARK), &reason);
    std::fs::create_dir_all(root).map_err(failed)?;
    let written = tempfile::NamedTempFile::new_in(root).map_err(failed)?;
    std::fs::write(written.path(), format!("{mark}\n")).map_err(failed)?;
    match written.persist_noclobber(root.join(MARK)) {
        Ok(_) => Ok(mark),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(found_mark(root)?.unwrap_or_default()),
        Err(error) => Err(failed(error.error)),
    }
}

/// Fails if a data root is not the one marked in the swarm.
fn known(root: &DataRoot) -> Result<(), Error> {
    match root.fault() {
        Some(fault) => Err(Error::OtherRoot { fault, remedy: root.remedy() }),
        None => Ok(()),
    }
}

fn found_mark(root: &Path) -> Result<Option<String>, Error> {
    match std::fs::read_to_string(root.join(MARK)) {
        Ok(mark) => Ok(Some(mark.trim().to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(folder_error(&root.join(MARK), &error)),
    }
}

fn folder_error(path: &Path, reason: &io::Error) -> Error {
    Error::Folder { path: path.display().to_string(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::engine::Engine;
    use crate::engine::simulated::World;
    use crate::lease::Lease;

    fn swarm(world: &World, root: &Path) -> Swarm {
        Swarm { data_root: root.to_owned(), ..Swarm::new(Engine::Simulated(world.clone())) }
    }

    async fn made(swarm: &Swarm) -> Result<(), String> {
        let folder = swarm.data_root.join("shop/db").display().to_string();
        let shown = |error: Error| error.to_string().replace(&*swarm.data_root.to_string_lossy(), "ROOT");
        swarm.ensure_folders(&Lease::of_command(), &BTreeSet::from([folder])).await.map_err(shown)
    }

    #[tokio::test]
    async fn folders_are_made_only_where_the_data_is() {
        let (world, shared, root) = (World::new(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let root = root.path().join("data");
        let swarm = swarm(&world, &root);
        assert_eq!(made(&swarm).await, Ok(()), "the first folder");
        assert_eq!(made(&swarm).await, Ok(()), "the same file system");
        let mark = found_mark(&root).unwrap().unwrap();

        // The controller moves to a node that does not mount the storage.
        std::fs::rename(&root, shared.path().join("data")).unwrap();
        let error = made(&swarm)
            .await
            .unwrap_err()
            .replace(&mark, "MARK")
            .replace(&config_name(&root.to_string_lossy()), "CONFIG");
        insta::assert_snapshot!(error, @"the data root ROOT is not the one that the swarm's data is in: it does not have the mark MARK; mount the shared storage at ROOT on every node that skep may run on; if this is that storage and only the mark was lost, restore it (`echo MARK > ROOT/.skep`); if the data is meant to begin anew here, run `docker config rm CONFIG`");
        assert!(!root.join("shop").exists(), "nothing empty is made");
        assert!(swarm.check_data_root().await.is_err());

        // It is mounted again.
        std::fs::rename(shared.path().join("data"), &root).unwrap();
        assert_eq!(made(&swarm).await, Ok(()));

        std::fs::write(root.join(MARK), "another\n").unwrap();
        assert!(made(&swarm).await.unwrap_err().contains("its mark is another instead of"));
    }

    #[tokio::test]
    async fn what_was_interrupted_while_it_was_marked_is_made_good() {
        let (world, root) = (World::new(), tempfile::tempdir().unwrap());
        let swarm = swarm(&world, root.path());
        let mark = write_mark(root.path()).unwrap();
        assert_eq!(write_mark(root.path()).unwrap(), mark, "the first one stays");
        assert_eq!(made(&swarm).await, Ok(()));
        assert_eq!(swarm.data_root().await.unwrap().marks, Marks { kept: Some(mark.clone()), found: Some(mark) });
    }
}
