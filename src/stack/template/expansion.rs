//! The result of a template, and the mapping back to the files from which it was made.

use std::sync::Arc;

use super::values::{self, Given};
use super::{Misfit, Template};
use crate::name::RepoPath;
use crate::stack::Problem;
use crate::stack::yaml::{self, Node, Span, line_column};

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

/// A place in a file of the repository or a built-in template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub path: RepoPath,
    /// The place in the file.
    pub span: Span,
    /// A remark, if the text itself is at another place.
    pub note: Option<String>,
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
    /// determines it, else in the template.
    pub fn place(&self, span: &Span) -> Place {
        if *span == (0..0) {
            return self.here(0..0);
        }
        if let Some(start) = span.start.checked_sub(self.filled) {
            return self.here(start..span.end.saturating_sub(self.filled));
        }
        let (number, _) = line_column(&self.text, span.start);
        let Some(&line) = self.lines.get(number - 1) else { return self.in_template(0, 0..0, "") };
        let (at, written) = line_of(&self.template.body.text, line);
        let meant = String::from_utf8_lossy(self.text.get(span.clone()).unwrap_or_default());
        match values::responsible(&self.given, &written, &meant) {
            Some(value) => self.here(value),
            None => self.in_template(line + 1, at, &written),
        }
    }

    fn here(&self, span: Span) -> Place {
        Place { path: self.path.clone(), span, note: None }
    }

    fn in_template(&self, number: usize, span: Span, line: &str) -> Place {
        if !self.template.built_in {
            return Place { path: self.template.body.path.clone(), span, note: None };
        }
        let note = (number > 0).then(|| format!("it is line {number} of the template: `{}`", line.trim()));
        Place { path: self.path.clone(), span: self.name.clone(), note }
    }

    /// Maps a problem in the result to its origin.
    pub fn misfit(&self, problem: Problem) -> Misfit {
        let Place { path, span, note } = self.place(&problem.span);
        Misfit { path, problem: Problem { span, message: problem.message, help: joined(problem.help, note) } }
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

    /// Maps a problem to its origin.
    pub fn misfit(&self, problem: Problem) -> Misfit {
        match self {
            Self::Out(path, _) => Misfit { path: path.clone(), problem },
            Self::Template(made) => made.misfit(problem),
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
