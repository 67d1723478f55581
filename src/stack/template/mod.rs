//! Templates: `x-skep: { template: web, values: {…} }` instead of a stack file that is written out.
//!
//! [`Reference::of`] sees whether a file asks for one, [`Reference::fill`] makes the stack file of it: the body of the
//! template with the values in it, and over it what else the file says. What comes out is read, checked and rendered
//! as if it had been written by hand; [`Written`] leads back to what somebody did write.

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

/// The templates that skep brings along: name, body, values.
const BUILT_IN: &[(&str, &str, &str)] =
    &[("web", include_str!("../../../templates/web/stack.yml"), include_str!("../../../templates/web/values.yml"))];

/// What a file that asks for a template has in it.
const WORD: &[u8] = b"template";

/// A file of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Where it is, or would be if it were in the repository.
    pub path: RepoPath,
    /// What it says.
    pub text: Arc<[u8]>,
}

/// What a stack file can be made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// The stack file with gaps.
    pub body: Piece,
    /// Every value with its default.
    pub values: Piece,
    /// Whether skep brought it along, so that nobody can look into it in the repository.
    pub built_in: bool,
}

/// A stack file that asks for a template.
#[derive(Debug, Clone)]
pub struct Reference {
    path: RepoPath,
    text: Arc<[u8]>,
    tree: Node,
}

impl Template {
    /// The folder of a repository that its templates are in, each in one of its own.
    pub const FOLDER: &str = "templates";

    /// The template of this name that skep brings along.
    pub fn built_in(name: &str) -> Option<Self> {
        let (_, body, values) = BUILT_IN.iter().find(|(known, ..)| *known == name)?;
        let [body_path, values_path] = Self::files(name)?;
        let piece = |path, text: &str| Piece { path, text: text.as_bytes().into() };
        Some(Self { body: piece(body_path, body), values: piece(values_path, values), built_in: true })
    }

    /// The names of those that skep brings along.
    pub fn built_in_names() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, ..)| *name)
    }

    /// The body and the values of the template of this name in a repository; none if no template is called so.
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
    /// What a stack file asks for; none if it is written out, or no YAML.
    pub fn of(path: &RepoPath, text: &Arc<[u8]>) -> Option<Self> {
        // Most files are written out, and are not read twice for this.
        text.windows(WORD.len()).find(|word| *word == WORD)?;
        let tree = yaml::parse(text).ok()?;
        tree.at(&["x-skep", "template"])?;
        Some(Self { path: path.clone(), text: text.clone(), tree })
    }

    /// The template's name, as it is written.
    pub fn name(&self) -> &str {
        self.name_node().raw()
    }

    fn name_node(&self) -> &Node {
        self.tree.at(&["x-skep", "template"]).expect("a reference names a template")
    }

    /// Says that there is no such template; `known` are those that there are.
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

    /// The stack file that comes out of a template; all that is wrong with the values otherwise, or with the template.
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
    let message = format!("the values of a template are a map, and this is {}", tree.kind());
    Err(Diagnostic::new(tree.span, message).help("write each value with its default: `name: default`"))
}

#[cfg(test)]
mod tests;
