//! A set of places in a text, for testing whether others overlap.

use crate::diagnostic::Span;

/// A set of places.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Spans {
    /// The places, ordered by their starts.
    spans: Vec<Span>,
    /// For each place, the furthest end of it and of those before it.
    ends: Vec<usize>,
}

impl Spans {
    /// Whether one of them overlaps this place; an empty place overlaps where it is contained.
    pub fn touch(&self, span: &Span) -> bool {
        let end = span.end.max(span.start + 1);
        let before = self.spans.partition_point(|known| known.start < end);
        before > 0 && self.ends[before - 1] > span.start
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }
}

impl FromIterator<Span> for Spans {
    fn from_iter<T: IntoIterator<Item = Span>>(spans: T) -> Self {
        let mut spans: Vec<Span> = spans.into_iter().map(|span| span.start..span.end.max(span.start + 1)).collect();
        spans.sort_by_key(|span| span.start);
        let mut furthest = 0;
        let ends = spans.iter().map(|span| {
            furthest = furthest.max(span.end);
            furthest
        });
        let ends = ends.collect();
        Self { spans, ends }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_touch_where_they_have_a_byte_in_common() {
        let spans: Spans = [8..9, 0..20, 30..30].into_iter().collect();
        let touched = |span: Span| spans.touch(&span);
        assert!(touched(0..1) && touched(15..16) && touched(19..40) && touched(30..30) && touched(5..5));
        assert!(!touched(20..30) && !touched(31..40) && !touched(20..20));
        assert!(!Spans::default().touch(&(0..9)) && Spans::default().is_empty() && !spans.is_empty());
    }
}
