use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::lint::traefik::proxy::{self, Proxy};
use crate::stack::file::Service;

rule! {
    /// Traefik is started with an option of another version.
    ///
    /// It ends at once with `field not found`, and is started again and again. What a swarm is read by has changed with
    /// each major version: `--docker.swarmMode` (1), `--providers.docker.swarmMode` (2), `--providers.swarm` (3).
    ///
    /// ```yaml bad
    /// services:
    ///   proxy:
    ///     image: traefik:v3.3
    ///     command: [--providers.docker.swarmMode=true, --providers.docker.exposedByDefault=false]
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   proxy:
    ///     image: traefik:v3.3
    ///     command: [--providers.swarm=true, --providers.swarm.exposedByDefault=false]
    /// ```
    "SK4023", Error, Stack(check), Deploys, Whole
}

/// An option, the versions that know it, and what to write in version 3 and 2.
const OPTIONS: [(&str, &[u32], &str, &str); 7] = [
    ("docker", &[1], "providers.swarm", "providers.docker"),
    ("defaultentrypoints", &[1], "entryPoints.<name>.asDefault", "entryPoints.<name>.address"),
    ("acme", &[1], "certificatesResolvers.<name>.acme", "certificatesResolvers.<name>.acme"),
    ("providers.docker.swarmmode", &[2], "providers.swarm", ""),
    ("providers.docker.swarmmoderefreshseconds", &[2], "providers.swarm.refreshSeconds", ""),
    ("providers.swarm", &[3], "", "providers.docker.swarmMode"),
    ("pilot", &[2], "", ""),
];

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let known = subject.proxies().filter_map(|(proxy, service)| Some((proxy, service, proxy.version?)));
    known.flat_map(|(proxy, service, version)| wrong(proxy, service, version, subject)).collect()
}

fn wrong(proxy: &Proxy, service: &Service, version: u32, subject: &StackSubject<'_>) -> Vec<Found> {
    let options = &proxy.said;
    let of_others = OPTIONS.iter().filter(|(option, versions, ..)| options.has(option) && !versions.contains(&version));
    of_others
        .map(|(option, _, in_3, in_2)| {
            let dashes = if options.at(option).is_some() { "" } else { "--" };
            let message = format!("Traefik {version} has no option `{dashes}{option}`, and does not start");
            let instead = if version == 2 { in_2 } else { in_3 };
            let found = proxy::found(option, proxy, service, subject.file, message);
            if instead.is_empty() { found.help("remove it") } else { found.help(format!("write `{dashes}{instead}`")) }
        })
        .collect()
}
