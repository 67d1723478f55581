//! The labels of a service that configure Traefik: `traefik.http.routers.web.rule`.

use std::collections::BTreeMap;

use crate::stack::file::{Service, Spanned};

/// What is routed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Protocol {
    /// Requests.
    Http,
    /// Connections.
    Tcp,
    /// Packets.
    Udp,
}

/// What a label defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A router.
    Router,
    /// A service of Traefik.
    Service,
    /// A middleware.
    Middleware,
}

/// A label that says something of a router, service or middleware.
#[derive(Debug)]
pub(crate) struct Label<'a> {
    /// What is routed.
    pub(crate) protocol: Protocol,
    /// What it defines.
    pub(crate) kind: Kind,
    /// The name of it.
    pub(crate) name: &'a str,
    /// What is said, in lower case, such as `tls.certresolver`.
    pub(crate) option: String,
    /// The value, and the place of the label.
    pub(crate) value: &'a Spanned<String>,
}

/// The labels of a service that configure Traefik, in the order of the file.
#[derive(Debug, Default)]
pub(crate) struct Labels<'a> {
    labels: Vec<Label<'a>>,
    /// The labels of each router, service and middleware.
    things: BTreeMap<Thing<'a>, Vec<usize>>,
}

/// A router, service or middleware, by its name.
type Thing<'a> = (Protocol, Kind, &'a str);

impl<'a> Labels<'a> {
    /// Those of a service; none if it is switched off.
    pub(crate) fn of(service: &'a Service) -> Self {
        if root(service, "enable").is_some_and(|value| value.eq_ignore_ascii_case("false")) {
            return Self::default();
        }
        let read = service.deploy.labels.iter().filter_map(|(key, value)| Label::read(key, value));
        let mut labels: Vec<Label<'a>> = read.collect();
        labels.sort_by_key(|label| label.value.span.start);
        let mut things: BTreeMap<Thing<'a>, Vec<usize>> = BTreeMap::new();
        for (index, label) in labels.iter().enumerate() {
            things.entry(label.thing()).or_default().push(index);
        }
        Self { labels, things }
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Label<'a>> {
        self.labels.iter()
    }

    /// The first label of each thing of a kind, in the order of the file.
    pub(crate) fn all(&self, kind: Kind) -> Vec<&Label<'a>> {
        let of_kind = self.things.iter().filter(|((_, its, _), _)| *its == kind);
        let mut firsts: Vec<usize> = of_kind.filter_map(|(_, labels)| labels.first().copied()).collect();
        firsts.sort_unstable();
        firsts.into_iter().map(|index| &self.labels[index]).collect()
    }

    /// Everything that is said of the same router, service or middleware.
    pub(crate) fn about<'s>(&'s self, of: &Label<'_>) -> impl Iterator<Item = &'s Label<'a>> + use<'s, 'a> {
        let labels = self.things.get(&of.thing()).cloned().unwrap_or_default();
        labels.into_iter().map(|index| &self.labels[index])
    }

    /// One thing that is said of the same router, service or middleware.
    pub(crate) fn option(&self, of: &Label<'_>, option: &str) -> Option<&Label<'a>> {
        self.about(of).find(|label| label.option == option)
    }

    /// Whether a router has TLS, in one of the ways to say so.
    pub(crate) fn has_tls(&self, router: &Label<'_>) -> bool {
        self.about(router).any(|label| {
            let said = label.option == "tls" && !label.value.eq_ignore_ascii_case("false");
            said || label.option.starts_with("tls.")
        })
    }
}

impl<'a> Label<'a> {
    /// Takes a label apart; none if it is about something else.
    pub(super) fn read(key: &'a str, value: &'a Spanned<String>) -> Option<Self> {
        let mut parts = key.splitn(5, '.');
        let is = |part: &str, word: &str| part.eq_ignore_ascii_case(word);
        parts.next().filter(|root| is(root, "traefik"))?;
        let protocol = match parts.next()?.to_ascii_lowercase().as_str() {
            "http" => Protocol::Http,
            "tcp" => Protocol::Tcp,
            "udp" => Protocol::Udp,
            _ => return None,
        };
        let kind = match parts.next()?.to_ascii_lowercase().as_str() {
            "routers" => Kind::Router,
            "services" => Kind::Service,
            "middlewares" => Kind::Middleware,
            _ => return None,
        };
        let name = parts.next()?;
        Some(Self { protocol, kind, name, option: parts.next().unwrap_or_default().to_ascii_lowercase(), value })
    }

    /// What it is about.
    fn thing(&self) -> Thing<'a> {
        (self.protocol, self.kind, self.name)
    }
}

impl Protocol {
    /// Its name in a label.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

impl Kind {
    /// What it is, in words.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Router => "router",
            Self::Service => "service",
            Self::Middleware => "middleware",
        }
    }
}

/// The value of `traefik.<option>` of a service.
pub(crate) fn root<'a>(service: &'a Service, option: &str) -> Option<&'a Spanned<String>> {
    let is = |key: &str| {
        let rest = key.split_once('.').filter(|(root, _)| root.eq_ignore_ascii_case("traefik"));
        rest.is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(option))
    };
    service.deploy.labels.iter().find(|(key, _)| is(key)).map(|(_, value)| value)
}

/// The names in a list, and where each stands in it.
pub(crate) fn names(list: &str) -> Vec<(&str, std::ops::Range<usize>)> {
    let mut names = Vec::new();
    let mut start = 0;
    for part in list.split(',') {
        let name = part.trim();
        let at = start + (part.len() - part.trim_start().len());
        if !name.is_empty() {
            names.push((name, at..at + name.len()));
        }
        start += part.len() + 1;
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_taken_apart() {
        let value = Spanned { span: 0..0, value: "x".to_owned() };
        let read = |key| Label::read(key, &value).map(|label| (label.protocol, label.kind, label.name, label.option));
        let some = |option: &str| Some((Protocol::Http, Kind::Router, "Web", option.to_owned()));
        assert_eq!(read("Traefik.HTTP.Routers.Web.TLS.domains[0].main"), some("tls.domains[0].main"));
        assert_eq!(read("traefik.http.routers.Web"), some(""));
        assert_eq!(read("traefik.enable"), None);
        assert_eq!(read("traefik.http.routers"), None);
        assert_eq!(read("com.example.http.routers.a"), None);
    }

    #[test]
    fn names_in_a_list_have_their_places() {
        assert_eq!(names("a, b@file,,c "), [("a", 0..1), ("b@file", 3..9), ("c", 11..12)]);
    }
}
