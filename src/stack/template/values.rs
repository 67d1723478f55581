//! The values of a template: its defaults, overridden by those in a stack file.

use std::collections::BTreeMap;

use minijinja::Value as Filled;

use crate::diagnostic::suggest::did_you_mean;
use crate::diagnostic::{Diagnostic, Span};
use crate::stack::yaml::{Node, Scalar, Value};

/// A value given in a stack file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Given {
    /// The path of its keys, separated by dots.
    path: String,
    /// Its place.
    span: Span,
    /// The text of a scalar.
    text: String,
}

/// Merges the given values over the defaults, or returns all errors. A value without a default must
/// be given; below an empty map any values may be given.
pub(super) fn merged(
    defaults: &Node,
    given: Option<&Node>,
    name: &Node,
) -> Result<(Filled, Vec<Given>), Vec<Diagnostic<Span>>> {
    let mut merge = Merge { template: name.raw().to_owned(), given: Vec::new(), problems: Vec::new() };
    let at = given.filter(|node| !node.is_null()).map_or(&name.span, |node| &node.span);
    let value = merge.merge("", defaults, given.filter(|node| !node.is_null()), at);
    merge.problems.sort_by_key(|problem| problem.place.start);
    if merge.problems.is_empty() { Ok((value, merge.given)) } else { Err(merge.problems) }
}

struct Merge {
    template: String,
    given: Vec<Given>,
    problems: Vec<Diagnostic<Span>>,
}

impl Merge {
    /// Merges one value; `at` is the place for errors about missing values.
    fn merge(&mut self, path: &str, default: &Node, given: Option<&Node>, at: &Span) -> Filled {
        let Some(given) = given else { return self.default(path, default, at) };
        let (wanted, fits) = accepts(default, given);
        if !fits {
            let which = if path.is_empty() { "`values`".to_owned() } else { format!("the value `{path}`") };
            let message = format!("{which} must be {wanted}, but is {}", given.kind());
            self.problem(&given.span, message, None);
            return Filled::from(());
        }
        match &default.value {
            Value::Mapping(known) if path.is_empty() || !known.is_empty() => self.map(path, known, given),
            _ => {
                self.note(path, given);
                filled(given)
            }
        }
    }

    fn default(&mut self, path: &str, default: &Node, at: &Span) -> Filled {
        if default.is_null() {
            let message = format!("the template `{}` needs the value `{path}`", self.template);
            self.problem(at, message, Some(format!("write it under `values`, as `{path}: …`")));
        }
        match &default.value {
            Value::Mapping(known) => {
                let value = |(key, value): &(Node, Node)| self.default(&below(path, key), value, at);
                map(known, value)
            }
            _ => filled(default),
        }
    }

    fn map(&mut self, path: &str, known: &[(Node, Node)], given: &Node) -> Filled {
        for (key, _) in given.entries() {
            if !known.iter().any(|(name, _)| name.raw() == key.raw()) {
                self.unknown(path, known, key);
            }
        }
        map(known, |(key, default)| {
            let given_here = given.get(key.raw()).filter(|node| !node.is_null());
            self.merge(&below(path, key), default, given_here, &given.span)
        })
    }

    fn unknown(&mut self, path: &str, known: &[(Node, Node)], key: &Node) {
        let names: Vec<&str> = known.iter().map(|(name, _)| name.raw()).collect();
        let help = did_you_mean(key.raw(), names.iter().copied())
            .unwrap_or_else(|| format!("there are: {}", names.join(", ")));
        let shown: String = below(path, key).escape_debug().take(60).collect();
        let message = format!("the template `{}` has no value `{shown}`", self.template);
        self.problem(&key.span, message, Some(help));
    }

    /// Records the places of a given value, for each scalar in it.
    fn note(&mut self, path: &str, node: &Node) {
        for (key, value) in node.entries() {
            self.note(&below(path, key), value);
        }
        for item in node.items() {
            self.note(path, item);
        }
        if matches!(node.value, Value::Scalar { .. }) {
            self.given.push(Given { path: path.to_owned(), span: node.span.clone(), text: node.raw().to_owned() });
        }
    }

    fn problem(&mut self, span: &Span, message: String, help: Option<String>) {
        self.problems.push(Diagnostic { help, ..Diagnostic::new(span.clone(), message) });
    }
}

fn below(path: &str, key: &Node) -> String {
    if path.is_empty() { key.raw().to_owned() } else { format!("{path}.{}", key.raw()) }
}

/// The type that a default requires, and whether the value has it. Text is accepted for a number, since it may be a
/// variable.
fn accepts(default: &Node, given: &Node) -> (&'static str, bool) {
    match &default.value {
        Value::Mapping(_) => ("a map", matches!(given.value, Value::Mapping(_))),
        Value::Sequence(_) => ("a list", matches!(given.value, Value::Sequence(_))),
        Value::Scalar { .. } if default.is_null() => ("anything", true),
        Value::Scalar { .. } if default.as_bool().is_some() => ("true or false", given.as_bool().is_some()),
        Value::Scalar { .. } => ("text or a number", given.scalar().is_some() && given.as_bool().is_none()),
    }
}

/// A map of the engine, with the keys of one in a file.
fn map(entries: &[(Node, Node)], mut value: impl FnMut(&(Node, Node)) -> Filled) -> Filled {
    let entries = entries.iter().map(|entry| (entry.0.raw().to_owned(), value(entry)));
    Filled::from(entries.collect::<BTreeMap<_, _>>())
}

/// Converts a node for the engine.
fn filled(node: &Node) -> Filled {
    match &node.value {
        Value::Sequence(items) => items.iter().map(filled).collect(),
        Value::Mapping(entries) => map(entries, |(_, value)| filled(value)),
        Value::Scalar { text, .. } => match node.scalar() {
            None | Some(Scalar::Null) => Filled::from(()),
            Some(Scalar::Bool(value)) => Filled::from(value),
            Some(Scalar::Int(value)) => Filled::from(value),
            // As written: a version `1.10` must not become `1.1`.
            Some(Scalar::Float(_)) => Filled::from_safe_string(text.clone()),
            Some(Scalar::Text(text)) => Filled::from(text),
        },
    }
}

/// The given value that a line of the template uses, if any, preferring the one with the text `meant`.
pub(super) fn responsible(given: &[Given], line: &str, meant: &str) -> Option<Span> {
    let mentioned: Vec<&str> = line.split("values.").skip(1).map(name).collect();
    let of = |given: &&Given| mentioned.iter().any(|name| is_or_below(&given.path, name));
    let shows = |given: &&&Given| !given.text.is_empty() && meant.contains(&given.text);
    let speaks: Vec<&Given> = given.iter().filter(of).collect();
    speaks.iter().find(shows).or(speaks.first()).map(|given| given.span.clone())
}

/// The name, including dots, at the start of a text.
fn name(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '.')).unwrap_or(text.len());
    text[..end].trim_end_matches('.')
}

fn is_or_below(path: &str, name: &str) -> bool {
    path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
