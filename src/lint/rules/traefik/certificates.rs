use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::lint::traefik::proxy::{self, Proxy};
use crate::stack::Mode;
use crate::stack::file::Service;

rule! {
    /// Traefik's certificates are lost with its container, or shared by several tasks.
    ///
    /// Certificates of Let's Encrypt are kept in one file. If it is not on a volume, every new task requests all certificates
    /// again, until Let's Encrypt refuses for a week. Several tasks cannot share the file: each requests its own certificates, and
    /// the response to a challenge may reach another task.
    ///
    /// ```yaml bad
    /// services:
    ///   proxy:
    ///     image: traefik:v3.7
    ///     command:
    ///       - --providers.swarm.exposedByDefault=false
    ///       - --certificatesResolvers.le.acme.storage=/acme/acme.json
    /// ```
    ///
    /// ```yaml bad
    /// services:
    ///   proxy:
    ///     image: traefik:v3.7
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
    ///     image: traefik:v3.7
    ///     command:
    ///       - --providers.swarm.exposedByDefault=false
    ///       - --certificatesResolvers.le.acme.storage=/acme/acme.json
    ///     volumes: [acme:/acme]
    /// volumes: { acme: {} }
    /// ```
    "SK4021", Warning, Stack(check), Whole
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    subject.proxies().filter_map(|(proxy, service)| wrong(proxy, service, subject)).collect()
}

fn wrong(proxy: &Proxy, service: &Service, subject: &StackSubject<'_>) -> Option<Found> {
    let mut resolvers = proxy.said.below("certificatesresolvers.");
    let (option, storage) = resolvers.find(|(key, _)| key.ends_with(".acme.storage"))?;
    let found = |message: String| proxy::found(option, proxy, service, subject.file, message);
    if !is_kept(service, storage) {
        let message = format!("certificates are lost with the container: `{storage}` is not on a volume");
        return Some(found(message).help("mount a named volume at its folder"));
    }
    let several = match service.deploy.mode.value {
        Mode::Global => true,
        Mode::Replicated(count) => count.unwrap_or(1) > 1,
        _ => false,
    };
    several.then(|| {
        found("several tasks of Traefik cannot share one file of certificates".to_owned())
            .help("run one task, or obtain the certificates with another program")
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
