//! Variables in the values of a stack file: `$V ${V} ${V:-d} ${V-d} ${V:?e} ${V?e} ${V:+a} ${V+a} $$`.
//!
//! As Docker's `cli/compose/template`, less its traps: a default may hold variables, an operator without braces is
//! text (`$TAG-alpine` keeps its suffix), `${V?message-with-dash}` demands V, and an unset variable without a default
//! is told instead of becoming empty: its value is unknown. Keys are not touched.

use std::collections::BTreeSet;

use super::MAX_PROBLEMS;
use super::variables::Variables;
use super::yaml::{Node, Value};
use crate::diagnostic::{Diagnostic, Span};

/// How deeply defaults may be nested.
const MAX_DEPTH: usize = 16;
/// Bytes that the variables of one stack are replaced by, at most.
pub(super) const MAX_FILLED: usize = 4 << 20;
/// How many characters of what an author says of a variable are told.
const MAX_ABOUT: usize = 200;
/// How many different variables that are not set are told of one stack.
const MAX_NAMES: usize = 5_000;

/// A use of a variable that is not set and has no default there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unset {
    /// The value that it is in.
    pub span: Span,
    /// Its name.
    pub name: String,
    /// Whether it is set, and to nothing, where the author wants something.
    pub is_empty: bool,
    /// What the author says of it: in `${NAME:?text}`, or in `x-skep.variables`.
    pub about: Option<String>,
}

/// Uses of variables that are not set. Of very many, each name is kept once at least.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Uses {
    list: Vec<Unset>,
    names: BTreeSet<String>,
}

impl Uses {
    pub(super) fn add(&mut self, unset: Unset) {
        let is_new = self.names.len() < MAX_NAMES && self.names.insert(unset.name.clone());
        if is_new || self.list.len() < MAX_PROBLEMS {
            self.list.push(unset);
        }
    }

    pub(super) fn extend(&mut self, others: Self) {
        others.list.into_iter().for_each(|unset| self.add(unset));
    }

    pub(super) fn into_list(self) -> Vec<Unset> {
        self.list
    }
}

/// What becomes of a variable that is not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WhenUnset {
    /// It stays as it is written, and its use is told: nobody knows its value.
    Unknown,
    /// It is empty, as with `docker stack deploy`, and its use is told.
    Empty,
    /// It is empty.
    Nothing,
}

/// Variables, what is to be made of one that is not set, and what came of filling them in.
#[derive(Debug)]
pub struct Interpolation<'a> {
    variables: &'a Variables,
    when_unset: WhenUnset,
    /// Bytes that variables may still be replaced by.
    pub(super) room: usize,
    /// What could not be filled in.
    pub problems: Vec<Diagnostic<Span>>,
    /// Variables that are not set, by their place.
    pub(super) unset: Uses,
}

impl<'a> Interpolation<'a> {
    /// These variables; one that is not set is unknown, or empty as with `docker stack deploy`.
    pub fn new(variables: &'a Variables, unset_is_empty: bool) -> Self {
        let when_unset = if unset_is_empty { WhenUnset::Empty } else { WhenUnset::Unknown };
        Self { variables, when_unset, room: MAX_FILLED, problems: Vec::new(), unset: Uses::default() }
    }

    /// The same, when so many bytes are left of [`MAX_FILLED`].
    #[must_use]
    pub(super) fn with_room(self, room: usize) -> Self {
        Self { room, ..self }
    }

    /// Fills in the variables of every value below `node`; what was filled in is text from then on, whatever it looks
    /// like.
    #[must_use]
    pub fn fill(mut self, node: &mut Node) -> Self {
        self.node(node);
        self
    }

    fn node(&mut self, node: &mut Node) {
        match &mut node.value {
            Value::Sequence(items) => items.iter_mut().for_each(|item| self.node(item)),
            Value::Mapping(entries) => entries.iter_mut().for_each(|(_, value)| self.node(value)),
            Value::Scalar { text, plain } if text.contains('$') => {
                if let Some(expanded) = self.text(text, &node.span) {
                    *plain = *plain && expanded == *text;
                    *text = expanded;
                }
            }
            Value::Scalar { .. } => {}
        }
    }

