//! Traefik's own stack: its version, and what it is told of entry points, resolvers and providers.

use std::collections::BTreeSet;

use super::options::Options;
use super::static_file::{self, Found};
use crate::diagnostic::Span;
use crate::lint::found;
use crate::name::{ImageReference, RepoPath, ServiceName};
use crate::stack::file::{File, Service};

/// Traefik as a stack of the repository deploys it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proxy {
    /// The service that it is.
    pub(crate) service: ServiceName,
    /// The stack that it is in, if its name is known.
    pub(crate) stack: Option<String>,
    /// Its version, if its image tells.
    pub(crate) version: Option<Version>,
    /// What its command and variables say, and its file if it was read.
    pub(crate) said: Options,
    /// Whether that is all that it is told.
    is_all: bool,
    /// The full names of the networks that it is in.
    pub(crate) networks: BTreeSet<String>,
    /// Whether rules are those of Traefik 2 in Traefik 3.
    pub(crate) reads_rules_of_2: bool,
}

impl Proxy {
    /// The Traefiks of a stack file; `text` has what was read of the repository.
    pub(crate) fn all_of(stack: Option<&str>, file: &File, text: impl Fn(&RepoPath) -> Option<Vec<u8>>) -> Vec<Self> {
        let services = file.services.iter().filter(|(_, service)| is_traefik(service));
        services.map(|(name, service)| Self::of(stack, name, service, file, &text)).collect()
    }

    fn of(
        stack: Option<&str>,
        name: &ServiceName,
        service: &Service,
        file: &File,
        text: impl Fn(&RepoPath) -> Option<Vec<u8>>,
    ) -> Self {
        let files = service.env_file.iter().filter_map(|file| text(&file.path));
        let options =
            files.fold(Options::of(service), |options, text| options.with_variables(&String::from_utf8_lossy(&text)));
        let (options, is_all) = match static_file::find(service, file, &options, text) {
            Found::Read(read) => (options.with(read), true),
            Found::Nothing => (options.clone(), options.says_something()),
            Found::Unread => (options, false),
        };
        let reads_rules_of_2 =
            options.get("core.defaultrulesyntax").is_some_and(|syntax| syntax.eq_ignore_ascii_case("v2"));
        Self {
            service: name.clone(),
            stack: stack.map(str::to_owned),
            version: service.image.as_ref().and_then(|image| version(image)),
            said: options,
            is_all,
            networks: networks(stack, service, file),
            reads_rules_of_2,
        }
    }

    /// All that it is told, if that is known.
    pub(crate) fn options(&self) -> Option<&Options> {
        self.is_all.then_some(&self.said)
    }

    /// Whether it surely looks at the containers of its node alone.
    pub(crate) fn reads_containers(&self) -> bool {
        let of_containers = |options: &Options| {
            options.has("providers.docker")
                && options.get("providers.docker") != Some("false")
                && !options.is_on("providers.docker.swarmmode")
                && !options.has("providers.swarm")
        };
        self.options().is_some_and(of_containers)
    }

    /// The names of its entry points, in small letters, if they are known.
    pub(crate) fn entry_points(&self) -> Option<BTreeSet<&str>> {
        let options = self.options()?;
        let named = options.names("entrypoints");
        if named.is_empty() {
            return Some(BTreeSet::from(["http"]));
        }
        let internal = ["api.insecure", "ping", "metrics.prometheus"].iter().any(|key| options.is_on(key));
        Some(named.into_iter().chain(internal.then_some("traefik")).collect())
    }

    /// The names of its certificate resolvers, in small letters, if they are known.
    pub(crate) fn resolvers(&self) -> Option<BTreeSet<&str>> {
        self.options().map(|options| options.names("certificatesresolvers"))
    }

    /// Where an entry point sends all requests on to before any router is asked, if it does. Its priority is higher than
    /// that of every rule unless it is told otherwise.
    pub(crate) fn redirects(&self, entry_point: &str) -> Option<&str> {
        const LONGEST_RULE: i64 = 1000;
        let options = self.options()?;
        let redirection = format!("entrypoints.{}.http.redirections.entrypoint", entry_point.to_ascii_lowercase());
        let priority =
            options.get(&format!("{redirection}.priority")).and_then(|priority| priority.parse::<i64>().ok());
        options.get(&format!("{redirection}.to")).filter(|_| priority.is_none_or(|priority| priority > LONGEST_RULE))
    }

    /// Whether everything that arrives at an entry point for HTTPS is decrypted, whatever routers say; none if that
    /// cannot be told, or the entry point is for something else.
    pub(crate) fn decrypts(&self, entry_point: &str) -> Option<bool> {
        let options = self.options()?;
        let entry_point = entry_point.to_ascii_lowercase();
        let address = options.get(&format!("entrypoints.{entry_point}.address"))?;
        let port = address.rsplit_once(':')?.1.split('/').next()?;
        let tls = format!("entrypoints.{entry_point}.http.tls");
        let below = format!("{tls}.");
        (port == "443").then(|| options.is_on(&tls) || options.below(&below).next().is_some())
    }
}

