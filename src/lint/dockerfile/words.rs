//! The parts of a logical line: flags, words, JSON lists.

use crate::diagnostic::Span;
use crate::lint::dockerfile::lines::Logical;
use crate::lint::dockerfile::{Flag, Word};

/// The end of the word that begins at `start`: the next space outside of quotes.
///
/// A quote that is not closed ends with the text.
fn word_end(text: &str, start: usize, escape: char) -> usize {
    let mut quote = None;
    let mut escaped = false;
    for (index, c) in text[start..].char_indices() {
        match quote {
            _ if escaped => escaped = false,
            Some('\'') if c == '\'' => quote = None,
            Some('\'') => {}
            _ if c == escape => escaped = true,
            Some(open) if c == open => quote = None,
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c.is_whitespace() => return start + index,
            _ => {}
        }
    }
    text.len()
}

/// The ranges of the words of a text from `start` on.
pub(super) fn ranges(text: &str, start: usize, escape: char) -> impl Iterator<Item = Span> {
    let mut at = start;
    std::iter::from_fn(move || {
        let begin = at + text[at..].find(|c: char| !c.is_whitespace())?;
        at = word_end(text, begin, escape);
        Some(begin..at)
    })
}

/// Takes the flags that an instruction's arguments begin with; the rest begins where the answer says.
///
/// `--` alone ends the flags, as in BuildKit's `extractBuilderFlags`.
pub(super) fn flags(line: &Logical, start: usize, escape: char) -> (Vec<Flag>, usize) {
    let mut flags = Vec::new();
    let mut rest = start;
    for range in ranges(&line.text, start, escape) {
        match line.text[range.clone()].strip_prefix("--") {
            Some("") => return (flags, range.end),
            Some(_) => flags.push(flag(line, range.clone())),
            None => break,
        }
        rest = range.end;
    }
    (flags, rest)
}

fn flag(line: &Logical, range: Span) -> Flag {
    let text = &line.text[range.start + 2..range.end];
    let (name, value) = match text.split_once('=') {
        Some((name, _)) => (name, Some(line.word(range.start + 3 + name.len()..range.end))),
        None => (text, None),
    };
    Flag { name: name.to_owned(), value, span: line.place(range) }
}

/// A flag as the builder reads it, without its quotes and escapes: `extractBuilderFlags`.
pub(in crate::lint) fn bare(text: &str, escape: char) -> String {
    let mut bare = String::with_capacity(text.len());
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match quote {
            _ if c == escape => bare.extend(chars.next()),
            Some(open) if c == open => quote = None,
            None if c == '"' || c == '\'' => quote = Some(c),
            _ => bare.push(c),
        }
    }
    bare
}

/// The words of the rest of a line, with their quotes.
pub(super) fn quoted(line: &Logical, start: usize, escape: char) -> Vec<Word> {
    ranges(&line.text, start, escape).map(|range| line.word(range)).collect()
}

/// The words of the rest of a line, where quotes mean nothing.
pub(super) fn plain(line: &Logical, start: usize) -> Vec<Word> {
    let mut words = Vec::new();
    let mut at = start;
    for part in line.text[start..].split_inclusive(char::is_whitespace) {
        let end = at + part.trim_end().len();
        if end > at {
            words.push(line.word(at..end));
        }
        at += part.len();
    }
    words
}

/// What the rest of a line is, read as a JSON list.
pub(super) enum Json {
    /// A list of strings.
    Strings(Vec<Word>),
    /// A list, but not of strings only.
    Others,
    /// Not JSON: a text that begins with `[` is a shell's test command.
    No,
}

/// Reads the rest of a line as a JSON list.
///
/// The strings have the place of the whole list where they cannot be found in it as they are.
pub(super) fn json(line: &Logical, start: usize) -> Json {
    let range = line.trimmed(start..line.text.len());
    if !line.text[range.clone()].starts_with('[') {
        return Json::No;
    }
    match serde_json::from_str::<Vec<serde_json::Value>>(&line.text[range.clone()]) {
        Ok(values) => strings(line, range, &values).map_or(Json::Others, Json::Strings),
        Err(_) => Json::No,
    }
}

fn strings(line: &Logical, list: Span, values: &[serde_json::Value]) -> Option<Vec<Word>> {
    let mut from = list.start;
    let mut words = Vec::with_capacity(values.len());
    for value in values {
        let text = value.as_str()?;
        let place = string_range(&line.text, from..list.end);
        from = place.end;
        words.push(Word { text: text.to_owned(), span: line.place(place) });
    }
    Some(words)
}

/// The range of the next string in quotes.
fn string_range(text: &str, within: Span) -> Span {
    let Some(open) = text[within.clone()].find('"').map(|at| within.start + at) else { return within };
    let mut escaped = false;
    for (index, c) in text[open + 1..within.end].char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return open..open + index + 2,
            _ => {}
        }
    }
    open..within.end
}