    /// A text with its variables filled in; none if that cannot be done.
    fn text(&mut self, text: &str, span: &Span) -> Option<String> {
        let lookup = |name: &str| self.variables.get(name);
        let mut expansion = Expansion::new(&lookup, self.when_unset, self.room);
        let expanded = expansion.expand(text);
        let Expansion { room, unset, .. } = expansion;
        self.room = room;
        for (name, demand) in unset {
            let Demand { is_empty, about } = demand;
            self.unset.add(Unset { span: span.clone(), name, is_empty, about });
        }
        match expanded {
            Ok(expanded) => Some(expanded),
            Err(problem) => {
                if self.problems.len() < MAX_PROBLEMS {
                    self.problems.push(problem.at(span.clone()));
                }
                None
            }
        }
    }
}

/// What is asked of a variable that is not set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Demand {
    is_empty: bool,
    about: Option<String>,
}

/// The values of variables, by their names.
type Lookup<'l, 'a> = &'l dyn Fn(&str) -> Option<&'a str>;

/// Fills in the variables of one text.
pub(super) struct Expansion<'l, 'a> {
    lookup: Lookup<'l, 'a>,
    when_unset: WhenUnset,
    /// Whether a dollar sign before what is no name is one, as in `.env` files.
    lone_dollars: bool,
    /// Bytes that variables may still be replaced by.
    pub(super) room: usize,
    /// The variables that are not set.
    unset: BTreeSet<(String, Demand)>,
}

impl<'l, 'a> Expansion<'l, 'a> {
    fn new(lookup: Lookup<'l, 'a>, when_unset: WhenUnset, room: usize) -> Self {
        Self { lookup, when_unset, lone_dollars: false, room, unset: BTreeSet::new() }
    }

    /// As in `.env` files: a variable that is not set is empty, and a dollar sign may stand alone.
    pub(super) fn lenient(lookup: Lookup<'l, 'a>, room: usize) -> Self {
        Self { lone_dollars: true, ..Self::new(lookup, WhenUnset::Nothing, room) }
    }

    /// As [`lenient`](Self::lenient), with a variable that is not set as it is written.
    pub(super) fn unknown(lookup: Lookup<'l, 'a>) -> Self {
        Self { lone_dollars: true, ..Self::new(lookup, WhenUnset::Unknown, MAX_FILLED) }
    }

    /// The text with its variables filled in.
    pub(super) fn expand(&mut self, text: &str) -> Result<String, Diagnostic<()>> {
        self.expand_at(text, 0)
    }

