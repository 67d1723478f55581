//! The surroundings of a stack: other services, networks, the swarm's addresses.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use crate::stack::{Mode, Port};

/// The surroundings of a stack. Parts that could not be read are missing, and cause no obstacle.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Surroundings {
    /// The services of other stacks, and those of no stack.
    pub services: Vec<Neighbour>,
    /// Every network that the engine lists, by name.
    pub networks: BTreeMap<String, Segment>,
    /// The address pools of the swarm, for networks without their own subnet.
    pub pool: Option<Pool>,
    /// The id of this engine's node; empty if the engine does not tell.
    pub node: String,
    /// The volumes of that node that the stack names, by name.
    pub volumes: BTreeMap<String, StoredVolume>,
    /// The secrets of the stack that exist with other content than desired.
    pub changed_secrets: BTreeSet<String>,
    /// The folder of the folders of named volumes. `None` if the stack has no such volume.
    pub data: Option<DataRoot>,
}

/// The folder with the folders of named volumes, as it exists on skep's node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DataRoot {
    /// Its path, the same on every node.
    pub path: String,
    /// Whether all nodes share it, according to the settings.
    pub is_shared: bool,
    /// Its marks.
    pub marks: Marks,
}

/// The marks that identify a data root.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Marks {
    /// The mark that the swarm keeps; `None` before the first folder was made.
    pub kept: Option<String>,
    /// The mark on the file system of this node.
    pub found: Option<String>,
}

impl Marks {
    /// Returns why the file system is not the one whose mark the swarm keeps; `None` if it is, or if the swarm keeps no
    /// mark yet.
    pub fn fault(&self) -> Option<String> {
        match (&self.kept, &self.found) {
            (None, _) => None,
            (Some(kept), Some(found)) if kept == found => None,
            (Some(kept), Some(found)) => Some(format!("its mark is {found} instead of {kept}")),
            (Some(kept), None) => Some(format!("it does not have the mark {kept}")),
        }
    }
}

/// A volume on a node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoredVolume {
    /// Its driver.
    pub driver: String,
    /// The options that it was created with.
    pub options: BTreeMap<String, String>,
}

/// A service outside of the stack.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Neighbour {
    /// Its full name.
    pub name: String,
    /// The stack in its label, if there is one.
    pub stack: Option<String>,
    /// The image that it runs.
    pub image: String,
    /// The labels on it that Traefik reads.
    pub routing: BTreeMap<String, String>,
    /// How many tasks it has.
    pub mode: Mode,
    /// The constraints on its nodes.
    pub constraints: Vec<String>,
    /// The ports that it publishes.
    pub ports: Vec<Port>,
    /// The names of the networks that it is attached to.
    pub networks: BTreeSet<String>,
    /// Whether it has a virtual address in each of them.
    pub has_virtual_address: bool,
    /// The nodes that its tasks run on; only known if it publishes a port on the nodes themselves that the stack also
    /// publishes.
    pub nodes: BTreeSet<String>,
}

/// A network.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Segment {
    /// Whether it spans the whole swarm.
    pub is_of_the_swarm: bool,
    /// Its subnets.
    pub subnets: Vec<IpNet>,
}

/// An address pool of the swarm.
#[derive(Debug, Clone, PartialEq)]
pub struct Pool {
    /// Its addresses.
    pub nets: Vec<IpNet>,
    /// The length of the prefix of one network, such as 24.
    pub prefix: u8,
}

impl Neighbour {
    /// The service and its stack, in words.
    pub fn described(&self) -> String {
        match &self.stack {
            Some(stack) => format!("the service `{}` of the stack `{stack}`", self.name),
            None => format!("the service `{}`", self.name),
        }
    }
}
