use std::collections::BTreeMap;

use super::rule_syntax::is_rule;
use crate::diagnostic::Span;
use crate::lint::rule::{Found, MAX_FOUND, rule};
use crate::lint::subject::StackSubject;
use crate::lint::traefik::expression::Expression;
use crate::lint::traefik::labels::{Labels, names};
use crate::render::Traefik;
use crate::render::traefik::Route as Generated;
use crate::stack::file::{Http, Service};
use crate::text;

rule! {
    /// Two stacks claim the same requests.
    ///
    /// The rules of two routers match the same host and path, on the same entry point, with the same priority. Traefik
    /// chooses one of them arbitrarily. Two stacks may share a host with different paths: the longer
    /// rule takes precedence.
    ///
    /// ```yaml bad
    /// # stacks/shop/stack.yml
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     x-skep: { http: { host: shop.example.com, port: 80 } }
    /// # stacks/wiki/stack.yml
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.http.routers.wiki.rule: Host(`wiki.example.com`) || Host(`shop.example.com`)
    ///         traefik.http.services.wiki.loadbalancer.server.port: "80"
    /// ```
    ///
    /// ```yaml good
    /// # stacks/shop/stack.yml
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     x-skep: { http: { host: shop.example.com, port: 80 } }
    /// # stacks/wiki/stack.yml
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.http.routers.wiki.rule: Host(`wiki.example.com`) || Host(`shop.example.com`) && PathPrefix(`/wiki`)
    ///         traefik.http.services.wiki.loadbalancer.server.port: "80"
    /// ```
    "SK4013", Warning, Stacks(check), Whole
}

/// A router: rule, entry points and priority.
struct Route {
    ways: Vec<Vec<String>>,
    entry_points: Vec<String>,
    priority: String,
    place: Span,
}

/// The stacks that claim the same requests, and their entry points.
type Takers = Vec<(usize, Vec<String>)>;

fn check(stacks: &[StackSubject<'_>]) -> Vec<Found> {
    if stacks.first().is_none_or(|stack| stack.traefik.is_old() || stack.traefik.proxies.len() > 1) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut taken: BTreeMap<(Vec<String>, String), Takers> = BTreeMap::new();
    for (index, stack) in stacks.iter().enumerate() {
        for route in stack.file.services.values().flat_map(routes) {
            for way in &route.ways {
                let takers = taken.entry((way.clone(), route.priority.clone())).or_default();
                let other = takers.iter().find(|(first, at)| *first != index && overlap(at, &route.entry_points));
                if let Some((first, _)) = other.filter(|_| found.len() < MAX_FOUND) {
                    found.push(same(way, &stacks[*first], &route).placed(&stack.file.sources));
                    break;
                }
                if takers.len() < MAX_FOUND {
                    takers.push((index, route.entry_points.clone()));
                }
            }
        }
    }
    found
}

fn overlap(one: &[String], two: &[String]) -> bool {
    one.is_empty() || two.is_empty() || one.iter().any(|name| two.contains(name))
}

fn same(way: &[String], first: &StackSubject<'_>, route: &Route) -> Found {
    let way = way.join(" && ");
    let message = format!("{} also claims the requests for {}", first.described(), text::cut(&way));
    Found::new(&route.place, message).help("give one of them a different path, or a `priority`")
}

fn routes(service: &Service) -> Vec<Route> {
    let labels = Labels::of(service);
    let rules = labels.iter().filter(|label| is_rule(label));
    let written = rules.filter_map(|rule| {
        let entry_points = labels.option(rule, "entrypoints").map(|list| list.value.to_ascii_lowercase());
        let entry_points = entry_points.unwrap_or_default();
        Some(Route {
            ways: Expression::parse(rule.value).ok()?.ways()?,
            entry_points: names(&entry_points).into_iter().map(|(name, _)| name.to_owned()).collect(),
            priority: labels.option(rule, "priority").map(|label| label.value.value.clone()).unwrap_or_default(),
            place: rule.value.span.clone(),
        })
    });
    written.chain(service.http.iter().filter_map(of_settings)).collect()
}

/// The router that skep writes for `x-skep.http`.
fn of_settings(http: &Http) -> Option<Route> {
    let rule = Generated { http, traefik: &Traefik::default(), name: String::new(), port: 0 }.rule();
    Some(Route {
        ways: Expression::parse(&rule).ok()?.ways()?,
        entry_points: http.entrypoint.iter().map(|name| name.to_ascii_lowercase()).collect(),
        priority: String::new(),
        place: http.host.span.clone(),
    })
}
