//! Reads values from a settings file and collects its errors.

use globset::{Glob, GlobBuilder};

use crate::diagnostic::suggest::did_you_mean;
use crate::diagnostic::{Diagnostic, Place, Severity};
use crate::lint::settings::{LabelType, Level, Named, Written};
use crate::name::RepoPath;
use crate::stack::yaml::{self, Node, Value};
use crate::text::cut;

/// The most errors that are reported of one file.
const MAX_MISFITS: usize = 50;
/// The most labels that may be required of an image.
const MAX_LABELS: usize = 100;
/// The most texts in a list.
const MAX_TEXTS: usize = 1_000;

/// A file that is being read.
pub(super) struct Reader<'a> {
    path: &'a RepoPath,
    pub(super) written: Written,
}

impl<'a> Reader<'a> {
    /// The file and its tree; `None` if it is empty.
    pub(super) fn of(path: &'a RepoPath, text: &[u8]) -> (Self, Option<Node>) {
        let mut reader = Self { path, written: Written::default() };
        let is_empty = text.split(|&byte| byte == b'\n').all(|line| matches!(line.trim_ascii(), [] | [b'#', ..]));
        if is_empty {
            return (reader, None);
        }
        match yaml::parse(text) {
            Ok(tree) if matches!(tree.value, Value::Mapping(_)) => (reader, Some(tree)),
            Ok(tree) => {
                reader.wrong(&tree, "settings are a map", "write each setting with its value: `rules: {}`");
                (reader, None)
            }
            Err(error) => {
                reader.misfit(&Node::nothing(error.place), error.message, None);
                (reader, None)
            }
        }
    }

    /// Reports a value that is not valid.
    pub(super) fn wrong(&mut self, node: &Node, what: &str, help: &str) {
        let found = if node.raw().is_empty() { node.kind().to_owned() } else { format!("`{}`", cut(node.raw())) };
        self.misfit(node, format!("{what}, and this is {found}"), Some(help.to_owned()));
    }

    pub(super) fn misfit(&mut self, node: &Node, message: String, help: Option<String>) {
        if self.written.misfits.len() < MAX_MISFITS {
            self.written.misfits.push(self.at(node, message, help));
        }
    }

    pub(super) fn doubt(&mut self, node: &Node, message: String, help: Option<String>) {
        if self.written.doubts.len() < MAX_MISFITS {
            self.written.doubts.push(self.at(node, message, help));
        }
    }

    fn at(&self, node: &Node, message: String, help: Option<String>) -> Diagnostic {
        let place = Place { path: self.path.clone(), span: node.span.clone() };
        Diagnostic { help, ..Diagnostic::new(place, message) }
    }

    /// Reports an unknown key.
    pub(super) fn unknown_key(&mut self, key: &Node, known: &[&str]) {
        let help =
            did_you_mean(key.raw(), known.iter().copied()).unwrap_or_else(|| format!("there are {}", listed(known)));
        self.misfit(key, format!("there is no setting `{}`", cut(key.raw())), Some(help));
    }

    /// The items of a list; a text alone is a list of one.
    pub(super) fn list<'n>(&mut self, key: &str, node: &'n Node) -> &'n [Node] {
        match &node.value {
            Value::Sequence(items) => items,
            Value::Scalar { .. } if !node.is_null() => std::slice::from_ref(node),
            Value::Scalar { .. } => &[],
            Value::Mapping(_) => {
                self.wrong(node, &format!("`{key}` is a list"), &format!("write `{key}: [one, two]`"));
                &[]
            }
        }
    }

    pub(super) fn texts(&mut self, key: &str, node: &Node) -> Vec<String> {
        let mut texts = Vec::new();
        for item in self.list(key, node) {
            match item.to_text() {
                Some(_) if texts.len() == MAX_TEXTS => {
                    let help = "keep those that matter".to_owned();
                    self.misfit(item, format!("`{key}` has more than {MAX_TEXTS} items"), Some(help));
                    break;
                }
                Some(text) => texts.push(text),
                None => self.wrong(item, &format!("`{key}` is a list of texts"), "write one text for each item"),
            }
        }
        texts
    }

    pub(super) fn boolean(&mut self, key: &str, node: &Node) -> bool {
        node.as_bool().unwrap_or_else(|| {
            self.wrong(node, &format!("`{key}` is `true` or `false`"), "write one of them, without quotes");
            false
        })
    }

    pub(super) fn severity(&mut self, key: &str, node: &Node) -> Option<Severity> {
        let severity = Severity::named(node.raw());
        if severity.is_none() {
            let what = format!("`{key}` is `error`, `warning`, `info` or `style`");
            self.wrong(node, &what, "write one of them");
        }
        severity
    }

    pub(super) fn labels(&mut self, key: &str, node: &Node) {
        if !matches!(node.value, Value::Mapping(_)) {
            return self.wrong(
                node,
                &format!("`{key}` is a map"),
                "write each label with its type: `maintainer: email`",
            );
        }
        for (label, kind) in node.entries() {
            let Some(known) = LabelType::named(kind.raw()) else {
                let types = listed(&LabelType::NAMES);
                self.wrong(kind, &format!("the type of a label is one of {types}"), "write one of them");
                continue;
            };
            if self.written.settings.label_schema.len() >= MAX_LABELS {
                let help = "keep those that matter".to_owned();
                return self.misfit(label, format!("`{key}` has more than {MAX_LABELS} labels"), Some(help));
            }
            self.written.settings.label_schema.insert(label.raw().to_owned(), known);
        }
    }

    /// The level of a rule.
    pub(super) fn level(&mut self, id: &Node, level: Level) {
        let id = self.rule(id, level != Level::On);
        self.written.settings.levels.insert(id, level);
    }

    /// The id of a rule as it is written in the manual.
    pub(super) fn rule(&mut self, node: &Node, is_changed: bool) -> String {
        let id = node.raw().to_ascii_uppercase();
        let (path, span) = (self.path.clone(), node.span.clone());
        self.written.named.push(Named { id: id.clone(), path, span, is_changed });
        id
    }

    pub(super) fn glob(&mut self, node: &Node) -> Option<Glob> {
        match GlobBuilder::new(node.raw()).literal_separator(true).build() {
            Ok(glob) if !node.raw().is_empty() => Some(glob),
            Ok(_) => {
                self.wrong(node, "a path is a pattern", "write one such as `vendor/**`");
                None
            }
            Err(error) => {
                let message = format!("`{}` is not a pattern of paths: {}", cut(node.raw()), error.kind());
                self.misfit(node, message, Some("`*` stands for a name, `**` for any folders".to_owned()));
                None
            }
        }
    }
}

/// Whether a rule may be one of hadolint's or of `ShellCheck`'s.
pub(in crate::lint) fn is_foreign(id: &str) -> bool {
    let digits = id.strip_prefix("DL").or_else(|| id.strip_prefix("SC"));
    digits.is_some_and(|digits| digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

fn listed(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
