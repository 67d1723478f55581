use std::collections::BTreeMap;

use crate::lint::rule::{Found, MAX_FOUND, rule};
use crate::lint::subject::StackSubject;
use crate::lint::suggest;
use crate::lint::traefik::labels::{Kind, Label, Labels, Protocol};

rule! {
    /// Two stacks define a service of Traefik by the same name.
    ///
    /// Names of Traefik's services are those of the whole swarm, and it shares the requests out among the tasks of all
    /// that bear one: every second visitor of the shop gets to the wiki. Begin the name with that of the stack. Within
    /// one stack this may be meant.
    ///
    /// ```yaml bad
    /// # stacks/shop/stack.yml
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.http.routers.shop.rule: Host(`shop.example.com`)
    ///         traefik.http.services.web.loadbalancer.server.port: "80"
    /// # stacks/wiki/stack.yml
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.http.routers.wiki.rule: Host(`wiki.example.com`)
    ///         traefik.http.services.web.loadbalancer.server.port: "80"
    /// ```
    ///
    /// ```yaml good
    /// # stacks/shop/stack.yml
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.http.routers.shop.rule: Host(`shop.example.com`)
    ///         traefik.http.services.shop.loadbalancer.server.port: "80"
    /// # stacks/wiki/stack.yml
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     x-skep: { http: { host: wiki.example.com, port: 80 } }
    /// ```
    "SK4012", Warning, Stacks(check), Whole
}

fn check(stacks: &[StackSubject<'_>]) -> Vec<Found> {
    if stacks.first().is_none_or(|stack| stack.traefik.is_old() || stack.traefik.proxies.len() > 1) {
        return Vec::new();
    }
    let mut firsts: BTreeMap<(Protocol, String), usize> = BTreeMap::new();
    for (index, stack) in stacks.iter().enumerate() {
        for own in written_by_skep(stack) {
            firsts.entry((Protocol::Http, own)).or_insert(index);
        }
    }
    let mut found = Vec::new();
    for (index, stack) in stacks.iter().enumerate() {
        for service in stack.file.services.values() {
            for thing in Labels::of(service).all(Kind::Service) {
                let first = *firsts.entry((thing.protocol, thing.name.to_owned())).or_insert(index);
                if first != index && found.len() < MAX_FOUND {
                    found.push(shared(thing, &stacks[first], stack).placed(&stack.file.sources));
                }
            }
        }
    }
    found
}

/// The names of the services that skep writes labels for.
fn written_by_skep<'a>(stack: &'a StackSubject<'_>) -> impl Iterator<Item = String> + 'a {
    let behind = stack.file.services.iter().filter(|(_, service)| service.http.is_some());
    behind.map(|(name, _)| format!("{}-{name}", stack.name.unwrap_or_default()))
}

fn shared(thing: &Label<'_>, first: &StackSubject<'_>, stack: &StackSubject<'_>) -> Found {
    let name = suggest::cut(thing.name);
    let message = format!("{} has a service `{name}` in Traefik too: both share the requests", first.described());
    Found::new(&thing.value.span, message)
        .help(format!("give it another name, such as `{}-{name}`", stack.name.unwrap_or("stack")))
}
