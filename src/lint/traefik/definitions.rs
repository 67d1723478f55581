//! What a service defines in Traefik: by its own labels, by those that skep writes for `x-skep.http`, and by what Traefik
//! makes up where labels say nothing (its `pkg/provider/configuration.go` and `pkg/provider/docker`).

use std::collections::BTreeMap;

use super::labels::{Kind, Label, Labels, Protocol, root};
use crate::diagnostic::Span;
use crate::name::ServiceName;
use crate::render::Traefik;
use crate::render::traefik::Route;
pub(crate) use crate::render::traefik::{HTTP, HTTPS};
use crate::stack::file::{Service, Spanned};

/// A router, service or middleware, as one service defines it.
#[derive(Debug)]
pub(crate) struct Definition {
    /// What is routed.
    pub(crate) protocol: Protocol,
    /// What it is.
    pub(crate) kind: Kind,
    /// What it is called in the whole swarm.
    pub(crate) name: String,
    /// What is said of it, by option.
    pub(crate) says: BTreeMap<String, String>,
    /// Where it comes from in the file.
    pub(crate) span: Span,
    /// Who chose its name.
    pub(crate) named_by: NamedBy,
}

/// Who chose a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NamedBy {
    /// The author, in a label.
    Author,
    /// skep, for `x-skep.http`.
    Skep,
    /// Traefik, because no label does.
    Traefik,
}

/// Everything that a service defines. Without the name of its stack, nobody knows what is made up for it.
pub(crate) fn of(stack: Option<&str>, name: &ServiceName, service: &Service) -> Vec<Definition> {
    let labels = Labels::of(service);
    let mut found: Vec<Definition> =
        [Kind::Router, Kind::Service, Kind::Middleware].into_iter().flat_map(|kind| written(&labels, kind)).collect();
    if let Some(full) = stack.map(|stack| format!("{stack}_{name}")) {
        add_generated(&mut found, &full, service);
        add_defaults(&mut found, &full, service);
    }
    link(&mut found);
    found
}

fn written(labels: &Labels<'_>, kind: Kind) -> Vec<Definition> {
    let each = labels.all(kind).into_iter();
    each.map(|thing| Definition {
        protocol: thing.protocol,
        kind,
        name: thing.name.to_owned(),
        says: labels.about(thing).map(|label| (label.option.clone(), label.value.value.clone())).collect(),
        span: thing.value.span.clone(),
        named_by: NamedBy::Author,
    })
    .collect()
}

/// Adds what skep writes; what the author says of the same thing stays.
fn add_generated(found: &mut Vec<Definition>, full: &str, service: &Service) {
    let Some(http) = &service.http else { return };
    let port = http.port.as_ref().map_or(80, |port| port.value);
    let route = Route { http, traefik: &Traefik::default(), name: full.to_owned(), port };
    for (key, value) in route.labels() {
        let value = Spanned { span: http.host.span.clone(), value };
        let Some(label) = Label::read(&key, &value) else { continue };
        let same = |it: &Definition| it.is(label.protocol, label.kind, label.name);
        let at = found.iter().position(same).unwrap_or_else(|| {
            found.push(Definition::named(label.protocol, label.kind, label.name, &http.host.span, NamedBy::Skep));
            found.len().saturating_sub(1)
        });
        found[at].says.entry(label.option.clone()).or_insert_with(|| value.value.clone());
    }
}

