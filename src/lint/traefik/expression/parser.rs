//! From the text of a rule to its parts.

use super::{Call, Expression, Value};
use crate::diagnostic::{Diagnostic, Span};
use crate::text;

/// How deeply parentheses are followed.
const DEEPEST: usize = 64;
/// The most matchers of one rule.
const MOST: usize = 500;

/// Takes a rule apart.
pub(super) fn parse(text: &str) -> Result<Expression, Diagnostic<Span>> {
    let mut parser = Parser { text, at: 0, depth: 0, calls: 0, ended: None, skipped: None };
    let expression = parser.any()?;
    parser.skip_blanks();
    match parser.peek() {
        None => Ok(expression),
        Some(_) if parser.ended.is_some() => Err(parser.broken()),
        Some(')') => Err(parser.here("a parenthesis is closed that was not opened", "remove it")),
        Some(_) => Err(parser.unjoined()),
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    calls: usize,
    /// The end of the line that has ended an expression: in Go one after a value or a parenthesis is a semicolon.
    ended: Option<usize>,
    /// Where spaces were skipped up to.
    skipped: Option<usize>,
}

impl Parser<'_> {
    /// The rule goes on in another line, where Go has ended it.
    fn broken(&self) -> Diagnostic<Span> {
        let at = self.ended.unwrap_or(self.at);
        let rest = &self.text[self.at..];
        let joins = rest.starts_with("&&") || rest.starts_with("||");
        let help = if joins {
            "put the operator at the end of the line before, or write the rule in one line (`>-`)"
        } else {
            "write the rule in one line (`>-`)"
        };
        Diagnostic::new(at..at + 1, "the end of this line is the end of the rule").help(help)
    }

    fn any(&mut self) -> Result<Expression, Diagnostic<Span>> {
        let mut left = self.both()?;
        while self.takes("||") {
            left = Expression::Or(Box::new(left), Box::new(self.both()?));
        }
        Ok(left)
    }

    fn both(&mut self) -> Result<Expression, Diagnostic<Span>> {
        let mut left = self.one()?;
        while self.takes("&&") {
            left = Expression::And(Box::new(left), Box::new(self.one()?));
        }
        Ok(left)
    }

    fn one(&mut self) -> Result<Expression, Diagnostic<Span>> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.here("the rule is nested too deeply", "use several routers"));
        }
        let one = self.one_within();
        self.depth -= 1;
        one
    }

    fn one_within(&mut self) -> Result<Expression, Diagnostic<Span>> {
        self.skip_blanks();
        match self.peek() {
            Some('!') => {
                self.at += 1;
                Ok(Expression::Not(Box::new(self.one()?)))
            }
            Some('(') => self.in_parentheses(),
            Some(c) if c.is_ascii_alphabetic() => self.call(),
            None => Err(self.missing()),
            Some(_) => Err(self.here("a matcher is expected here", "write one such as Host(`shop.example.com`)")),
        }
    }

    fn missing(&self) -> Diagnostic<Span> {
        let (message, help) = if self.text.trim().is_empty() {
            ("the rule is empty", "write one such as Host(`shop.example.com`)")
        } else {
            ("the rule ends where a matcher is expected", "remove the operator, or write what belongs behind it")
        };
        Diagnostic::new(0..self.text.len(), message).help(help)
    }

    fn in_parentheses(&mut self) -> Result<Expression, Diagnostic<Span>> {
        let open = self.at;
        self.at += 1;
        let inner = self.any()?;
        self.skip_blanks();
        match self.peek() {
            Some(_) if self.ended.is_some() => Err(self.broken()),
            Some(')') => {
                self.at += 1;
                Ok(inner)
            }
            None => Err(unclosed(open)),
            Some(_) => Err(self.unjoined()),
        }
    }

    fn call(&mut self) -> Result<Expression, Diagnostic<Span>> {
        self.calls += 1;
        if self.calls > MOST {
            return Err(self.here("the rule has more than 500 matchers", "use several routers"));
        }
        let start = self.at;
        let rest = &self.text[start..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let (name, span) = (rest[..end].to_owned(), start..start + end);
        self.at += end;
        self.skip_blanks();
        if self.ended.is_some() && self.peek() == Some('(') {
            return Err(self.broken());
        }
        if self.peek() != Some('(') {
            let help = format!("write {name}(`…`)");
            return Err(Diagnostic::new(span, format!("no value stands behind `{name}`")).help(help));
        }
        let open = self.at;
        self.at += 1;
        let values = self.values(&name, open)?;
        Ok(Expression::Call(Call { name, span, values }))
    }

    fn values(&mut self, name: &str, open: usize) -> Result<Vec<Value>, Diagnostic<Span>> {
        let mut values = Vec::new();
        let mut wants_comma = false;
        loop {
            self.skip_blanks();
            match self.peek() {
                Some(_) if self.ended.is_some() => return Err(self.broken()),
                Some(')') => {
                    self.at += 1;
                    return Ok(values);
                }
                None => return Err(unclosed(open)),
                Some(',') if wants_comma => {
                    self.at += 1;
                    wants_comma = false;
                    continue;
                }
                Some(_) if wants_comma => {
                    return Err(self.here("a comma is expected here", "write one between two values"));
                }
                Some('`') => values.push(self.raw(name)?),
                Some('"') => values.push(self.quoted(name)?),
                Some(_) => return Err(self.unquoted(name)),
            }
            wants_comma = true;
        }
    }

    fn raw(&mut self, name: &str) -> Result<Value, Diagnostic<Span>> {
        let start = self.at + 1;
        match self.text[start..].find('`') {
            Some(length) => {
                self.at = start + length + 1;
                Ok(Value { text: self.text[start..start + length].to_owned(), span: start..start + length })
            }
            None => Err(self.open_text(name, "back-tick")),
        }
    }

    fn quoted(&mut self, name: &str) -> Result<Value, Diagnostic<Span>> {
        let start = self.at + 1;
        let mut text = String::new();
        let mut characters = self.text[start..].char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    self.at = start + at + 1;
                    return Ok(Value { text, span: start..start + at });
                }
                '\n' => break,
                '\\' => {
                    let rest = &self.text[start + at + 1..];
                    let Some((escaped, length)) = unescaped(rest) else { return Err(no_escape(start + at, rest)) };
                    text.push(escaped);
                    let behind = rest[..length].chars().count();
                    characters.nth(behind.saturating_sub(1));
                }
                other => text.push(other),
            }
        }
        Err(self.open_text(name, "quote"))
    }

    fn open_text(&self, name: &str, what: &str) -> Diagnostic<Span> {
        Diagnostic::new(self.at..self.at + 1, format!("a {what} is not closed")).help(format!("write {name}(`…`)"))
    }

    /// A value without back-ticks, or in single quotes.
    fn unquoted(&self, name: &str) -> Diagnostic<Span> {
        let rest = &self.text[self.at..];
        let length = rest.find([')', ',']).unwrap_or(rest.len()).max(1);
        let length = (length..=rest.len()).find(|&at| rest.is_char_boundary(at)).unwrap_or(rest.len());
        let written = rest[..length].trim_end();
        let value = written.trim_matches(['\'', '`', '"', '’', '‘', '“', '”', '´']);
        let quotes = if written.starts_with('\'') { "in single quotes" } else { "without back-ticks" };
        Diagnostic::new(self.at..self.at + written.len().max(1), format!("the value of `{name}` stands {quotes}"))
            .help(format!("write {name}(`{}`)", text::cut(value)))
    }

    /// Something after a matcher that does not join it to another one.
    fn unjoined(&self) -> Diagnostic<Span> {
        let rest = &self.text[self.at..];
        let first = rest.chars().next().map_or(1, char::len_utf8);
        let length = rest.find(char::is_whitespace).unwrap_or(rest.len()).max(first);
        let mut shown = &rest[..length];
        if let Some(end) = shown.find(['(', '`']).filter(|end| *end > 0) {
            shown = &shown[..end];
        }
        let shown = if shown.starts_with(|c: char| c.is_ascii_alphanumeric()) { shown } else { &shown[..first] };
        Diagnostic::new(self.at..self.at + shown.len(), format!("`{shown}` does not join two matchers"))
            .help("write `&&` between them if both must match, `||` if one is enough")
    }

    fn here(&self, message: &str, help: &str) -> Diagnostic<Span> {
        let length = self.peek().map_or(0, char::len_utf8);
        Diagnostic::new(self.at..self.at + length, message).help(help)
    }

    fn takes(&mut self, operator: &str) -> bool {
        self.skip_blanks();
        let there = self.ended.is_none() && self.text[self.at..].starts_with(operator);
        self.at += if there { operator.len() } else { 0 };
        there
    }

    /// Skips what Go takes for spaces, and its comments; notes the end of a line that ends an expression.
    fn skip_blanks(&mut self) {
        if self.skipped == Some(self.at) {
            return;
        }
        let before = self.text[..self.at].chars().next_back();
        let is_ended = before.is_some_and(|c| matches!(c, ')' | '`' | '"' | '_') || c.is_ascii_alphanumeric());
        self.ended = None;
        loop {
            let rest = &self.text[self.at..];
            let length = match rest.chars().next() {
                Some('\n') => {
                    self.ended = self.ended.or(is_ended.then_some(self.at));
                    1
                }
                Some(' ' | '\t' | '\r') => 1,
                _ if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
                _ if rest.starts_with("/*") => rest.find("*/").map_or(0, |end| end + 2),
                _ => 0,
            };
            if length == 0 {
                self.skipped = Some(self.at);
                return;
            }
            self.at += length;
        }
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }
}

