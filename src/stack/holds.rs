//! Exclusive holdings of services: writable data and published ports.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Mode, Mount, Port, Service};

/// Data or a port of a service that another one may take over.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
pub enum Hold {
    /// A writable volume.
    Volume {
        /// Its full name, or the location of its data, such as `nas:/export/db`, including the mounted folder inside.
        name: String,
    },
    /// A writable folder of the nodes.
    Folder {
        /// Its path.
        path: String,
    },
    /// A published port.
    Port {
        /// Its number.
        number: u16,
        /// Its protocol, such as `tcp`.
        protocol: String,
    },
}

/// Folders of the node that many services mount and that are not data of one of them.
const COMMON_FOLDERS: [&str; 8] = ["/var/run", "/run", "/etc", "/proc", "/sys", "/dev", "/tmp", "/var/log"];

/// Placeholders of Swarm that differ from service to service.
const OF_ITS_OWN: [&str; 3] = [".Service.", ".Task.Name", ".Task.ID"];

/// Whether a path is this folder or below it.
pub fn is_within(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || folder.ends_with('/'))
}

/// Whether a path is, or is in, a folder of the node that many services mount.
pub fn is_common(path: &str) -> bool {
    COMMON_FOLDERS.iter().any(|folder| is_within(path, folder))
}

impl Service {
    /// The writable data and the published ports of the service.
    pub fn holds(&self) -> Vec<Hold> {
        let data = self.volumes.iter().filter_map(Mount::data);
        data.chain(self.ports.iter().filter_map(Port::hold)).collect()
    }

    /// Whether several of its tasks write to its data at the same time, so that another writer is no problem. A service
    /// with one task, or one on each node, has its data for itself.
    pub fn shares_with_itself(&self) -> bool {
        matches!(self.mode, Mode::Replicated(Some(2..))) && self.max_replicas_per_node != 1
    }
}

impl Hold {
    /// Whether the two overlap.
    pub fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Volume { name: one }, Self::Volume { name: other })
            | (Self::Folder { path: one }, Self::Folder { path: other }) => {
                is_within(one, other) || is_within(other, one)
            }
            (one, other) => one == other,
        }
    }

    /// Whether it is data rather than a port.
    pub fn is_data(&self) -> bool {
        !matches!(self, Self::Port { .. })
    }

    /// Whether each task has its own, by a placeholder in the name.
    pub fn is_of_a_task(&self) -> bool {
        matches!(self, Self::Volume { name: place } | Self::Folder { path: place } if place.contains("{{"))
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Volume { name } => write!(f, "the volume {name}"),
            Self::Folder { path } => write!(f, "the folder {path}"),
            Self::Port { number, protocol } => write!(f, "port {number}/{protocol}"),
        }
    }
}

impl Mount {
    /// The writable data of a mount; `None` if it is read-only, or if no other service can refer to it.
    pub fn data(&self) -> Option<Hold> {
        if self.read_only || self.source.is_empty() || OF_ITS_OWN.iter().any(|part| self.source.contains(part)) {
            return None;
        }
        match self.kind.as_str() {
            "bind" => folder(&self.source),
            "volume" => self.volume_data(),
            "cluster" => Some(Hold::Volume { name: self.source.clone() }),
            _ => None,
        }
    }

    /// The data of a volume. Volumes of the local driver may share data, whose location is in the options (`man 8
    /// mount`).
    fn volume_data(&self) -> Option<Hold> {
        let options = self.volume.as_ref();
        let option = |key: &str| {
            let value = options.and_then(|options| options.driver_opts.get(key));
            value.map(String::as_str).unwrap_or_default()
        };
        let is_local = options.is_none_or(|options| matches!(options.driver.as_str(), "" | "local"));
        let (kind, device, flags) = (option("type"), option("device"), option("o"));
        if is_local && kind == "tmpfs" {
            return None;
        }
        let inside = options.map(|options| options.subpath.trim_matches('/')).unwrap_or_default();
        if !is_local || device.is_empty() {
            return Some(Hold::Volume { name: below(&self.source, inside) });
        }
        if flags.split(',').any(|flag| matches!(flag, "bind" | "rbind")) {
            return folder(&below(device, inside));
        }
        let host = flags.split(',').find_map(|flag| flag.strip_prefix("addr=")).unwrap_or_default();
        Some(Hold::Volume { name: below(&format!("{host}{device}"), inside) })
    }
}

