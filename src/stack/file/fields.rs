//! Reads keys and simple values from the tree, and collects all problems.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::refused;
use super::types::{Ignored, LeftOut, Spanned};
use super::{ReadMode, bytes, cpus, duration};
use crate::diagnostic::{Diagnostic, Span, suggest};
use crate::name::{Invalid, RepoPath, ServiceName};
use crate::stack::interpolate::Unset;
use crate::stack::sources::Sources;
use crate::stack::yaml::{Node, Scalar, Value};
use crate::stack::{IMAGE_LABEL, MAX_PROBLEMS, NAMESPACE_LABEL, Nanos, RESERVED, is_reserved};

/// The longest text that is quoted in full, in characters.
const LONGEST_QUOTED: usize = 60;
/// The longest duration of any key: a year. Longer ones are mistakes and might overflow.
const LONGEST_TIME: Nanos = Nanos::seconds(365 * 24 * 3600);
/// The most ports in one file, with ranges expanded.
const MAX_PORTS: usize = 10_000;

/// The state of reading: problems found so far, and the context for resolving values.
pub(super) struct Reader {
    /// The files: the place of a value determines its context.
    pub(super) sources: Arc<Sources>,
    pub(super) read_mode: ReadMode,
    pub(super) problems: Vec<Diagnostic<Span>>,
    pub(super) ignored: Vec<Ignored>,
    /// Unset variables that were looked up by name.
    pub(super) unset: Vec<Unset>,
    /// Services left out because none of their profiles is enabled.
    pub(super) left_out: BTreeMap<ServiceName, LeftOut>,
    /// The number of further ports that the file may have.
    pub(super) ports_left: usize,
    /// The keys that were looked up, by section; the documentation must list the same keys.
    #[cfg(test)]
    pub(super) known: BTreeMap<&'static str, std::collections::BTreeSet<&'static str>>,
}

/// The keys of a map: keys that are looked up are known, [`finish`](Fields::finish) reports the others.
pub(super) struct Fields<'n> {
    node: &'n Node,
    what: &'static str,
    known: Vec<&'static str>,
}

impl<'n> Fields<'n> {
    /// The keys of `node`, which messages call `what`; an empty node has none.
    pub(super) fn of(reader: &mut Reader, node: &'n Node, what: &'static str) -> Self {
        reader.expect_map(what, node);
        Self { node, what, known: Vec::new() }
    }

