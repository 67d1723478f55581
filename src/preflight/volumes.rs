//! Volumes whose driver or options differ from the file.
//!
//! A node creates a volume when the first task needs it, and a volume cannot be changed: with other options the tasks
//! would silently go on with the old data. The options of an existing volume are read from this node, or from the
//! services that use it.

use std::collections::BTreeSet;

use super::surroundings::StoredVolume;
use super::{Context, in_the_way};
use crate::diagnostic::{Diagnostic, KeyPath};
use crate::name::ServiceName;
use crate::stack::{Mount, Service, VolumeOptions};

/// Obstacles for volumes that would stay as they are although the file differs; notes if only labels differ.
pub(super) fn found(context: &Context<'_>) -> (Vec<Diagnostic<KeyPath>>, Vec<String>) {
    let (mut obstacles, mut notes, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for (service, mount, wanted) in context.new_mounts() {
        if !seen.insert(&mount.source) {
            continue;
        }
        let there = context.volume(&mount.source);
        let differs = there.as_ref().map(|there| differences(there, wanted)).unwrap_or_default();
        if !differs.is_empty() {
            obstacles.push(unchangeable(service, &mount.source, &differs, context));
        } else if context.labels_differ(&mount.source, wanted) {
            notes.push(format!(
                "the volume `{}` keeps its labels where it exists already: Swarm cannot change a volume",
                mount.source
            ));
        }
    }
    (obstacles, notes)
}

impl Context<'_> {
    /// The mounts of the stack's own volumes that are new or changed. This deploy does not cause a difference in a
    /// mount that a service already has.
    fn new_mounts(&self) -> Vec<(&ServiceName, &Mount, &VolumeOptions)> {
        let mounts = self.desired.services.iter().flat_map(|(name, service)| own(service).map(move |it| (name, it)));
        let has = |name: &ServiceName, mount: &Mount, wanted: &VolumeOptions| {
            let there = self.observed.services.get(name).into_iter().flat_map(|there| own(&there.service));
            there.into_iter().any(|(other, options)| other.source == mount.source && is_same(options, wanted))
        };
        let new = mounts.filter(|(name, (mount, wanted))| !has(name, mount, wanted));
        new.map(|(name, (mount, wanted))| (name, mount, wanted)).collect()
    }

    /// The volume on this node, or as a service of the stack defines it.
    fn volume(&self, name: &str) -> Option<StoredVolume> {
        let asked = || self.live_options(name).map(stored);
        self.surroundings.volumes.get(name).cloned().or_else(asked)
    }

    fn labels_differ(&self, name: &str, wanted: &VolumeOptions) -> bool {
        self.live_options(name).is_some_and(|live| live.labels != wanted.labels)
    }

    fn live_options(&self, name: &str) -> Option<&VolumeOptions> {
        let mut mounts = self.observed.services.values().flat_map(|there| own(&there.service));
        mounts.find(|(mount, _)| mount.source == name).map(|(_, options)| options)
    }
}

/// The stack's own volumes that a service mounts. A name with a placeholder means one volume for each task.
fn own(service: &Service) -> impl Iterator<Item = (&Mount, &VolumeOptions)> {
    let named = service.volumes.iter().filter(|mount| !mount.source.is_empty() && !mount.source.contains("{{"));
    named.filter_map(|mount| Some((mount, mount.volume.as_ref().filter(|options| options.owned)?)))
}

fn stored(options: &VolumeOptions) -> StoredVolume {
    StoredVolume { driver: options.driver.clone(), options: options.driver_opts.clone() }
}

fn is_same(one: &VolumeOptions, other: &VolumeOptions) -> bool {
    differences(&stored(one), other).is_empty() && one.labels == other.labels
}

/// The keys of the file that differ. Their values are not shown, because they may contain a password.
fn differences(there: &StoredVolume, wanted: &VolumeOptions) -> Vec<String> {
    let driver = |name: &str| if name.is_empty() { "local" } else { name }.to_owned();
    let mut keys = Vec::new();
    if driver(&there.driver) != driver(&wanted.driver) {
        keys.push("`driver`".to_owned());
    }
    let options: BTreeSet<&String> = there.options.keys().chain(wanted.driver_opts.keys()).collect();
    let other = options.into_iter().filter(|key| is_other(there.options.get(*key), wanted.driver_opts.get(*key)));
    keys.extend(other.map(|key| format!("`driver_opts.{key}`")));
    keys
}

/// Whether two values are known to differ: only the engine fills in placeholders.
fn is_other(there: Option<&String>, wanted: Option<&String>) -> bool {
    let has_placeholder = |value: Option<&String>| value.is_some_and(|value| value.contains("{{"));
    there != wanted && !has_placeholder(there) && !has_placeholder(wanted)
}

fn unchangeable(service: &ServiceName, name: &str, keys: &[String], context: &Context<'_>) -> Diagnostic<KeyPath> {
    let key = name.strip_prefix(&context.desired.name.scoped("")).unwrap_or(name);
    in_the_way(
        KeyPath::of(["volumes", key]),
        format!(
            "the volume `{name}` of the service `{service}` exists with another {}, and Swarm cannot change a volume: \
             the tasks would go on with the old one",
            keys.join(" and ")
        ),
        format!(
            "give it another `name`; or, to make this one anew, deploy once without the services that use it, run `docker \
             volume rm {name}` on every node, and deploy again"
        ),
    )
}
