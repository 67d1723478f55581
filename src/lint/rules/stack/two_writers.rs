use super::databases::database;
use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::stack::Mode;
use crate::stack::file::Service;

rule! {
    /// Two tasks of a database write to the same data.
    ///
    /// Several replicas with one volume, or an update with `order: start-first`, run two servers over the same files. Most
    /// databases refuse to start then, and the others lose data.
    ///
    /// ```yaml bad
    /// services:
    ///   db:
    ///     image: postgres:17
    ///     volumes: ["data:/var/lib/postgresql/data"]
    ///     deploy: { update_config: { order: start-first } }
    /// volumes: { data: {} }
    /// ```
    ///
    /// ```yaml bad
    /// services:
    ///   db:
    ///     image: postgres:17
    ///     volumes: ["data:/var/lib/postgresql/data"]
    ///     deploy: { replicas: 2 }
    /// volumes: { data: {} }
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   db:
    ///     image: postgres:17
    ///     volumes: ["data:/var/lib/postgresql/data"]
    ///     deploy: { replicas: 1, update_config: { order: stop-first } }
    ///   cache:
    ///     image: redis:7.4
    ///     deploy: { replicas: 2 }
    /// volumes: { data: {} }
    /// ```
    "SK3005", Warning, Stack(check)
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    subject.file.services.values().filter_map(wrong).collect()
}

fn wrong(service: &Service) -> Option<Found> {
    let (database, _) = database(service).filter(|_| keeps_data(service))?;
    if let Mode::Replicated(Some(count @ 2..)) = service.deploy.mode.value {
        let message = format!("{count} tasks of {database} write to the same volume");
        return Some(Found::new(&service.deploy.mode.span, message).help("run one, or give each its own volume"));
    }
    let update = service.deploy.update_config.as_ref().filter(|update| update.order == "start-first")?;
    let message = format!("during an update two tasks of {database} write to the same volume");
    Some(Found::new(&update.span, message).help("write `order: stop-first`"))
}

fn keeps_data(service: &Service) -> bool {
    let written = |kind: &str| ["volume", "bind", "cluster"].contains(&kind);
    // What a template of Swarm fills in is another volume for each task.
    let mut mounts = service.volumes.iter();
    mounts.any(|mount| {
        written(&mount.kind)
            && !mount.source.is_empty()
            && !mount.read_only
            && !mount.source.contains("{{")
            && !is_configuration(&mount.target)
    })
}

/// Whether what is mounted is read only once, or is a file.
pub(super) fn is_configuration(target: &str) -> bool {
    let last = target.rsplit('/').next().unwrap_or_default();
    last.contains('.') || ["docker-entrypoint-initdb.d", "/etc/"].iter().any(|part| target.contains(part))
}
