use std::collections::BTreeMap;

use crate::diagnostic::{Severity, Span};
use crate::lint::rule::{Found, MAX_LOOKED_AT, rule};
use crate::lint::subject::StackSubject;
use crate::stack::file::{Origin, Source, Spanned};
use crate::text;

rule! {
    /// Two stacks define a config, secret or network with the same name.
    ///
    /// Names are shared by the whole swarm, and an object belongs to the stack that created it: Swarm does not create a second one, cannot
    /// change the contents of a config or secret, and skep takes nothing from another stack. The stack that is deployed second is refused. If
    /// both need the object, one of them defines it, and the other uses `external: true`.
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

/// An object with a fixed name: its kind, its place, and its contents if known.
struct Named<'a> {
    what: &'static str,
    name: &'a str,
    span: &'a Span,
    content: Option<&'a [u8]>,
}

/// The first stack with a name, and the contents of its object.
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
            let message = format!("{} also defines the {what} `{}`", stacks[other].described(), text::cut(name));
            let help = format!("rename it, or define the {what} in one stack and write `external: true` in the other");
            let told = Found::new(span, message).help(help);
            // With equal contents Docker changes nothing, and both stacks can use the object.
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
