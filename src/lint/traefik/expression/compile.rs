//! What Traefik still refuses in a rule that it understands: values that its matchers cannot be made of (`pkg/muxer`).
//! A router with such a rule is left out, and only Traefik's own log says so.

use std::net::IpAddr;
use std::ops::Range;

use super::{Call, Value, regexp};
use crate::diagnostic::{Diagnostic, Span};
use crate::lint::traefik::labels::Protocol;
use crate::text;

/// How a rule is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Syntax {
    /// What is routed.
    pub(crate) protocol: Protocol,
    /// Whether as a rule of Traefik 2, whose templates are looked at no further.
    pub(crate) is_of_2: bool,
    /// Whether `HostSNI` takes no wildcards, as before Traefik 3.7.
    pub(crate) is_before_wildcards: bool,
}

/// What a matcher cannot be made of, if anything is. Its name and the number of its values are those of the manual.
pub(crate) fn fault(call: &Call, matcher: &str, syntax: Syntax) -> Option<Diagnostic<Span>> {
    if let Some(empty) = call.values.iter().find(|value| value.text.is_empty()) {
        let span = if empty.span.is_empty() { call.span.clone() } else { empty.span.clone() };
        return Some(misread(
            span,
            format!("a value of `{matcher}` is empty"),
            "write a value, or leave the matcher out",
        ));
    }
    if matcher == "Query" && syntax.is_of_2 {
        return no_pairs(call);
    }
    let faults = call.values.iter().enumerate().map(|(nth, value)| of_value(nth, value, matcher, syntax));
    faults.flatten().next()
}

fn of_value(nth: usize, value: &Value, matcher: &str, syntax: Syntax) -> Option<Diagnostic<Span>> {
    match (matcher, nth) {
        ("Host" | "HostHeader", _) if value.text != "*" => not_ascii(value, matcher),
        ("Path" | "PathPrefix", _) if !value.text.starts_with('/') => Some(misread(
            value.span.clone(),
            format!("the path of `{matcher}` does not begin with `/`"),
            &format!("write {matcher}(`/{}`)", text::cut(&value.text)),
        )),
        ("Path" | "PathPrefix" | "HostSNIRegexp", _) if syntax.is_of_2 => no_template(value),
        ("ClientIP", _) => no_address(value),
        ("HostRegexp", _) if syntax.is_of_2 => not_ascii(value, matcher).or_else(|| no_template(value)),
        ("HostRegexp" | "HostSNIRegexp", _) => not_ascii(value, matcher).or_else(|| no_pattern(value)),
        ("PathRegexp", _) | ("HeaderRegexp" | "QueryRegexp" | "HeadersRegexp", 1) => no_pattern(value),
        ("HostSNI", _) if syntax.protocol == Protocol::Tcp => no_server_name(value, syntax),
        ("ALPN", _) if value.text == "acme-tls/1" => Some(misread(
            value.span.clone(),
            "`acme-tls/1` is Traefik's own, for certificates".to_owned(),
            "remove it: Traefik answers it by itself",
        )),
        _ => None,
    }
}

/// A query of Traefik 2, whose names and values are all parts between `=`.
fn no_pairs(call: &Call) -> Option<Diagnostic<Span>> {
    let parts: usize = call.values.iter().map(|value| value.text.split('=').count()).sum();
    let alone = call.values.iter().find(|value| !value.text.contains('=')).filter(|_| parts % 2 == 1)?;
    let help = format!("write Query(`{}=…`)", text::cut(&alone.text));
    Some(misread(alone.span.clone(), "`Query` takes `name=value` in Traefik 2".to_owned(), &help))
}

fn misread(span: Range<usize>, message: String, help: &str) -> Diagnostic<Span> {
    Diagnostic::new(span, message).help(help)
}

fn not_ascii(value: &Value, matcher: &str) -> Option<Diagnostic<Span>> {
    if value.text.is_ascii() {
        return None;
    }
    let message = format!("`{matcher}` takes ASCII only");
    let help = match url::Host::parse(&value.text) {
        Ok(url::Host::Domain(encoded)) => format!("write the name as browsers send it: {matcher}(`{encoded}`)"),
        _ => "write names as browsers send them, such as `xn--mnchen-3ya.example.com`".to_owned(),
    };
    Some(misread(value.span.clone(), message, &help))
}

