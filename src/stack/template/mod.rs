//! Templates: `x-skep: { template: web, values: {…} }` instead of a complete stack file.
//!
//! [`Reference::of`] detects whether a file uses a template, and [`Reference::fill`] makes the stack file: the body of
//! the template with the values, merged with the other keys of the file. The result is read, checked and rendered as if
//! it had been written by hand; [`Written`] maps places back to their origin.

mod expansion;
mod fill;
mod lines;
mod overlay;
mod tags;
mod values;

use std::sync::Arc;

use super::yaml::{self, Node, Value};
use crate::diagnostic::suggest::did_you_mean;
use crate::diagnostic::{Diagnostic, Place, Span};
use crate::name::RepoPath;

pub use expansion::{Expansion, Written};

/// The built-in templates: name, body, values.
const BUILT_IN: &[(&str, &str, &str)] =
    &[("web", include_str!("../../../templates/web/stack.yml"), include_str!("../../../templates/web/values.yml"))];

/// A word that every file with a template contains.
const WORD: &[u8] = b"template";

/// A file of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Its path, for a built-in template the path that it would have in the repository.
    pub path: RepoPath,
    /// Its text.
    pub text: Arc<[u8]>,
}

/// A template for stack files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// The stack file with placeholders.
    pub body: Piece,
    /// Every value with its default.
    pub values: Piece,
    /// Whether it is built in, and so not visible in the repository.
    pub built_in: bool,
}

/// A stack file that uses a template.
#[derive(Debug, Clone)]
pub struct Reference {
    path: RepoPath,
    text: Arc<[u8]>,
    tree: Node,
}

impl Template {
    /// The folder of a repository's templates, which contains a folder for each.
    pub const FOLDER: &str = "templates";

    /// The built-in template with this name.
    pub fn built_in(name: &str) -> Option<Self> {
        let (_, body, values) = BUILT_IN.iter().find(|(known, ..)| *known == name)?;
        let [body_path, values_path] = Self::files(name)?;
        let piece = |path, text: &str| Piece { path, text: text.as_bytes().into() };
        Some(Self { body: piece(body_path, body), values: piece(values_path, values), built_in: true })
    }

    /// The names of the built-in templates.
    pub fn built_in_names() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, ..)| *name)
    }

    /// The paths of a template's body and values in a repository; `None` if the name is invalid.
    pub fn files(name: &str) -> Option<[RepoPath; 2]> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if name.is_empty() || !name.chars().all(allowed) {
            return None;
        }
        let file = |file: &str| format!("{}/{name}/{file}", Self::FOLDER).parse().ok();
        Some([file("stack.yml")?, file("values.yml")?])
    }
}

impl Reference {
    /// The template reference of a stack file; `None` if there is none, or it is not YAML.
    pub fn of(path: &RepoPath, text: &Arc<[u8]>) -> Option<Self> {
        // Most files use no template, and should not be parsed twice.
        text.windows(WORD.len()).find(|word| *word == WORD)?;
        let tree = yaml::parse(text).ok()?;
        tree.at(&["x-skep", "template"])?;
        Some(Self { path: path.clone(), text: text.clone(), tree })
    }

    /// The template's name as written.
    pub fn name(&self) -> &str {
        self.name_node().raw()
    }

    fn name_node(&self) -> &Node {
        self.tree.at(&["x-skep", "template"]).expect("a reference names a template")
    }

    /// The error about an unknown template; `known` are the existing ones.
    pub fn unknown<'a>(&self, known: impl IntoIterator<Item = &'a str>) -> Diagnostic {
        let node = self.name_node();
        let name: String = node.raw().escape_debug().take(60).collect();
        let known: Vec<&str> = known.into_iter().take(100).collect();
        let help = did_you_mean(&name, known.iter().copied()).unwrap_or_else(|| {
            format!("there are: {}; make your own in {}/<name>/stack.yml", known.join(", "), Template::FOLDER)
        });
        let place = Place { path: self.path.clone(), span: node.span.clone() };
        Diagnostic::new(place, format!("there is no template `{name}`")).help(help)
    }

    /// Applies a template; returns the stack file, or all errors of the values or the template.
    pub fn fill(self, template: Template) -> Result<Expansion, Vec<Diagnostic>> {
        let defaults = defaults(&template.values.text).map_err(|problem| misfits(&template.values.path, [problem]))?;
        let (name, given) = (self.name_node(), self.tree.at(&["x-skep", "values"]));
        let (values, given) =
            values::merged(&defaults, given, name).map_err(|problems| misfits(&self.path, problems))?;
        let (filled, lines) =
            fill::fill(&template.body.text, &values).map_err(|problem| misfits(&template.body.path, [problem]))?;
        let name = name.span.clone();
        let mut made = Expansion {
            filled: filled.len(),
            text: [filled.as_bytes(), &self.text].concat(),
            tree: overlay::own(self.tree, filled.len()),
            path: self.path,
            lines,
            template,
            name,
            given,
        };
        let base = parsed(filled.as_bytes()).map_err(|problem| vec![made.placed(problem)])?;
        let own = std::mem::replace(&mut made.tree, base);
        overlay::overlay(&mut made.tree, own);
        Ok(made)
    }
}

fn misfits(path: &RepoPath, problems: impl IntoIterator<Item = Diagnostic<Span>>) -> Vec<Diagnostic> {
    problems.into_iter().map(|problem| problem.in_file(path.clone())).collect()
}

/// A file that may be empty.
fn parsed(text: &[u8]) -> Result<Node, Diagnostic<Span>> {
    if text.trim_ascii().is_empty() {
        return Ok(Node::new(0..0, Value::Mapping(Vec::new())));
    }
    yaml::parse(text)
}

fn defaults(text: &[u8]) -> Result<Node, Diagnostic<Span>> {
    let tree = parsed(text)?;
    if matches!(tree.value, Value::Mapping(_)) {
        return Ok(tree);
    }
    let message = format!("the values of a template must be a map, but this is {}", tree.kind());
    Err(Diagnostic::new(tree.span, message).help("write each value with its default: `name: default`"))
}

#[cfg(test)]
mod tests;
