//! Mounts: Docker's volumes, and folders below the data root that replace them.

use super::Renderer;
use crate::name::ObjectKind;
use crate::stack::file::{Mount, Service, Spanned, Volume, is_windows_path};
use crate::stack::{self, VolumeOptions};

impl<'a> Renderer<'a> {
    /// Like Docker's `convertVolumeToMount`, ordered by target.
    pub(super) fn mounts(&mut self, service: &Service) -> Vec<stack::Mount> {
        let mut mounts: Vec<stack::Mount> = service.volumes.iter().filter_map(|mount| self.mount(mount)).collect();
        if !self.inputs.as_written {
            mounts.extend(service.tmpfs.iter().map(|mount| plain(mount)));
            mounts.extend(service.shm_size.as_ref().map(|size| shared_memory(size.value)));
        }
        if !self.inputs.as_written {
            mounts.sort();
        }
        mounts
    }

    fn mount(&mut self, mount: &Spanned<Mount>) -> Option<stack::Mount> {
        let rendered = plain(mount);
        match mount.kind.as_str() {
            "volume" if !mount.source.is_empty() => self.named(mount, rendered),
            "cluster" if !mount.source.starts_with("group:") => self.cluster(mount, rendered),
            "bind" if !mount.source.starts_with('/') && !is_windows_path(&mount.source) => {
                let help = "use `configs` for a file of the repository, and a named volume for data".to_owned();
                let message = format!(
                    "`{}` is not on the nodes of the swarm, which have no copy of the repository",
                    mount.source
                );
                self.problem(&mount.span, message, help);
                None
            }
            _ => Some(rendered),
        }
    }

    fn cluster(&mut self, mount: &Spanned<Mount>, rendered: stack::Mount) -> Option<stack::Mount> {
        let volume = self.volume(mount)?;
        Some(stack::Mount { source: self.volume_name(&mount.source, volume), ..rendered })
    }

    fn volume(&mut self, mount: &Spanned<Mount>) -> Option<&'a Volume> {
        let file = self.file;
        let volume = file.volumes.get(&mount.source);
        if volume.is_none() {
            self.undefined("volume", &mount.source, &mount.span, file.volumes.keys());
        }
        volume
    }

    fn volume_name(&self, key: &str, volume: &Volume) -> String {
        let given = volume.name.as_ref().map(|name| name.value.clone());
        given.unwrap_or_else(|| if volume.external { key.to_owned() } else { self.inputs.name.scoped(key) })
    }

    /// Checks the name of a volume that a node creates: with an invalid name, tasks never start. The engine first
    /// replaces placeholders (`{{.Task.Slot}}`).
    fn check_volume_name(&mut self, volume: &Volume, name: &str) {
        let is_local = !volume.external && matches!(volume.driver.as_str(), "" | "local");
        if !is_local || name.contains("{{") {
            return;
        }
        if let Some(reason) = ObjectKind::Volume.objection(name) {
            let span = volume.name.as_ref().map_or(&volume.span, |name| &name.span);
            let message = super::unusable(ObjectKind::Volume, name, &reason);
            self.problem(span, message, "choose another `name`, or remove it".to_owned());
        }
    }

    fn named(&mut self, mount: &Spanned<Mount>, rendered: stack::Mount) -> Option<stack::Mount> {
        let key = &mount.source;
        let volume = self.volume(mount)?;
        if !self.inputs.as_written && is_plain(volume) && mount.subpath.is_empty() {
            let folder = format!("{}/{}/{key}", self.inputs.data_root.trim_end_matches('/'), self.inputs.name);
            self.stack.folders.insert(folder.clone());
            return Some(stack::Mount { kind: "bind".to_owned(), source: folder, ..rendered });
        }
        let name = self.volume_name(key, volume);
        self.check_volume_name(volume, &name);
        Some(stack::Mount { source: name, volume: Some(options(mount, volume)), ..rendered })
    }
}

/// A mount with the same fields in the file and in the stack.
fn plain(mount: &Mount) -> stack::Mount {
    stack::Mount {
        target: mount.target.clone(),
        kind: mount.kind.clone(),
        source: mount.source.clone(),
        read_only: mount.read_only,
        consistency: mount.consistency.clone(),
        propagation: mount.propagation.clone(),
        volume: None,
        tmpfs_size: mount.tmpfs_size,
        tmpfs_mode: mount.tmpfs_mode,
        empty_options: mount.options
            && mount.kind != "volume"
            && mount.propagation.is_empty()
            && mount.tmpfs_size == 0
            && mount.tmpfs_mode == 0,
    }
}

/// Whether a volume can be replaced by a folder. A volume with a placeholder in its name is separate for
/// each task, whereas a folder would be shared.
fn is_plain(volume: &Volume) -> bool {
    let is_for_each_task = volume.name.as_ref().is_some_and(|name| name.value.contains("{{"));
    let has_driver = !matches!(volume.driver.as_str(), "" | "local") || !volume.driver_opts.is_empty();
    !volume.external && !has_driver && !is_for_each_task
}

fn options(mount: &Mount, volume: &Volume) -> VolumeOptions {
    let (nocopy, subpath) = (mount.nocopy, mount.subpath.clone());
    if volume.external {
        return VolumeOptions { nocopy, subpath, ..VolumeOptions::default() };
    }
    VolumeOptions {
        nocopy,
        subpath,
        labels: volume.labels.clone(),
        owned: true,
        driver: volume.driver.clone(),
        driver_opts: volume.driver_opts.clone(),
    }
}

/// `shm_size` as a tmpfs mount at `/dev/shm`.
fn shared_memory(size: i64) -> stack::Mount {
    stack::Mount {
        target: "/dev/shm".to_owned(),
        kind: "tmpfs".to_owned(),
        tmpfs_size: size,
        ..stack::Mount::default()
    }
}
