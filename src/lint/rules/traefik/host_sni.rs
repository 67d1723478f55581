use super::in_each;
use super::rule_syntax::is_rule;
use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::lint::traefik::expression::Expression;
use crate::lint::traefik::labels::{Label, Protocol};
use crate::lint::traefik::place;

rule! {
    /// A TCP router matches a host name without TLS.
    ///
    /// Only connections with TLS carry a host name. Without TLS the rule matches nothing; ``HostSNI(`*`)`` matches
    /// every connection of the entry point.
    ///
    /// ```yaml bad
    /// services:
    ///   db:
    ///     image: postgres:17
    ///     deploy:
    ///       labels:
    ///         traefik.tcp.routers.db.rule: HostSNI(`db.example.com`)
    ///         traefik.tcp.routers.db.entrypoints: postgres
    ///         traefik.tcp.services.db.loadbalancer.server.port: "5432"
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   db:
    ///     image: postgres:17
    ///     deploy:
    ///       labels:
    ///         traefik.tcp.routers.db.rule: HostSNI(`*`)
    ///         traefik.tcp.routers.db.entrypoints: postgres
    ///         traefik.tcp.routers.tls.rule: HostSNI(`db.example.com`)
    ///         traefik.tcp.routers.tls.service: db
    ///         traefik.tcp.routers.tls.tls.passthrough: "true"
    ///         traefik.tcp.services.db.loadbalancer.server.port: "5432"
    /// ```
    "SK4020", Warning, Stack(check), Whole
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    in_each(subject, |_, labels| {
        let rules = labels.iter().filter(|label| is_rule(label) && label.protocol == Protocol::Tcp);
        rules.filter(|rule| !labels.has_tls(rule)).filter_map(|rule| named(rule, subject)).collect()
    })
}

fn named(rule: &Label<'_>, subject: &StackSubject<'_>) -> Option<Found> {
    let expression = Expression::parse(rule.value).ok()?;
    let calls = expression.calls();
    let hosts = calls.iter().filter(|call| call.name.to_ascii_lowercase().starts_with("hostsni"));
    let value =
        hosts.flat_map(|call| &call.values).find(|value| !matches!(value.text.as_str(), "*" | ".*" | "^.*$"))?;
    let message = "only connections with TLS carry a host name, but this router has no TLS";
    let help = format!("write HostSNI(`*`), or add `traefik.tcp.routers.{}.tls=true`", rule.name);
    Some(Found::new(&place(&subject.file.sources, rule.value, &value.span), message).help(help))
}
