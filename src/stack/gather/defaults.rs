//! `x-skep.variables`: defaults and comments of a stack file's variables.

use super::{Gatherer, Loaded, Origin, Place, shortened};
use crate::stack::interpolate::Expansion;
use crate::stack::variables::{Set, is_name};
use crate::stack::yaml::{Node, Value};

const KEYS: [&str; 2] = ["default", "comment"];

impl Gatherer<'_> {
    /// A context with the defaults of these files, a later file overriding an earlier one.
    pub(super) fn with_defaults(&mut self, files: &[Loaded], place: &Place) -> Place {
        if self.library.read_mode.as_written {
            return place.clone();
        }
        let mut defaults = Set::new();
        for (name, value) in files.iter().filter_map(|file| file.tree.as_ref().ok()).flat_map(block) {
            let Some(text) = default(value).and_then(Node::to_text) else { continue };
            let lookup = |name: &str| place.variables.get(name).or_else(|| defaults.get(name).map(String::as_str));
            let mut expansion = Expansion::lenient(&lookup, self.fill_left);
            let expanded = expansion.expand(&text);
            self.fill_left = expansion.room;
            // Errors are reported when the block is removed.
            if let Ok(expanded) = expanded {
                defaults.insert(name.raw().to_owned(), expanded);
            }
        }
        self.set += defaults.len();
        Place { variables: place.variables.with(Origin::StackFile, defaults), ..place.clone() }
    }

    /// Removes the block from a file, and reports its errors.
    pub(super) fn take_defaults(&mut self, tree: &mut Node) {
        if self.library.read_mode.as_written {
            return;
        }
        let Value::Mapping(sections) = &mut tree.value else { return };
        let Some((_, settings)) = sections.iter_mut().find(|(key, _)| key.raw() == "x-skep") else { return };
        let Some((_, block)) = settings.remove("variables") else { return };
        if !matches!(block.value, Value::Mapping(_)) && !block.is_null() {
            let help = "write `NAME: value` for each".to_owned();
            self.problem(&block.span, format!("`variables` must be a map, but is {}", block.kind()), help);
        }
        for (name, value) in block.entries() {
            self.check_default(name, value);
        }
    }

    fn check_default(&mut self, name: &Node, value: &Node) {
        if !is_name(name.raw()) {
            let help = "use letters, digits and `_`, and begin with a letter or `_`".to_owned();
            self.problem(&name.span, format!("`{}` cannot be the name of a variable", shortened(name.raw())), help);
        }
        for (key, _) in value.entries().iter().filter(|(key, _)| !KEYS.contains(&key.raw())) {
            let message = format!("a variable has no key `{}`", shortened(key.raw()));
            self.problem(&key.span, message, "it has `default` and `comment`".to_owned());
        }
        let texts = [default(value), value.get("comment")].into_iter().flatten();
        for text in texts.filter(|text| text.scalar().is_none()) {
            self.problem(&text.span, format!("a variable must be text, but is {}", text.kind()), None);
        }
        if let Some(comment) = value.get("comment").and_then(Node::to_text) {
            self.about.insert(name.raw().to_owned(), comment);
        }
        let nothing = |_: &str| None;
        if let Some(text) = default(value).and_then(Node::to_text)
            && let Err(refusal) = Expansion::unknown(&nothing).expand(&text)
        {
            self.problem(&value.span, refusal.message, refusal.help);
        }
    }
}

/// The variables of a file as written.
fn block(tree: &Node) -> &[(Node, Node)] {
    tree.at(&["x-skep", "variables"]).map(Node::entries).unwrap_or_default()
}

/// The default in `NAME: default`, or in `NAME: { default: …, comment: … }`.
fn default(value: &Node) -> Option<&Node> {
    match &value.value {
        Value::Mapping(_) => value.get("default"),
        _ => Some(value),
    }
}
