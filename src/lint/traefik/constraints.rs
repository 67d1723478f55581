//! `--providers.swarm.constraints`: the labels that a service must have for Traefik to look at it (its
//! `pkg/provider/constraints`).

use super::expression::{Call, Expression};
use crate::diagnostic::{Diagnostic, Span};
use crate::text::cut;

/// An expression over labels.
#[derive(Debug)]
pub(crate) struct Constraints(Option<Expression>);

impl Constraints {
    /// Takes an expression apart; why Traefik does not understand it otherwise. An empty one takes every service.
    pub(crate) fn parse(text: &str) -> Result<Self, Diagnostic<Span>> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        let expression = Expression::parse(text)?;
        for call in expression.calls() {
            if !["Label", "LabelRegex"].contains(&call.name.as_str()) {
                return Err(Diagnostic::new(call.span.clone(), format!("there is no `{}`", cut(&call.name))));
            }
            if call.values.len() != 2 {
                return Err(Diagnostic::new(call.span.clone(), format!("`{}` needs a name and a value", call.name)));
            }
        }
        Ok(Self(Some(expression)))
    }

    /// Whether a service with these labels is looked at; none where that depends on a regular expression that is not
    /// understood here.
    pub(crate) fn take<'l>(&self, labels: impl Fn(&str) -> Option<&'l str>) -> Option<bool> {
        self.0.as_ref().map_or(Some(true), |expression| holds(expression, &labels))
    }

    /// A label that would be enough, if one is.
    pub(crate) fn wanted(&self) -> Option<(&str, &str)> {
        let Some(Expression::Call(call)) = &self.0 else { return None };
        let [name, value] = &call.values[..] else { return None };
        (call.name == "Label").then_some((&*name.text, &*value.text))
    }
}

fn holds<'l>(expression: &Expression, labels: &impl Fn(&str) -> Option<&'l str>) -> Option<bool> {
    match expression {
        Expression::Call(call) => matches(call, labels),
        Expression::Not(inner) => holds(inner, labels).map(|holds| !holds),
        Expression::And(one, two) => match (holds(one, labels), holds(two, labels)) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (one, two) => Some(one? && two?),
        },
        Expression::Or(one, two) => match (holds(one, labels), holds(two, labels)) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (one, two) => Some(one? || two?),
        },
    }
}

/// A label that does not exist is an empty one.
fn matches<'l>(call: &Call, labels: &impl Fn(&str) -> Option<&'l str>) -> Option<bool> {
    let [name, value] = &call.values[..] else { return None };
    let there = labels(&name.text).unwrap_or_default();
    if call.name == "Label" {
        return Some(there == value.text);
    }
    regex::Regex::new(&value.text).ok().map(|pattern| pattern.is_match(there))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(text: &str) -> Option<bool> {
        let labels = |name: &str| (name == "public").then_some("yes");
        Constraints::parse(text).unwrap().take(labels)
    }

    #[test]
    fn an_expression_over_labels_holds_or_does_not() {
        let table = [
            ("", Some(true)),
            ("Label(`public`, `yes`)", Some(true)),
            ("Label(`public`,`no`) || !Label(`zone`, `a`)", Some(true)),
            ("Label(`public`,`yes`) && Label(`zone`, `a`)", Some(false)),
            ("LabelRegex(`public`, `^y`)", Some(true)),
            ("LabelRegex(`public`, `x{b}`)", None),
            ("LabelRegex(`public`, `x{b}`) && Label(`zone`, `a`)", Some(false)),
        ];
        for (text, taken) in table {
            assert_eq!(takes(text), taken, "{text}");
        }
    }

    #[test]
    fn what_is_no_expression_is_told() {
        let told = |text: &str| Constraints::parse(text).unwrap_err();
        insta::assert_snapshot!(told("Label(`a`)"), @"`Label` needs a name and a value");
        insta::assert_snapshot!(told("Tag(`a`)"), @"there is no `Tag`");
        insta::assert_snapshot!(told("Label(`a`, `b`"), @"this parenthesis is not closed; close it with `)`");
    }
}
