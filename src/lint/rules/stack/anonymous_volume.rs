use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::text;

rule! {
    /// A volume has no name, so every task gets a new one.
    ///
    /// The next task does not see the data that a task wrote, and the old volume stays on the node unused. A
    /// named volume is reused.
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
            Found::new(&mount.span, format!("data written to `{target}` is lost with each task"))
                .help(format!("name the volume, for example `data:{target}`; or use `tmpfs` for temporary data"))
        })
        .collect()
}
