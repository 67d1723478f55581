use std::collections::BTreeMap;

use crate::lint::rule::{Found, MAX_LOOKED_AT, rule};
use crate::lint::subject::StackSubject;
use crate::stack::file::{Mount, Spanned};
use crate::stack::holds::is_common;
use crate::text;

rule! {
    /// Two stacks write to the same data.
    ///
    /// The same folder of the nodes, or a volume with the same name, is mounted in services of two stacks, and both may
    /// write to it. If this is intended, one of them usually only reads. A volume without a `name` belongs to its stack.
    ///
    /// ```yaml bad
    /// # stacks/shop/stack.yml
    /// services:
    ///   db: { image: "postgres:17", volumes: ["/srv/db:/var/lib/postgresql/data"] }
    /// # stacks/wiki/stack.yml
    /// services:
    ///   db: { image: "postgres:17", volumes: ["/srv/db/:/var/lib/postgresql/data"] }
    /// ```
    ///
    /// ```yaml good
    /// # stacks/shop/stack.yml
    /// services:
    ///   db: { image: "postgres:17", volumes: ["/srv/shop:/var/lib/postgresql/data"] }
    /// # stacks/wiki/stack.yml
    /// services:
    ///   db: { image: "postgres:17", volumes: ["data:/var/lib/postgresql/data"] }
    ///   backup: { image: "restic/restic:0.17", volumes: ["/srv/shop:/shop:ro"] }
    /// volumes: { data: {} }
    /// ```
    "SK3009", Warning, Stacks(check)
}

fn check(stacks: &[StackSubject<'_>]) -> Vec<Found> {
    let mut writers: BTreeMap<String, usize> = BTreeMap::new();
    let mut found = Vec::new();
    for (index, stack) in stacks.iter().enumerate() {
        for mount in stack.file.services.values().flat_map(|service| &service.volumes) {
            let Some(data) = data(mount, stack) else { continue };
            let first = *writers.entry(data.clone()).or_insert(index);
            if first != index && found.len() < MAX_LOOKED_AT {
                let message = format!("{} also writes to `{}`", stacks[first].described(), text::cut(&data));
                let found_here = Found::new(&mount.span, message).help("use a separate place, or mount it read-only");
                found.push(found_here.placed(&stack.file.sources));
            }
        }
    }
    found
}

/// The full name of writable data, if another stack could also refer to it.
fn data(mount: &Spanned<Mount>, stack: &StackSubject<'_>) -> Option<String> {
    if mount.read_only {
        return None;
    }
    match mount.kind.as_str() {
        "bind" => {
            let path = mount.source.trim_end_matches('/');
            (path.starts_with('/') && !is_common(path)).then(|| path.to_owned())
        }
        "volume" => {
            let volume = stack.file.volumes.get(&mount.source)?;
            let name = volume.name.as_ref().map(|name| name.value.clone());
            name.or_else(|| volume.external.then(|| mount.source.clone())).filter(|name| !name.contains("{{"))
        }
        _ => None,
    }
}
