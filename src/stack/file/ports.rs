//! `ports` and `expose`, short and long.

use super::fields::{Fields, Reader, spanned};
use super::types::{Ignored, Spanned};
use crate::stack::Port;
use crate::stack::yaml::{Node, Value};

const PROTOCOLS: &[&str] = &["tcp", "udp", "sctp"];

impl Reader {
    pub(super) fn ports(&mut self, node: &Node) -> Vec<Spanned<Port>> {
        let mut ports = Vec::new();
        for item in self.list("ports", node) {
            ports.extend(self.port(item));
        }
        ports
    }

    fn port(&mut self, node: &Node) -> Vec<Spanned<Port>> {
        if let Value::Mapping(_) = node.value {
            return self.long_port(node).map(|port| spanned(node, port)).into_iter().collect();
        }
        let Some((ports, address)) = self.short_port("ports", node) else { return Vec::new() };
        if address {
            let instead = "Swarm publishes on every address of the node; use a firewall";
            self.ignored.push(Ignored { span: node.span.clone(), key: "the address of a port".to_owned(), instead });
        }
        ports.into_iter().map(|port| spanned(node, port)).collect()
    }

    /// The ports of a short form, and whether it names an address; ranges are expanded within the file's budget.
    fn short_port(&mut self, key: &str, node: &Node) -> Option<(Vec<Port>, bool)> {
        if self.ports_left == 0 {
            return None;
        }
        // A number may be written like `0x50`.
        let text = node.as_int().map_or_else(|| node.raw().to_owned(), |port| port.to_string());
        let Some((ports, address)) = short(&text) else {
            self.wrong(key, node, "a port such as `8080:80`, `53:53/udp` or `8000-8010:8000-8010`", "");
            return None;
        };
        self.ports_left = self.ports_left.saturating_sub(ports.len());
        if self.ports_left == 0 {
            self.problem(&node.span, "the file names too many ports", "publish the few that are needed".to_owned());
        }
        Some((ports, address))
    }

    fn long_port(&mut self, node: &Node) -> Option<Port> {
        let mut fields = Fields::of(self, node, "a port");
        let target = fields.integer(self, "target");
        let published = fields.integer(self, "published");
        let protocol = fields.take("protocol").and_then(|node| self.one_of("protocol", node, PROTOCOLS));
        let mode = fields.take("mode").and_then(|node| self.one_of("mode", node, &["ingress", "host"]));
        fields.finish(self);
        // For Docker an empty text, such as an unset variable, is 0.
        if node.get("target").is_none() || target.as_ref().is_some_and(|port| port.value == 0) {
            self.problem(
                &node.span,
                "a port has no `target`",
                "write the port that the container listens on".to_owned(),
            );
        }
        Some(Port {
            published: published.map(|port| port.value).filter(|&port| port != 0),
            target: target?.value,
            protocol: protocol.map(|text| text.value).unwrap_or_default(),
            mode: mode.map(|text| text.value).unwrap_or_default(),
        })
    }

    pub(super) fn expose(&mut self, node: &Node) -> Vec<Spanned<u16>> {
        let mut ports = Vec::new();
        // Docker does not check values that it ignores.
        if self.read_mode.as_written {
            return ports;
        }
        for item in self.list("expose", node) {
            let exposed = self.short_port("expose", item).unwrap_or_default().0;
            ports.extend(exposed.into_iter().map(|port| spanned(item, port.target)));
        }
        ports
    }
}

/// Whether a text is a port in the form of `EXPOSE` and the short form.
pub(crate) fn is_port_spec(text: &str) -> bool {
    short(text).is_some()
}

/// The ports of a short form, and whether it names an address (go-connections `nat.ParsePortSpec`).
pub(in crate::stack) fn short(text: &str) -> Option<(Vec<Port>, bool)> {
    let (ports, protocol) = text.rsplit_once('/').unwrap_or((text, "tcp"));
    let protocol = if protocol.is_empty() { "tcp".to_owned() } else { protocol.to_ascii_lowercase() };
    if !PROTOCOLS.contains(&protocol.as_str()) {
        return None;
    }
    let (front, target) = ports.rsplit_once(':').map_or((None, ports), |(front, target)| (Some(front), target));
    let (address, published) = match front.map(|front| front.rsplit_once(':').ok_or(front)) {
        None => (None, None),
        Some(Ok((address, published))) => (Some(address), Some(published)),
        Some(Err(published)) => (None, Some(published)),
    };
    let port = |published, target| Port {
        published: Some(published).filter(|&port| port != 0),
        target,
        protocol: protocol.clone(),
        mode: "ingress".to_owned(),
    };
    let targets = range(target)?;
    let spread = match published.filter(|published| !published.is_empty()) {
        None => targets.into_iter().map(|target| port(0, target)).collect(),
        Some(published) => pair(&range(published)?, &targets)?.into_iter().map(|(from, to)| port(from, to)).collect(),
    };
    Some((by_target(spread), has_address(address)?))
}

/// Docker's order of the ports of one entry: by target, as text.
fn by_target(mut ports: Vec<Port>) -> Vec<Port> {
    ports.sort_by_key(|port| port.target.to_string());
    ports
}

/// Whether a port is limited to one address; `None` if the address is invalid.
fn has_address(address: Option<&str>) -> Option<bool> {
    let address = address.unwrap_or_default();
    let bare = address.strip_prefix('[').and_then(|address| address.strip_suffix(']')).unwrap_or(address);
    if bare.is_empty() {
        return Some(false);
    }
    bare.parse().ok().map(|address: std::net::IpAddr| !address.is_unspecified())
}

/// Pairs of published ports and targets: one each, or all with the same target.
fn pair(published: &[u16], targets: &[u16]) -> Option<Vec<(u16, u16)>> {
    match targets {
        [target] => Some(published.iter().map(|&port| (port, *target)).collect()),
        _ if published.len() == targets.len() => Some(published.iter().copied().zip(targets.iter().copied()).collect()),
        _ => None,
    }
}

fn range(text: &str) -> Option<Vec<u16>> {
    let (start, end) = text.split_once('-').unwrap_or((text, text));
    let ports: Vec<u16> = (start.parse().ok()?..=end.parse().ok()?).collect();
    (!ports.is_empty()).then_some(ports)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let Some((ports, address)) = short(text) else { return "no port".to_owned() };
        let ports: Vec<String> = ports
            .iter()
            .map(|port| format!("{}>{}/{}", port.published.unwrap_or(0), port.target, port.protocol))
            .collect();
        format!("{}{}", ports.join(" "), if address { " with address" } else { "" })
    }

    #[test]
    fn a_short_port_is_read_as_docker_does() {
        let table = [
            ("80", "0>80/tcp"),
            ("8080:80", "8080>80/tcp"),
            ("53:53/UDP", "53>53/udp"),
            ("127.0.0.1:8080:80", "8080>80/tcp with address"),
            ("[::1]:8080:80", "8080>80/tcp with address"),
            ("127.0.0.1::80", "0>80/tcp with address"),
            ("8000-8001:9000-9001", "8000>9000/tcp 8001>9001/tcp"),
            ("8080-8081:80", "8080>80/tcp 8081>80/tcp"),
            ("3000-3001", "0>3000/tcp 0>3001/tcp"),
            ("80-81:90-92", "no port"),
            ("82-81", "no port"),
            ("http", "no port"),
            ("70000", "no port"),
            ("80/icmp", "no port"),
        ];
        for (text, meant) in table {
            assert_eq!(shown(text), meant, "{text}");
        }
    }
}
