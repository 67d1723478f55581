use super::in_each;
use super::rule_syntax::is_rule;
use crate::lint::rule::{Found, MAX_FOUND, rule};
use crate::lint::subject::StackSubject;
use crate::lint::traefik::expression::{Call, Expression};
use crate::lint::traefik::labels::{Label, Labels, Protocol};
use crate::lint::traefik::{matchers, place};
use std::ops::Range;

rule! {
    /// The rule of a router is written for Traefik 2.
    ///
    /// Traefik 3 takes one value for each matcher, has no named regular expressions (`{name:[a-z]+}`), and renamed
    /// some matchers. It drops the router, or takes the braces for text that never matches. The old syntax
    /// is enabled by `--core.defaultRuleSyntax=v2`, or by the label `ruleSyntax` of the router.
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.http.routers.web.rule: Host(`a.example.com`, `b.example.com`)
    ///         traefik.http.services.web.loadbalancer.server.port: "80"
    /// ```
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.http.routers.web.rule: HostRegexp(`{name:[a-z]+}.example.com`)
    ///         traefik.http.services.web.loadbalancer.server.port: "80"
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.http.routers.web.rule: Host(`a.example.com`) || HostRegexp(`^[a-z]{2,3}\.example\.com$$`)
    ///         traefik.http.routers.old.rule: Host(`c.example.com`, `d.example.com`)
    ///         traefik.http.routers.old.ruleSyntax: v2
    ///         traefik.http.services.web.loadbalancer.server.port: "80"
    /// ```
    "SK4005", Warning, Stack(check), Whole
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    if subject.traefik.has_old_syntax() {
        return Vec::new();
    }
    in_each(subject, |_, labels| {
        let rules = labels.iter().filter(|label| is_rule(label) && !is_marked(label, labels));
        rules.flat_map(|rule| in_rule(rule, subject)).collect()
    })
}

fn is_marked(rule: &Label<'_>, labels: &Labels<'_>) -> bool {
    labels.option(rule, "rulesyntax").is_some_and(|syntax| syntax.value.eq_ignore_ascii_case("v2"))
}

fn in_rule(rule: &Label<'_>, subject: &StackSubject<'_>) -> Vec<Found> {
    let Ok(expression) = Expression::parse(rule.value) else { return Vec::new() };
    let wrong = expression.calls().into_iter().filter_map(|call| of_2(call, rule.protocol));
    wrong
        .take(MAX_FOUND)
        .map(|(span, message, help)| Found::new(&place(&subject.file.sources, rule.value, &span), message).help(help))
        .collect()
}

/// A part of the rule that Traefik 2 accepts and Traefik 3 does not.
fn of_2(call: &Call, protocol: Protocol) -> Option<(Range<usize>, String, String)> {
    let matcher = matchers::matcher(protocol, &call.name)?;
    let told = |message: String, help: String| Some((call.span.clone(), message, help));
    let Some((_, most)) = matcher.in_3 else {
        return told(
            format!("`{}` is a matcher of Traefik 2", matcher.name),
            format!("Traefik 3 calls it `{}`", matcher.instead),
        );
    };
    if call.values.len() > most {
        let each: Vec<String> = call.values.iter().map(|value| format!("{}(`{}`)", call.name, value.text)).collect();
        let help =
            if each.len() > 3 { format!("write {} || …", each[0]) } else { format!("write {}", each.join(" || ")) };
        return told(format!("Traefik 3 takes one value for `{}`, but there are several", matcher.name), help);
    }
    if protocol != Protocol::Http {
        return None;
    }
    let value = call.values.iter().find(|value| has_named_part(&value.text))?;
    let help = match matcher.name {
        "Host" | "HostRegexp" => "write a regular expression, such as HostRegexp(`^[a-z]+\\.example\\.com$`)",
        _ => "write a regular expression, such as PathRegexp(`^/[0-9]+$`)",
    };
    Some((
        value.span.clone(),
        "a name in braces is literal text for Traefik 3, and matches nothing".to_owned(),
        help.to_owned(),
    ))
}

/// Whether there is `{name}` or `{name:…}`; `{2,3}` is a repetition.
fn has_named_part(text: &str) -> bool {
    text.match_indices('{').any(|(open, _)| {
        let rest = &text[open + 1..];
        let name = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-').unwrap_or(rest.len());
        let begins = rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let is_class = ["\\p", "\\P", "\\x", "\\"].iter().any(|escape| text[..open].ends_with(escape));
        begins && rest[name..].starts_with([':', '}']) && !is_class
    })
}
