//! Settings that are not understood: where, what is wrong, and what was probably meant.

use serde_saphyr::{DefaultMessageFormatter, MessageFormatter as _};

use crate::diagnostic::{Diagnostic, KeyPath, Span, suggest::did_you_mean};
use crate::stack::yaml;

/// What the reader of YAML says of a text, with the place.
pub(super) fn in_text(text: &str, error: &serde_saphyr::Error) -> Diagnostic<Span> {
    let error = error.without_snippet();
    let at = error.location().map_or(0, |location| offset(text, location.line(), location.column()));
    let wrong = match error {
        serde_saphyr::Error::SerdeUnknownField { field, expected, .. } => unknown(field, expected),
        other => Diagnostic::new((), DefaultMessageFormatter.format_message(other)),
    };
    wrong.at(at..at)
}

/// What is wrong with the settings at these keys, with the place in the text.
pub(super) fn at_keys(text: &str, wrong: Diagnostic<KeyPath>) -> Diagnostic<Span> {
    let mut span = 0..0;
    let tree = yaml::parse(text.as_bytes()).ok();
    let mut node = tree.as_ref();
    for key in &wrong.place.0 {
        let Some((name, value)) = node.and_then(|node| node.entry(key)) else { break };
        (span, node) = (name.span.clone(), Some(value));
    }
    wrong.at(span)
}

/// What serde says of a value that was read by itself: it names no place.
pub(super) fn of_value(error: &serde_json::Error) -> Diagnostic<()> {
    let said = error.to_string();
    let Some((field, expected)) = said.strip_prefix("unknown field `").and_then(|rest| rest.split_once("`, expected "))
    else {
        return Diagnostic::new((), said);
    };
    let known: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
    unknown(field, &known)
}

fn unknown(key: &str, known: &[&str]) -> Diagnostic<()> {
    let help = did_you_mean(key, known.iter().copied()).unwrap_or_else(|| {
        format!("there are {}", known.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", "))
    });
    Diagnostic::new((), format!("there is no setting `{key}`")).help(help)
}

/// The byte at a line and a column, both from 1; a column is a character.
fn offset(text: &str, line: u64, column: u64) -> usize {
    let number = |number: u64| usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
    let begin: usize = text.split_inclusive('\n').take(number(line)).map(str::len).sum();
    let rest = text.get(begin..).unwrap_or_default();
    begin.saturating_add(rest.chars().take(number(column)).map(char::len_utf8).sum())
}
