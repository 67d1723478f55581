//! The eligible nodes of a service, as decided by swarmkit (`manager/constraint/constraint.go`).
//!
//! An unknown constraint, such as one with a key of a newer engine, excludes no node: a wrong refusal would be worse
//! than none.

use std::net::IpAddr;

use ipnet::IpNet;

use super::observed::{Node, ObservedService};

/// A constraint in its parts.
struct Constraint<'a> {
    key: String,
    /// The name of a label as written.
    label: &'a str,
    equal: bool,
    value: &'a str,
}

impl Node {
    /// Whether all these constraints permit a task here.
    pub fn satisfies(&self, constraints: &[String]) -> bool {
        constraints.iter().all(|constraint| self.satisfies_one(constraint))
    }

    /// Whether this constraint permits a task here.
    pub fn satisfies_one(&self, constraint: &str) -> bool {
        Constraint::parse(constraint).is_none_or(|constraint| constraint.admits(self).unwrap_or(true))
    }

    /// The node's value for the key of a constraint, such as `worker`; `None` if it has none or it is unknown.
    pub fn value_for(&self, constraint: &str) -> Option<&str> {
        let constraint = Constraint::parse(constraint)?;
        let value = match constraint.key.as_str() {
            "node.id" => &self.id,
            "node.hostname" => &self.hostname,
            "node.role" => &self.role,
            "node.ip" => &self.address,
            "node.platform.os" => &self.os,
            "node.platform.arch" => &self.architecture,
            key if key.starts_with("node.labels.") => self.labels.get(constraint.label)?,
            key if key.starts_with("engine.labels.") => self.engine_labels.get(constraint.label)?,
            _ => return None,
        };
        (!value.is_empty()).then_some(value)
    }
}

/// The nodes that may run tasks with these constraints now.
pub fn candidates<'a>(constraints: &[String], nodes: &'a [Node]) -> Vec<&'a Node> {
    nodes.iter().filter(|node| node.available && node.satisfies(constraints)).collect()
}

/// The constraints that exclude all `nodes`: the one that none satisfies, or all if only their combination excludes
/// the nodes. Empty if a node is left.
pub fn excluding<'a>(constraints: &'a [String], nodes: &[&Node]) -> Vec<&'a str> {
    if nodes.iter().any(|node| node.satisfies(constraints)) {
        return Vec::new();
    }
    let alone = constraints.iter().find(|constraint| !nodes.iter().any(|node| node.satisfies_one(constraint)));
    alone.map_or_else(|| constraints.iter().map(String::as_str).collect(), |constraint| vec![constraint.as_str()])
}

/// How many running tasks of a service are on nodes that these constraints exclude: Swarm moves them (swarmkit
/// `manager/orchestrator/constraintenforcer`).
pub(super) fn moved(constraints: &[String], there: &ObservedService, nodes: &[Node]) -> usize {
    let excluded = |id: &str| nodes.iter().any(|node| node.id == id && !node.satisfies(constraints));
    there.tasks.iter().filter(|task| task.is_running() && excluded(&task.node)).count()
}

impl<'a> Constraint<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (equal, (key, value)) = match text.split_once("==") {
            Some(parts) => (true, parts),
            None => (false, text.split_once("!=")?),
        };
        let label = key.trim().splitn(3, '.').nth(2).unwrap_or_default();
        Some(Self { key: key.trim().to_ascii_lowercase(), label, equal, value: value.trim() })
    }

    /// Whether a node satisfies the constraint; `None` if unknown.
    fn admits(&self, node: &Node) -> Option<bool> {
        let is = |actual: &str| actual.eq_ignore_ascii_case(self.value);
        let label =
            |labels: &std::collections::BTreeMap<String, String>| is(labels.get(self.label).map_or("", String::as_str));
        let same = match self.key.as_str() {
            "node.id" => is(&node.id),
            "node.hostname" => is(&node.hostname),
            "node.role" => is(&node.role),
            "node.ip" => self.has_address(&node.address)?,
            "node.platform.os" => is(&node.os),
            "node.platform.arch" => known_as(&node.architecture).iter().any(|name| is(name)),
            key if key.starts_with("node.labels.") => label(&node.labels),
            key if key.starts_with("engine.labels.") => label(&node.engine_labels),
            _ => return None,
        };
        Some(same == self.equal)
    }

    fn has_address(&self, address: &str) -> Option<bool> {
        let address: IpAddr = address.parse().ok()?;
        if let Ok(one) = self.value.parse::<IpAddr>() {
            return Some(one == address);
        }
        self.value.parse::<IpNet>().ok().map(|net| net.contains(&address))
    }
}

/// A machine's own name for its architecture, and Go's.
fn known_as(architecture: &str) -> Vec<&str> {
    match architecture {
        "x86_64" | "amd64" => vec!["x86_64", "amd64"],
        "aarch64" | "arm64" => vec!["aarch64", "arm64"],
        other => vec![other],
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn node() -> Node {
        Node {
            id: "abc".into(),
            hostname: "Node-1".into(),
            available: true,
            role: "worker".into(),
            address: "10.0.0.7".into(),
            os: "linux".into(),
            architecture: "x86_64".into(),
            labels: BTreeMap::from([("disk.Kind".into(), "ssd".into())]),
            engine_labels: BTreeMap::from([("zone".into(), "a".into())]),
            ..Node::default()
        }
    }

    #[test]
    fn every_key_is_compared_as_swarm_compares_it() {
        let admitted = [
            "node.id == abc",
            "node.hostname==node-1",
            "Node.Role == Worker",
            "node.role != manager",
            "node.ip == 10.0.0.7",
            "node.ip == 10.0.0.0/24",
            "node.platform.os == linux",
            "node.platform.arch == amd64",
            "node.labels.disk.Kind == SSD",
            "node.labels.none != ssd",
            "engine.labels.zone == a",
            "node.of.the.future == x",
            "nonsense",
        ];
        let refused = [
            "node.id == ab",
            "node.hostname != node-1",
            "node.role == manager",
            "node.ip == 10.0.1.0/24",
            "node.ip != 10.0.0.7",
            "node.platform.arch == arm64",
            "node.labels.disk.kind == ssd",
            "node.labels.disk.Kind != ssd",
            "engine.labels.zone == b",
        ];
        assert_eq!(admitted.map(|constraint| node().satisfies_one(constraint)), [true; 13]);
        assert_eq!(refused.map(|constraint| node().satisfies_one(constraint)), [false; 9]);
    }

    #[test]
    fn the_constraint_that_excludes_every_node_is_named() {
        let manager = Node { role: "manager".into(), ..node() };
        let constraints = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        let said = |texts: &[&str]| excluding(&constraints(texts), &[&node(), &manager]).join(" and ");
        assert_eq!(said(&["node.role == worker", "node.labels.gpu == yes"]), "node.labels.gpu == yes");
        assert_eq!(
            said(&["node.role == worker", "node.role == manager"]),
            "node.role == worker and node.role == manager"
        );
        assert_eq!(said(&["node.role == worker"]), "");
        assert_eq!(candidates(&constraints(&["node.role == worker"]), &[node(), manager.clone()]).len(), 1);
    }
}
