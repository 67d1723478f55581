//! The variables in a word: where they stand, and what a word is when they are known.
//!
//! After BuildKit's `frontend/dockerfile/shell`: nothing is a variable in single quotes or after an escape character. Of
//! the forms in braces the values of `:-`, `-`, `:+` and `+` are followed; what `#`, `%`, `/` and `?` make of a value is not
//! worked out, and is not known.

use std::collections::BTreeMap;

use crate::diagnostic::Span;

/// `$NAME`, or `${NAME}` with something after the name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable<'a> {
    /// Its name, without dollar and braces.
    pub name: &'a str,
    /// What stands in the braces after the name: `:-default`.
    pub rest: &'a str,
    /// Where it stands in the text, from the dollar on.
    pub range: Span,
}

impl<'a> Variable<'a> {
    /// What is written in its place if it is not set.
    pub fn default(&self) -> Option<&'a str> {
        self.rest.strip_prefix(":-").or_else(|| self.rest.strip_prefix('-'))
    }

    /// Whether it says what to do if it is not set.
    pub fn minds_unset(&self) -> bool {
        self.rest.trim_start_matches(':').starts_with(['-', '+', '?'])
    }
}

/// The variables of a text, those inside of defaults left out.
pub fn variables(text: &str, escape: char) -> Vec<Variable<'_>> {
    if !text.contains('$') {
        return Vec::new();
    }
    let braces = closing_braces(text);
    let mut found = Vec::new();
    let mut quote = None;
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let next = at + c.len_utf8();
        match (quote, c) {
            (Some('\''), c) if c != '\'' => {}
            (_, '$') => {
                let variable = variable(text, at, &braces);
                at = variable.as_ref().map_or(next, |variable| variable.range.end);
                found.extend(variable);
                continue;
            }
            (_, c) if c == escape => {
                at = next + text[next..].chars().next().map_or(0, char::len_utf8);
                continue;
            }
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
        at = next;
    }
    found
}

/// The variable that begins at this dollar.
fn variable<'a>(text: &'a str, at: usize, braces: &BTreeMap<usize, usize>) -> Option<Variable<'a>> {
    let rest = &text[at + 1..];
    let Some(inside) = rest.strip_prefix('{') else {
        let end = name_end(rest);
        return (end > 0).then(|| Variable { name: &rest[..end], rest: "", range: at..at + 1 + end });
    };
    let close = braces.get(&(at + 1))? - (at + 2);
    let end = name_end(inside);
    let variable = Variable { name: &inside[..end], rest: &inside[end..close], range: at..at + 3 + close };
    (end > 0).then_some(variable)
}

/// The brace that closes each opening one. In one pass: a text may have many that are never closed.
fn closing_braces(text: &str) -> BTreeMap<usize, usize> {
    let mut open = Vec::new();
    let mut closing = BTreeMap::new();
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => open.push(at),
            b'}' => closing.extend(open.pop().map(|start| (start, at))),
            _ => {}
        }
    }
    closing
}

fn name_end(text: &str) -> usize {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    if text.starts_with(|c: char| c.is_ascii_digit()) { 0 } else { end }
}

/// Replaces the variables of a text and takes its quotes away; `None` if one of them is not known, or if the result has
/// more than `room` bytes.
///
/// `value` is what is known of a variable: `Some(None)` is one that is surely not set.
pub fn expand<'v>(
    text: &str,
    escape: char,
    room: usize,
    value: &impl Fn(&str) -> Option<Option<&'v str>>,
) -> Option<String> {
    let mut expanded = String::new();
    let mut at = 0;
    for variable in variables(text, escape) {
        expanded.push_str(&without_quotes(&text[at..variable.range.start], escape));
        filled(&variable, escape, value, &mut expanded)?;
        at = variable.range.end;
        if expanded.len() > room {
            return None;
        }
    }
    expanded.push_str(&without_quotes(&text[at..], escape));
    (expanded.len() <= room).then_some(expanded)
}

/// Adds what takes the place of a variable.
fn filled<'v>(
    variable: &Variable<'_>,
    escape: char,
    value: &impl Fn(&str) -> Option<Option<&'v str>>,
    expanded: &mut String,
) -> Option<()> {
    let value_of = value(variable.name)?;
    let (strict, rest) = variable.rest.strip_prefix(':').map_or((false, variable.rest), |rest| (true, rest));
    let set = value_of.filter(|value| !(strict && value.is_empty()));
    match (rest.chars().next(), set) {
        (None, set) => expanded.push_str(set.unwrap_or_default()),
        (Some('-'), Some(value)) => expanded.push_str(value),
        (Some('-'), None) | (Some('+'), Some(_)) => nested(&rest[1..], escape, value, expanded)?,
        (Some('+'), None) => {}
        _ => return None,
    }
    Some(())
}

/// Adds a default, with one level of variables inside of it: nobody writes more.
fn nested<'v>(
    text: &str,
    escape: char,
    value: &impl Fn(&str) -> Option<Option<&'v str>>,
    expanded: &mut String,
) -> Option<()> {
    let mut default = String::new();
    let mut at = 0;
    for variable in variables(text, escape) {
        let known = variable.rest.is_empty().then(|| value(variable.name)).flatten()?;
        default.push_str(&text[at..variable.range.start]);
        default.push_str(known.unwrap_or_default());
        at = variable.range.end;
    }
    default.push_str(&text[at..]);
    expanded.push_str(&without_quotes(&default, escape));
    Some(())
}

fn without_quotes(text: &str, escape: char) -> String {
    let mut chars = text.chars();
    let mut out = String::with_capacity(text.len());
    while let Some(c) = chars.next() {
        match c {
            c if c == escape => out.extend(chars.next()),
            '"' | '\'' => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_found_where_a_shell_would() {
        let names = |text| variables(text, '\\').into_iter().map(|one| (one.name, one.rest)).collect::<Vec<_>>();
        assert_eq!(names("a$B-${C}_${D:-x${E}}"), [("B", ""), ("C", ""), ("D", ":-x${E}")]);
        assert_eq!(names(r#"'$A' \$B "$C" "'$D'" $$E $1 ${ ${}"#), [("C", ""), ("D", ""), ("E", "")]);
    }

    #[test]
    fn a_word_is_known_if_its_variables_are() {
        let value = |name: &str| match name {
            "A" => Some(Some("1")),
            "EMPTY" => Some(Some("")),
            "UNSET" => Some(None),
            _ => None,
        };
        let expanded = |text| expand(text, '\\', 100, &value);
        assert_eq!(expanded(r#""x$A"-'$A'${A:+y}"#).as_deref(), Some("x1-$Ay"));
        assert_eq!(expanded("${EMPTY:-a}${EMPTY-b}${UNSET-c}${UNSET}").as_deref(), Some("ac"));
        assert_eq!(expanded("${UNSET:-v$A}").as_deref(), Some("v1"));
        assert_eq!([expanded("$OTHER"), expanded("${A%1}"), expanded("${UNSET:-$OTHER}")], [None, None, None]);
        assert_eq!([expanded(&"$A".repeat(101)), expanded(&"x".repeat(101))], [None, None]);
    }
}