    /// The value of a key; `None` if it is missing or empty.
    pub(super) fn take(&mut self, key: &'static str) -> Option<&'n Node> {
        self.known.push(key);
        self.node.get(key).filter(|value| !value.is_null())
    }

    pub(super) fn string(&mut self, reader: &mut Reader, key: &'static str) -> Option<Spanned<String>> {
        self.take(key).and_then(|node| reader.string(key, node))
    }

    pub(super) fn boolean(&mut self, reader: &mut Reader, key: &'static str) -> Option<Spanned<bool>> {
        self.take(key).and_then(|node| reader.boolean(key, node))
    }

    pub(super) fn integer<T: TryFrom<i128>>(&mut self, reader: &mut Reader, key: &'static str) -> Option<Spanned<T>> {
        self.take(key).and_then(|node| reader.integer(key, node))
    }

    pub(super) fn duration(&mut self, reader: &mut Reader, key: &'static str) -> Option<Spanned<Nanos>> {
        self.duration_up_to(reader, key, LONGEST_TIME)
    }

    pub(super) fn duration_up_to(
        &mut self,
        reader: &mut Reader,
        key: &'static str,
        longest: Nanos,
    ) -> Option<Spanned<Nanos>> {
        let given = self.take(key).and_then(|node| reader.duration(key, node))?;
        if given.value > longest {
            let message = format!("`{key}` must be at most {longest}, but is {}", given.value);
            reader.problem(&given.span, message, "write a shorter duration".to_owned());
        }
        Some(given)
    }

    pub(super) fn strings(&mut self, reader: &mut Reader, key: &'static str) -> Vec<Spanned<String>> {
        self.take(key).map(|node| reader.strings(key, node)).unwrap_or_default()
    }

    pub(super) fn labels(&mut self, reader: &mut Reader, key: &'static str) -> BTreeMap<String, Spanned<String>> {
        self.take(key).map(|node| reader.labels(key, node)).unwrap_or_default()
    }

    pub(super) fn options(&mut self, reader: &mut Reader, key: &'static str) -> BTreeMap<String, String> {
        self.take(key).map(|node| reader.options(key, node)).unwrap_or_default()
    }

    /// Reports the unknown keys.
    pub(super) fn finish(self, reader: &mut Reader) {
        #[cfg(test)]
        reader.known.entry(self.what).or_default().extend(&self.known);
        for (key, _) in self.node.entries() {
            let name = key.raw();
            let told_enough = reader.problems.len() >= MAX_PROBLEMS;
            if told_enough || self.known.contains(&name) || (name.starts_with("x-") && name != "x-skep") {
                continue;
            }
            if let Some(instead) = refused::ignored(self.what, name) {
                reader.ignored.push(Ignored { span: key.span.clone(), key: name.to_owned(), instead });
            } else {
                let help = refused::remedy(self.what, name)
                    .map(str::to_owned)
                    .or_else(|| suggest::did_you_mean(name, self.known.iter().copied()));
                reader.problem(&key.span, format!("{} has no key {}", self.what, quoted(name)), help);
            }
        }
    }
}

/// A text quoted for a message: on one line, and shortened.
pub(super) fn quoted(text: &str) -> String {
    let start: String = text.chars().take(LONGEST_QUOTED).flat_map(escaped).collect();
    if text.chars().nth(LONGEST_QUOTED).is_some() { format!("`{start}…`") } else { format!("`{start}`") }
}

fn escaped(character: char) -> impl Iterator<Item = char> {
    let (control, other) =
        if character.is_control() { (Some(character.escape_default()), None) } else { (None, Some(character)) };
    control.into_iter().flatten().chain(other)
}

impl Reader {
    pub(super) fn new(sources: Arc<Sources>, read_mode: ReadMode) -> Self {
        Self {
            sources,
            read_mode,
            problems: Vec::new(),
            ignored: Vec::new(),
            unset: Vec::new(),
            left_out: BTreeMap::new(),
            ports_left: MAX_PORTS,
            #[cfg(test)]
            known: BTreeMap::new(),
        }
    }

