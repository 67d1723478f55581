//! Lines of the file, and the logical lines that continuation characters make of them.

use crate::diagnostic::Span;
use crate::lint::dockerfile::{Dockerfile, Word};

/// The longest line that BuildKit reads, in bytes (`bufio.MaxScanTokenSize`).
const MAX_LINE: usize = 64 * 1024 - 1;

/// Reads a text line by line.
pub(super) struct Lines<'a> {
    text: &'a str,
    offset: usize,
    /// The character that continues a line.
    pub(super) escape: char,
    /// The first line that is longer than BuildKit reads.
    pub(super) too_long: Option<Span>,
    /// The blank lines inside of logical lines, each with its end.
    pub(super) blanks: Vec<Span>,
}

impl<'a> Lines<'a> {
    /// Begins after a byte order mark, if there is one.
    pub(super) fn new(text: &'a str) -> Self {
        let offset = if text.starts_with('\u{feff}') { 3 } else { 0 };
        Self { text, offset, escape: '\\', too_long: None, blanks: Vec::new() }
    }

    /// Where the next line begins.
    pub(super) fn offset(&self) -> usize {
        self.offset
    }

    /// The next line without its end, and where it begins.
    pub(super) fn line(&mut self) -> Option<(usize, &'a str)> {
        let rest = &self.text[self.offset..];
        if rest.is_empty() {
            return None;
        }
        let start = self.offset;
        let length = rest.find('\n').map_or(rest.len(), |end| end + 1);
        self.offset += length;
        if length > MAX_LINE {
            self.too_long.get_or_insert(start..start + length);
        }
        Some((start, rest[..length].trim_end_matches(['\n', '\r'])))
    }

    /// The next line, if it is a parser directive (`# escape=…`): its key and its value. Any other line stays unread.
    pub(super) fn directive(&mut self) -> Option<(&'a str, Word)> {
        let before = self.offset;
        let directive = self.line().and_then(|(start, line)| directive(start, line));
        if directive.is_none() {
            self.offset = before;
        }
        directive
    }

    /// The next logical line: blank lines and comments are left out, continued lines are put together.
    pub(super) fn logical(&mut self) -> Option<Logical> {
        loop {
            let (start, line) = self.line()?;
            if is_comment(line) || line.trim().is_empty() {
                continue;
            }
            let mut logical = Logical::default();
            let indent = line.len() - line.trim_start().len();
            let mut goes_on = logical.push(start + indent, &line[indent..], self.escape);
            while goes_on && let Some((start, line)) = self.line() {
                if line.trim().is_empty() {
                    self.blank(start);
                } else if !is_comment(line) {
                    goes_on = logical.push(start, line, self.escape);
                }
            }
            if !logical.text.trim().is_empty() {
                return Some(logical);
            }
        }
    }
}

impl Lines<'_> {
    fn blank(&mut self, start: usize) {
        if self.blanks.len() < Dockerfile::MAX_PROBLEMS {
            self.blanks.push(start..self.offset);
        }
    }
}

/// A logical line, and where its parts stand in the file.
#[derive(Debug, Default)]
pub(super) struct Logical {
    /// The text, without continuation characters and line ends.
    pub(super) text: String,
    /// From where in `text` on it is a copy of the file from where on.
    parts: Vec<(usize, usize)>,
}

impl Logical {
    /// Adds a line of the file and says whether the next one belongs to it.
    fn push(&mut self, start: usize, line: &str, escape: char) -> bool {
        let (kept, goes_on) = without_continuation(line, escape);
        self.parts.push((self.text.len(), start));
        self.text.push_str(kept);
        goes_on
    }

    /// The place in the file of a range of the text.
    pub(super) fn place(&self, range: Span) -> Span {
        let start = self.offset(range.start);
        let end = if range.is_empty() { start } else { self.offset(range.end - 1) + 1 };
        start..end
    }

    /// The part of the text, trimmed, as a word.
    pub(super) fn word(&self, range: Span) -> Word {
        let range = self.trimmed(range);
        Word { text: self.text[range.clone()].to_owned(), span: self.place(range) }
    }

    /// The range without the spaces at its ends.
    pub(super) fn trimmed(&self, range: Span) -> Span {
        let text = &self.text[range.clone()];
        let start = range.start + (text.len() - text.trim_start().len());
        start..start + text.trim().len()
    }

    fn offset(&self, at: usize) -> usize {
        let part = self.parts.partition_point(|&(start, _)| start <= at).saturating_sub(1);
        self.parts.get(part).map_or(0, |&(start, offset)| offset + (at - start))
    }
}

/// The line without its continuation character, and whether it had one. A doubled one is text.
fn without_continuation(line: &str, escape: char) -> (&str, bool) {
    match line.trim_end_matches([' ', '\t']).strip_suffix(escape) {
        Some(kept) if !kept.ends_with(escape) => (kept, true),
        _ => (line, false),
    }
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with('#')
}

fn directive(start: usize, line: &str) -> Option<(&str, Word)> {
    let (key, value) = line.trim_start().strip_prefix('#')?.split_once('=')?;
    let (key, value) = (key.trim(), value.trim());
    if !["syntax", "escape", "check"].iter().any(|known| known.eq_ignore_ascii_case(key)) || value.is_empty() {
        return None;
    }
    let at = start + line.rfind(value)?;
    Some((key, Word { text: value.to_owned(), span: at..at + value.len() }))
}
