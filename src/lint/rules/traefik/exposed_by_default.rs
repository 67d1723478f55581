use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::lint::traefik::proxy::{Options, is_traefik, place};
use crate::stack::file::Service;

rule! {
    /// Traefik exposes every service of the swarm.
    ///
    /// Unless it is told `exposedByDefault=false`, each service that has a port gets a route, the databases too, under
    /// a host name made of its own. Then only those with the label `traefik.enable=true` do.
    ///
    /// ```yaml bad
    /// services:
    ///   proxy:
    ///     image: traefik:v3.3
    ///     command: [--providers.swarm=true, "--entryPoints.web.address=:80"]
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   proxy:
    ///     image: traefik:v3.3
    ///     command: [--providers.swarm.exposedByDefault=false, "--entryPoints.web.address=:80"]
    /// ```
    "SK4018", Warning, Stack(check)
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let proxies = subject.file.services.iter().filter(|(_, service)| is_traefik(service));
    let known = proxies.filter(|(name, _)| {
        let this =
            |proxy: &&crate::lint::traefik::Proxy| &proxy.service == *name && proxy.stack.as_deref() == subject.name;
        subject.traefik.proxies.iter().find(this).is_some_and(|proxy| proxy.options.is_some())
    });
    known.filter_map(|(_, service)| exposing(service).map(|provider| found(service, provider, subject))).collect()
}

/// The provider that exposes everything.
fn exposing(service: &Service) -> Option<&'static str> {
    let options = Options::of(service);
    ["providers.swarm", "providers.docker"].into_iter().find(|provider| {
        let by_default = options.get(&format!("{provider}.exposedbydefault"));
        // With constraints it looks at some services only.
        options.has(provider)
            && by_default.is_none_or(|value| !value.eq_ignore_ascii_case("false"))
            && !options.has(&format!("{provider}.constraints"))
    })
}

fn found(service: &Service, provider: &str, subject: &StackSubject<'_>) -> Found {
    Found::new(
        &place(service, subject.file, provider),
        "Traefik exposes every service of the swarm, whether it has labels or not",
    )
    .help(format!("add `--{provider}.exposedByDefault=false`"))
}
