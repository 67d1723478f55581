use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::lint::rule::{Found, MAX_FOUND, rule};
use crate::lint::subject::StackSubject;
use crate::lint::traefik::definitions::{self, Definition, NamedBy};
use crate::lint::traefik::labels::{Kind, Protocol};
use crate::text;

rule! {
    /// Two services define the same router or middleware differently.
    ///
    /// Names of routers and middlewares are shared by the whole swarm. If two services define one differently,
    /// Traefik drops both: a new stack takes down the route of another one. Begin the name with that of the stack. Names that
    /// skep writes for `x-skep.http` are included (`shop_web` and `shop_web~http` for the service `web` of the stack `shop`), and
    /// names that Traefik generates if no label names a router (`shop-web`).
    ///
    /// ```yaml bad
    /// # stacks/shop/stack.yml
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.http.routers.web.rule: Host(`shop.example.com`)
    ///         traefik.http.services.shop.loadbalancer.server.port: "80"
    /// # stacks/wiki/stack.yml
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.http.routers.web.rule: Host(`wiki.example.com`)
    ///         traefik.http.services.wiki.loadbalancer.server.port: "80"
    /// ```
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
    ///         traefik.http.routers.shop_web.rule: Host(`wiki.example.com`)
    ///         traefik.http.services.wiki.loadbalancer.server.port: "80"
    /// ```
    ///
    /// ```yaml bad
    /// # stacks/a/stack.yml
    /// services:
    ///   b-c:
    ///     image: nginx:1.27
    ///     deploy: { labels: { traefik.http.services.one.loadbalancer.server.port: "80" } }
    /// # stacks/a-b/stack.yml
    /// services:
    ///   c:
    ///     image: nginx:1.27
    ///     deploy: { labels: { traefik.http.services.two.loadbalancer.server.port: "80" } }
    /// ```
    ///
    /// ```yaml good
    /// # stacks/a/stack.yml
    /// services:
    ///   b-c:
    ///     image: nginx:1.27
    ///     x-skep: { http: { host: shop.example.com, port: 80 } }
    ///   web:
    ///     image: nginx:1.27
    ///     x-skep: { http: { host: web.example.com, port: 80 } }
    ///   web-http:
    ///     image: nginx:1.27
    ///     x-skep: { http: { host: plain.example.com, port: 80 } }
    /// # stacks/a-b/stack.yml
    /// services:
    ///   c:
    ///     image: nginx:1.27
    ///     x-skep: { http: { host: wiki.example.com, port: 80 } }
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
    ///         traefik.http.middlewares.slash.redirectregex.regex: ^(.*[^/])$$
    /// # stacks/wiki/stack.yml
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.http.routers.wiki.rule: Host(`wiki.example.com`)
    ///         traefik.http.services.wiki.loadbalancer.server.port: "80"
    ///         traefik.http.middlewares.slash.redirectregex.regex: ^(.*[^/])$$
    /// ```
    "SK4011", Error, Stacks(check), Deploys
}

/// The identity of a router or middleware.
type Thing = (Protocol, Kind, String);

/// The first definition: stack, service and contents.
struct First {
    stack: usize,
    service: String,
    says: BTreeMap<String, String>,
    named_by: NamedBy,
}

fn check(stacks: &[StackSubject<'_>]) -> Vec<Found> {
    // Several Traefiks may each handle different services.
    if stacks.first().is_none_or(|stack| stack.traefik.is_old() || stack.traefik.proxies.len() > 1) {
        return Vec::new();
    }
    let mut firsts: BTreeMap<Thing, First> = BTreeMap::new();
    let mut found = Vec::new();
    for (index, stack) in stacks.iter().enumerate() {
        for (name, service) in &stack.file.services {
            for it in definitions::of(stack.name, name, service).into_iter().filter(|it| it.kind != Kind::Service) {
                match firsts.entry((it.protocol, it.kind, it.name.clone())) {
                    Entry::Vacant(free) => {
                        let Definition { says, named_by, .. } = it;
                        free.insert(First { stack: index, service: name.to_string(), says, named_by });
                    }
                    Entry::Occupied(first) if first.get().says != it.says && found.len() < MAX_FOUND => {
                        found.push(conflict(&it, first.get(), (index, stacks)).placed(&stack.file.sources));
                    }
                    Entry::Occupied(_) => {}
                }
            }
        }
    }
    found
}

fn conflict(it: &Definition, first: &First, (index, stacks): (usize, &[StackSubject<'_>])) -> Found {
    let (what, name) = (it.kind.word(), text::cut(&it.name));
    let of = if first.stack == index { String::new() } else { format!(" of {}", stacks[first.stack].described()) };
    let whose = match it.named_by {
        NamedBy::Author => "",
        NamedBy::Skep => " of `x-skep.http`",
        NamedBy::Traefik => ", as Traefik names it without a label,",
    };
    let message = format!(
        "the {what} `{name}`{whose} is defined differently by the service `{}`{of}: Traefik drops both",
        first.service
    );
    let stack = stacks[index].name.unwrap_or("stack");
    let help = match (it.named_by, first.named_by) {
        (NamedBy::Author, NamedBy::Author) => format!("rename it, for example to `{stack}-{name}`"),
        (NamedBy::Author, _) => format!("rename it: `{name}` is generated for the service `{}`", first.service),
        (NamedBy::Skep, _) => format!("rename the {what} of that service"),
        (NamedBy::Traefik, _) => format!("name one with a label: `traefik.{}.{what}s.<name>.…`", it.protocol.word()),
    };
    Found::new(&it.span, message).help(help)
}
