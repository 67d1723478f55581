//! Words: quotes, variables, substitutions.

use crate::diagnostic::Span;
use crate::lint::shell::parser::{Parser, is_delimiter};
use crate::lint::shell::{Expansion, ExpansionKind, List, Part, PartKind, Role, Word};

impl Parser<'_> {
    /// The next word, if there is one.
    pub(super) fn word(&mut self, role: Role) -> Option<Word> {
        let outer = std::mem::replace(&mut self.role, role);
        let start = self.at;
        let mut word = Word::default();
        if self.starts_with("<(") || self.starts_with(">(") {
            self.at += 1;
            let kind = self.substitution();
            self.expansion(&mut word, start, ExpansionKind::Process(kind), false);
        }
        while !self.has_failed() && self.peek().is_some_and(|byte| !is_delimiter(byte)) {
            self.piece(&mut word);
        }
        self.role = outer;
        word.span = start..self.at;
        (self.at > start && !self.has_failed()).then_some(word)
    }

    /// Takes a part of a word that stands outside of double quotes.
    fn piece(&mut self, word: &mut Word) {
        match self.peek() {
            Some(b'\'') => self.single(word),
            Some(b'"') => self.double(word),
            Some(b'$') => self.dollar(word, false),
            Some(b'`') => self.backticks(word, false),
            Some(b'\\') => self.escaped(word),
            _ => self.literal(word, false, |byte| is_delimiter(byte) || is_special(byte)),
        }
    }

    fn literal(&mut self, word: &mut Word, quoted: bool, ends: fn(u8) -> bool) {
        let start = self.at;
        // At least one: what ends a text may begin it, such as a `$` alone.
        let rest = &self.text.as_bytes()[start + 1..self.end];
        self.at = start + 1 + rest.iter().position(|&byte| ends(byte)).unwrap_or(rest.len());
        self.add(word, start..self.at, PartKind::Literal, quoted);
    }

    fn add(&self, word: &mut Word, span: Span, kind: PartKind, quoted: bool) {
        word.text.push_str(&self.text[span.clone()]);
        match word.parts.last_mut() {
            Some(last)
                if kind == PartKind::Literal
                    && last.kind == kind
                    && last.quoted == quoted
                    && last.span.end == span.start =>
            {
                last.span.end = span.end;
            }
            _ => word.parts.push(Part { span, kind, quoted }),
        }
    }

    fn escaped(&mut self, word: &mut Word) {
        let start = self.at;
        let Some(next) = self.text[start + 1..self.end].chars().next() else {
            return self.literal(word, false, is_delimiter);
        };
        self.at += 1 + next.len_utf8();
        if next != '\n' {
            word.text.push(next);
            word.parts.push(Part { span: start..self.at, kind: PartKind::Escaped, quoted: false });
        }
    }

    fn single(&mut self, word: &mut Word) {
        let start = self.at;
        let Some(length) = self.text[start + 1..self.end].find('\'') else {
            return self.fail(start..start + 1, "SC1072", "this quote is never closed");
        };
        self.at = start + length + 2;
        word.text.push_str(&self.text[start + 1..self.at - 1]);
        word.parts.push(Part { span: start..self.at, kind: PartKind::Single, quoted: false });
    }

    fn double(&mut self, word: &mut Word) {
        let start = self.at;
        if !self.deeper() {
            return;
        }
        self.at += 1;
        while !self.has_failed() {
            match self.peek() {
                None => return self.fail(start..start + 1, "SC1072", "this quote is never closed"),
                Some(b'"') => {
                    self.at += 1;
                    break;
                }
                Some(b'$') => self.dollar(word, true),
                Some(b'`') => self.backticks(word, true),
                Some(b'\\') if matches!(self.peek_at(1), Some(b'$' | b'`' | b'"' | b'\\')) => {
                    self.at += 2;
                    word.text.push_str(&self.text[self.at - 1..self.at]);
                    word.parts.push(Part { span: self.at - 2..self.at, kind: PartKind::Escaped, quoted: true });
                }
                Some(_) => self.literal(word, true, |byte| matches!(byte, b'"' | b'$' | b'`' | b'\\')),
            }
        }
        self.depth -= 1;
    }

    fn expansion(&mut self, word: &mut Word, start: usize, kind: ExpansionKind, quoted: bool) {
        let span = start..self.at;
        let index = self.code.expansions.len();
        let (role, command) = (self.role, self.command);
        self.code.expansions.push(Expansion { span: span.clone(), kind, role, quoted, command });
        self.add(word, span, PartKind::Expansion(index), quoted);
    }

    /// What begins with `$`.
    fn dollar(&mut self, word: &mut Word, quoted: bool) {
        let start = self.at;
        self.at += 1;
        match self.peek() {
            Some(b'(') => {
                let kind = self.bracket(start);
                self.expansion(word, start, kind, quoted);
            }
            Some(b'{') => self.braces(word, quoted),
            Some(b'\'') if !quoted => self.ansi(word),
            Some(b'"') if !quoted => {}
            Some(b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!' | b'0'..=b'9') => {
                self.at += 1;
                self.parameter(word, start, quoted);
            }
            Some(b'_' | b'a'..=b'z' | b'A'..=b'Z') => {
                self.name();
                self.parameter(word, start, quoted);
            }
            _ => self.add(word, start..start + 1, PartKind::Literal, quoted),
        }
    }

    fn parameter(&mut self, word: &mut Word, start: usize, quoted: bool) {
        let kind = ExpansionKind::Parameter(self.text[start + 1..self.at].to_owned(), String::new());
        self.expansion(word, start, kind, quoted);
    }

    /// Passes the letters and digits of a variable's name.
    pub(super) fn name(&mut self) {
        let rest = &self.text.as_bytes()[self.at..self.end];
        self.at += rest.iter().position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_').unwrap_or(rest.len());
    }

    /// `$'…'`
    fn ansi(&mut self, word: &mut Word) {
        let start = self.at - 1;
        let mut escaped = false;
        for (index, byte) in self.text.as_bytes()[self.at + 1..self.end].iter().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'\'' => {
                    self.at += index + 2;
                    return self.add(word, start..self.at, PartKind::Ansi, false);
                }
                _ => {}
            }
        }
        self.fail(start..start + 2, "SC1072", "this quote is never closed");
    }

    /// `( … )` or `(( … ))` after a `$`.
    fn bracket(&mut self, start: usize) -> ExpansionKind {
        if self.starts_with("((") {
            if let Some(end) = self.arithmetic_end(self.at + 2) {
                self.at += 2;
                self.inside(end - 2);
                self.at = end.max(self.at);
                return ExpansionKind::Arithmetic;
            }
            if self.is_unclosed() {
                self.fail(start..start + 3, "SC1072", "this `$((` is never closed");
                return ExpansionKind::Arithmetic;
            }
        }
        ExpansionKind::Command(self.substitution())
    }

    /// `( commands )`
    fn substitution(&mut self) -> List {
        let outer = (self.role, self.command);
        self.at += 1;
        let list = self.list(false);
        self.expect(")");
        (self.role, self.command) = outer;
        list
    }

    /// Looks for variables inside of an arithmetic expression.
    fn inside(&mut self, end: usize) {
        if !self.deeper() {
            return;
        }
        let outer_end = std::mem::replace(&mut self.end, end);
        let outer_role = std::mem::replace(&mut self.role, Role::Whole);
        let mut word = Word::default();
        while !self.has_failed() && !self.is_at_end() {
            match self.peek() {
                Some(b'$') => self.dollar(&mut word, false),
                Some(b'`') => self.backticks(&mut word, false),
                _ => self.at += 1,
            }
        }
        self.end = if self.has_failed() { self.text.len() } else { outer_end };
        self.role = outer_role;
        self.depth -= 1;
    }

    /// Where `))` ends what begins here, if that is an arithmetic expression: brackets are counted, quotes passed.
    pub(super) fn arithmetic_end(&self, start: usize) -> Option<usize> {
        let closing = self.closing(start)?;
        (self.text.as_bytes().get(closing + 1) == Some(&b')') && closing + 1 < self.end).then_some(closing + 2)
    }

    /// Whether the bracket that opens here is never closed.
    fn is_unclosed(&self) -> bool {
        self.closing(self.at + 1).is_none()
    }

    /// The bracket that closes the one before `start`.
    fn closing(&self, start: usize) -> Option<usize> {
        let bytes = &self.text.as_bytes()[..self.end];
        let (mut depth, mut quote) = (0_usize, None);
        let mut index = start;
        while index < bytes.len() {
            match (quote, bytes[index]) {
                (None | Some(b'"'), b'\\') => index += 1,
                (None, byte @ (b'\'' | b'"')) => quote = Some(byte),
                (Some(open), byte) if byte == open => quote = None,
                (None, b'(') => depth += 1,
                (None, b')') if depth == 0 => return Some(index),
                (None, b')') => depth -= 1,
                _ => {}
            }
            index += 1;
        }
        None
    }

    /// `${ … }`
    fn braces(&mut self, word: &mut Word, quoted: bool) {
        let start = self.at - 1;
        if !self.deeper() {
            return;
        }
        self.at += 1;
        let name = self.braced_name();
        let rest = self.at;
        let outer = std::mem::replace(&mut self.role, Role::Whole);
        self.braced_rest(quoted);
        self.role = outer;
        self.depth -= 1;
        if self.peek() != Some(b'}') {
            return self.unclosed_braces(start);
        }
        let operation = self.text[rest..self.at].to_owned();
        self.at += 1;
        self.expansion(word, start, ExpansionKind::Parameter(name, operation), quoted);
    }

    fn unclosed_braces(&mut self, start: usize) {
        if !self.has_failed() {
            self.fail(start..start + 2, "SC1072", "this `${` is never closed");
        }
    }

    /// The name inside of braces, with `#` before it for its length, and `!` for what it names.
    fn braced_name(&mut self) -> String {
        let start = self.at;
        if matches!(self.peek(), Some(b'#' | b'!')) && self.peek_at(1) != Some(b'}') {
            self.at += 1;
        }
        if matches!(self.peek(), Some(b'@' | b'*' | b'?' | b'-' | b'$' | b'!' | b'#')) {
            self.at += 1;
        } else {
            self.name();
        }
        self.text[start..self.at].to_owned()
    }

    /// What follows the name inside of braces: text, quotes, variables.
    fn braced_rest(&mut self, quoted: bool) {
        let mut inner = Word::default();
        while !self.has_failed() {
            match self.peek() {
                None | Some(b'}') => return,
                Some(b'\'') if !quoted => self.single(&mut inner),
                Some(b'"') => self.double(&mut inner),
                Some(b'$') => self.dollar(&mut inner, quoted),
                Some(b'`') => self.backticks(&mut inner, quoted),
                Some(b'\\') => self.escaped(&mut inner),
                Some(_) => self.literal(&mut inner, quoted, |byte| is_special(byte) || byte == b'}'),
            }
        }
    }

    fn backticks(&mut self, word: &mut Word, quoted: bool) {
        let start = self.at;
        let Some(close) = self.closing_backtick() else {
            return self.fail(start..start + 1, "SC1072", "this backtick is never closed");
        };
        let outer = (self.role, self.command, std::mem::replace(&mut self.end, close));
        self.at += 1;
        let list = self.list(false);
        if !self.has_failed() && !self.is_at_end() {
            self.missing("the backtick that closes");
        }
        if self.has_failed() {
            return;
        }
        (self.role, self.command, self.end) = outer;
        self.at = close + 1;
        self.expansion(word, start, ExpansionKind::Backticks(list), quoted);
    }

    fn closing_backtick(&self) -> Option<usize> {
        let mut escaped = false;
        let found = self.text.as_bytes()[self.at + 1..self.end].iter().position(|&byte| {
            let closes = byte == b'`' && !escaped;
            escaped = byte == b'\\' && !escaped;
            closes
        });
        found.map(|length| self.at + 1 + length)
    }
}

/// What begins something else than text.
fn is_special(byte: u8) -> bool {
    matches!(byte, b'\'' | b'"' | b'$' | b'`' | b'\\')
}
