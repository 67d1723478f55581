use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::lint::traefik::proxy::{self, Proxy};
use crate::stack::file::Service;

rule! {
    /// Traefik exposes every service of the swarm.
    ///
    /// Without `exposedByDefault=false`, each service with a port gets a route, including databases, with
    /// a generated host name. With it, only services with the label `traefik.enable=true` do.
    ///
    /// ```yaml bad
    /// services:
    ///   proxy:
    ///     image: traefik:v3.7
    ///     command: [--providers.swarm=true, "--entryPoints.web.address=:80"]
    /// ```
    ///
    /// ```yaml bad
    /// services:
    ///   proxy:
    ///     image: traefik:1.7
    ///     command: --docker --docker.swarmMode
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   proxy:
    ///     image: traefik:v3.7
    ///     command: [--providers.swarm.exposedByDefault=false, "--entryPoints.web.address=:80"]
    /// ```
    "SK4018", Warning, Stack(check), Whole
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    subject.proxies().filter_map(|(proxy, service)| Some(found(proxy, service, exposing(proxy)?, subject))).collect()
}

/// The provider that exposes everything.
fn exposing(proxy: &Proxy) -> Option<&'static str> {
    let options = proxy.options()?;
    let providers: &[&str] = if proxy.version.is_some_and(|version| version.major == 1) {
        &["docker"]
    } else {
        &["providers.swarm", "providers.docker"]
    };
    providers.iter().copied().find(|provider| {
        let by_default = options.get(&format!("{provider}.exposedbydefault"));
        // With constraints it handles only some services.
        options.has(provider)
            && by_default.is_none_or(|value| !value.eq_ignore_ascii_case("false"))
            && !options.has(&format!("{provider}.constraints"))
    })
}

fn found(proxy: &Proxy, service: &Service, provider: &str, subject: &StackSubject<'_>) -> Found {
    let message = "Traefik exposes every service of the swarm, even without labels".to_owned();
    let help = match proxy.said.at(provider) {
        Some(_) => format!("set `exposedByDefault` of `{provider}` to `false`"),
        None => format!("add `--{provider}.exposedByDefault=false`"),
    };
    proxy::found(provider, proxy, service, subject.file, message).help(help)
}
