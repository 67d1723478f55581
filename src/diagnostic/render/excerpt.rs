//! The place of a finding, and the line that it points at.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::Texts;
use crate::diagnostic::{Diagnostic, Place, Span};
use crate::mask;
use crate::name::RepoPath;
use crate::text::one_line;

/// How many bytes of a line are shown before the place.
const BEFORE: usize = 60;
/// How many bytes of a line are shown from the place on.
const BEHIND: usize = 100;

/// How many bytes of a line on both sides of a place are searched for secrets: the name of one may precede the shown
/// part.
const AROUND: usize = 1000;

/// The texts with an index of their lines.
pub(crate) struct Sources<'a> {
    texts: BTreeMap<&'a RepoPath, Source<'a>>,
}

/// A line and a column, both from 1; a column is a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl Position {
    const START: Self = Self { line: 1, column: 1 };
}

/// The replacement for a tab.
pub(crate) const TAB: &str = "    ";

/// The line of a place, cut to a readable length and safe to print but for its tabs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Excerpt {
    pub(crate) position: Position,
    pub(crate) text: String,
    /// The marked bytes of `text`; never empty unless they are at its end.
    pub(crate) marked: Range<usize>,
}

impl<'a> Sources<'a> {
    /// Indexes the lines of the files with findings.
    pub(crate) fn of(findings: &'a [Diagnostic], texts: &'a Texts) -> Self {
        let paths: BTreeSet<&RepoPath> = findings.iter().map(|finding| &finding.place.path).collect();
        Self { texts: paths.into_iter().filter_map(|path| Some((path, Source::new(texts.get(path)?)))).collect() }
    }

    /// Where a place begins and ends.
    pub(crate) fn positions(&self, place: &Place) -> (Position, Position) {
        match self.texts.get(&place.path) {
            Some(source) => (source.position(place.span.start), source.position(place.span.end)),
            None => (Position::START, Position::START),
        }
    }

    /// Where a span of a file begins and ends.
    pub(crate) fn between(&self, path: &RepoPath, span: &Span) -> (Position, Position) {
        self.positions(&Place { path: path.clone(), span: span.clone() })
    }

    /// The line of a place; `None` for the whole file.
    pub(crate) fn excerpt(&self, place: &Place) -> Option<Excerpt> {
        if place.span == (0..0) {
            return None;
        }
        self.texts.get(&place.path).map(|source| source.excerpt(&place.span))
    }
}

struct Source<'a> {
    text: &'a [u8],
    /// Where each line begins.
    lines: Vec<usize>,
}

impl<'a> Source<'a> {
    fn new(text: &'a [u8]) -> Self {
        let ends = text.iter().enumerate().filter(|&(_, &byte)| byte == b'\n').map(|(at, _)| at + 1);
        Self { text, lines: std::iter::once(0).chain(ends).collect() }
    }

    /// The index of the line that an offset is in.
    fn line_of(&self, offset: usize) -> usize {
        self.lines.partition_point(|&start| start <= offset) - 1
    }

    fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.text.len());
        let line = self.line_of(offset);
        let before = &self.text[self.lines[line]..offset];
        Position { line: line + 1, column: before.iter().filter(|&&byte| begins_character(byte)).count() + 1 }
    }

    fn excerpt(&self, span: &Span) -> Excerpt {
        let start = span.start.min(self.text.len());
        let line = self.line_of(start);
        let begin = self.lines[line];
        let end = self.line_end(line).max(start);
        let from = self.boundary(start.saturating_sub(BEFORE).max(begin));
        let to = self.boundary((start + BEHIND).min(end));
        let stop = span.end.clamp(start, to);
        let (base, shown) = self.masked(start.saturating_sub(AROUND).max(begin)..(start + AROUND).min(end));
        let part = |range: Range<usize>| harmless(&shown[range.start - base..range.end - base]);
        let mut text = if from > begin { "…".to_owned() } else { String::new() };
        text.push_str(&part(from..start));
        let marked = text.len();
        text.push_str(&part(start..stop));
        let marked = marked..text.len();
        text.push_str(&part(stop..to));
        if to < end {
            text.push('…');
        }
        Excerpt { position: self.position(start), marked: at_least_one(&text, marked), text }
    }

    /// A part of a line with its secrets hidden, byte for byte, and where it begins.
    fn masked(&self, range: Range<usize>) -> (usize, Cow<'_, [u8]>) {
        let (from, to) = (self.boundary(range.start), self.boundary(range.end));
        let part = &self.text[from..to.max(from)];
        let masked = std::str::from_utf8(part).ok().map(mask::starred).map(|text| match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        });
        (from, masked.unwrap_or(Cow::Borrowed(part)))
    }

    fn line_end(&self, line: usize) -> usize {
        let end = self.lines.get(line + 1).map_or(self.text.len(), |next| next - 1);
        if self.text[..end].ends_with(b"\r") { end - 1 } else { end }
    }

    /// The nearest offset at or before this one that does not split a character.
    fn boundary(&self, mut offset: usize) -> usize {
        for _ in 0..3 {
            if self.text.get(offset).is_none_or(|&byte| begins_character(byte)) {
                break;
            }
            offset = offset.saturating_sub(1);
        }
        offset
    }
}

fn begins_character(byte: u8) -> bool {
    byte & 0xc0 != 0x80
}

/// An empty mark is widened to the character it stands before.
fn at_least_one(text: &str, marked: Range<usize>) -> Range<usize> {
    if marked.is_empty() {
        marked.start..marked.start + text[marked.start..].chars().next().map_or(0, char::len_utf8)
    } else {
        marked
    }
}

/// The path of a place; the repository as a whole is `.`.
pub(crate) fn path(place: &Place) -> String {
    match place.path.as_str() {
        "" => ".".into(),
        path => clean(path.as_bytes()),
    }
}

/// Bytes of a file in one line of text, with control characters made visible.
pub(crate) fn clean(bytes: &[u8]) -> String {
    harmless(bytes).replace('\t', TAB)
}

/// The same, with tabs unchanged.
fn harmless(bytes: &[u8]) -> String {
    one_line(&String::from_utf8_lossy(bytes)).into_owned()
}
