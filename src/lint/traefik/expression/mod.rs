//! The rule of a router, taken apart: ``Host(`a.b`) && (PathPrefix(`/x`) || !Method(`GET`))``.
//!
//! The grammar is that of Go's expressions, of which Traefik takes calls with texts, `&&`, `||`, `!` and parentheses.

use std::ops::Range;

use super::labels::Protocol;
use super::matchers::matcher;

/// How deeply parentheses are followed.
const DEEPEST: usize = 64;
/// The most matchers of one rule.
const MOST: usize = 500;

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expression {
    /// A matcher, such as ``Host(`a.b`)``.
    Call(Call),
    /// Whatever the other does not match.
    Not(Box<Self>),
    /// Both.
    And(Box<Self>, Box<Self>),
    /// One of the two.
    Or(Box<Self>, Box<Self>),
}

/// A matcher with its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    /// Its name.
    pub(crate) name: String,
    /// Where the name stands.
    pub(crate) span: Range<usize>,
    /// Its values.
    pub(crate) values: Vec<Value>,
}

/// A value of a matcher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Value {
    /// What it says.
    pub(crate) text: String,
    /// Where it stands, without the quotes.
    pub(crate) span: Range<usize>,
}

/// Why a text is no rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Misread {
    /// Where.
    pub(crate) span: Range<usize>,
    /// What is wrong, in one sentence without a full stop.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) help: String,
}

impl Expression {
    /// Takes a rule apart.
    pub(crate) fn parse(text: &str) -> Result<Self, Misread> {
        let mut parser = Parser { text, at: 0, depth: 0, calls: 0 };
        let expression = parser.any()?;
        parser.skip_blanks();
        match parser.peek() {
            None => Ok(expression),
            Some(')') => Err(parser.here("a parenthesis is closed that was not opened", "remove it")),
            Some(_) => Err(parser.unjoined()),
        }
    }

    /// Every matcher in it.
    pub(crate) fn calls(&self) -> Vec<&Call> {
        match self {
            Self::Call(call) => vec![call],
            Self::Not(inner) => inner.calls(),
            Self::And(one, two) | Self::Or(one, two) => [one.calls(), two.calls()].concat(),
        }
    }

    /// What it matches, as ways of which each is enough: the conditions of each, in order. None if there are too many.
    pub(crate) fn ways(&self) -> Option<Vec<Vec<String>>> {
        const MOST_WAYS: usize = 64;
        let ways = match self {
            Self::Call(call) => vec![vec![call.normal()]],
            Self::Not(inner) => vec![vec![format!("!({})", inner.normal())]],
            Self::Or(one, two) => [one.ways()?, two.ways()?].concat(),
            Self::And(one, two) => {
                let (ones, twos) = (one.ways()?, two.ways()?);
                if ones.len() * twos.len() > MOST_WAYS {
                    return None;
                }
                ones.iter().flat_map(|one| twos.iter().map(|two| joined(one, two))).collect()
            }
        };
        (ways.len() <= MOST_WAYS).then_some(ways)
    }

    fn normal(&self) -> String {
        match self {
            Self::Call(call) => call.normal(),
            Self::Not(inner) => format!("!({})", inner.normal()),
            Self::And(one, two) => format!("({} && {})", one.normal(), two.normal()),
            Self::Or(one, two) => format!("({} || {})", one.normal(), two.normal()),
        }
    }
}

impl Call {
    /// As it is written in the manual; a host in lower case.
    fn normal(&self) -> String {
        let name = self.name.to_ascii_lowercase();
        let known = [Protocol::Http, Protocol::Tcp].into_iter().find_map(|protocol| matcher(protocol, &self.name));
        let text = |value: &Value| if name == "host" { value.text.to_ascii_lowercase() } else { value.text.clone() };
        let values: Vec<String> = self.values.iter().map(|value| format!("`{}`", text(value))).collect();
        format!("{}({})", known.map_or(name.as_str(), |known| known.name), values.join(", "))
    }
}

