//! Traefik's own stack: its version, and what its command says of entry points, resolvers and providers.

use std::collections::{BTreeMap, BTreeSet};

use crate::name::ServiceName;
use crate::stack::file::{File, Service};
use crate::stack::yaml::Span;

/// Traefik as a stack of the repository deploys it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proxy {
    /// The service that it is.
    pub(crate) service: ServiceName,
    /// The stack that it is in, if its name is known.
    pub(crate) stack: Option<String>,
    /// The major version, if its image tells.
    pub(crate) version: Option<u32>,
    /// What its command and variables say, if that is all that it is told.
    pub(crate) options: Option<Options>,
    /// The full names of the networks that it is in.
    pub(crate) networks: BTreeSet<String>,
    /// Whether rules are those of Traefik 2 in Traefik 3.
    pub(crate) reads_rules_of_2: bool,
}

/// Settings of Traefik: keys in small letters, such as `entrypoints.web.address`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Options(BTreeMap<String, String>);

impl Proxy {
    /// The Traefiks of a stack file.
    pub(crate) fn all_of(stack: Option<&str>, file: &File) -> Vec<Self> {
        let services = file.services.iter().filter(|(_, service)| is_traefik(service));
        services.map(|(name, service)| Self::of(stack, name, service, file)).collect()
    }

    fn of(stack: Option<&str>, name: &ServiceName, service: &Service, file: &File) -> Self {
        let options = Options::of(service);
        let reads_rules_of_2 =
            options.get("core.defaultrulesyntax").is_some_and(|syntax| syntax.eq_ignore_ascii_case("v2"));
        Self {
            service: name.clone(),
            stack: stack.map(str::to_owned),
            version: service.image.as_ref().and_then(|image| major(image)),
            options: (options.says_something() && !has_file(service)).then_some(options),
            networks: networks(stack, service, file),
            reads_rules_of_2,
        }
    }

    /// The names of its entry points, in small letters, if they are known.
    pub(crate) fn entry_points(&self) -> Option<BTreeSet<&str>> {
        let options = self.options.as_ref()?;
        let named = options.names("entrypoints");
        if named.is_empty() {
            return Some(BTreeSet::from(["http"]));
        }
        let internal = ["api.insecure", "ping", "metrics.prometheus"].iter().any(|key| options.is_on(key));
        Some(named.into_iter().chain(internal.then_some("traefik")).collect())
    }

    /// The names of its certificate resolvers, in small letters, if they are known.
    pub(crate) fn resolvers(&self) -> Option<BTreeSet<&str>> {
        self.options.as_ref().map(|options| options.names("certificatesresolvers"))
    }

    /// Whether everything that arrives at an entry point for HTTPS is decrypted, whatever routers say; none if that
    /// cannot be told, or the entry point is for something else.
    pub(crate) fn decrypts(&self, entry_point: &str) -> Option<bool> {
        let options = self.options.as_ref()?;
        let entry_point = entry_point.to_ascii_lowercase();
        let address = options.get(&format!("entrypoints.{entry_point}.address"))?;
        let port = address.rsplit_once(':')?.1.split('/').next()?;
        let tls = format!("entrypoints.{entry_point}.http.tls");
        let below = format!("{tls}.");
        (port == "443").then(|| options.is_on(&tls) || options.0.keys().any(|key| key.starts_with(&below)))
    }
}

impl Options {
    /// What the command, the entrypoint and the variables of a service say.
    pub(crate) fn of(service: &Service) -> Self {
        let words = [&service.entrypoint, &service.command].into_iter().flatten().flat_map(|words| words.iter());
        let words: Vec<&str> = words.flat_map(|word| word.split_whitespace()).collect();
        let mut options = BTreeMap::new();
        for (index, word) in words.iter().enumerate() {
            let Some(option) = word.strip_prefix("--") else { continue };
            let next = words.get(index + 1).filter(|next| !next.starts_with('-'));
            let (key, value) = match option.split_once('=') {
                Some((key, value)) => (key, value),
                None => (option, next.copied().unwrap_or("true")),
            };
            options.insert(key.to_ascii_lowercase(), value.to_owned());
        }
        for (name, value) in &service.environment {
            let Some(key) = name.strip_prefix("TRAEFIK_") else { continue };
            options.insert(key.to_ascii_lowercase().replace('_', "."), value.value.clone().unwrap_or_default());
        }
        Self(options)
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// Whether a key says yes.
    pub(crate) fn is_on(&self, key: &str) -> bool {
        self.get(key).is_some_and(|value| !value.eq_ignore_ascii_case("false"))
    }

    /// Whether a key, or one below it, is there.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.0.keys().any(|known| known.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
    }

    /// The names that stand directly below a key.
    pub(crate) fn names(&self, key: &str) -> BTreeSet<&str> {
        let below = self.0.keys().filter_map(|known| known.strip_prefix(key)?.strip_prefix('.'));
        below.filter_map(|rest| rest.split('.').next()).collect()
    }

