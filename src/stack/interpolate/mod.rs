//! Variables in the values of a stack file: `$V ${V} ${V:-d} ${V-d} ${V:?e} ${V?e} ${V:+a} ${V+a} $$`.
//!
//! Like Docker's `cli/compose/template` without its pitfalls: a default may contain variables, an operator without
//! braces is text (`$TAG-alpine` keeps its suffix), `${V?message-with-dash}` requires V, and an unset variable without
//! a default is reported instead of becoming empty: its value is unknown. Keys are not changed.

use std::collections::BTreeSet;

use super::MAX_PROBLEMS;
use super::variables::Variables;
use super::yaml::{Node, Value};
use crate::diagnostic::{Diagnostic, Span};

/// How deeply defaults may be nested.
const MAX_DEPTH: usize = 16;
/// The most bytes that the variables of one stack may insert.
pub(super) const MAX_FILLED: usize = 4 << 20;
/// The most characters of an author's comment on a variable that are shown.
const MAX_ABOUT: usize = 200;
/// The most different unset variables of one stack that are reported.
const MAX_NAMES: usize = 5_000;

/// A use of an unset variable without a default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unset {
    /// The place of the value that uses it.
    pub span: Span,
    /// Its name.
    pub name: String,
    /// Whether it is set but empty although the author requires a value.
    pub is_empty: bool,
    /// The author's comment, in `${NAME:?text}` or `x-skep.variables`.
    pub about: Option<String>,
}

/// Uses of unset variables. If there are very many, at least one of each name is kept.
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

/// The treatment of an unset variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WhenUnset {
    /// It stays as written, and its use is reported: its value is unknown.
    Unknown,
    /// It is empty, as with `docker stack deploy`, and its use is reported.
    Empty,
    /// It is empty.
    Nothing,
}

/// The replacement of variables: variables, treatment of unset ones, and results.
#[derive(Debug)]
pub struct Interpolation<'a> {
    variables: &'a Variables,
    when_unset: WhenUnset,
    /// The number of bytes that variables may still insert.
    pub(super) room: usize,
    /// The problems found.
    pub problems: Vec<Diagnostic<Span>>,
    /// The uses of unset variables.
    pub(super) unset: Uses,
}

impl<'a> Interpolation<'a> {
    /// Replaces these variables; an unset one is unknown, or empty as with `docker stack deploy`.
    pub fn new(variables: &'a Variables, unset_is_empty: bool) -> Self {
        let when_unset = if unset_is_empty { WhenUnset::Empty } else { WhenUnset::Unknown };
        Self { variables, when_unset, room: MAX_FILLED, problems: Vec::new(), unset: Uses::default() }
    }

    /// Limits the bytes that may still be inserted.
    #[must_use]
    pub(super) fn with_room(self, room: usize) -> Self {
        Self { room, ..self }
    }

    /// Replaces the variables in every value below `node`; replaced values are text, whatever they look
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

    /// A text with its variables replaced; `None` if there is an error.
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

/// The requirement on a variable that is unset.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Demand {
    is_empty: bool,
    about: Option<String>,
}

/// The values of variables, by their names.
type Lookup<'l, 'a> = &'l dyn Fn(&str) -> Option<&'a str>;

/// Replaces the variables of one text.
pub(super) struct Expansion<'l, 'a> {
    lookup: Lookup<'l, 'a>,
    when_unset: WhenUnset,
    /// Whether a dollar sign before anything but a name is literal, as in `.env` files.
    lone_dollars: bool,
    /// The number of bytes that variables may still insert.
    pub(super) room: usize,
    /// The unset variables.
    unset: BTreeSet<(String, Demand)>,
}

impl<'l, 'a> Expansion<'l, 'a> {
    fn new(lookup: Lookup<'l, 'a>, when_unset: WhenUnset, room: usize) -> Self {
        Self { lookup, when_unset, lone_dollars: false, room, unset: BTreeSet::new() }
    }

    /// The rules of `.env` files: an unset variable is empty, and a dollar sign may be literal.
    pub(super) fn lenient(lookup: Lookup<'l, 'a>, room: usize) -> Self {
        Self { lone_dollars: true, ..Self::new(lookup, WhenUnset::Nothing, room) }
    }

    /// Like [`lenient`](Self::lenient), but keeps unset variables as written.
    pub(super) fn unknown(lookup: Lookup<'l, 'a>) -> Self {
        Self { lone_dollars: true, ..Self::new(lookup, WhenUnset::Unknown, MAX_FILLED) }
    }

    /// The text with its variables replaced.
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

    /// The replacement for the text between braces.
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

    /// The value of a variable without an operator; `written` is the text after the dollar sign.
    fn value(&mut self, name: &str, written: &str) -> Result<String, Diagnostic<()>> {
        match (self.lookup)(name) {
            Some(value) => self.taken(value).map(str::to_owned),
            None => Ok(self.unset(name, written, Demand::default())),
        }
    }

    /// The value of a required variable.
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
            Diagnostic::new((), "the variables here insert too many bytes")
                .help("give them shorter values, or use them less often")
        })?;
        Ok(value)
    }
}

/// The offset of the brace that closes the one before `text`.
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

/// The variable name at the start of a text.
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

/// The place of the first invalid variable in a text as written.
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

/// The apparent variable after a dollar sign: the text in braces, letters and digits, or one character.
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