/// A template of Traefik 2, `/{name:pattern}`, whose braces have no partners, or whose pattern is none (gorilla/mux `regexp.go`).
fn no_template(value: &Value) -> Option<Diagnostic<Span>> {
    let (mut depth, mut start) = (0_usize, 0);
    for (at, byte) in value.text.bytes().enumerate() {
        match byte {
            b'{' if depth == 0 => (depth, start) = (1, at + 1),
            b'{' => depth += 1,
            b'}' if depth == 0 => return Some(unbalanced(value)),
            b'}' if depth == 1 => {
                depth = 0;
                let pattern = value.text[start..at].split_once(':').map(|(_, pattern)| pattern);
                if let Some((_, why)) = pattern.and_then(regexp::objection) {
                    let message = format!("Go does not take the regular expression in these braces: {why}");
                    return Some(misread(value.span.clone(), message, "write it in the syntax of RE2"));
                }
            }
            b'}' => depth -= 1,
            _ => {}
        }
    }
    (depth > 0).then(|| unbalanced(value))
}

fn unbalanced(value: &Value) -> Diagnostic<Span> {
    let message = format!("the braces of `{}` are not balanced", text::cut(&value.text));
    misread(value.span.clone(), message, "write `{name:pattern}`")
}

fn no_pattern(value: &Value) -> Option<Diagnostic<Span>> {
    let (part, why) = regexp::objection(&value.text)?;
    // In double quotes the place of a part is not that in the rule.
    let is_plain = value.span.len() == value.text.len();
    let span = if is_plain { value.span.start + part.start..value.span.start + part.end } else { value.span.clone() };
    let message = format!("Go does not take this regular expression: {why}");
    Some(misread(span, message, "write it in the syntax of RE2, which has no look-around and no references"))
}

fn no_address(value: &Value) -> Option<Diagnostic<Span>> {
    let why = network_fault(&value.text)?;
    Some(misread(value.span.clone(), why, "write one such as `10.0.0.7` or `10.0.0.0/8`"))
}

/// Why a text is neither an address nor a network, the prefix of which is no longer than an address (Go's `net.ParseIP` and
/// `net.ParseCIDR`).
pub(in crate::lint::traefik) fn network_fault(text: &str) -> Option<String> {
    let (address, prefix) = text.split_once('/').map_or((text, None), |(it, prefix)| (it, Some(prefix)));
    let address: Option<IpAddr> = address.parse().ok();
    let longest = if address.is_some_and(|address| address.is_ipv6()) { 128 } else { 32 };
    let is_prefix = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits && text.parse::<u32>().is_ok_and(|length| length <= longest)
    };
    match (address, prefix) {
        (Some(_), None) => None,
        (Some(_), Some(prefix)) if is_prefix(prefix) => None,
        (Some(_), Some(_)) => Some(format!("`{}` is no network: the prefix has 0 to {longest} bits", text::cut(text))),
        (None, _) => Some(format!("`{}` is neither an address nor a network", text::cut(text))),
    }
}

