//! Data that a service will lose, because a renamed volume is empty.

use super::Plan;
use super::observed::Observed;
use crate::name::ServiceName;
use crate::stack::holds::Hold;
use crate::stack::{Mount, Service, Stack};

impl Plan {
    /// Notes services that will start without their data, because their volume is renamed or no longer
    /// mounted, also if another service replaces them.
    pub(super) fn note_left_data(&mut self, desired: &Stack, observed: &Observed) {
        for (name, there) in &observed.services {
            let after = desired.services.get(name);
            for (mount, data) in written(&there.service) {
                // Still used, at whatever path.
                if desired.services.values().any(|service| service.holds().iter().any(|hold| hold.overlaps(&data))) {
                    continue;
                }
                let note = match after {
                    Some(after) => Some(left(name, mount, &data, after)),
                    None if self.removed_services().contains(name) => successor(mount, desired, observed)
                        .map(|(by, now)| replaced(name, by, &mount.target, &data, &now)),
                    None => None,
                };
                self.notes.extend(note);
            }
        }
    }
}

fn written(service: &Service) -> impl Iterator<Item = (&Mount, Hold)> {
    service.volumes.iter().filter_map(|mount| Some((mount, mount.data()?)))
}

fn left(name: &ServiceName, mount: &Mount, was: &Hold, after: &Service) -> String {
    let target = &mount.target;
    match after.volumes.iter().find(|mount| mount.target == *target).map(shown) {
        Some(now) => format!(
            "service {name} has {now} at {target} instead of {was}: the data stays in the old one and is not copied; give \
             it its old name back if it was only renamed"
        ),
        None => {
            format!("service {name} no longer has {was} at {target}: it starts without that data, which is kept")
        }
    }
}

fn replaced(was: &ServiceName, by: &ServiceName, target: &str, data: &Hold, now: &str) -> String {
    format!(
        "service {by} has {now} at {target}, where service {was} has {data}: that data stays in the old one and is not \
         copied; give it its old name back if it was only renamed"
    )
}

/// A new service with data at the same place.
fn successor<'a>(mount: &Mount, desired: &'a Stack, observed: &Observed) -> Option<(&'a ServiceName, String)> {
    let mut new = desired.services.iter().filter(|(name, _)| !observed.services.contains_key(*name));
    new.find_map(|(name, service)| {
        let same = |other: &&Mount| other.target == mount.target && (other.data().is_some() || other.source.is_empty());
        service.volumes.iter().find(same).map(|mount| (name, shown(mount)))
    })
}

fn shown(mount: &Mount) -> String {
    match mount.data() {
        Some(data) => data.to_string(),
        None if mount.source.is_empty() => format!("an anonymous {}", mount.kind),
        None => format!("{} {}", mount.kind, mount.source),
    }
}
