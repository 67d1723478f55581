//! What no variable can mend in a word: a quote or a brace that is never closed, a form of `${…}` that the builder does not
//! know.
//!
//! After BuildKit's `frontend/dockerfile/shell/lex.go`, whose words are those of a shell, but with fewer forms.

use crate::diagnostic::Span;

/// Something that is wrong in a word.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Where in the text.
    pub(super) span: Span,
    pub(super) kind: Kind,
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A quote is never closed.
    Quote,
    /// `${` is never closed.
    Brace,
    /// `${}`, or a form that there is not: `${NAME^^}`.
    Form,
}

/// How deep forms may be nested; nobody writes deeper.
const MAX_DEPTH: usize = 30;

/// The first thing that is wrong in a text. Without `quotes` they are characters like others.
pub(super) fn fault(text: &str, escape: char, quotes: bool) -> Option<Fault> {
    if !text.contains(['$', '"', '\'']) {
        return None;
    }
    let mut lexer = Lexer { text, at: 0, escape, quotes, depth: 0, gave_up: false };
    let read = lexer.up_to(None);
    // Nothing is said about what was not read.
    read.err().filter(|_| !lexer.gave_up)
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    escape: char,
    quotes: bool,
    depth: usize,
    /// Whether the text is nested deeper than anybody writes.
    gave_up: bool,
}

type Read = Result<(), Fault>;

impl Lexer<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    /// Reads up to a character, which it takes, or to the end.
    fn up_to(&mut self, stop: Option<char>) -> Read {
        let start = self.at;
        while let Some(c) = self.peek() {
            match c {
                _ if Some(c) == stop => {
                    self.next();
                    return Ok(());
                }
                '\'' if self.quotes => self.single()?,
                '"' if self.quotes => self.double()?,
                '$' => self.dollar()?,
                _ => {
                    self.next();
                    if c == self.escape {
                        self.next();
                    }
                }
            }
        }
        if stop.is_some() { Err(Fault { span: start..self.at, kind: Kind::Brace }) } else { Ok(()) }
    }

    fn single(&mut self) -> Read {
        let start = self.at;
        self.next();
        let closed = self.text[self.at..].find('\'');
        self.at = closed.map_or(self.text.len(), |length| self.at + length + 1);
        closed.map(|_| ()).ok_or(Fault { span: start..self.text.len(), kind: Kind::Quote })
    }

    fn double(&mut self) -> Read {
        let start = self.at;
        self.next();
        loop {
            match self.peek() {
                None => return Err(Fault { span: start..self.at, kind: Kind::Quote }),
                Some('"') => {
                    self.next();
                    return Ok(());
                }
                Some('$') => self.dollar()?,
                Some(c) => {
                    self.next();
                    let is_escaped = self.peek().is_some_and(|next| ['"', '$', self.escape].contains(&next));
                    if c == self.escape && is_escaped {
                        self.next();
                    }
                }
            }
        }
    }

    fn dollar(&mut self) -> Read {
        let start = self.at;
        self.next();
        if self.peek() != Some('{') {
            self.name();
            return Ok(());
        }
        self.next();
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            (self.at, self.gave_up) = (self.text.len(), true);
            return Ok(());
        }
        let read = self.braces();
        self.depth -= 1;
        read.map_err(|kind| Fault { span: start..self.at, kind })
    }

    fn braces(&mut self) -> Result<(), Kind> {
        match self.peek() {
            None => return Err(Kind::Brace),
            Some('{' | '}' | ':') => {
                self.next();
                return Err(Kind::Form);
            }
            Some(_) => {}
        }
        self.name();
        let mut modifier = self.next().ok_or(Kind::Brace)?;
        let is_strict = modifier == ':';
        if is_strict {
            modifier = self.next().ok_or(Kind::Brace)?;
        }
        match modifier {
            '}' if !is_strict => Ok(()),
            '+' | '-' | '?' => self.word('}'),
            '#' | '%' if !is_strict => self.word('}'),
            '/' if !is_strict => {
                if self.peek() == Some('/') {
                    self.next();
                }
                self.word('/')?;
                self.word('}')
            }
            _ => {
                let rest = &self.text[self.at..];
                self.at += rest.find('}').map_or(rest.len(), |length| length + 1);
                Err(Kind::Form)
            }
        }
    }

    fn word(&mut self, stop: char) -> Result<(), Kind> {
        self.up_to(Some(stop)).map_err(|fault| fault.kind)
    }

    fn pass(&mut self, is_part: fn(char) -> bool) {
        let rest = &self.text[self.at..];
        self.at += rest.find(|c| !is_part(c)).unwrap_or(rest.len());
    }

    /// Passes a name, a number, or one of the special parameters.
    fn name(&mut self) {
        match self.peek() {
            Some(c) if c.is_numeric() => self.pass(char::is_numeric),
            Some('@' | '*' | '#' | '?' | '-' | '$' | '!') => drop(self.next()),
            _ => self.pass(|c| c.is_alphanumeric() || c == '_'),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_builder_cannot_read_is_found() {
        let kind = |text| fault(text, '\\', true).map(|fault| fault.kind);
        let fine = [
            "a",
            "$A",
            "${A}",
            "${A:-b}",
            "${A:+$B}",
            "${A%.*}",
            "${A##*/}",
            "${A/x/y}",
            "${A//x/y}",
            "${A:-${B:-c}}",
            "$",
            "a$",
            "\"a b\"",
            "'a b'",
            r#"a\"b"#,
            r#""a\"b""#,
            r"a\'b",
            "$1",
            "$@",
            "${A:?say it}",
            "it\\'s",
            "\"it's\"",
            "'\"'",
        ];
        assert_eq!(fine.iter().find(|text| kind(text).is_some()), None);
        for text in ["\"b", "b\"", "'b", "it's", "a\"b\"c\"", "${A:-\"b}"] {
            assert!(matches!(kind(text), Some(Kind::Quote | Kind::Brace)), "{text}");
        }
        for text in ["${", "${A", "${A:-b", "${A:-${B}"] {
            assert_eq!(kind(text), Some(Kind::Brace), "{text}");
        }
        for text in [
            "${}", "${:a}", "${A^^}", "${A:0:3}", "${A:=b}", "${A=b}", "${!A}", "${#A}", "${A@Q}", "${A.b}", "${A:#b}",
            "${{A}}",
        ] {
            assert_eq!(kind(text), Some(Kind::Form), "{text}");
        }
        assert_eq!(fault("it's \"a", '\\', false), None);
        assert_eq!(fault("a `\"b", '`', true), None);
        assert_eq!(fault(&"${A:-".repeat(100_000), '\\', true).map(|fault| fault.kind), None);
    }
}