fn no_server_name(value: &Value, syntax: Syntax) -> Option<Diagnostic<Span>> {
    if value.text == "*" {
        return None;
    }
    let wildcard = value.text.strip_prefix("*.");
    let name = wildcard.unwrap_or(&value.text);
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-:".contains(&byte));
    if !is_name {
        return not_ascii(value, "HostSNI").or_else(|| {
            let message = format!("`{}` is not a host name", text::cut(&value.text));
            Some(misread(value.span.clone(), message, "write one such as `db.example.com`, or `*` for all"))
        });
    }
    let message = "`HostSNI` takes no wildcard before Traefik 3.7".to_owned();
    let is_too_early = wildcard.is_some() && (syntax.is_before_wildcards || syntax.is_of_2);
    is_too_early.then(|| misread(value.span.clone(), message, "use `HostSNIRegexp`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::traefik::expression::Expression;
    use crate::lint::traefik::matchers::matcher;

    /// What Traefik itself makes of rules: written by `scripts/traefik.sh rules`.
    const VERDICTS: &str = include_str!("verdicts.txt");

    fn judged(rule: &str, syntax: Syntax) -> Result<(), Diagnostic<Span>> {
        for call in Expression::parse(rule)?.calls() {
            let known = matcher(syntax.protocol, &call.name);
            let counts = known.and_then(|known| if syntax.is_of_2 { known.in_2 } else { known.in_3 });
            let fits = counts.is_some_and(|(least, most)| (least..=most).contains(&call.values.len()));
            let name = known.filter(|_| fits).map_or("", |known| known.name);
            let unknown = || misread(call.span.clone(), "no such matcher, or not of so many values".to_owned(), "");
            if name.is_empty() {
                return Err(unknown());
            }
            fault(call, name, syntax).map_or(Ok(()), Err)?;
        }
        Ok(())
    }

    #[test]
    fn the_verdicts_are_traefiks_own() {
        let mut wrong = Vec::new();
        for line in VERDICTS.lines().filter(|line| !line.starts_with('#')) {
            let parts: Vec<&str> = line.splitn(4, '\t').collect();
            let [verdict, protocol, version, rule] = parts[..] else { panic!("{line}") };
            let protocol = if protocol == "tcp" { Protocol::Tcp } else { Protocol::Http };
            let syntax = Syntax { protocol, is_of_2: version == "v2", is_before_wildcards: false };
            let judged = judged(&rule.replace("\\n", "\n"), syntax);
            if judged.is_ok() != (verdict == "ok") {
                wrong.push(format!("{line}\t{judged:?}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    fn told(rule: &str) -> String {
        let protocol = if rule.contains("SNI") { Protocol::Tcp } else { Protocol::Http };
        let syntax = Syntax { protocol, is_of_2: false, is_before_wildcards: true };
        match judged(rule, syntax) {
            Ok(()) => String::new(),
            Err(Diagnostic { place, message, help, .. }) => {
                format!("{message} at {:?}; {}", &rule[place], help.unwrap())
            }
        }
    }

    #[test]
    fn what_it_cannot_be_made_of_is_told_at_its_place() {
        insta::assert_snapshot!(told("Host(`a`) && PathPrefix(`api`)"), @r#"the path of `PathPrefix` does not begin with `/` at "api"; write PathPrefix(`/api`)"#);
        insta::assert_snapshot!(told("Host(`münchen.de`)"), @r#"`Host` takes ASCII only at "münchen.de"; write the name as browsers send it: Host(`xn--mnchen-3ya.de`)"#);
        insta::assert_snapshot!(told("HostRegexp(`^[a-z+$`)"), @r#"Go does not take this regular expression: this bracket is not closed at "[a-z+$"; write it in the syntax of RE2, which has no look-around and no references"#);
        insta::assert_snapshot!(told("ClientIP(`10.0.0.0/40`)"), @r#"`10.0.0.0/40` is no network: the prefix has 0 to 32 bits at "10.0.0.0/40"; write one such as `10.0.0.7` or `10.0.0.0/8`"#);
        insta::assert_snapshot!(told("ClientIP(`10.0.0`)"), @r#"`10.0.0` is neither an address nor a network at "10.0.0"; write one such as `10.0.0.7` or `10.0.0.0/8`"#);
        insta::assert_snapshot!(told("Host(``)"), @r#"a value of `Host` is empty at "Host"; write a value, or leave the matcher out"#);
        insta::assert_snapshot!(told("HostSNI(`*.a.b`)"), @r#"`HostSNI` takes no wildcard before Traefik 3.7 at "*.a.b"; use `HostSNIRegexp`"#);
        insta::assert_snapshot!(told("HostSNI(`a b`)"), @r#"`a b` is not a host name at "a b"; write one such as `db.example.com`, or `*` for all"#);
        insta::assert_snapshot!(told("Host(`a`)\n&& Path(`/x`)"), @r#"the end of this line is the end of the rule at "\n"; put the operator at the end of the line before, or write the rule in one line (`>-`)"#);
        insta::assert_snapshot!(told("Host(`a` `b`)"), @r#"a comma is expected here at "`"; write one between two values"#);
        insta::assert_snapshot!(told(r#"PathRegexp("^/\d")"#), @r#"this is no escape in double quotes at "\\d"; double the backslash, or use back-ticks, in which a backslash is one"#);
    }
}
