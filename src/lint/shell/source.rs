//! The text of a script, and where its parts stand in the Dockerfile.

use crate::diagnostic::Span;
use crate::lint::dockerfile::Word;

/// A text that was put together from parts of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::lint) struct Source {
    /// The text, without continuation characters and the comments between lines.
    pub(in crate::lint) text: String,
    /// From where in `text` on it is a copy of the file from where on.
    parts: Vec<(usize, usize)>,
    /// Where the part of the file ends that all places are in.
    limit: usize,
}

impl Source {
    /// The logical line that stands in a range of the file: continued lines put together, comments and blank lines between
    /// them left out.
    pub(super) fn of_line(file: &str, range: Span, escape: char) -> Self {
        let mut source = Self::default();
        let mut start = range.start;
        for line in file.get(range).unwrap_or_default().split_inclusive('\n') {
            if source.parts.is_empty() || !(line.trim().is_empty() || line.trim_start().starts_with('#')) {
                source.push(start, without_continuation(line.trim_end_matches(['\n', '\r']), escape));
            }
            start += line.len();
        }
        source
    }

    /// A range of the file as it is.
    pub(super) fn of_lines(file: &str, range: Span) -> Self {
        let mut source = Self::default();
        source.push(range.start, file.get(range).unwrap_or_default());
        source
    }

    /// The text of a string in quotes, as far as it is written as it is read.
    pub(super) fn of_item(item: &Word) -> Self {
        let mut source = Self::default();
        source.push(item.span.start + 1, &item.text);
        source.limit = item.span.end;
        source
    }

    /// Adds a part of the file.
    pub(super) fn push(&mut self, start: usize, text: &str) {
        self.parts.push((self.text.len(), start));
        self.text.push_str(text);
        self.limit = self.limit.max(start + text.len());
    }

    /// The place in the file of a range of the text.
    pub(in crate::lint) fn place(&self, range: &Span) -> Span {
        let start = self.offset(range.start);
        let end = if range.is_empty() { start } else { self.offset(range.end - 1) + 1 };
        start.min(self.limit)..end.min(self.limit)
    }

    fn offset(&self, at: usize) -> usize {
        let part = self.parts.partition_point(|&(start, _)| start <= at).saturating_sub(1);
        self.parts.get(part).map_or(0, |&(start, offset)| offset + (at - start))
    }
}

/// The line without its continuation character. A doubled one is text.
fn without_continuation(line: &str, escape: char) -> &str {
    match line.trim_end_matches([' ', '\t']).strip_suffix(escape) {
        Some(kept) if !kept.ends_with(escape) => kept,
        _ => line,
    }
}
