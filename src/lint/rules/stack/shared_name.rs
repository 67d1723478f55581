use std::collections::BTreeMap;

use crate::diagnostic::{Severity, Span};
use crate::lint::rule::{Found, MAX_LOOKED_AT, rule};
use crate::lint::subject::StackSubject;
use crate::stack::file::{Origin, Source, Spanned};
use crate::text;

rule! {
    /// Two stacks make a config, a secret or a network of one name.
    ///
    /// Names are those of the whole swarm, and what one stack has made belongs to it: Swarm makes no second one, changes neither what
    /// a config nor what a secret holds, and skep takes nothing from another stack. The stack that is deployed second is refused. What
    /// both need is made by one of them, and `external: true` in the other.
    ///
    /// ```yaml bad
    /// # stacks/shop/stack.yml
    /// services:
    ///   web: { image: "nginx:1.27", configs: [site] }
    /// configs: { site: { content: shop, name: site-1 } }
    /// # stacks/wiki/stack.yml
    /// services:
    ///   web: { image: "nginx:1.27", configs: [page] }
    /// configs: { page: { content: wiki, name: site-1 } }
    /// ```
    ///
    /// ```yaml good
    /// # stacks/shop/stack.yml
    /// services:
    ///   web: { image: "nginx:1.27", configs: [site] }
    /// configs: { site: { content: shop, name: shop-site-1 } }
    /// # stacks/wiki/stack.yml
    /// services:
    ///   web: { image: "nginx:1.27", configs: [site] }
    /// configs: { site: { content: wiki, name: wiki-site-1 } }
    /// ```
    "SK1026", Error, Stacks(check), Holds, Deploys
}

/// Something with a name of its own: what it is, where, and what it holds if that is known.
struct Named<'a> {
    what: &'static str,
    name: &'a str,
    span: &'a Span,
    content: Option<&'a [u8]>,
}

/// The stack that has a name first, and the content behind it.
type First<'a> = (usize, Option<&'a [u8]>);

fn check(stacks: &[StackSubject<'_>]) -> Vec<Found> {
    let mut first = BTreeMap::<(&str, &str), First<'_>>::new();
    let mut found = Vec::new();
    for (index, stack) in stacks.iter().enumerate() {
        for Named { what, name, span, content } in named(stack) {
            let (other, earlier) = *first.entry((what, name)).or_insert((index, content));
            if other == index || found.len() >= MAX_LOOKED_AT {
                continue;
            }
            let message = format!("the {what} `{}` is made by {}, too", text::cut(name), stacks[other].described());
            let help = format!("give it another name, or write `external: true` and make the {what} in one stack");
            let told = Found::new(span, message).help(help);
            // Docker changes nothing in what holds the same, and lets both have it.
            let is_same = content.is_some() && content == earlier;
            let told = if is_same { told.severity(Severity::Warning) } else { told };
            found.push(told.placed(&stack.file.sources));
        }
    }
    found
}

fn named<'a>(stack: &'a StackSubject<'_>) -> Vec<Named<'a>> {
    let of = |what: &'static str, name: &'a Option<Spanned<String>>, content: Option<&'a [u8]>| {
        name.as_ref().map(|name| Named { what, name: name.value.as_str(), span: &name.span, content })
    };
    let source = |what: &'static str, source: &'a Source| {
        let content = match &source.origin {
            Origin::File(path) => Some(stack.revision.texts.get(&path.value)?.as_ref()),
            Origin::Content(content) => Some(content.value.as_bytes()),
            _ => return None,
        };
        of(what, &source.name, content)
    };
    let configs = stack.file.configs.values().filter_map(|config| source("config", config));
    let secrets = stack.file.secrets.values().filter_map(|secret| source("secret", secret));
    let own = stack.file.networks.values().filter(|network| !network.external);
    let networks = own.filter_map(|network| of("network", &network.name, None));
    configs.chain(secrets).chain(networks).collect()
}