    fn expand_at(&mut self, text: &str, depth: usize) -> Result<String, Diagnostic<()>> {
        if depth > MAX_DEPTH {
            let message = format!("the defaults of variables are nested more than {MAX_DEPTH} deep");
            return Err(Diagnostic::new((), message).help("write the default out"));
        }
        let mut expanded = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            expanded.push_str(before);
            rest = after;
            if let Some(after) = rest.strip_prefix('$') {
                expanded.push('$');
                rest = after;
            } else if let Some(after) = rest.strip_prefix('{') {
                let end = closing(after).ok_or_else(|| invalid(rest))?;
                expanded.push_str(&self.braced(&after[..end], depth)?);
                rest = &after[end + 1..];
            } else if let Some(name) = name(rest) {
                expanded.push_str(&self.value(name, name)?);
                rest = &rest[name.len()..];
            } else if self.lone_dollars {
                expanded.push('$');
            } else {
                return Err(invalid(rest));
            }
        }
        expanded.push_str(rest);
        Ok(expanded)
    }

    /// What stands between braces.
    fn braced(&mut self, inside: &str, depth: usize) -> Result<String, Diagnostic<()>> {
        let name = name(inside).ok_or_else(|| invalid(&format!("{{{inside}}}")))?;
        let operator = &inside[name.len()..];
        let set = (self.lookup)(name);
        let (filled, operator) = match operator.strip_prefix(':') {
            Some(operator) => (set.filter(|value| !value.is_empty()), operator),
            None => (set, operator),
        };
        match (operator.chars().next(), filled) {
            (None, _) if inside != name => Err(invalid(&format!("{{{inside}}}"))),
            (None, _) => self.value(name, &format!("{{{inside}}}")),
            (Some('-' | '?'), Some(value)) => self.taken(value).map(str::to_owned),
            (Some('-'), None) | (Some('+'), Some(_)) => self.expand_at(&operator[1..], depth + 1),
            (Some('+'), None) => Ok(String::new()),
            (Some('?'), None) => self.demanded(name, inside, &operator[1..]),
            (Some(_), _) => Err(invalid(&format!("{{{inside}}}"))),
        }
    }

    /// The value of a variable without an operator, which stands after a dollar sign as `written`.
    fn value(&mut self, name: &str, written: &str) -> Result<String, Diagnostic<()>> {
        match (self.lookup)(name) {
            Some(value) => self.taken(value).map(str::to_owned),
            None => Ok(self.unset(name, written, Demand::default())),
        }
    }

    /// A variable that the author insists on.
    fn demanded(&mut self, name: &str, inside: &str, about: &str) -> Result<String, Diagnostic<()>> {
        if self.when_unset != WhenUnset::Unknown {
            return Err(Diagnostic::new((), required(name, about)).help(format!("set {name}")));
        }
        let about = Some(about.chars().take(MAX_ABOUT).collect::<String>()).filter(|about| !about.is_empty());
        let demand = Demand { is_empty: (self.lookup)(name).is_some(), about };
        Ok(self.unset(name, &format!("{{{inside}}}"), demand))
    }

    fn unset(&mut self, name: &str, written: &str, demand: Demand) -> String {
        if self.when_unset != WhenUnset::Nothing {
            self.unset.insert((name.to_owned(), demand));
        }
        if self.when_unset == WhenUnset::Unknown { format!("${written}") } else { String::new() }
    }

    /// The value, counted.
    fn taken(&mut self, value: &'a str) -> Result<&'a str, Diagnostic<()>> {
        self.room = self.room.checked_sub(value.len()).ok_or_else(|| {
            Diagnostic::new((), "the variables here are replaced by too many bytes")
                .help("give them shorter values, or use them less often")
        })?;
        Ok(value)
    }
}

/// Where the brace closes that was opened before `text`.
fn closing(text: &str) -> Option<usize> {
    let mut open = 1;
    for (at, character) in text.char_indices() {
        match character {
            '{' if text[..at].ends_with('$') => open += 1,
            '}' if open == 1 => return Some(at),
            '}' => open -= 1,
            _ => {}
        }
    }
    None
}

/// The variable's name that a text begins with.
fn name(text: &str) -> Option<&str> {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    let name = &text[..end];
    (!name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit())).then_some(name)
}

fn required(name: &str, message: &str) -> String {
    let because = if message.is_empty() { String::new() } else { format!(": {message}") };
    format!("the variable {name} must be set{because}")
}

fn invalid(rest: &str) -> Diagnostic<()> {
    Diagnostic::new((), format!("`${}` is not a variable", form(rest))).help("write $$ for a dollar sign, or ${NAME}")
}

/// Where the first dollar sign stands in a text as it is written that begins no variable, and what is meant to be one.
pub(super) fn first_invalid(text: &str) -> Option<Span> {
    let mut at = 0;
    while let Some(dollar) = text[at..].find('$').map(|length| at + length) {
        let rest = &text[dollar + 1..];
        at = match rest.chars().next() {
            Some('$') => dollar + 2,
            Some('{') => {
                let inside = &rest[1..];
                let end = closing(inside).filter(|end| name(&inside[..*end]).is_some());
                let Some(end) = end else { return Some(dollar..dollar + 1 + form(rest).len()) };
                dollar + 2 + end
            }
            _ => {
                let Some(name) = name(rest) else { return Some(dollar..dollar + 1 + form(rest).len()) };
                dollar + 1 + name.len()
            }
        };
    }
    None
}

/// What is meant to be a variable, of the text after a dollar sign: what stands in braces, letters and digits, or one character.
fn form(rest: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let end = match rest.chars().next() {
        Some('{') => rest.find(['}', '\n']).map_or(rest.len(), |at| at + usize::from(rest[at..].starts_with('}'))),
        Some(first) if is_part(first) => rest.find(|c| !is_part(c)).unwrap_or(rest.len()),
        Some(first) if !first.is_whitespace() => first.len_utf8(),
        _ => 0,
    };
    rest[..end].chars().take(20).collect()
}

#[cfg(test)]
mod tests;
