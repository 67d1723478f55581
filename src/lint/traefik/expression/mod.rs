//! The rule of a router, taken apart: ``Host(`a.b`) && (PathPrefix(`/x`) || !Method(`GET`))``.
//!
//! The grammar is that of Go's expressions, of which Traefik takes calls with texts, `&&`, `||`, `!` and parentheses.

pub(crate) mod compile;
mod modern;
mod parser;
pub(crate) mod regexp;

use crate::diagnostic::{Diagnostic, Span};
use std::ops::Range;

use super::labels::Protocol;
use super::matchers::matcher;
pub(crate) use modern::modern;

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

impl Expression {
    /// Takes a rule apart.
    pub(crate) fn parse(text: &str) -> Result<Self, Diagnostic<Span>> {
        parser::parse(text)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        match Expression::parse(text) {
            Ok(expression) => expression.normal(),
            Err(Diagnostic { place, message, help, .. }) => {
                format!("{message} at {:?}; {}", &text[place], help.unwrap())
            }
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
            if let Err(Diagnostic { place: span, .. }) = Expression::parse(&text) {
                proptest::prop_assert!(text.get(span).is_some());
            }
        }
    }
}