/// The conditions of both, each once.
fn joined(one: &[String], two: &[String]) -> Vec<String> {
    let mut all = [one, two].concat();
    all.sort();
    all.dedup();
    all
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

/// A rule of Traefik 1 (`Host:a.b;PathPrefix:/x`) as it is written since; none if it is no such rule.
pub(crate) fn modern(text: &str) -> Option<String> {
    const KNOWN: [(&str, &str); 9] = [
        ("host", "Host"),
        ("hostregexp", "HostRegexp"),
        ("path", "Path"),
        ("pathstrip", "Path"),
        ("pathprefix", "PathPrefix"),
        ("pathprefixstrip", "PathPrefix"),
        ("method", "Method"),
        ("headers", "Header"),
        ("query", "Query"),
    ];
    let mut conditions = Vec::new();
    for part in text.split(';').filter(|part| !part.trim().is_empty()) {
        let (name, values) = part.split_once(':')?;
        let (_, name) = KNOWN.iter().find(|(known, _)| name.trim().eq_ignore_ascii_case(known))?;
        let each: Vec<String> = values.split(',').map(|value| format!("{name}(`{}`)", value.trim())).collect();
        conditions.push(each);
    }
    let alone = conditions.len() == 1;
    let shown = |each: &Vec<String>| {
        if each.len() > 1 && !alone { format!("({})", each.join(" || ")) } else { each.join(" || ") }
    };
    let modern: Vec<String> = conditions.iter().map(shown).collect();
    (!modern.is_empty()).then(|| modern.join(" && "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        match Expression::parse(text) {
            Ok(expression) => expression.normal(),
            Err(Misread { span, message, help }) => format!("{message} at {:?}; {help}", &text[span]),
        }
    }

    #[test]
    fn a_rule_is_taken_apart() {
        let table = [
            ("Host(`a.b`)", "Host(`a.b`)"),
            ("Host(\"a\\\"b\")||!Path(`/`)&&Method(`GET`)", "(Host(`a\"b`) || (!(Path(`/`)) && Method(`GET`)))"),
            (
                "( Host(`A`) || Host(`b`, `c`) ) && PathPrefix(`/x`)",
                "((Host(`a`) || Host(`b`, `c`)) && PathPrefix(`/x`))",
            ),
            ("Header(`X`, `a`)", "Header(`X`, `a`)"),
        ];
        for (text, meant) in table {
            assert_eq!(told(text), meant);
        }
    }

    #[test]
    fn what_is_no_rule_is_told_at_its_place() {
        insta::assert_snapshot!(told("Host(`a.b`"), @r#"this parenthesis is not closed at "("; close it with `)`"#);
        insta::assert_snapshot!(told("Host(`a.b`))"), @r#"a parenthesis is closed that was not opened at ")"; remove it"#);
        insta::assert_snapshot!(told("(Host(`a.b`)"), @r#"this parenthesis is not closed at "("; close it with `)`"#);
        insta::assert_snapshot!(told("Host(a.b)"), @r#"the value of `Host` stands without back-ticks at "a.b"; write Host(`a.b`)"#);
        insta::assert_snapshot!(told("Host('a.b')"), @r#"the value of `Host` stands in single quotes at "'a.b'"; write Host(`a.b`)"#);
        insta::assert_snapshot!(told("Host(`a.b)"), @r#"a back-tick is not closed at "`"; write Host(`…`)"#);
        insta::assert_snapshot!(told("Host(`a`) PathPrefix(`/`)"), @r#"`PathPrefix` does not join two matchers at "PathPrefix"; write `&&` between them if both must match, `||` if one is enough"#);
        insta::assert_snapshot!(told("Host(`a`) & PathPrefix(`/`)"), @r#"`&` does not join two matchers at "&"; write `&&` between them if both must match, `||` if one is enough"#);
        insta::assert_snapshot!(told("Host(`a`), Host(`b`)"), @r#"`,` does not join two matchers at ","; write `&&` between them if both must match, `||` if one is enough"#);
        insta::assert_snapshot!(told("Host(`a`) &&"), @r#"the rule ends where a matcher is expected at "Host(`a`) &&"; remove the operator, or write what belongs behind it"#);
        insta::assert_snapshot!(told("Host"), @r#"no value stands behind `Host` at "Host"; write Host(`…`)"#);
        insta::assert_snapshot!(told(""), @r#"the rule is empty at ""; write one such as Host(`shop.example.com`)"#);
        insta::assert_snapshot!(told("`a.b`"), @r#"a matcher is expected here at "`"; write one such as Host(`shop.example.com`)"#);
        insta::assert_snapshot!(told(&"(".repeat(100)), @r#"the rule is nested too deeply at "("; use several routers"#);
    }

    #[test]
    fn the_ways_to_match_are_compared_and_not_the_text() {
        let ways = |text: &str| Expression::parse(text).unwrap().ways().unwrap();
        assert_eq!(ways("Host(`a`) && Path(`/x`)"), ways("(Path(\"/x\") && host(`A`))"));
        assert_eq!(ways("Host(`a`) && (Path(`/x`) || Path(`/y`))").len(), 2);
        let many = ["(Path(`/x`) || Path(`/y`))"; 10].join(" && ");
        assert_eq!(Expression::parse(&many).unwrap().ways(), None);
    }

    #[test]
    fn a_rule_of_traefik_1_is_written_anew() {
        let table = [
            ("Host:a.b", Some("Host(`a.b`)")),
            ("Host: a.b, c.d ;PathPrefix:/x", Some("(Host(`a.b`) || Host(`c.d`)) && PathPrefix(`/x`)")),
            ("Host:a,b", Some("Host(`a`) || Host(`b`)")),
            ("Host(`a:80`)", None),
            ("", None),
        ];
        for (old, new) in table {
            assert_eq!(modern(old).as_deref(), new);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_rule_or_told_within_itself(text in "[ -~`(Hé&|!),]{0,60}") {
            if let Err(Misread { span, .. }) = Expression::parse(&text) {
                proptest::prop_assert!(text.get(span).is_some());
            }
        }
    }
}