fn unclosed(open: usize) -> Diagnostic<Span> {
    Diagnostic::new(open..open + 1, "this parenthesis is not closed").help("close it with `)`")
}

/// What stands after a backslash in double quotes, and how many bytes that is; none if Go has no such escape.
fn unescaped(rest: &str) -> Option<(char, usize)> {
    let number = |digits: &str, radix: u32| char::from_u32(u32::from_str_radix(digits, radix).ok()?);
    let hexadecimal = |length: usize| {
        let digits = rest.get(1..=length).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        Some((number(digits, 16)?, length + 1))
    };
    let simple = |character: char| Some((character, 1));
    match rest.chars().next()? {
        'a' => simple('\u{7}'),
        'b' => simple('\u{8}'),
        'f' => simple('\u{c}'),
        'n' => simple('\n'),
        'r' => simple('\r'),
        't' => simple('\t'),
        'v' => simple('\u{b}'),
        same @ ('\\' | '"') => simple(same),
        'x' => hexadecimal(2),
        'u' => hexadecimal(4),
        'U' => hexadecimal(8),
        '0'..='7' => {
            let digits = rest.get(..3).filter(|digits| digits.bytes().all(|byte| (b'0'..=b'7').contains(&byte)))?;
            number(digits, 8).filter(|read| u32::from(*read) < 256).map(|read| (read, 3))
        }
        _ => None,
    }
}

fn no_escape(at: usize, rest: &str) -> Diagnostic<Span> {
    let length = rest.chars().next().map_or(0, char::len_utf8);
    Diagnostic::new(at..at + 1 + length, "this is no escape in double quotes")
        .help("double the backslash, or use back-ticks, in which a backslash is one")
}
