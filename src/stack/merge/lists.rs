//! Merging of lists.

use std::collections::{HashMap, HashSet};

use crate::diagnostic::Span;
use crate::stack::Port;
use crate::stack::file::short_ports;
use crate::stack::yaml::{Node, Value};

/// The most ports of a list that are expanded; the rest stays as written.
const MAX_PORTS: usize = 1000;

/// The items of both lists.
pub(super) fn together(base: Node, over: Node) -> Node {
    let Node { span, value, mark } = base;
    let mut all = items(Node::new(span.clone(), value));
    all.extend(items(over));
    Node { span, value: Value::Sequence(all), mark }
}

/// The items of a list; anything else is a single item.
fn items(node: Node) -> Vec<Node> {
    match node.value {
        Value::Sequence(items) => items,
        _ if node.is_null() => Vec::new(),
        _ => vec![node],
    }
}

/// `extra_hosts` as a list.
pub(super) fn hosts(node: Node) -> Node {
    let Value::Mapping(entries) = node.value else { return node };
    let line = |(host, ip): &(Node, Node)| {
        Node::text(host.span.start..ip.span.end.max(host.span.end), format!("{}={}", host.raw(), ip.raw()))
    };
    Node { span: node.span, value: Value::Sequence(entries.iter().map(line).collect()), mark: node.mark }
}

/// Volumes: one for each target, ordered by it as Docker does.
pub(super) fn mounts(base: Node, over: Node) -> Node {
    let mut all = keyed(base, over, |mount| vec![target(mount)]);
    if let Value::Sequence(items) = &mut all.value {
        items.sort_by_key(target);
    }
    all
}

/// A service with its volumes in Docker's order after a merge.
pub(super) fn in_order(mut service: Node) -> Node {
    let Value::Mapping(entries) = &mut service.value else { return service };
    for (_, volumes) in entries.iter_mut().filter(|(key, _)| key.raw() == "volumes") {
        if let Value::Sequence(items) = &mut volumes.value {
            items.sort_by_key(target);
        }
    }
    service
}

/// The target of a mount.
fn target(mount: &Node) -> String {
    if let Value::Mapping(_) = mount.value {
        return field(mount, "target").unwrap_or_default();
    }
    let mut parts = mount.raw().split(':');
    let first = parts.next().unwrap_or_default();
    parts.next().unwrap_or(first).to_owned()
}

/// Merges ports: one for each published port and protocol; of unpublished ones, one for each container port.
pub(super) fn ports(base: Node, over: Node) -> Node {
    let spread = |node: Node| Node { value: spread(node.value), ..Node::new(node.span, Value::Sequence(Vec::new())) };
    let mark = base.mark;
    Node { mark, ..keyed(spread(base), spread(over), |port| vec![published(port)]) }
}

/// Expands ranges of ports.
fn spread(value: Value) -> Value {
    let Value::Sequence(items) = value else { return value };
    let mut all = Vec::with_capacity(items.len());
    let mut room = MAX_PORTS;
    for item in items {
        match ports_of(&item, room) {
            Some(ports) => {
                room -= ports.len();
                all.extend(ports);
            }
            None => all.push(item),
        }
    }
    Value::Sequence(all)
}

/// The ports of a range of at most `room`, each by itself.
fn ports_of(item: &Node, room: usize) -> Option<Vec<Node>> {
    let (ports, _) = short_ports(item.raw()).filter(|(ports, _)| (2..=room).contains(&ports.len()))?;
    Some(ports.iter().map(|port| long_port(&item.span, port)).collect())
}

fn long_port(span: &Span, port: &Port) -> Node {
    let text = |text: &str| Node::text(span.clone(), text);
    let published = port.published.map(|published| ("published", published.to_string()));
    let fields =
        [("target", port.target.to_string()), ("protocol", port.protocol.clone()), ("mode", port.mode.clone())];
    let entries = fields.into_iter().chain(published).map(|(key, value)| (text(key), text(&value)));
    Node::new(span.clone(), Value::Mapping(entries.collect()))
}

/// The key of a published port.
fn published(item: &Node) -> String {
    if let Value::Mapping(_) = item.value {
        let protocol = field(item, "protocol").unwrap_or_else(|| "tcp".to_owned());
        let target = field(item, "target").unwrap_or_default();
        return taken(&field(item, "published").unwrap_or_default(), &target, &protocol);
    }
    let port = short_ports(item.raw()).and_then(|(ports, _)| ports.into_iter().next());
    let shown = |number: Option<u16>| number.map(|number| number.to_string()).unwrap_or_default();
    port.map_or_else(
        || item.raw().to_owned(),
        |port| taken(&shown(port.published), &port.target.to_string(), &port.protocol),
    )
}

fn taken(published: &str, target: &str, protocol: &str) -> String {
    match published {
        "" | "0" => format!("any for {target}/{protocol}"),
        published => format!("{published}/{protocol}"),
    }
}

/// Merges configs or secrets of a service: one for each target. A new target for the only use of a source moves it.
pub(super) fn files(base: Node, over: Node) -> Node {
    let mut uses: HashMap<String, usize> = HashMap::new();
    for item in base.items() {
        *uses.entry(source(item)).or_default() += 1;
    }
    let once = |name: &String| uses.get(name) == Some(&1);
    keyed(base, over, |item| {
        let mut keys = vec![format!("target {}", file_target(item))];
        keys.extend(Some(source(item)).filter(once).map(|source| format!("source {source}")));
        keys
    })
}

fn source(item: &Node) -> String {
    field(item, "source").unwrap_or_else(|| item.raw().to_owned())
}

fn file_target(item: &Node) -> String {
    field(item, "target").unwrap_or_else(|| source(item))
}

/// The text of a field, if it exists and is text.
pub(super) fn field(node: &Node, key: &str) -> Option<String> {
    node.get(key).filter(|value| value.scalar().is_some() && !value.is_null()).map(|value| value.raw().to_owned())
}

/// The items of both, without those of the first that share a key with one of the second.
fn keyed(base: Node, over: Node, keys: impl Fn(&Node) -> Vec<String>) -> Node {
    if !matches!((&base.value, &over.value), (Value::Sequence(_), Value::Sequence(_))) {
        return over;
    }
    let given: HashSet<String> = over.items().iter().flat_map(&keys).collect();
    let Node { span, value, mark } = base;
    let mut all = items(Node::new(span.clone(), value));
    all.retain(|item| !keys(item).iter().any(|key| given.contains(key)));
    all.extend(items(over));
    Node { span, value: Value::Sequence(all), mark }
}
