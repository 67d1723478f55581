use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::lint::traefik::options::Options;
use crate::lint::traefik::proxy::{Proxy, Version};
use crate::stack::file::Service;

rule! {
    /// This Traefik cannot connect to Docker 29.
    ///
    /// Before 3.6.1 and 2.11.31, Traefik uses version 1.24 of the engine's API, whatever is configured, and
    /// engines since Docker 29 require at least 1.44. Traefik runs, its log says `client version 1.24 is too old`, and
    /// it has no routes: every address returns 404. A tag without a patch version, such as `v3.6`, counts as its newest release.
    ///
    /// ```yaml bad
    /// services:
    ///   proxy:
    ///     image: traefik:v3.3
    ///     command: [--providers.swarm.exposedByDefault=false]
    /// ```
    ///
    /// ```yaml bad
    /// services:
    ///   proxy:
    ///     image: traefik:v3.6.0
    ///     command: [--providers.swarm.exposedByDefault=false]
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   proxy:
    ///     image: traefik:v3.7
    ///     command: [--providers.swarm.exposedByDefault=false]
    /// ```
    "SK4024", Warning, Stack(check)
}

/// The first version that negotiates the API version (traefik/traefik#12253).
const FIRST_OF_3: Version = Version::new(3, 6, 1);
const FIRST_OF_2: Version = Version::new(2, 11, 31);

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    subject.proxies().filter_map(|(proxy, service)| too_old(proxy, service)).collect()
}

fn too_old(proxy: &Proxy, service: &Service) -> Option<Found> {
    let version = proxy.version?;
    let first = if version.major == 2 { FIRST_OF_2 } else { FIRST_OF_3 };
    let is_old = version.is_before(first) && proxy.options().is_none_or(Options::asks_docker);
    let image = service.image.as_ref().filter(|_| is_old)?;
    let message = format!("Traefik {version} cannot connect to Docker 29 or newer, so it has no routes there");
    let prefix = if image.contains(":v") { "v" } else { "" };
    let help = match version.major {
        2 => format!("write `traefik:{prefix}2.11`, or {prefix}{first} and later"),
        3 => format!("write `traefik:{prefix}3.7`, or {prefix}{first} and later"),
        _ => "write `traefik:v3.7`".to_owned(),
    };
    Some(Found::new(&image.span, message).help(help))
}
