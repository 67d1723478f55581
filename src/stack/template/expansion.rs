//! The result of a template, and the mapping back to the files from which it was made.

use std::sync::Arc;

use super::Template;
use super::values::{self, Given};
use crate::diagnostic::line_column;
use crate::diagnostic::{Diagnostic, Place, Span};
use crate::name::RepoPath;
use crate::stack::yaml::{self, Node};

/// A stack file made from a template.
#[derive(Debug, Clone, PartialEq)]
pub struct Expansion {
    /// The result followed by the stack file that uses the template; places in the tree point into this text.
    pub text: Vec<u8>,
    /// The parsed tree, with variables not yet replaced.
    pub tree: Node,
    pub(super) path: RepoPath,
    /// The length of the result in `text`.
    pub(super) filled: usize,
    /// For each line of the result, the line of the body it was made from, both counted from 0.
    pub(super) lines: Vec<usize>,
    pub(super) template: Template,
    /// The place at which the file names the template.
    pub(super) name: Span,
    pub(super) given: Vec<Given>,
}

/// A stack file of a repository, written out or made from a template.
#[derive(Debug, Clone, PartialEq)]
pub enum Written {
    /// Written out.
    Out(RepoPath, Arc<[u8]>),
    /// Made from a template.
    Template(Box<Expansion>),
}

impl Expansion {
    /// The origin of the text at `span` of [`text`](Self::text): in the stack file if a value or the file itself
    /// decides it, else in the template; and what else there is to know, if the text itself stands elsewhere.
    fn origin(&self, span: &Span) -> (Place, Option<String>) {
        if *span == (0..0) {
            return (self.here(0..0), None);
        }
        if let Some(start) = span.start.checked_sub(self.filled) {
            return (self.here(start..span.end.saturating_sub(self.filled)), None);
        }
        let (number, _) = line_column(&self.text, span.start);
        let Some(&line) = self.lines.get(number - 1) else { return self.in_template(0, 0..0, "") };
        let (at, written) = line_of(&self.template.body.text, line);
        let meant = String::from_utf8_lossy(self.text.get(span.clone()).unwrap_or_default());
        match values::responsible(&self.given, &written, &meant) {
            Some(value) => (self.here(value), None),
            None => self.in_template(line + 1, at, &written),
        }
    }

    fn here(&self, span: Span) -> Place {
        Place { path: self.path.clone(), span }
    }

    fn in_template(&self, number: usize, span: Span, line: &str) -> (Place, Option<String>) {
        if !self.template.built_in {
            return (Place { path: self.template.body.path.clone(), span }, None);
        }
        let note = (number > 0).then(|| format!("it is line {number} of the template: `{}`", line.trim()));
        (self.here(self.name.clone()), note)
    }

    /// What is wrong with what came out, where it was written.
    pub(super) fn placed(&self, problem: Diagnostic<Span>) -> Diagnostic {
        let (place, note) = self.origin(&problem.place);
        let placed = problem.at(place);
        Diagnostic { help: joined(placed.help, note), ..placed }
    }

    /// The result of the template as text.
    pub fn filled(&self) -> &[u8] {
        &self.text[..self.filled]
    }
}

impl Written {
    /// The text that places point into.
    pub fn text(&self) -> &[u8] {
        match self {
            Self::Out(_, text) => text,
            Self::Template(made) => &made.text,
        }
    }

    /// The file, as the repository has it.
    pub fn path(&self) -> &RepoPath {
        match self {
            Self::Out(path, _) => path,
            Self::Template(made) => &made.path,
        }
    }

    /// The length of this path of keys that the file has, and the place of the last of them.
    pub(crate) fn follow(&self, keys: &[String]) -> (usize, Span) {
        let tree = match self {
            Self::Out(_, text) => yaml::parse(text).ok(),
            Self::Template(made) => Some(made.tree.clone()),
        };
        let (mut span, mut node) = (0..0, tree.as_ref());
        for (depth, key) in keys.iter().enumerate() {
            let Some((name, value)) = node.and_then(|node| node.entry(key)) else { return (depth, span) };
            (span, node) = (name.span.clone(), Some(value));
        }
        (keys.len(), span)
    }

    /// Where a place in it was written.
    pub(crate) fn place(&self, span: &Span) -> Place {
        match self {
            Self::Out(path, _) => Place { path: path.clone(), span: span.clone() },
            Self::Template(made) => made.origin(span).0,
        }
    }

    /// What is wrong with it, where it was written.
    pub(crate) fn placed(&self, problem: Diagnostic<Span>) -> Diagnostic {
        match self {
            Self::Out(path, _) => problem.in_file(path.clone()),
            Self::Template(made) => made.placed(problem),
        }
    }
}

/// Both sentences, if there are two.
fn joined(help: Option<String>, note: Option<String>) -> Option<String> {
    match (help, note) {
        (Some(help), Some(note)) => Some(format!("{help}; {note}")),
        (help, note) => help.or(note),
    }
}

/// A line of a text, counted from 0, without the spaces around it.
pub(super) fn line_of(text: &[u8], number: usize) -> (Span, String) {
    let before: usize = text.split_inclusive(|&byte| byte == b'\n').take(number).map(<[u8]>::len).sum();
    let line = text[before..].split(|&byte| byte == b'\n').next().unwrap_or_default();
    let start = before + line.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let line = line.trim_ascii();
    (start..start + line.len(), String::from_utf8_lossy(line).into_owned())
}
