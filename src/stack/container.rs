//! The settings of a service's containers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Nanos, is_default, is_false};

/// The privileges of a service's processes besides capabilities (engines from API 1.44, except `selinux`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Privileges {
    /// Whether processes cannot gain further privileges.
    #[serde(skip_serializing_if = "is_false")]
    pub no_new_privileges: bool,
    /// `default` or `unconfined`; the engine's default when empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub seccomp: String,
    /// `default` or `disabled`; the engine's default when empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub apparmor: String,
    /// Labels of `SELinux`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selinux: Option<SelinuxContext>,
}

/// Labels of `SELinux`; empty ones use the engine's defaults.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SelinuxContext {
    /// Whether labels are disabled.
    #[serde(skip_serializing_if = "is_false")]
    pub disable: bool,
    /// The user.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// The role.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub role: String,
    /// The type.
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// The level.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub level: String,
}

/// The source of a service's Windows credentials; exactly one field is set.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CredentialSpec {
    /// The full name of a config.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub config: String,
    /// A file on the nodes.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub file: String,
    /// A value in the nodes' registry.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub registry: String,
}

/// How the engine checks a container's health.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Healthcheck {
    /// `["NONE"]`, `["CMD", …]` or `["CMD-SHELL", …]`; the image's own when empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub test: Vec<String>,
    /// The time between two checks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<Nanos>,
    /// The time after which a check counts as failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Nanos>,
    /// How long failures do not count after the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_period: Option<Nanos>,
    /// The time between two checks during the start period (engines from API 1.44).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_interval: Option<Nanos>,
    /// The number of failures in a row that make the container unhealthy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<u64>,
}

/// A mount in the containers of a service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Mount {
    /// The path in the container.
    pub target: String,
    /// `volume`, `bind`, `tmpfs`, `npipe`, `image` or `cluster`.
    pub kind: String,
    /// The volume's full name or the folder on the host; empty for an anonymous volume or a tmpfs.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// Whether the container may not write to it.
    #[serde(skip_serializing_if = "is_false")]
    pub read_only: bool,
    /// `consistent`, `cached` or `delegated`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub consistency: String,
    /// The propagation of a bind mount, such as `rslave`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub propagation: String,
    /// Options of a volume that the engine creates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume: Option<VolumeOptions>,
    /// The size of a tmpfs in bytes.
    #[serde(skip_serializing_if = "is_default")]
    pub tmpfs_size: i64,
    /// The mode bits of a tmpfs; the engine's default (1777) if 0.
    #[serde(skip_serializing_if = "is_default")]
    pub tmpfs_mode: u32,
    /// Whether empty options of a bind or tmpfs are sent.
    #[serde(skip_serializing_if = "is_false")]
    pub empty_options: bool,
}

/// Options of a volume that the engine creates.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct VolumeOptions {
    /// Whether the image's files are not copied into a new volume.
    #[serde(skip_serializing_if = "is_false")]
    pub nocopy: bool,
    /// The mounted folder inside the volume.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub subpath: String,
    /// Labels, without Docker's own.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Whether it has Docker's own label, as all but external volumes do.
    pub owned: bool,
    /// The driver; the engine's default when empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub driver: String,
    /// Options of the driver.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub driver_opts: BTreeMap<String, String>,
}

/// A config or secret as a file in the containers of a service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FileReference {
    /// The full name of the config or secret.
    pub source: String,
    /// The file's path (for a secret, below `/run/secrets` unless absolute).
    pub target: String,
    /// The file's owner.
    pub uid: String,
    /// The file's group.
    pub gid: String,
    /// The file's mode bits.
    pub mode: u32,
}

/// How a service is attached to a network.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Attachment {
    /// Names of the service in the network, including its key.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Options of the driver.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub driver_opts: BTreeMap<String, String>,
}

/// The log driver of containers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Logging {
    /// The driver; the engine's default when empty.
    pub driver: String,
    /// Options of the driver.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
}
