//! What there is around a stack: other services, networks, the swarm's addresses.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use crate::stack::{Mode, Port};

/// What there is around a stack. What could not be read is left out, and stands in nobody's way.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Surroundings {
    /// The services of other stacks, and of none.
    pub services: Vec<Neighbour>,
    /// Every network that the engine lists, by name.
    pub networks: BTreeMap<String, Segment>,
    /// Where the swarm takes addresses from for a network without a subnet of its own.
    pub pool: Option<Pool>,
    /// The id of the node whose engine is asked; empty if it does not say.
    pub node: String,
    /// The volumes of that node that the stack names, by name.
    pub volumes: BTreeMap<String, StoredVolume>,
    /// The secrets of the stack that exist and hold something else than they should.
    pub changed_secrets: BTreeSet<String>,
    /// Where the folders of named volumes lie. `None` if the stack has none.
    pub data: Option<DataRoot>,
}

/// The folder in which those of named volumes lie, as the node has it that skep runs on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DataRoot {
    /// Its path, the same on every node.
    pub path: String,
    /// Whether the settings say that all nodes share it.
    pub is_shared: bool,
    /// Its marks.
    pub marks: Marks,
}

/// The marks by which a data root is known again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Marks {
    /// The mark that the swarm keeps; `None` before the first folder was made.
    pub kept: Option<String>,
    /// The mark on the file system of this node.
    pub found: Option<String>,
}

impl Marks {
    /// Returns what is wrong with the file system, given the mark that the swarm keeps; `None` if it is the right one, or
    /// the first.
    pub fn fault(&self) -> Option<String> {
        match (&self.kept, &self.found) {
            (None, _) => None,
            (Some(kept), Some(found)) if kept == found => None,
            (Some(kept), Some(found)) => Some(format!("its mark is {found} instead of {kept}")),
            (Some(kept), None) => Some(format!("it does not have the mark {kept}")),
        }
    }
}

/// A volume as a node has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoredVolume {
    /// Its driver.
    pub driver: String,
    /// The options that it was made with.
    pub options: BTreeMap<String, String>,
}

/// A service of somebody else.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Neighbour {
    /// Its full name.
    pub name: String,
    /// The stack that it belongs to, if it says so.
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
    /// The nodes that its tasks run on, as far as that matters: where it publishes a port on the nodes themselves that
    /// the stack wants.
    pub nodes: BTreeSet<String>,
}

/// A network.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Segment {
    /// Whether it reaches over the whole swarm.
    pub is_of_the_swarm: bool,
    /// Its subnets.
    pub subnets: Vec<IpNet>,
}

/// Where the swarm takes addresses from.
#[derive(Debug, Clone, PartialEq)]
pub struct Pool {
    /// All of them.
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
