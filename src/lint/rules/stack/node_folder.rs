use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::stack::file::{Mount, Spanned};
use crate::text;

rule! {
    /// A container may write to system folders of the node.
    ///
    /// Write access to `/`, `/etc`, `/root`, `/boot`, `/usr` or Docker's own data gives root access to the node, which runs
    /// or reads files there. Mount it read-only, or mount only the folder that is needed.
    ///
    /// ```yaml bad
    /// services:
    ///   agent: { image: "agent:1", volumes: ["/:/host"] }
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   agent: { image: "agent:1", volumes: ["/:/host:ro", "/etc/localtime:/etc/localtime", "/var/lib/agent:/data"] }
    /// ```
    "SK6008", Warning, Stack(check)
}

const SYSTEM: [&str; 9] = ["", "/etc", "/root", "/boot", "/usr", "/bin", "/lib", "/var/lib/docker", "/etc/cron.d"];

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let mounts = subject.file.services.values().flat_map(|service| &service.volumes);
    mounts.filter(|mount| is_of_system(mount)).map(found).collect()
}

fn is_of_system(mount: &Mount) -> bool {
    let source = mount.source.as_str();
    mount.kind == "bind"
        && !mount.read_only
        && source.starts_with('/')
        && SYSTEM.contains(&source.trim_end_matches('/'))
}

fn found(mount: &Spanned<Mount>) -> Found {
    let message = format!("write access to `{}` gives root on the node", text::cut(&mount.source));
    Found::new(&mount.span, message).help("mount it read-only (`:ro`), or mount only the folder that is needed")
}
