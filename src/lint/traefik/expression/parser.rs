//! From the text of a rule to its parts.

use super::{Call, Expression, Misread, Value};

/// How deeply parentheses are followed.
const DEEPEST: usize = 64;
/// The most matchers of one rule.
const MOST: usize = 500;

/// Takes a rule apart.
pub(super) fn parse(text: &str) -> Result<Expression, Misread> {
    let mut parser = Parser { text, at: 0, depth: 0, calls: 0 };
    let expression = parser.any()?;
    parser.skip_blanks();
    match parser.peek() {
        None => Ok(expression),
        Some(')') => Err(parser.here("a parenthesis is closed that was not opened", "remove it")),
        Some(_) => Err(parser.unjoined()),
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    calls: usize,
}

impl Parser<'_> {
    fn any(&mut self) -> Result<Expression, Misread> {
        let mut left = self.both()?;
        while self.takes("||") {
            left = Expression::Or(Box::new(left), Box::new(self.both()?));
        }
        Ok(left)
    }

    fn both(&mut self) -> Result<Expression, Misread> {
        let mut left = self.one()?;
        while self.takes("&&") {
            left = Expression::And(Box::new(left), Box::new(self.one()?));
        }
        Ok(left)
    }

    fn one(&mut self) -> Result<Expression, Misread> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.here("the rule is nested too deeply", "use several routers"));
        }
        let one = self.one_within();
        self.depth -= 1;
        one
    }

    fn one_within(&mut self) -> Result<Expression, Misread> {
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

    fn missing(&self) -> Misread {
        let (message, help) = if self.text.trim().is_empty() {
            ("the rule is empty", "write one such as Host(`shop.example.com`)")
        } else {
            ("the rule ends where a matcher is expected", "remove the operator, or write what belongs behind it")
        };
        Misread { span: 0..self.text.len(), message: message.to_owned(), help: help.to_owned() }
    }

    fn in_parentheses(&mut self) -> Result<Expression, Misread> {
        let open = self.at;
        self.at += 1;
        let inner = self.any()?;
        self.skip_blanks();
        match self.peek() {
            Some(')') => {
                self.at += 1;
                Ok(inner)
            }
            None => Err(unclosed(open)),
            Some(_) => Err(self.unjoined()),
        }
    }

    fn call(&mut self) -> Result<Expression, Misread> {
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
        if self.peek() != Some('(') {
            let help = format!("write {name}(`…`)");
            return Err(Misread { span, message: format!("no value stands behind `{name}`"), help });
        }
        let open = self.at;
        self.at += 1;
        let values = self.values(&name, open)?;
        Ok(Expression::Call(Call { name, span, values }))
    }

    fn values(&mut self, name: &str, open: usize) -> Result<Vec<Value>, Misread> {
        let mut values = Vec::new();
        loop {
            self.skip_blanks();
            match self.peek() {
                Some(')') => {
                    self.at += 1;
                    return Ok(values);
                }
                None => return Err(unclosed(open)),
                Some(',') if !values.is_empty() => self.at += 1,
                Some('`') => values.push(self.raw(name)?),
                Some('"') => values.push(self.quoted(name)?),
                Some(_) => return Err(self.unquoted(name)),
            }
        }
    }

    fn raw(&mut self, name: &str) -> Result<Value, Misread> {
        let start = self.at + 1;
        match self.text[start..].find('`') {
            Some(length) => {
                self.at = start + length + 1;
                Ok(Value { text: self.text[start..start + length].to_owned(), span: start..start + length })
            }
            None => Err(self.open_text(name, "back-tick")),
        }
    }

    fn quoted(&mut self, name: &str) -> Result<Value, Misread> {
        let start = self.at + 1;
        let mut text = String::new();
        let mut characters = self.text[start..].char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    self.at = start + at + 1;
                    return Ok(Value { text, span: start..start + at });
                }
                '\\' => text.extend(characters.next().map(|(_, escaped)| escaped)),
                other => text.push(other),
            }
        }
        Err(self.open_text(name, "quote"))
    }

    fn open_text(&self, name: &str, what: &str) -> Misread {
        Misread {
            span: self.at..self.at + 1,
            message: format!("a {what} is not closed"),
            help: format!("write {name}(`…`)"),
        }
    }

    /// A value without back-ticks, or in single quotes.
    fn unquoted(&self, name: &str) -> Misread {
        let rest = &self.text[self.at..];
        let length = rest.find([')', ',']).unwrap_or(rest.len()).max(1);
        let length = (length..=rest.len()).find(|&at| rest.is_char_boundary(at)).unwrap_or(rest.len());
        let written = rest[..length].trim_end();
        let value = written.trim_matches(['\'', '`', '"', '’', '‘', '“', '”', '´']);
        let quotes = if written.starts_with('\'') { "in single quotes" } else { "without back-ticks" };
        Misread {
            span: self.at..self.at + written.len().max(1),
            message: format!("the value of `{name}` stands {quotes}"),
            help: format!("write {name}(`{}`)", crate::lint::suggest::cut(value)),
        }
    }

    /// Something behind a matcher that does not join it to another one.
    fn unjoined(&self) -> Misread {
        let rest = &self.text[self.at..];
        let length = rest.find(char::is_whitespace).unwrap_or(rest.len()).max(1);
        let mut shown = &rest[..length];
        if let Some(end) = shown.find(['(', '`']).filter(|end| *end > 0) {
            shown = &shown[..end];
        }
        let first = shown.chars().next().map_or(1, char::len_utf8);
        let shown = if shown.starts_with(|c: char| c.is_ascii_alphanumeric()) { shown } else { &shown[..first] };
        Misread {
            span: self.at..self.at + shown.len(),
            message: format!("`{shown}` does not join two matchers"),
            help: "write `&&` between them if both must match, `||` if one is enough".to_owned(),
        }
    }

    fn here(&self, message: &str, help: &str) -> Misread {
        let length = self.peek().map_or(0, char::len_utf8);
        Misread { span: self.at..self.at + length, message: message.to_owned(), help: help.to_owned() }
    }

    fn takes(&mut self, operator: &str) -> bool {
        self.skip_blanks();
        let there = self.text[self.at..].starts_with(operator);
        self.at += if there { operator.len() } else { 0 };
        there
    }

    fn skip_blanks(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }
}

fn unclosed(open: usize) -> Misread {
    Misread {
        span: open..open + 1,
        message: "this parenthesis is not closed".to_owned(),
        help: "close it with `)`".to_owned(),
    }
}
