use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::lint::traefik::proxy::{Options, is_traefik, place};
use crate::stack::Mode;
use crate::stack::file::Service;

rule! {
    /// The certificates of Traefik are lost with its container, or are written by several of it.
    ///
    /// What Let's Encrypt signed is kept in one file. If it is on no volume, every new task asks for all certificates
    /// again, until Let's Encrypt refuses for a week. And several tasks cannot share the file: each asks for itself, and
    /// the answer to a challenge reaches another one.
    ///
    /// ```yaml bad
    /// services:
    ///   proxy:
    ///     image: traefik:v3.3
    ///     command:
    ///       - --providers.swarm.exposedByDefault=false
    ///       - --certificatesResolvers.le.acme.storage=/acme/acme.json
    /// ```
    ///
    /// ```yaml bad
    /// services:
    ///   proxy:
    ///     image: traefik:v3.3
    ///     command:
    ///       - --providers.swarm.exposedByDefault=false
    ///       - --certificatesResolvers.le.acme.storage=/acme/acme.json
    ///     volumes: [acme:/acme]
    ///     deploy: { mode: global }
    /// volumes: { acme: {} }
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   proxy:
    ///     image: traefik:v3.3
    ///     command:
    ///       - --providers.swarm.exposedByDefault=false
    ///       - --certificatesResolvers.le.acme.storage=/acme/acme.json
    ///     volumes: [acme:/acme]
    /// volumes: { acme: {} }
    /// ```
    "SK4021", Warning, Stack(check)
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let proxies = subject.file.services.values().filter(|service| is_traefik(service));
    proxies.filter_map(|service| wrong(service, subject)).collect()
}

fn wrong(service: &Service, subject: &StackSubject<'_>) -> Option<Found> {
    let options = Options::of(service);
    let (option, storage) = options.below("certificatesresolvers.").find(|(key, _)| key.ends_with(".acme.storage"))?;
    let at = place(service, subject.file, option);
    if !is_kept(service, storage) {
        let message = format!("certificates are lost with the container: `{storage}` is on no volume");
        return Some(Found::new(&at, message).help("mount a named volume at its folder"));
    }
    let several = match service.deploy.mode.value {
        Mode::Global => true,
        Mode::Replicated(count) => count.unwrap_or(1) > 1,
        _ => false,
    };
    several.then(|| {
        Found::new(&at, "several tasks of Traefik cannot share one file of certificates")
            .help("run one task, or let something else get the certificates")
    })
}

fn is_kept(service: &Service, storage: &str) -> bool {
    let mounts = service.volumes.iter().filter(|mount| mount.kind != "tmpfs");
    let relative = !storage.starts_with('/');
    let below = |target: &str| {
        let target = target.trim_end_matches('/');
        storage == target || storage.strip_prefix(target).is_some_and(|rest| rest.starts_with('/'))
    };
    mounts.into_iter().any(|mount| relative || below(&mount.target))
}
