//! The merge rules of keys.

use super::lists;
use crate::stack::file::duration;
use crate::stack::yaml::{Node, Value};

/// How a value is merged over another one with the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// Maps by key, lists concatenated, all else replaced.
    Plain,
    /// The later value replaces the earlier one.
    Replaced,
    /// A map key by key, which may also be written in another form.
    Named(Form),
    /// A variable: null means that its value comes from the environment.
    Variable,
    /// A label: null means the empty text.
    Label,
    /// A list, or its one item.
    List,
    /// Volumes, by target.
    Mounts,
    /// Ports, by what is published.
    Ports,
    /// Configs or secrets, by target and source.
    Files,
    /// `extra_hosts`, a map or a list.
    Hosts,
    /// `logging`: the options of one driver are not those of another.
    Logging,
    /// A top-level config or secret, taken as a whole unless it has no source.
    Definition,
}

/// The alternative form of a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A list of `NAME=value`, where a name alone has no value.
    Variables,
    /// A list of `NAME=value`, where a name alone has the empty text.
    Labels,
    /// A list of names.
    Names,
    /// The one value of this key.
    Only(&'static str),
}

/// The path of keys to a value.
#[derive(Debug, Clone)]
pub(super) struct Within<'a>(Vec<&'a str>);

impl<'a> Within<'a> {
    pub(super) fn file() -> Self {
        Self(Vec::new())
    }

    pub(super) fn service() -> Self {
        Self(vec!["services", "any"])
    }

    pub(super) fn below(&self, key: &'a str) -> Self {
        Self([self.0.as_slice(), &[key]].concat())
    }

    pub(super) fn rule(&self) -> Rule {
        match self.0.as_slice() {
            ["services", _, keys @ ..] => of_service(keys),
            ["networks" | "volumes", _] => Rule::Replaced,
            ["configs" | "secrets", _] => Rule::Definition,
            [extension] if extension.starts_with("x-") && *extension != "x-skep" => Rule::Replaced,
            _ => Rule::Plain,
        }
    }

    /// Whether it is a service as a whole.
    pub(super) fn is_service(&self) -> bool {
        matches!(self.0.as_slice(), ["services", _])
    }

    /// Whether it is a command, in words.
    pub(super) fn is_command(&self) -> bool {
        matches!(self.0.last(), Some(&("command" | "entrypoint" | "test")))
    }

    /// Whether Docker ignores a value here. Counts that it can distinguish from missing values are exceptions.
    pub(super) fn is_zero(&self, node: &Node) -> bool {
        let counts = matches!(self.0.last(), Some(&("replicas" | "retries" | "parallelism" | "max_attempts")));
        let text = node.raw();
        !counts && (matches!(text, "" | "0" | "false") || duration(text).is_some_and(|length| length.0 == 0))
    }
}

fn of_service(keys: &[&str]) -> Rule {
    match keys {
        ["command" | "entrypoint"] | ["healthcheck" | "x-skep", "test"] | ["x-skep", "check"] | ["ulimits", _] => {
            Rule::Replaced
        }
        ["networks", _, "aliases"] => Rule::Replaced,
        [extension] if extension.starts_with("x-") && *extension != "x-skep" => Rule::Replaced,
        ["environment"] | ["build", "args"] => Rule::Named(Form::Variables),
        ["environment", _] | ["build", "args", _] => Rule::Variable,
        ["labels" | "sysctls"] | ["deploy" | "build", "labels"] => Rule::Named(Form::Labels),
        ["labels" | "sysctls", _] | ["deploy" | "build", "labels", _] | [.., "options" | "driver_opts", _] => {
            Rule::Label
        }
        ["networks" | "depends_on"] => Rule::Named(Form::Names),
        ["build"] => Rule::Named(Form::Only("context")),
        ["x-skep", "http"] => Rule::Named(Form::Only("host")),
        ["volumes"] => Rule::Mounts,
        ["ports"] => Rule::Ports,
        ["configs" | "secrets"] => Rule::Files,
        ["extra_hosts"] => Rule::Hosts,
        ["logging"] => Rule::Logging,
        ["dns" | "dns_search" | "tmpfs" | "env_file"] => Rule::List,
        _ => Rule::Plain,
    }
}

impl Form {
    /// Converts the alternative form to a map; anything else is unchanged.
    pub(super) fn map(self, node: Node) -> Node {
        let Node { span, value, mark } = node;
        let value = match (self, value) {
            (Self::Only(key), value @ Value::Scalar { .. }) => {
                let only = Node::new(span.clone(), value);
                Value::Mapping(vec![(Node::text(span.clone(), key), only)])
            }
            (Self::Variables | Self::Labels | Self::Names, Value::Sequence(items)) if items.iter().all(is_scalar) => {
                Value::Mapping(unique(items.into_iter().map(|item| self.entry(&item))))
            }
            (_, value) => value,
        };
        Node { span, value, mark }
    }

    fn entry(self, item: &Node) -> (Node, Node) {
        let text = |text: &str| Node::text(item.span.clone(), text);
        match (self, item.raw().split_once('=')) {
            (Self::Variables | Self::Labels, Some((name, value))) => (text(name), text(value)),
            (Self::Labels, None) => (text(item.raw()), text("")),
            _ => (text(item.raw()), Node::nothing(item.span.clone())),
        }
    }
}

fn is_scalar(node: &Node) -> bool {
    node.scalar().is_some() && !node.is_null()
}

/// Keeps the last entry of each name.
fn unique(entries: impl Iterator<Item = (Node, Node)>) -> Vec<(Node, Node)> {
    let mut kept: Vec<(Node, Node)> = Vec::new();
    for (name, value) in entries {
        match kept.iter_mut().find(|(known, _)| known.raw() == name.raw()) {
            Some(known) => *known = (name, value),
            None => kept.push((name, value)),
        }
    }
    kept
}

/// Whether a config or secret has no source.
pub(super) fn lacks_origin(node: &Node) -> bool {
    let origins = ["file", "content", "environment", "external", "driver"];
    !node.entries().is_empty() && !origins.iter().any(|origin| node.get(origin).is_some())
}

/// Whether two `logging` sections have different drivers.
pub(super) fn is_other_driver(base: &Node, over: &Node) -> bool {
    let driver = |node: &Node| lists::field(node, "driver");
    driver(base).zip(driver(over)).is_some_and(|(base, over)| base != over)
}
