//! Checks that the folders of named volumes are created where the data is.
//!
//! A folder on the wrong file system is empty, and a database would start there without its data.

use super::surroundings::DataRoot;
use super::{Context, in_the_way, of_service};
use crate::diagnostic::{Diagnostic, KeyPath};
use crate::name::ServiceName;
use crate::plan::observed::Node;
use crate::stack::{Mount, Service};

/// Obstacles for a data root that is not the recorded one, and for services that may run on nodes without their folders.
pub(super) fn found(context: &Context<'_>) -> (Vec<Diagnostic<KeyPath>>, Vec<String>) {
    let Some(root) = &context.surroundings.data else { return Default::default() };
    let (mut obstacles, mut notes) = (Vec::new(), Vec::new());
    obstacles.extend(root.fault().map(|message| in_the_way(KeyPath::of(["volumes"]), message, root.remedy())));
    let Some(here) = context.observed.nodes.iter().find(|node| node.id == context.surroundings.node) else {
        return (obstacles, notes);
    };
    if root.is_shared {
        return (obstacles, notes);
    }
    for (name, service) in &context.desired.services {
        let Some(folder) = context.folder_of(service) else { continue };
        let candidates = context.candidates(service);
        let Some(other) = candidates.iter().find(|node| node.id != here.id) else { continue };
        if context.mounts_already(name, folder) {
            notes.push(format!("the service `{name}` has its data in {folder}; {}", unknown(root, other)));
        } else {
            obstacles.push(apart(name, folder, root, here, other));
        }
    }
    (obstacles, notes)
}

impl DataRoot {
    /// Returns what is wrong with the data root of the node that skep runs on, as a sentence.
    pub fn fault(&self) -> Option<String> {
        let fault = self.marks.fault()?;
        Some(format!("the data root {} is not the one that the swarm's data is in: {fault}", self.path))
    }

    /// The help for a fault.
    pub fn remedy(&self) -> String {
        let kept = self.marks.kept.as_deref().unwrap_or_default();
        format!(
            "mount the shared storage at {path} on every node that skep may run on; if this is that storage and only the \
             mark was lost, restore it (`echo {kept} > {path}/{MARK}`); if the data is meant to begin anew here, run `docker \
             config rm {config}`",
            path = self.path,
            config = config_name(&self.path)
        )
    }
}

/// The file in a data root that holds its mark.
pub const MARK: &str = ".skep";

/// The config that keeps the mark of the data root at this path. No stack is called `_data`, so it is no record.
pub fn config_name(path: &str) -> String {
    use sha2::{Digest as _, Sha256};
    let digits = hex::encode(Sha256::digest(path));
    format!("skep._data.{}", &digits[..12])
}

impl Context<'_> {
    /// The first folder of the stack that a service mounts.
    fn folder_of<'a>(&self, service: &'a Service) -> Option<&'a String> {
        let is_folder = |mount: &&Mount| mount.kind == "bind" && self.desired.folders.contains(&mount.source);
        service.volumes.iter().find(is_folder).map(|mount| &mount.source)
    }

    fn mounts_already(&self, name: &ServiceName, folder: &str) -> bool {
        let there = self.observed.services.get(name);
        there.is_some_and(|there| there.service.volumes.iter().any(|mount| mount.source == folder))
    }
}

fn unknown(root: &DataRoot, other: &Node) -> String {
    format!(
        "it may be started on {}, and nothing says that {} is the same there: `data_shared: true` in skep's settings does",
        other.hostname, root.path
    )
}

fn apart(name: &ServiceName, folder: &str, root: &DataRoot, here: &Node, other: &Node) -> Diagnostic<KeyPath> {
    in_the_way(
        of_service(name, &["volumes"]),
        format!(
            "its data would be in {folder} on {}, and it may be started on {}, where nothing says that {} is the same",
            here.hostname, other.hostname, root.path
        ),
        format!(
            "if all nodes share {} (Ceph, NFS), say so: `data_shared: true` in skep's settings, or SKEP_DATA_SHARED=true; \
             otherwise constrain the service to this node (`deploy.placement.constraints: [node.hostname == {}]`)",
            root.path, here.hostname
        ),
    )
}
