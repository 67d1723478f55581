use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::lint::rule::{Found, MAX_FOUND, rule};
use crate::lint::subject::StackSubject;
use crate::lint::suggest;
use crate::lint::traefik::labels::{Kind, Label, Labels, Protocol};

rule! {
    /// Two services define the same router or middleware, each in its own way.
    ///
    /// Names of routers and middlewares are those of the whole swarm. Where two services say different things of one,
    /// Traefik drops both: a new stack takes down the route of another one. Begin the name with that of the stack.
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

/// A router or middleware.
type Thing = (Protocol, Kind, String);

/// Who said it first: stack, service, and what.
struct First<'a> {
    stack: usize,
    service: String,
    says: BTreeMap<String, &'a str>,
}

fn check(stacks: &[StackSubject<'_>]) -> Vec<Found> {
    // Several Traefiks may each look at other services.
    if stacks.first().is_none_or(|stack| stack.traefik.is_old() || stack.traefik.proxies.len() > 1) {
        return Vec::new();
    }
    let mut firsts: BTreeMap<Thing, First<'_>> = written_by_skep(stacks);
    let mut found = Vec::new();
    for (index, stack) in stacks.iter().enumerate() {
        for (name, service) in &stack.file.services {
            let labels = Labels::of(service);
            for kind in [Kind::Router, Kind::Middleware] {
                for thing in labels.all(kind) {
                    let says = said(&labels, thing);
                    match firsts.entry((thing.protocol, kind, thing.name.to_owned())) {
                        Entry::Vacant(free) => {
                            free.insert(First { stack: index, service: name.to_string(), says });
                        }
                        Entry::Occupied(first) if first.get().is_of(index, name.as_str()) => {}
                        Entry::Occupied(first) if first.get().says != says && found.len() < MAX_FOUND => {
                            let told = conflict(thing, first.get(), (index, stacks));
                            found.push(told.placed(&stack.file.sources));
                        }
                        Entry::Occupied(_) => {}
                    }
                }
            }
        }
    }
    found
}

impl First<'_> {
    /// To what skep writes, the author of the same service may add.
    fn is_of(&self, stack: usize, service: &str) -> bool {
        self.stack == stack && self.service == service
    }
}

/// The routers and middlewares that skep writes labels for.
fn written_by_skep<'a>(stacks: &[StackSubject<'_>]) -> BTreeMap<Thing, First<'a>> {
    let mut written = BTreeMap::new();
    for (index, stack) in stacks.iter().enumerate() {
        for (name, _) in stack.file.services.iter().filter(|(_, service)| service.http.is_some()) {
            let own = format!("{}-{name}", stack.name.unwrap_or_default());
            for (kind, thing) in [
                (Kind::Router, own.clone()),
                (Kind::Router, format!("{own}-http")),
                (Kind::Middleware, format!("{own}-https")),
            ] {
                let first = First { stack: index, service: name.to_string(), says: BTreeMap::new() };
                written.insert((Protocol::Http, kind, thing), first);
            }
        }
    }
    written
}

/// Options and values. A router without a service leads to that of its own labels, which is another one for each.
fn said<'a>(labels: &Labels<'a>, thing: &Label<'a>) -> BTreeMap<String, &'a str> {
    labels.about(thing).map(|label| (label.option.clone(), label.value.value.as_str())).collect()
}

fn conflict(thing: &Label<'_>, first: &First<'_>, (index, stacks): (usize, &[StackSubject<'_>])) -> Found {
    let (what, name) = (thing.kind.word(), suggest::cut(thing.name));
    let of = if first.stack == index { String::new() } else { format!(" of {}", stacks[first.stack].described()) };
    let message =
        format!("the {what} `{name}` is defined otherwise by the service `{}`{of}: Traefik drops both", first.service);
    let stack = stacks[index].name.unwrap_or("stack");
    Found::new(&thing.value.span, message).help(format!("give it another name, such as `{stack}-{name}`"))
}
