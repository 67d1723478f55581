use super::databases::database;
use super::two_writers::is_configuration;
use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::name::ServiceName;
use crate::stack::Mode;
use crate::stack::file::{Mount, Service};
use crate::stack::holds::is_common;

rule! {
    /// An update starts the new task beside the old one, on data for a single writer.
    ///
    /// With `order: start-first` the new task of a service opens the same files while the old one still writes to them. A
    /// service that runs several tasks on its volume, or shares the volume with another service, is
    /// expected to support that; a service that has its data for itself is not. SK3005 reports databases.
    ///
    /// ```yaml bad
    /// services:
    ///   wiki:
    ///     image: wiki:1
    ///     volumes: ["pages:/pages"]
    ///     deploy: { update_config: { order: start-first } }
    /// volumes: { pages: {} }
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   wiki:
    ///     image: wiki:1
    ///     volumes: ["pages:/pages"]
    ///     deploy: { update_config: { order: stop-first } }
    ///   web:
    ///     image: web:1
    ///     volumes: ["uploads:/uploads"]
    ///     deploy: { replicas: 3, update_config: { order: start-first } }
    /// volumes: { pages: {}, uploads: {} }
    /// ```
    "SK3015", Warning, Stack(check)
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let services = &subject.file.services;
    let is_shared = |name: &ServiceName, mount: &Mount| {
        let mut others = services.iter().filter(|(other, _)| *other != name);
        others.any(|(_, other)| other.volumes.iter().any(|its| is_written(its) && its.source == mount.source))
    };
    let found = services.iter().filter(|(_, service)| overlaps(service)).filter_map(|(name, service)| {
        let mount = service.volumes.iter().find(|mount| is_written(mount) && !is_shared(name, mount))?;
        let update = service.deploy.update_config.as_ref()?;
        let message =
            format!("during an update the old and the new task of `{name}` write to `{}`", mount.source.escape_debug());
        Some(Found::new(&update.span, message).help("write `order: stop-first`"))
    });
    found.collect()
}

/// Whether an update runs two tasks where normally there is only one, in total or on a node.
fn overlaps(service: &Service) -> bool {
    let starts_first = service.deploy.update_config.as_ref().is_some_and(|update| update.order == "start-first");
    let is_alone = match service.deploy.mode.value {
        Mode::Replicated(None | Some(1)) | Mode::Global => true,
        Mode::Replicated(_) => service.deploy.max_replicas_per_node.as_ref().is_some_and(|most| most.value == 1),
        Mode::ReplicatedJob(_) | Mode::GlobalJob => false,
    };
    starts_first && is_alone && database(service).is_none()
}

fn is_written(mount: &Mount) -> bool {
    let is_data = match mount.kind.as_str() {
        "volume" | "cluster" => !mount.source.is_empty(),
        "bind" => !is_common(&mount.source) && mount.source != "/",
        _ => false,
    };
    let is_of_each_task = mount.source.contains("{{.Task.ID");
    is_data && !mount.read_only && !is_of_each_task && !is_configuration(&mount.target)
}