/// Adds the router that a service has without a label for one, and the service that its routers lead to.
fn add_defaults(found: &mut Vec<Definition>, full: &str, service: &Service) {
    let has = |found: &[Definition], protocol: Protocol, kind: Kind| {
        found.iter().any(|it| it.protocol == protocol && it.kind == kind)
    };
    let others = [Protocol::Tcp, Protocol::Udp];
    let is_http = found.iter().any(|it| it.protocol == Protocol::Http);
    let is_other = found.iter().any(|it| others.contains(&it.protocol));
    let is_on = root(service, "enable").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let name = normalized(full);
    if is_http || (is_on && !is_other) {
        for kind in [Kind::Service, Kind::Router] {
            let is_alone =
                found.iter().filter(|it| it.protocol == Protocol::Http && it.kind == Kind::Service).count() < 2;
            if !has(found, Protocol::Http, kind) && is_alone {
                found.push(Definition::named(Protocol::Http, kind, &name, &service.span, NamedBy::Traefik));
            }
        }
    }
    for protocol in others {
        if has(found, protocol, Kind::Router) && !has(found, protocol, Kind::Service) {
            found.push(Definition::named(protocol, Kind::Service, &name, &service.span, NamedBy::Traefik));
        }
    }
}

/// Says of each router where it leads: without a label for that, to the only service of the same labels.
fn link(found: &mut [Definition]) {
    for protocol in [Protocol::Http, Protocol::Tcp, Protocol::Udp] {
        let services = found.iter().filter(|it| it.protocol == protocol && it.kind == Kind::Service);
        let names: Vec<String> = services.map(|it| it.name.clone()).collect();
        let [only] = &names[..] else { continue };
        for router in found.iter_mut().filter(|it| it.protocol == protocol && it.kind == Kind::Router) {
            router.says.entry("service".to_owned()).or_insert_with(|| only.clone());
        }
    }
}

/// A name as Traefik makes one of that of a service: what is neither letter nor digit is a hyphen.
fn normalized(name: &str) -> String {
    name.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

impl Definition {
    fn named(protocol: Protocol, kind: Kind, name: &str, span: &Span, named_by: NamedBy) -> Self {
        Self { protocol, kind, name: name.to_owned(), says: BTreeMap::new(), span: span.clone(), named_by }
    }

    /// Whether it is the one of this name.
    pub(crate) fn is(&self, protocol: Protocol, kind: Kind, name: &str) -> bool {
        (self.protocol, self.kind) == (protocol, kind) && self.name == name
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::file::File;

    fn told(stack: &str, service: &str) -> String {
        let text = format!("services:\n  b-c:\n    image: nginx:1.27\n{service}");
        let file = File::read(&"stack.yml".parse().unwrap(), text.as_bytes(), &BTreeMap::new()).unwrap();
        let (name, service) = file.services.first_key_value().unwrap();
        let shown = |it: &Definition| {
            let leads = it.says.get("service").map(|to| format!(" -> {to}")).unwrap_or_default();
            format!("{} {} {}{leads} {:?}", it.protocol.word(), it.kind.word(), it.name, it.named_by)
        };
        of(Some(stack), name, service).iter().map(shown).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_is_written_what_skep_writes_and_what_traefik_makes_up_are_told_apart() {
        insta::assert_snapshot!(told("a", "    x-skep: { http: { host: a.b, port: 80 } }\n"), @"
        http service a_b-c Skep
        http router a_b-c -> a_b-c Skep
        http router a_b-c~http -> a_b-c Skep
        http middleware a_b-c~https Skep
        ");
        let labels = |labels: &str| told("a", &format!("    deploy: {{ labels: {{ {labels} }} }}\n"));
        insta::assert_snapshot!(labels("traefik.http.services.w.loadbalancer.server.port: 80"), @"
        http service w Author
        http router a-b-c -> w Traefik
        ");
        insta::assert_snapshot!(labels("traefik.enable: true"), @"
        http service a-b-c Traefik
        http router a-b-c -> a-b-c Traefik
        ");
        insta::assert_snapshot!(labels("traefik.tcp.routers.r.rule: HostSNI(`*`)"), @"
        tcp router r -> a-b-c Author
        tcp service a-b-c Traefik
        ");
        assert_eq!(labels("other: label"), "");
        assert_eq!(labels("traefik.enable: false, traefik.http.routers.r.rule: Host(`a`)"), "");
    }
}
