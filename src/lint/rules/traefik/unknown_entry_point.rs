use std::collections::BTreeSet;

use super::in_each;
use crate::diagnostic::suggest;
use crate::lint::rule::{Found, MAX_FOUND, rule};
use crate::lint::subject::StackSubject;
use crate::lint::traefik::labels::{Kind, Label, names};
use crate::lint::traefik::{Proxy, place};
use crate::stack::file::Service;
use crate::text;

rule! {
    /// A router names an entry point or a certificate resolver that Traefik does not have.
    ///
    /// Without its entry point the router is unreachable, and without its resolver visitors see an untrusted certificate.
    /// Entry points and resolvers are read from the command, the variables or the settings file of the Traefik that the repository
    /// deploys; if the file is not in the repository, the rule is skipped.
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.http.routers.web.rule: Host(`shop.example.com`)
    ///         traefik.http.routers.web.entrypoints: https
    ///         traefik.http.services.web.loadbalancer.server.port: "80"
    ///   proxy:
    ///     image: traefik:v3.7
    ///     command:
    ///       - --providers.swarm.exposedByDefault=false
    ///       - --entryPoints.websecure.address=:443
    ///       - --entryPoints.websecure.http.tls=true
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.http.routers.web.rule: Host(`shop.example.com`)
    ///         traefik.http.routers.web.entrypoints: webSecure
    ///         traefik.http.services.web.loadbalancer.server.port: "80"
    ///   proxy:
    ///     image: traefik:v3.7
    ///     command:
    ///       - --providers.swarm.exposedByDefault=false
    ///       - --entryPoints.websecure.address=:443
    ///       - --entryPoints.websecure.http.tls=true
    /// ```
    "SK4009", Warning, Stack(check), Whole
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let entry_points = all(subject, Proxy::entry_points);
    let resolvers = all(subject, Proxy::resolvers);
    let of_label = |label: &Label<'_>| match (label.option.as_str(), &entry_points, &resolvers) {
        ("entrypoints", Some(known), _) => unknown("entry point", label, known, subject),
        ("tls.certresolver", _, Some(known)) => unknown("certificate resolver", label, known, subject),
        _ => Vec::new(),
    };
    in_each(subject, |service, labels| {
        let routers = labels.iter().filter(|label| label.kind == Kind::Router);
        let of_settings = entry_points.as_ref().and_then(|known| in_settings(service, known));
        routers.flat_map(of_label).chain(of_settings).collect()
    })
}

/// The names that all Traefiks together define; `None` without a Traefik, or if one of them is not fully known.
fn all<'a>(
    subject: &StackSubject<'a>,
    of: impl Fn(&'a Proxy) -> Option<BTreeSet<&'a str>>,
) -> Option<BTreeSet<&'a str>> {
    let proxies = &subject.traefik.proxies;
    let each: Option<Vec<BTreeSet<&str>>> = proxies.iter().map(of).collect();
    each.filter(|each| !each.is_empty()).map(|each| each.into_iter().flatten().collect())
}

fn unknown(what: &str, label: &Label<'_>, known: &BTreeSet<&str>, subject: &StackSubject<'_>) -> Vec<Found> {
    let named = names(label.value).into_iter().filter(|(name, _)| !known.contains(name.to_ascii_lowercase().as_str()));
    named
        .map(|(name, part)| {
            let message = format!("Traefik has no {what} `{}`", text::cut(name));
            Found::new(&place(&subject.file.sources, label.value, &part), message).help(help(name, known))
        })
        .take(MAX_FOUND)
        .collect()
}

fn in_settings(service: &Service, known: &BTreeSet<&str>) -> Option<Found> {
    let name = service.http.as_ref()?.entrypoint.as_ref()?;
    let is_unknown = !known.contains(name.to_ascii_lowercase().as_str());
    let message = format!("Traefik has no entry point `{}`", text::cut(name));
    is_unknown.then(|| Found::new(&name.span, message).help(help(name, known)))
}

fn help(name: &str, known: &BTreeSet<&str>) -> String {
    match suggest::did_you_mean(name, known.iter().copied()) {
        Some(question) => question,
        None if known.is_empty() => "none is defined in this repository".to_owned(),
        None => {
            format!("this repository defines {}", known.iter().copied().collect::<Vec<_>>().join(", "))
        }
    }
}
