//! Shared objects of services: networks, configs and secrets.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::is_false;

/// A network of the stack, or an external one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// An external object, which must exist.
    External,
    /// Created with the stack.
    Own(OwnNetwork),
}

/// The options of a network that the stack creates.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OwnNetwork {
    /// `overlay` when empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub driver: String,
    /// Options of the driver.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub driver_opts: BTreeMap<String, String>,
    /// Whether containers outside of the swarm's services may join.
    #[serde(skip_serializing_if = "is_false")]
    pub attachable: bool,
    /// Whether it has no access to the outside.
    #[serde(skip_serializing_if = "is_false")]
    pub internal: bool,
    /// Labels, without Docker's own.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The IPAM driver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipam_driver: Option<String>,
    /// Its subnets, in CIDR form.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subnets: Vec<String>,
    /// The address of the gateway in a subnet, by subnet.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub gateways: BTreeMap<String, String>,
    /// The part of a subnet that addresses are given from, by subnet.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub ip_ranges: BTreeMap<String, String>,
    /// Whether it has IPv6 addresses.
    #[serde(skip_serializing_if = "is_false")]
    pub enable_ipv6: bool,
}

/// A config of the stack, or an external one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Config {
    /// An external object, which must exist.
    External,
    /// Created with the stack.
    Own {
        /// Its contents.
        #[serde(with = "base64_bytes")]
        content: Vec<u8>,
        /// Labels, without Docker's own.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        labels: BTreeMap<String, String>,
        /// `golang`, if the engine replaces placeholders.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        template_driver: Option<String>,
    },
}

/// A secret of the stack, or an external one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Secret {
    /// An external object, which must exist.
    External,
    /// Created with the stack.
    Own {
        /// Its value. Never serialized: a stack that was read from a record has none, and needs none,
        /// because the secret was created before the record was written.
        #[serde(skip)]
        content: SecretBytes,
        /// Labels, without Docker's own.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        labels: BTreeMap<String, String>,
        /// `golang`, if the engine replaces placeholders.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        template_driver: Option<String>,
        /// The driver that provides the value, if the swarm does not store it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        driver: Option<SecretDriver>,
    },
}

/// A plugin that provides values of secrets.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SecretDriver {
    /// Its name.
    pub name: String,
    /// Its options.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
}

/// The bytes of a secret: no `Display`, a `Debug` that reveals nothing, and equal to all others, because a secret is
/// identified by its content-addressed name.
#[derive(Clone, Default)]
pub struct SecretBytes(Option<Arc<secrecy::SecretBox<Vec<u8>>>>);

impl SecretBytes {
    /// Wraps the bytes.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Some(Arc::new(secrecy::SecretBox::new(Box::new(bytes)))))
    }

    /// The bytes, for the expression that sends them; `None` if this was read from a record.
    pub fn expose(&self) -> Option<&[u8]> {
        use secrecy::ExposeSecret as _;
        self.0.as_ref().map(|bytes| bytes.expose_secret().as_slice())
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes")
    }
}

impl PartialEq for SecretBytes {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for SecretBytes {}

mod base64_bytes {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