fn below(place: &str, inside: &str) -> String {
    let place = place.trim_end_matches('/');
    if inside.is_empty() { place.to_owned() } else { format!("{place}/{inside}") }
}

fn folder(path: &str) -> Option<Hold> {
    let path = path.trim_end_matches('/');
    // What is below `/tmp` has a name that somebody gave it.
    let is_below_tmp = path != "/tmp" && is_within(path, "/tmp");
    (!path.is_empty() && (is_below_tmp || !is_common(path))).then(|| Hold::Folder { path: path.to_owned() })
}

impl Port {
    /// The port as a holding; `None` if the engine chooses its number.
    fn hold(&self) -> Option<Hold> {
        let number = self.published.filter(|number| *number != 0)?;
        let protocol = if self.protocol.is_empty() { "tcp" } else { &self.protocol };
        Some(Hold::Port { number, protocol: protocol.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::stack::VolumeOptions;

    fn mount(kind: &str, source: &str, options: &[(&str, &str)]) -> Mount {
        let driver_opts: BTreeMap<_, _> = options.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        let volume = (kind == "volume").then(|| VolumeOptions { driver_opts, ..VolumeOptions::default() });
        Mount { target: "/data".into(), kind: kind.into(), source: source.into(), volume, ..Mount::default() }
    }

    fn said(mount: &Mount) -> String {
        mount.data().map_or_else(|| "nothing".to_owned(), |hold| hold.to_string())
    }

    #[test]
    fn the_data_of_a_mount_is_known_wherever_it_is() {
        let bind = [("type", "none"), ("o", "rw,bind"), ("device", "/srv/db/")];
        let nfs = [("type", "nfs"), ("o", "addr=nas,rw"), ("device", ":/export/db")];
        let shown = [
            said(&mount("volume", "shop_data", &[])),
            said(&mount("volume", "shop_data", &bind)),
            said(&mount("volume", "shop_data", &nfs)),
            said(&mount("volume", "shop_data", &[("type", "tmpfs"), ("device", "tmpfs")])),
            said(&mount("bind", "/data/shop/db/", &[])),
            said(&mount("bind", "/var/run/docker.sock", &[])),
            said(&mount("bind", "/", &[])),
            said(&mount("bind", "/tmp", &[])),
            said(&mount("bind", "/tmp/db", &[])),
            said(&mount("cluster", "csi", &[])),
            said(&mount("tmpfs", "", &[])),
            said(&mount("volume", "", &[])),
            said(&mount("volume", "data-{{.Task.Slot}}", &[])),
            said(&mount("volume", "{{.Service.Name}}-data", &[])),
            said(&Mount { read_only: true, ..mount("volume", "shop_data", &[]) }),
        ];
        insta::assert_snapshot!(shown.join("\n"), @"
        the volume shop_data
        the folder /srv/db
        the volume nas:/export/db
        nothing
        the folder /data/shop/db
        nothing
        nothing
        nothing
        the folder /tmp/db
        the volume csi
        nothing
        nothing
        the volume data-{{.Task.Slot}}
        nothing
        nothing
        ");
    }

    #[test]
    fn a_folder_has_what_is_below_it() {
        let folder = |path: &str| Hold::Folder { path: path.into() };
        assert!(folder("/srv").overlaps(&folder("/srv/db")) && folder("/srv/db").overlaps(&folder("/srv")));
        assert!(!folder("/srv/db").overlaps(&folder("/srv/db2")));
        assert!(!folder("/srv/db").overlaps(&Hold::Volume { name: "/srv/db".into() }));
    }
}
