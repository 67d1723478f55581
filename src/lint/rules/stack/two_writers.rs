use super::databases::database;
use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::stack::Mode;
use crate::stack::file::{File, Mount, Service, Volume};

rule! {
    /// Two tasks of a database write to the same data.
    ///
    /// Several replicas with one volume, or an update with `order: start-first`, run two servers on the same files. Most
    /// databases then refuse to start, and the others lose data. A volume with `{{.Task.Slot}}` in its `name` is separate
    /// for each task, and a volume of the local driver for each node, where `max_replicas_per_node: 1` separates the tasks.
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
    ///   search:
    ///     image: elasticsearch:8.17.0
    ///     volumes: ["index:/usr/share/elasticsearch/data"]
    ///     deploy: { replicas: 3, placement: { max_replicas_per_node: 1 } }
    ///   documents:
    ///     image: mongo:8.0
    ///     volumes: ["documents:/data/db"]
    ///     deploy: { replicas: 3 }
    /// volumes:
    ///   data: {}
    ///   index: { driver: local }
    ///   documents: { name: "documents-{{.Task.Slot}}" }
    /// ```
    "SK3005", Warning, Stack(check), Whole
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    subject.file.services.values().filter_map(|service| wrong(service, subject.file)).collect()
}

fn wrong(service: &Service, file: &File) -> Option<Found> {
    let (database, _) = database(service)?;
    if let Mode::Replicated(Some(count @ 2..)) = service.deploy.mode.value
        && keeps_data(service, file, "{{")
    {
        let message = format!("{count} tasks of {database} write to the same volume");
        return Some(
            Found::new(&service.deploy.mode.span, message).help("run one task, or give each task its own volume"),
        );
    }
    let update = service.deploy.update_config.as_ref().filter(|update| update.order == "start-first")?;
    // A replacement task has the same slot, but another id.
    if !keeps_data(service, file, "{{.Task.ID") {
        return None;
    }
    let message = format!("during an update two tasks of {database} write to the same volume");
    Some(Found::new(&update.span, message).help("write `order: stop-first`"))
}

/// Whether two tasks of a service would write to the same data; `placeholder` is the start of a template that separates tasks.
fn keeps_data(service: &Service, file: &File, placeholder: &str) -> bool {
    let is_spread = service.deploy.max_replicas_per_node.as_ref().is_some_and(|most| most.value == 1);
    service.volumes.iter().any(|mount| {
        let written = ["volume", "bind", "cluster"].contains(&mount.kind.as_str()) && !mount.read_only;
        let volume = file.volumes.get(&mount.source).filter(|_| mount.kind == "volume");
        let is_apart = is_spread && volume.is_some_and(is_of_node);
        written
            && !mount.source.is_empty()
            && !is_for_each_task(mount, volume, placeholder)
            && !is_apart
            && !is_configuration(&mount.target)
    })
}

/// Whether a Swarm template in the source or the volume's name gives each task its own volume.
fn is_for_each_task(mount: &Mount, volume: Option<&Volume>, placeholder: &str) -> bool {
    let name = volume.and_then(|volume| volume.name.as_ref());
    mount.source.contains(placeholder) || name.is_some_and(|name| name.value.contains(placeholder))
}

/// Whether each node has its own volume with this name: a volume of the local driver without options for remote storage.
fn is_of_node(volume: &Volume) -> bool {
    let is_elsewhere = |value: &String| value.contains("addr=") || value.starts_with(':') || value.starts_with("//");
    matches!(volume.driver.as_str(), "" | "local") && !volume.external && !volume.driver_opts.values().any(is_elsewhere)
}

/// Whether the mounted path is a file or configuration, which is only read.
pub(super) fn is_configuration(target: &str) -> bool {
    let last = target.rsplit('/').next().unwrap_or_default();
    last.contains('.') || ["docker-entrypoint-initdb.d", "/etc/"].iter().any(|part| target.contains(part))
}
