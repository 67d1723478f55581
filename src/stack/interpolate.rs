//! Variables in the values of a stack file: `$V ${V} ${V:-d} ${V-d} ${V:?e} ${V?e} ${V:+a} ${V+a} $$`.
//!
//! As Docker's `cli/compose/template`, less its traps: a default may hold variables, an operator without braces is
//! text (`$TAG-alpine` keeps its suffix), `${V?message-with-dash}` demands V, and an unset variable without a default
//! is a problem instead of becoming empty. Keys are not touched.

use std::collections::{BTreeMap, BTreeSet};

use super::yaml::{Node, Span, Value};
use super::{MAX_PROBLEMS, Problem};

/// How deeply defaults may be nested.
const MAX_DEPTH: usize = 16;
/// Bytes that the variables of one stack are replaced by, at most.
pub(super) const MAX_FILLED: usize = 4 << 20;

/// Variables, what is to be made of one that is not set, and what came of filling them in.
#[derive(Debug)]
pub struct Interpolation<'a> {
    variables: &'a BTreeMap<String, String>,
    unset_is_empty: bool,
    /// Bytes that variables may still be replaced by.
    pub(super) room: usize,
    /// What could not be filled in.
    pub problems: Vec<Problem>,
    /// Variables that are not set and were taken for empty, by their place.
    pub unset: Vec<Problem>,
}

impl<'a> Interpolation<'a> {
    /// These variables; one that is not set is a problem, or empty as with `docker stack deploy`.
    pub fn new(variables: &'a BTreeMap<String, String>, unset_is_empty: bool) -> Self {
        Self { variables, unset_is_empty, room: MAX_FILLED, problems: Vec::new(), unset: Vec::new() }
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
                let mut unset = BTreeSet::new();
                match self.expand(text, 0, &mut unset) {
                    Ok(expanded) => {
                        *plain = *plain && expanded == *text;
                        *text = expanded;
                        let told = unset.into_iter().map(|name| empty(&name, node.span.clone()));
                        self.unset.extend(told.take(MAX_PROBLEMS.saturating_sub(self.unset.len())));
                    }
                    Err(Refusal { message, help }) if self.problems.len() < MAX_PROBLEMS => {
                        self.problems.push(Problem { span: node.span.clone(), message, help: Some(help) });
                    }
                    Err(_) => {}
                }
            }
            Value::Scalar { .. } => {}
        }
    }

    fn expand(&mut self, text: &str, depth: usize, unset: &mut BTreeSet<String>) -> Result<String, Refusal> {
        if depth > MAX_DEPTH {
            return Err(Refusal {
                message: format!("the defaults of variables are nested more than {MAX_DEPTH} deep"),
                help: "write the default out".to_owned(),
            });
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
                expanded.push_str(&self.braced(&after[..end], depth, unset)?);
                rest = &after[end + 1..];
            } else {
                let name = name(rest).ok_or_else(|| invalid(rest))?;
                let value = self.value(name, unset)?;
                expanded.push_str(self.taken(value)?);
                rest = &rest[name.len()..];
            }
        }
        expanded.push_str(rest);
        Ok(expanded)
    }

    /// What stands between braces.
    fn braced(&mut self, inside: &str, depth: usize, unset: &mut BTreeSet<String>) -> Result<String, Refusal> {
        let name = name(inside).ok_or_else(|| invalid(&format!("{{{inside}}}")))?;
        let operator = &inside[name.len()..];
        let set = self.variables.get(name);
        let (filled, operator) = match operator.strip_prefix(':') {
            Some(operator) => (set.filter(|value| !value.is_empty()), operator),
            None => (set, operator),
        };
        match (operator.chars().next(), filled) {
            (None, _) if inside != name => Err(invalid(&format!("{{{inside}}}"))),
            (None, _) => self.value(name, unset).and_then(|value| self.taken(value)).map(str::to_owned),
            (Some('-' | '?'), Some(value)) => self.taken(value).map(str::to_owned),
            (Some('-'), None) | (Some('+'), Some(_)) => self.expand(&operator[1..], depth + 1, unset),
            (Some('+'), None) => Ok(String::new()),
            (Some('?'), None) => Err(Refusal { message: required(name, &operator[1..]), help: format!("set {name}") }),
            (Some(_), _) => Err(invalid(&format!("{{{inside}}}"))),
        }
    }

    /// The value of a variable without an operator.
    fn value(&self, name: &str, unset: &mut BTreeSet<String>) -> Result<&'a str, Refusal> {
        match self.variables.get(name) {
            Some(value) => Ok(value),
            None if self.unset_is_empty => {
                unset.insert(name.to_owned());
                Ok("")
            }
            None => Err(self::unset(name)),
        }
    }

    /// The value, counted.
    fn taken(&mut self, value: &'a str) -> Result<&'a str, Refusal> {
        self.room = self.room.checked_sub(value.len()).ok_or_else(|| Refusal {
            message: format!("the variables of the stack are replaced by more than {} MiB", MAX_FILLED >> 20),
            help: "give them shorter values, or use them less often".to_owned(),
        })?;
        Ok(value)
    }
}

