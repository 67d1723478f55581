//! `[ … ]`: whether its parts make an expression.

use crate::lint::shell::parser::Parser;
use crate::lint::shell::{PartKind, Simple, Word};

/// Notes what is wrong with a command, if it is `[`.
pub(super) fn check(parser: &mut Parser<'_>, simple: &Simple) {
    let ([open, rest @ ..], false) = (simple.words.as_slice(), parser.has_failed()) else { return };
    if is_grown_together(open, rest) {
        return parser.fail(open.span.clone(), "SC1072", "a space is missing after this `[`");
    }
    if open.text != "[" || !open.is_plain() {
        return;
    }
    let Some((last, inner)) = rest.split_last() else { return };
    if last.text != "]" {
        let span = last.span.clone();
        return parser.fail(span, "SC1072", "`]` is missing behind this, as a word of its own");
    }
    let mut expression = Expression { words: inner, at: 0, depth: 0 };
    if !inner.is_empty() && !expression.is_valid() {
        let span = expression.next().unwrap_or(last).span.clone();
        let message = if expression.next().is_some() {
            "an operator is missing before this"
        } else {
            "an operand is missing before this"
        };
        parser.fail(span, "SC1072", message);
    }
}

/// Whether the name of a command is `[` and the first word of an expression: `[-f x]`, `[[$a == b ]]`.
fn is_grown_together(open: &Word, rest: &[Word]) -> bool {
    let begins = open.parts.first().is_some_and(|part| part.kind == PartKind::Literal && !part.quoted);
    let is_closed = rest.last().is_some_and(|last| last.text.ends_with(']'));
    begins && is_closed && open.text.starts_with('[') && !["[", "[["].contains(&open.text.as_str())
}

/// Reads the words between the brackets.
struct Expression<'a> {
    words: &'a [Word],
    at: usize,
    depth: usize,
}

impl<'a> Expression<'a> {
    fn is_valid(&mut self) -> bool {
        self.terms() && self.at == self.words.len()
    }

    fn next(&self) -> Option<&'a Word> {
        self.words.get(self.at)
    }

    fn is_next(&self, known: &[&str]) -> bool {
        self.next().is_some_and(|word| known.contains(&word.text.as_str()))
    }

    fn take(&mut self, known: &[&str]) -> bool {
        let found = self.is_next(known);
        self.at += usize::from(found);
        found
    }

    fn terms(&mut self) -> bool {
        self.depth += 1;
        let mut valid = self.depth < 20 && self.term();
        while valid && self.take(&["-a", "-o"]) {
            valid = self.term();
        }
        self.depth -= 1;
        valid
    }

    fn term(&mut self) -> bool {
        while self.is_next(&["!"]) && self.at + 1 < self.words.len() {
            self.at += 1;
        }
        if self.take(&["("]) {
            return self.terms() && self.take(&[")"]);
        }
        let Some(first) = self.next() else { return false };
        self.at += 1;
        if is_unary(first) && !self.is_before_binary() {
            return self.operand();
        }
        if self.next().is_some_and(|word| BINARY.contains(&word.text.as_str())) {
            self.at += 1;
            return self.operand();
        }
        true
    }

    fn operand(&mut self) -> bool {
        let found = self.at < self.words.len();
        self.at += usize::from(found);
        found
    }

    /// Whether a word that looks like an operator is an operand: `[ -f = x ]`.
    fn is_before_binary(&self) -> bool {
        self.is_next(&BINARY) && self.at + 1 < self.words.len()
    }
}

const BINARY: [&str; 17] =
    ["=", "==", "!=", "<", ">", "<=", ">=", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef", "=~"];

fn is_unary(word: &Word) -> bool {
    word.is_plain()
        && word.text.len() == 2
        && word.text.starts_with('-')
        && word.text.as_bytes()[1].is_ascii_alphabetic()
}