    /// Every key that begins like this, with its value.
    pub(crate) fn below(&self, key: &str) -> impl Iterator<Item = (&str, &str)> {
        let all = self.0.iter().filter(move |(known, _)| known.starts_with(key));
        all.map(|(known, value)| (known.as_str(), value.as_str()))
    }

    /// Whether it is told here what Traefik does, and not in a file that is part of its image.
    fn says_something(&self) -> bool {
        ["entrypoints", "providers", "docker"].iter().any(|key| self.has(key)) && !self.has("configfile")
    }
}

/// Whether a service is Traefik, by the name of its image.
pub(crate) fn is_traefik(service: &Service) -> bool {
    service.image.as_ref().is_some_and(|image| {
        let name = image.split('@').next().unwrap_or_default();
        let last = name.rsplit('/').next().unwrap_or_default();
        last.split(':').next() == Some("traefik")
    })
}

/// The major version in the tag of an image: `v3.3`, `2.11-alpine`, `1.7`.
fn major(image: &str) -> Option<u32> {
    let last = image.split('@').next()?.rsplit('/').next()?;
    let (_, tag) = last.split_once(':')?;
    let digits = tag.strip_prefix('v').unwrap_or(tag);
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok().filter(|major| (1..100).contains(major))
}

/// Whether it has a file with settings, which go before its command.
fn has_file(service: &Service) -> bool {
    let targets = service.configs.iter().map(|config| config.target.as_str());
    let mounted = service.volumes.iter().map(|mount| mount.target.as_str());
    targets.chain(mounted).any(|target| {
        let name = target.trim_end_matches('/');
        let is_file = ["traefik.yml", "traefik.yaml", "traefik.toml"].iter().any(|file| name.ends_with(file));
        is_file || name == "/etc/traefik"
    })
}

/// The full names of the networks that a service joins.
pub(crate) fn networks(stack: Option<&str>, service: &Service, file: &File) -> BTreeSet<String> {
    let full = |key: &str| full_name(stack, key, file);
    let joined: BTreeSet<String> = service.networks.iter().map(|network| full(&network.name)).collect();
    if joined.is_empty() && service.on_host_network.is_none() { BTreeSet::from([full("default")]) } else { joined }
}

/// The full name of a network of the file.
pub(crate) fn full_name(stack: Option<&str>, key: &str, file: &File) -> String {
    let network = file.networks.get(key);
    let name = network.and_then(|network| network.name.as_ref());
    match (name, network.is_some_and(|network| network.external)) {
        (Some(name), _) => name.value.clone(),
        (None, true) => key.to_owned(),
        (None, false) => format!("{}_{key}", stack.unwrap_or_default()),
    }
}

/// Where the command of a service says something; where the service is named, if it does not stand in its command.
pub(crate) fn place(service: &Service, file: &File, option: &str) -> Span {
    let words = [&service.command, &service.entrypoint].into_iter().flatten();
    for written in words {
        let text = String::from_utf8_lossy(file.sources.text(&written.span)).to_ascii_lowercase();
        if let Some(at) = text.find(&format!("--{option}")) {
            let rest = &text[at..];
            let end =
                rest.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | ']')).unwrap_or(rest.len());
            return written.span.start + at..written.span.start + at + end;
        }
    }
    service.span.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_that_of_the_tag() {
        let of = |image| major(image);
        assert_eq!(
            [of("traefik:v3.3"), of("a.b:5000/traefik:2.11-alpine@sha256:00"), of("traefik:1.7"), of("traefik:latest")],
            [Some(3), Some(2), Some(1), None]
        );
        assert_eq!([of("traefik"), of("traefik:maroilles"), of("traefik:20240101")], [None; 3]);
    }

    #[test]
    fn settings_come_from_the_command_and_from_variables() {
        let text = b"services:
  proxy:
    image: traefik:v3.3
    command: [--entryPoints.Web.address=:80, --ping, --providers.swarm.network, front]
    environment: { TRAEFIK_CERTIFICATESRESOLVERS_LE_ACME_EMAIL: a@b.c }
";
        let file = File::read(&"stack.yml".parse().unwrap(), text, &BTreeMap::new()).unwrap();
        let proxy = Proxy::all_of(Some("edge"), &file).remove(0);
        let options = proxy.options.clone().unwrap();
        assert_eq!(options.get("providers.swarm.network"), Some("front"));
        assert_eq!(proxy.entry_points(), Some(BTreeSet::from(["web", "traefik"])));
        assert_eq!(proxy.resolvers(), Some(BTreeSet::from(["le"])));
        assert_eq!(proxy.networks, BTreeSet::from(["edge_default".to_owned()]));
        assert_eq!(place(&file.services[&proxy.service], &file, "ping"), 88..94);
    }
}
