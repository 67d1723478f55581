//! A change of a file that takes away what was found.

use super::Span;

/// What to write instead.
///
/// A fix is *safe* if the file surely means the same afterwards, or what its author surely meant: only such fixes are
/// applied without asking. Any other is offered to a person, in an editor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// What it does, as an instruction without a full stop: "write `AS` in capitals".
    pub title: String,
    /// Whether the file surely means the same afterwards.
    pub safe: bool,
    /// The pieces of the file that are replaced; no two of them overlap.
    pub edits: Vec<Edit>,
}

/// A piece of a file, and what to write there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The bytes that are replaced; none of them for what is put in between.
    pub span: Span,
    /// What is written there.
    pub text: String,
}

impl Fix {
    /// A fix after which the file surely means the same.
    pub fn safe(title: impl Into<String>) -> Self {
        Self { title: title.into(), safe: true, edits: Vec::new() }
    }

    /// A fix that a person should look at.
    pub fn offered(title: impl Into<String>) -> Self {
        Self { safe: false, ..Self::safe(title) }
    }

    /// Also writes `text` in the place of what stands there.
    #[must_use]
    pub fn replace(mut self, span: &Span, text: impl Into<String>) -> Self {
        self.edits.push(Edit { span: span.clone(), text: text.into() });
        self
    }

    /// Also writes `text` before what stands at `at`.
    #[must_use]
    pub fn insert(self, at: usize, text: impl Into<String>) -> Self {
        self.replace(&(at..at), text)
    }

    /// Also takes away what stands there.
    #[must_use]
    pub fn delete(self, span: &Span) -> Self {
        self.replace(span, "")
    }
}

/// The text after as many of these fixes as do not get in each other's way, the first in the text first; none if none is
/// left. What is left over finds its place in the next round.
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

/// How many edits before one are looked at: fixes are in the order of the text, and none reaches far.
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
    /// Whether two of them cannot both be carried out.
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
