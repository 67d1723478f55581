use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::text;

rule! {
    /// A volume has no name, so every task has another one.
    ///
    /// What a container writes there is gone for the next one, and stays on the node as a volume that nobody knows. A
    /// named volume is found again.
    ///
    /// ```yaml bad
    /// services:
    ///   db: { image: "postgres:17", volumes: [/var/lib/postgresql/data] }
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   db: { image: "postgres:17", volumes: ["data:/var/lib/postgresql/data"], tmpfs: /run }
    /// volumes: { data: {} }
    /// ```
    "SK2005", Warning, Stack(check)
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let mounts = subject.file.services.values().flat_map(|service| &service.volumes);
    let nameless = mounts.filter(|mount| mount.kind == "volume" && mount.source.is_empty());
    nameless
        .map(|mount| {
            let target = text::cut(&mount.target);
            Found::new(&mount.span, format!("what is written to `{target}` is gone with each task"))
                .help(format!("name the volume, as `data:{target}`; or use `tmpfs` if it may be gone"))
        })
        .collect()
}
