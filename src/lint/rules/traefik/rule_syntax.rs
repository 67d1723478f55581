use super::in_each;
use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::lint::suggest;
use crate::lint::traefik::expression::{Call, Expression, Misread, modern};
use crate::lint::traefik::labels::{Kind, Label, Protocol};
use crate::lint::traefik::{matchers, place};

rule! {
    /// Traefik does not understand the rule of a router.
    ///
    /// The router is left out, with an error in Traefik's own log only. A rule is made of matchers with their values in
    /// back-ticks or double quotes, joined by `&&` and `||`, with `!` and parentheses: ``Host(`a.b`) && !Path(`/x`)``.
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
        labels.iter().filter(|label| is_rule(label)).filter_map(|rule| wrong(rule, subject)).collect()
    })
}

/// Whether a label is the rule of a router.
pub(super) fn is_rule(label: &Label<'_>) -> bool {
    label.kind == Kind::Router && label.option == "rule" && label.protocol != Protocol::Udp
}

fn wrong(rule: &Label<'_>, subject: &StackSubject<'_>) -> Option<Found> {
    let Misread { span, message, help } = match Expression::parse(rule.value) {
        Err(_) if modern(rule.value).is_some() => old(rule.value)?,
        Err(misread) => misread,
        Ok(expression) => expression.calls().into_iter().find_map(|call| unusable(call, rule.protocol))?,
    };
    Some(Found::new(&place(&subject.file.sources, rule.value, &span), message).help(help))
}

fn old(text: &str) -> Option<Misread> {
    let message = "this is a rule of Traefik 1, which later versions do not understand".to_owned();
    Some(Misread { span: 0..text.len(), message, help: format!("write {}", suggest::cut(&modern(text)?)) })
}

/// A matcher that no version has, or with more or fewer values than any version takes.
fn unusable(call: &Call, protocol: Protocol) -> Option<Misread> {
    let misread = |message: String, help: String| Some(Misread { span: call.span.clone(), message, help });
    let Some(matcher) = matchers::matcher(protocol, &call.name) else {
        let names = matchers::known(protocol).iter().map(|known| known.name);
        let same = names.clone().find(|known| known.eq_ignore_ascii_case(&call.name));
        let help = match same.or_else(|| suggest::nearest(&call.name, names.clone())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it has {}", names.collect::<Vec<_>>().join(", ")),
        };
        return misread(format!("Traefik has no matcher `{}`", suggest::cut(&call.name)), help);
    };
    let counts = [matcher.in_2, matcher.in_3].into_iter().flatten();
    let fits = counts.clone().any(|(least, most)| (least..=most).contains(&call.values.len()));
    let least = counts.map(|(least, _)| least).min().unwrap_or(1);
    let wanted = if least == 1 { "a value".to_owned() } else { format!("{least} values") };
    let message = format!("`{}` needs {wanted}, and here are {}", matcher.name, call.values.len());
    if fits { None } else { misread(message, format!("write {}(`…`{})", matcher.name, ", `…`".repeat(least - 1))) }
}
