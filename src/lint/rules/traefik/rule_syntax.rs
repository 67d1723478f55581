use super::in_each;
use crate::diagnostic::suggest::did_you_mean;
use crate::diagnostic::{Diagnostic, Span};
use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::lint::traefik::expression::compile::{self, Syntax};
use crate::lint::traefik::expression::{Call, Expression, modern};
use crate::lint::traefik::labels::{Kind, Label, Labels, Protocol};
use crate::lint::traefik::proxy::Version;
use crate::lint::traefik::{matchers, place};
use crate::text;

rule! {
    /// The rule of a router is invalid.
    ///
    /// The router is dropped, with an error in Traefik's own log only. A rule consists of matchers with values in
    /// back-ticks or double quotes, joined by `&&` and `||`, with `!` and parentheses: ``Host(`a.b`) && !Path(`/x`)``. The linter
    /// compiles it like Traefik: paths begin with `/`, names are ASCII, regular expressions have Go's syntax, addresses
    /// are valid, and lines break only after an operator or a comma.
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.http.routers.web.rule: Host(shop.example.com)
    ///         traefik.http.services.web.loadbalancer.server.port: "80"
    /// ```
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.http.routers.web.rule: Host:shop.example.com;PathPrefix:/api
    ///         traefik.http.services.web.loadbalancer.server.port: "80"
    /// ```
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.http.routers.web.rule: Host(`shop.example.com`) && PathPrefx(`/api`)
    ///         traefik.http.services.web.loadbalancer.server.port: "80"
    /// ```
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.http.routers.web.rule: Host(`shop.example.com`) && PathPrefix(`api`)
    ///         traefik.http.services.web.loadbalancer.server.port: "80"
    /// ```
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.http.routers.web.rule: HostRegexp(`^[a-z+\.example\.com$$`)
    ///         traefik.http.services.web.loadbalancer.server.port: "80"
    /// ```
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.http.routers.web.rule: |
    ///           Host(`shop.example.com`)
    ///           && ClientIP(`10.0.0.0/8`)
    ///         traefik.http.services.web.loadbalancer.server.port: "80"
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.http.routers.web.rule: Host(`shop.example.com`) && !(Path("/x") || Method(`POST`))
    ///         traefik.tcp.routers.db.rule: HostSNI(`*`)
    ///         traefik.http.services.web.loadbalancer.server.port: "80"
    /// ```
    "SK4004", Error, Stack(check), Deploys
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    in_each(subject, |_, labels| {
        labels.iter().filter(|label| is_rule(label)).filter_map(|rule| wrong(rule, labels, subject)).collect()
    })
}

/// Whether a label is the rule of a router.
pub(super) fn is_rule(label: &Label<'_>) -> bool {
    label.kind == Kind::Router && label.option == "rule" && label.protocol != Protocol::Udp
}

fn wrong(rule: &Label<'_>, labels: &Labels<'_>, subject: &StackSubject<'_>) -> Option<Found> {
    let misread = match Expression::parse(rule.value) {
        Err(_) if modern(rule.value).is_some() => old(rule.value)?,
        Err(misread) => misread,
        Ok(expression) => {
            let syntax = syntax(rule, labels, subject);
            expression
                .calls()
                .into_iter()
                .find_map(|call| unusable(call, rule.protocol).or_else(|| faulty(call, syntax)))?
        }
    };
    let span = place(&subject.file.sources, rule.value, &misread.place);
    Some(misread.at(span).into())
}

/// How Traefik compiles the rule of a router.
fn syntax(rule: &Label<'_>, labels: &Labels<'_>, subject: &StackSubject<'_>) -> Syntax {
    let own = labels.option(rule, "rulesyntax").map(|label| label.value.eq_ignore_ascii_case("v2"));
    let before = Version::new(3, 7, 0);
    Syntax {
        protocol: rule.protocol,
        is_of_2: own.unwrap_or_else(|| subject.traefik.has_old_syntax()),
        is_before_wildcards: subject.traefik.release().is_some_and(|version| version.is_before(before)),
    }
}

/// A matcher with an invalid value.
fn faulty(call: &Call, syntax: Syntax) -> Option<Diagnostic<Span>> {
    compile::fault(call, matchers::matcher(syntax.protocol, &call.name)?.name, syntax)
}

fn old(text: &str) -> Option<Diagnostic<Span>> {
    let message = "this is a rule for Traefik 1, which is invalid in later versions".to_owned();
    Some(Diagnostic::new(0..text.len(), message).help(format!("write {}", text::cut(&modern(text)?))))
}

/// A matcher that no version has, or with a number of values that no version accepts.
fn unusable(call: &Call, protocol: Protocol) -> Option<Diagnostic<Span>> {
    let misread = |message: String, help: String| Some(Diagnostic::new(call.span.clone(), message).help(help));
    let Some(matcher) = matchers::matcher(protocol, &call.name) else {
        let names = matchers::known(protocol).iter().map(|known| known.name);
        let help = did_you_mean(&call.name, names.clone())
            .unwrap_or_else(|| format!("it has {}", names.collect::<Vec<_>>().join(", ")));
        return misread(format!("Traefik has no matcher `{}`", text::cut(&call.name)), help);
    };
    let counts = [matcher.in_2, matcher.in_3].into_iter().flatten();
    let fits = counts.clone().any(|(least, most)| (least..=most).contains(&call.values.len()));
    let least = counts.map(|(least, _)| least).min().unwrap_or(1);
    let wanted = if least == 1 { "a value".to_owned() } else { format!("{least} values") };
    let message = format!("`{}` needs {wanted}, but has {}", matcher.name, call.values.len());
    if fits { None } else { misread(message, format!("write {}(`…`{})", matcher.name, ", `…`".repeat(least - 1))) }
}