    pub(super) fn problem(&mut self, span: &Span, message: impl Into<String>, help: impl Into<Option<String>>) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(Diagnostic { help: help.into(), ..Diagnostic::new(span.clone(), message) });
        }
    }

    /// Reports an invalid value of a key.
    pub(super) fn wrong(&mut self, key: &str, node: &Node, wanted: &str, help: &str) {
        let found = match &node.value {
            Value::Scalar { text, .. } if !node.is_null() => quoted(text),
            _ => node.kind().to_owned(),
        };
        let help = (!help.is_empty()).then(|| help.to_owned());
        self.problem(&node.span, format!("`{key}` must be {wanted}, but is {found}"), help);
    }

    fn expect_map(&mut self, what: &str, node: &Node) {
        if !matches!(node.value, Value::Mapping(_)) && !node.is_null() {
            self.problem(&node.span, format!("{what} must be a map, but is {}", node.kind()), None);
        }
    }

    /// Any scalar, as written.
    pub(super) fn string(&mut self, key: &str, node: &Node) -> Option<Spanned<String>> {
        if matches!(node.scalar(), None | Some(Scalar::Null)) {
            self.wrong(key, node, "text", "");
            return None;
        }
        Some(spanned(node, node.raw().to_owned()))
    }

    /// Text that is one of a few.
    pub(super) fn one_of(&mut self, key: &str, node: &Node, allowed: &[&'static str]) -> Option<Spanned<String>> {
        let text = self.string(key, node)?;
        // For Docker an empty text, such as an unset variable, means no value.
        let is_none = self.read_mode.as_written && text.is_empty();
        if is_none || allowed.contains(&text.as_str()) {
            return Some(text);
        }
        let listed: Vec<String> = allowed.iter().map(|word| format!("`{word}`")).collect();
        let help = suggest::did_you_mean(&text, allowed.iter().copied()).unwrap_or_default();
        self.wrong(key, node, &format!("one of {}", listed.join(", ")), &help);
        None
    }

    pub(super) fn boolean(&mut self, key: &str, node: &Node) -> Option<Spanned<bool>> {
        let value = match node.raw().to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "y" => true,
            "false" | "no" | "off" | "n" => false,
            _ => {
                self.wrong(key, node, "true or false", "");
                return None;
            }
        };
        Some(spanned(node, value))
    }

    /// A whole number, in quotes or not.
    pub(super) fn integer<T: TryFrom<i128>>(&mut self, key: &str, node: &Node) -> Option<Spanned<T>> {
        let value = whole(node).and_then(|value| T::try_from(value).ok());
        if value.is_none() {
            self.wrong(key, node, "a whole number", "");
        }
        value.map(|value| spanned(node, value))
    }

    pub(super) fn duration(&mut self, key: &str, node: &Node) -> Option<Spanned<Nanos>> {
        let value = duration(node.raw());
        if value.is_none() {
            let help = match node.as_int() {
                Some(seconds) => format!("write `{seconds}s` for seconds"),
                None => "write it like `90s`, `1m30s` or `2h`".to_owned(),
            };
            self.wrong(key, node, "a duration", &help);
        }
        value.map(|value| spanned(node, value))
    }

    pub(super) fn bytes(&mut self, key: &str, node: &Node) -> Option<i64> {
        let value = bytes(node.raw());
        if value.is_none() {
            self.wrong(key, node, "an amount of memory", "write it like `512M` or `2G`");
        }
        value
    }

    pub(super) fn cpus(&mut self, key: &str, node: &Node) -> Option<i64> {
        if self.read_mode.as_written && node.raw().is_empty() {
            return Some(0);
        }
        let value = cpus(node.raw());
        if value.is_none() {
            self.wrong(key, node, "a number of processors", "write it like `0.5`, with at most nine decimal places");
        }
        value
    }

    /// A list of texts, or a single text.
    pub(super) fn strings(&mut self, key: &str, node: &Node) -> Vec<Spanned<String>> {
        match &node.value {
            Value::Sequence(items) => items.iter().filter_map(|item| self.string(key, item)).collect(),
            Value::Scalar { .. } => self.string(key, node).into_iter().collect(),
            Value::Mapping(_) => {
                self.wrong(key, node, "a list", "");
                Vec::new()
            }
        }
    }

    /// The items of a list.
    pub(super) fn list<'n>(&mut self, key: &str, node: &'n Node) -> &'n [Node] {
        if !matches!(node.value, Value::Sequence(_)) {
            self.wrong(key, node, "a list", "");
        }
        node.items()
    }

    /// A map, or a list of `K=V`, with `None` for missing values. Like Docker's `MappingWithEquals`.
    pub(super) fn pairs(&mut self, key: &str, node: &Node) -> BTreeMap<String, Spanned<Option<String>>> {
        match &node.value {
            Value::Mapping(entries) => entries.iter().filter_map(|(name, value)| self.pair(key, name, value)).collect(),
            Value::Sequence(items) => items.iter().filter_map(|item| self.string(key, item)).map(split).collect(),
            Value::Scalar { .. } => {
                self.wrong(key, node, "a map, or a list of `NAME=value`", "");
                BTreeMap::new()
            }
        }
    }

    fn pair(&mut self, key: &str, name: &Node, value: &Node) -> Option<(String, Spanned<Option<String>>)> {
        if value.scalar().is_none() {
            self.wrong(&format!("{key}.{}", name.raw()), value, "text", "");
            return None;
        }
        Some((
            name.raw().to_owned(),
            Spanned { span: name.span.start..value.span.end.max(name.span.end), value: self.text_of(value) },
        ))
    }

    /// The text of a map's value; `None` if empty.
    fn text_of(&self, node: &Node) -> Option<String> {
        if self.read_mode.as_written { node.to_go_text() } else { node.to_text() }
    }

    /// Like [`pairs`](Self::pairs), with empty texts for missing values.
    pub(super) fn labels(&mut self, key: &str, node: &Node) -> BTreeMap<String, Spanned<String>> {
        let mut labels = self.pairs(key, node);
        for (name, Spanned { span, .. }) in labels.iter().filter(|(name, _)| is_reserved(name)) {
            let message = format!(
                "the label {} is reserved: skep's own records have labels that begin with `{RESERVED}`",
                quoted(name)
            );
            self.problem(span, message, "choose another label, such as `com.example.name`".to_owned());
        }
        // Docker always sets these labels itself.
        labels.retain(|name, _| name != NAMESPACE_LABEL && name != IMAGE_LABEL);
        let filled =
            |Spanned { span, value }: Spanned<Option<String>>| Spanned { span, value: value.unwrap_or_default() };
        labels.into_iter().map(|(name, value)| (name, filled(value))).collect()
    }

    /// Like [`labels`](Self::labels), without places.
    pub(super) fn options(&mut self, key: &str, node: &Node) -> BTreeMap<String, String> {
        self.labels(key, node).into_iter().map(|(name, value)| (name, value.value)).collect()
    }

    /// The value of a variable for use at this place.
    pub(super) fn variable(&self, span: &Span, name: &str) -> Option<String> {
        self.sources.variables(span).get(name).map(str::to_owned)
    }

    /// A path of the repository, relative to `folder`.
    pub(super) fn path(&mut self, key: &str, node: &Node, folder: &RepoPath) -> Option<Spanned<RepoPath>> {
        let text = self.string(key, node)?;
        match self.joined_path(folder, &text) {
            Ok(path) => Some(spanned(node, path)),
            Err(invalid) => {
                let help = "refer to a file of this repository".to_owned();
                self.problem(&node.span, format!("`{key}`: {invalid}"), help);
                None
            }
        }
    }
}