/// Whether a service is Traefik, by the name of its image.
pub(crate) fn is_traefik(service: &Service) -> bool {
    service.image.as_ref().is_some_and(|image| ImageReference::of(image).base() == "traefik")
}

/// The version in the tag of an image: `v3.3`, `2.11-alpine`, `1.7`.
fn version(image: &str) -> Option<Version> {
    ImageReference::of(image).tag?.parse().ok()
}

/// A version of Traefik, as far as a tag tells: `3` and `3.6` are the newest of those that begin so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Version {
    /// Labels and options change in incompatible ways with it.
    pub(crate) major: u32,
    minor: Option<u32>,
    patch: Option<u32>,
}

impl Version {
    /// This one exactly.
    pub(crate) const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self { major, minor: Some(minor), patch: Some(patch) }
    }

    /// Whether it surely comes before another.
    pub(crate) fn is_before(self, other: Self) -> bool {
        let parts = [(Some(self.major), Some(other.major)), (self.minor, other.minor), (self.patch, other.patch)];
        for part in parts {
            match part {
                (Some(own), Some(others)) if own != others => return own < others,
                (Some(_), Some(_)) => {}
                _ => return false,
            }
        }
        false
    }
}

impl std::str::FromStr for Version {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let mut parts = text[..end].split('.').map(|part| part.parse().ok());
        let major = parts.next().flatten().filter(|major| (1..100).contains(major)).ok_or(())?;
        Ok(Self { major, minor: parts.next().flatten(), patch: parts.next().flatten() })
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.major)?;
        [self.minor, self.patch].into_iter().map_while(|part| part).try_for_each(|part| write!(f, ".{part}"))
    }
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

/// What a rule found in something that Traefik is told, where it is told.
pub(crate) fn found(option: &str, proxy: &Proxy, service: &Service, file: &File, message: String) -> found::Found {
    match proxy.said.at(option) {
        Some((path, span)) => found::Found::new(span, message).in_file(path.clone()),
        None => found::Found::new(&place(service, file, option), message),
    }
}

/// An option as Traefik's manual spells it.
pub(crate) fn spelled(option: &str) -> String {
    option
        .replace("swarmmode", "swarmMode")
        .replace("refreshseconds", "refreshSeconds")
        .replace("swarmModerefresh", "swarmModeRefresh")
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
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_version_is_that_of_the_tag() {
        let of = |image| version(image).map(|version| version.to_string());
        let table = [
            ("traefik:v3.3", "3.3"),
            ("a.b:5000/traefik:2.11-alpine@sha256:00", "2.11"),
            ("traefik:1.7", "1.7"),
            ("traefik:v3.6.0-rc1", "3.6.0"),
            ("traefik:3", "3"),
        ];
        for (image, version) in table {
            assert_eq!(of(image).as_deref(), Some(version));
        }
        assert_eq!(
            [of("traefik"), of("traefik:maroilles"), of("traefik:20240101"), of("traefik:latest")],
            [None, None, None, None]
        );
    }

    #[test]
    fn a_tag_that_moves_may_be_the_newest_of_its_kind() {
        let is_before = |one: &str, other: &str| one.parse::<Version>().unwrap().is_before(other.parse().unwrap());
        let before = [("3.3", "3.6.1"), ("3.6.0", "3.6.1"), ("2", "3.0"), ("3.3.7", "3.4")];
        let not = [("3", "3.6.1"), ("3.6", "3.6.1"), ("3.6.1", "3.6.1"), ("3.7", "3.6.1"), ("3.10", "3.6")];
        assert!(before.iter().all(|(one, other)| is_before(one, other)));
        assert!(!not.iter().any(|(one, other)| is_before(one, other)));
    }

    #[test]
    fn settings_come_from_the_command_and_from_variables() {
        let text = b"services:
  proxy:
    image: traefik:v3.3
    command: [--entryPoints.Web.address=:80, --ping, --providers.swarm.network, front]
    env_file: a.env
    environment: { TRAEFIK_CERTIFICATESRESOLVERS_LE_ACME_EMAIL: a@b.c }
";
        let file = File::read(&"stack.yml".parse().unwrap(), text, &BTreeMap::new()).unwrap();
        let variables = |path: &RepoPath| (path.as_str() == "a.env").then(|| b"TRAEFIK_API_DASHBOARD=true\n".to_vec());
        let proxy = Proxy::all_of(Some("edge"), &file, variables).remove(0);
        let options = proxy.options().unwrap();
        assert_eq!(options.get("providers.swarm.network"), Some("front"));
        assert_eq!(proxy.entry_points(), Some(BTreeSet::from(["web", "traefik"])));
        assert_eq!(proxy.resolvers(), Some(BTreeSet::from(["le"])));
        assert_eq!(proxy.networks, BTreeSet::from(["edge_default".to_owned()]));
        assert_eq!(options.get("api.dashboard"), Some("true"));
        assert_eq!(place(&file.services[&proxy.service], &file, "ping"), 88..94);
    }
}
