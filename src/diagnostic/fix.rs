//! A change of a file that resolves a finding.

use super::Span;

/// A change of a file that resolves a finding.
///
/// A fix is *safe* if the file certainly means the same afterwards, or what its author certainly meant: only safe fixes
/// are applied without asking. Other fixes are offered in an editor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// The change as an instruction without a full stop: "write `AS` in capitals".
    pub title: String,
    /// Whether the fix is safe.
    pub safe: bool,
    /// The replacements, which do not overlap.
    pub edits: Vec<Edit>,
}

/// A replacement of a part of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The range of bytes to replace; empty for an insertion.
    pub span: Span,
    /// The new text.
    pub text: String,
}

impl Fix {
    /// A safe fix.
    pub fn safe(title: impl Into<String>) -> Self {
        Self { title: title.into(), safe: true, edits: Vec::new() }
    }

    /// A fix that a person has to review.
    pub fn offered(title: impl Into<String>) -> Self {
        Self { safe: false, ..Self::safe(title) }
    }

    /// Also replaces this range with `text`.
    #[must_use]
    pub fn replace(mut self, span: &Span, text: impl Into<String>) -> Self {
        self.edits.push(Edit { span: span.clone(), text: text.into() });
        self
    }

    /// Also inserts `text` at `at`.
    #[must_use]
    pub fn insert(self, at: usize, text: impl Into<String>) -> Self {
        self.replace(&(at..at), text)
    }

    /// Also deletes this range.
    #[must_use]
    pub fn delete(self, span: &Span) -> Self {
        self.replace(span, "")
    }
}

/// The text after as many of these fixes as do not overlap, the first in the text first; `None` if there is none. The
/// others are applied in the next round.
pub fn apply<'a>(text: &[u8], fixes: impl Iterator<Item = &'a Fix>) -> Option<Vec<u8>> {
    let mut fixes: Vec<&Fix> = fixes.filter(|fix| !fix.edits.is_empty() && fix.fits(text)).collect();
    fixes.sort_by_key(|fix| fix.edits.iter().map(|edit| edit.span.start).min());
    let mut taken: Vec<&Edit> = Vec::new();
    for fix in fixes {
        if fix.edits.iter().all(|edit| taken.iter().rev().take(MAX_COMPARED).all(|other| !edit.touches(other))) {
            taken.extend(&fix.edits);
        }
    }
    taken.sort_by_key(|edit| (edit.span.start, edit.span.end));
    let apart = taken.windows(2).all(|pair| pair[0].span.end <= pair[1].span.start);
    (apart && !taken.is_empty()).then(|| written(text, &taken))
}

/// How many preceding edits are compared with one: fixes are ordered, and each covers a small range.
const MAX_COMPARED: usize = 1000;

fn written(text: &[u8], edits: &[&Edit]) -> Vec<u8> {
    let mut fixed = Vec::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        fixed.extend_from_slice(&text[at..edit.span.start]);
        fixed.extend_from_slice(edit.text.as_bytes());
        at = edit.span.end;
    }
    fixed.extend_from_slice(&text[at..]);
    fixed
}

impl Fix {
    fn fits(&self, text: &[u8]) -> bool {
        self.edits.iter().all(|edit| edit.span.start <= edit.span.end && edit.span.end <= text.len())
    }
}

impl Edit {
    /// Whether two edits overlap.
    fn touches(&self, other: &Self) -> bool {
        self.span.start == other.span.start || (self.span.start < other.span.end && other.span.start < self.span.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixes_that_get_in_each_others_way_wait() {
        let fixed = |fixes: &[Fix]| apply(b"0123456789", fixes.iter()).map(|text| String::from_utf8(text).unwrap());
        let fix = |span: Span, text: &str| Fix::safe("write it").replace(&span, text);
        assert_eq!(fixed(&[fix(6..8, "b"), fix(0..2, "a")]).as_deref(), Some("a2345b89"));
        assert_eq!(fixed(&[fix(0..4, "a"), fix(3..5, "b"), fix(5..5, "c")]).as_deref(), Some("a4c56789"));
        assert_eq!(fixed(&[fix(2..2, "a"), fix(2..2, "b")]).as_deref(), Some("01a23456789"), "at one place");
        let both = fix(0..1, "x").delete(&(8..10));
        assert_eq!(fixed(&[both, fix(9..10, "y")]).as_deref(), Some("x1234567"), "all of it or nothing");
        assert_eq!(fixed(&[fix(8..12, "a")]), None, "out of the text");
        assert_eq!(fixed(&[Fix::safe("do nothing")]), None);
    }
}