struct Refusal {
    message: String,
    help: String,
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

fn unset(name: &str) -> Refusal {
    Refusal {
        message: format!("the variable {name} is not set"),
        help: format!("write ${{{name}:-default}} or set it; write $${name} if the container is to see ${name}"),
    }
}

fn empty(name: &str, span: Span) -> Problem {
    let message = format!("the variable {name} is not set and becomes empty");
    Problem { span, message, help: Some(format!("set it, or write ${{{name}:-default}}")) }
}

fn required(name: &str, message: &str) -> String {
    let because = if message.is_empty() { String::new() } else { format!(": {message}") };
    format!("the variable {name} must be set{because}")
}

fn invalid(rest: &str) -> Refusal {
    Refusal {
        message: format!("`${}` is not a variable", form(rest)),
        help: "write $$ for a dollar sign, or ${NAME}".to_owned(),
    }
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

/// What is meant to be a variable, of the text behind a dollar sign: what stands in braces, letters and digits, or one character.
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
mod tests {
    use super::*;

    fn expanded(text: &str) -> String {
        let variables =
            [("TAG", "1"), ("EMPTY", ""), ("B", "b")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let variables = variables.into();
        match Interpolation::new(&variables, false).expand(text, 0, &mut BTreeSet::new()) {
            Ok(expanded) => expanded,
            Err(Refusal { message, help }) => format!("{message}; {help}"),
        }
    }

    #[test]
    fn variables_are_filled_in_as_the_author_meant() {
        let table = [
            ("bb:$TAG-alpine", "bb:1-alpine"),
            ("bb:${TAG}", "bb:1"),
            ("${NO:-a}${NO-b}", "ab"),
            ("${EMPTY:-a}${EMPTY-b}", "a"),
            ("${NO:-${B}}", "b"),
            ("${NO:-${NEITHER:-c}}d", "cd"),
            ("${TAG:+x}${NO:+y}", "x"),
            ("$$TAG $${TAG}", "$TAG ${TAG}"),
            ("${TAG?must-be}", "1"),
        ];
        for (written, meant) in table {
            assert_eq!(expanded(written), meant, "{written}");
        }
    }

    #[test]
    fn what_is_filled_in_is_bounded() {
        let variables = BTreeMap::from([("LONG".to_owned(), "x".repeat(1 << 20))]);
        let mut node = Node::text(0..0, "${LONG}".repeat(100_000));
        let filled = Interpolation::new(&variables, false).fill(&mut node);
        let told: Vec<String> = filled.problems.into_iter().map(|problem| problem.message).collect();
        insta::assert_snapshot!(told.join("\n"), @"the variables of the stack are replaced by more than 4 MiB");
    }

    #[test]
    fn what_cannot_be_filled_in_is_told() {
        insta::assert_snapshot!(expanded("nginx:${NO}"), @"the variable NO is not set; write ${NO:-default} or set it; write $$NO if the container is to see $NO");
        insta::assert_snapshot!(expanded("${NO?some-message}"), @"the variable NO must be set: some-message; set NO");
        insta::assert_snapshot!(expanded("${EMPTY:?}"), @"the variable EMPTY must be set; set EMPTY");
        insta::assert_snapshot!(expanded("u:$2y$05$abc"), @"`$2y` is not a variable; write $$ for a dollar sign, or ${NAME}");
        insta::assert_snapshot!(expanded("a$"), @"`$` is not a variable; write $$ for a dollar sign, or ${NAME}");
        insta::assert_snapshot!(expanded("${TAG"), @"`${TAG` is not a variable; write $$ for a dollar sign, or ${NAME}");
        insta::assert_snapshot!(expanded("a; exit $? ${B}"), @"`$?` is not a variable; write $$ for a dollar sign, or ${NAME}");
        insta::assert_snapshot!(expanded("$! ${NO}"), @"`$!` is not a variable; write $$ for a dollar sign, or ${NAME}");
        insta::assert_snapshot!(expanded("costs $ 5 ${B}"), @"`$` is not a variable; write $$ for a dollar sign, or ${NAME}");
        insta::assert_snapshot!(expanded("${TAG!x}"), @"`${TAG!x}` is not a variable; write $$ for a dollar sign, or ${NAME}");
        insta::assert_snapshot!(expanded(&format!("{}{}", "${NO:-".repeat(20), "}".repeat(20))), @"the defaults of variables are nested more than 16 deep; write the default out");
    }
}