impl Reader {
    /// Joins a path. Local files may have absolute paths, and `~` is an ordinary name, as in Docker.
    fn joined_path(&self, folder: &RepoPath, path: &str) -> Result<RepoPath, Invalid> {
        match path.strip_prefix('/') {
            Some(absolute) if self.read_mode.local => RepoPath::root().join(absolute.trim_start_matches('/')),
            _ if self.read_mode.local => folder.join(&format!("./{path}")),
            _ => folder.join(path),
        }
    }
}

pub(super) fn spanned<T>(node: &Node, value: T) -> Spanned<T> {
    Spanned { span: node.span.clone(), value }
}

/// The whole number of a scalar, or of its text.
fn whole(node: &Node) -> Option<i128> {
    match node.scalar()? {
        Scalar::Int(value) => Some(value),
        Scalar::Float(value) if value.fract() == 0.0 && value.abs() < 9e15 => value.to_string().parse().ok(),
        Scalar::Text(text) => text.parse().ok(),
        _ => None,
    }
}

fn split(item: Spanned<String>) -> (String, Spanned<Option<String>>) {
    let Spanned { span, value } = item;
    match value.split_once('=') {
        Some((name, text)) => (name.to_owned(), Spanned { span, value: Some(text.to_owned()) }),
        None => (value, Spanned { span, value: None }),
    }
}
