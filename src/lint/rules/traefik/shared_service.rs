use std::collections::BTreeMap;

use crate::lint::rule::{Found, MAX_FOUND, rule};
use crate::lint::subject::StackSubject;
use crate::lint::traefik::definitions::{self, Definition, NamedBy};
use crate::lint::traefik::labels::{Kind, Protocol};
use crate::text;

rule! {
    /// Two stacks define a Traefik service with the same name.
    ///
    /// Names of Traefik's services are shared by the whole swarm, and Traefik distributes the requests among the tasks of all
    /// services with the same name: every second visitor of the shop gets the wiki. Begin the name with that of the stack. Within
    /// one stack this may be intended.
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
    let mut found = Vec::new();
    for (index, stack) in stacks.iter().enumerate() {
        for (name, service) in &stack.file.services {
            for it in definitions::of(stack.name, name, service).into_iter().filter(|it| it.kind == Kind::Service) {
                let first = *firsts.entry((it.protocol, it.name.clone())).or_insert(index);
                if first != index && found.len() < MAX_FOUND {
                    found.push(shared(&it, &stacks[first], stack).placed(&stack.file.sources));
                }
            }
        }
    }
    found
}

fn shared(it: &Definition, first: &StackSubject<'_>, stack: &StackSubject<'_>) -> Found {
    let name = text::cut(&it.name);
    let message = format!("{} also has a service `{name}` in Traefik: both share the requests", first.described());
    let help = match it.named_by {
        NamedBy::Author => format!("rename it, for example to `{}-{name}`", stack.name.unwrap_or("stack")),
        NamedBy::Skep | NamedBy::Traefik => "rename the service of that stack".to_owned(),
    };
    Found::new(&it.span, message).help(help)
}
