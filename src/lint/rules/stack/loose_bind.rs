use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::stack::Mode;
use crate::stack::file::{Mount, Service, Spanned};
use crate::text;

rule! {
    /// A folder of the node is mounted, and the task may run on any node.
    ///
    /// A node that does not have the folder rejects the task, and another node has other data in it. A constraint keeps
    /// the task where the folder is; a named volume is on every node where skep's data root is shared. In a swarm of one
    /// node, or where all nodes share the folder, this is nothing to worry about: it is a remark, and off unless asked for.
    ///
    /// ```yaml bad
    /// services:
    ///   web: { image: "nginx:1.27", volumes: ["/srv/pages:/usr/share/nginx/html:ro"] }
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     volumes: ["/srv/pages:/usr/share/nginx/html:ro", "/etc/localtime:/etc/localtime:ro"]
    ///     deploy: { placement: { constraints: [node.labels.pages == true] } }
    /// ```
    "SK3008", Info, Stack(check), Off
}

/// What every node has.
const EVERYWHERE: [&str; 7] = ["/var/run", "/run", "/etc/localtime", "/etc/timezone", "/proc", "/sys", "/dev"];

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let services = subject.file.services.values();
    let anywhere = services.filter(|service| is_anywhere(service));
    anywhere.filter_map(|service| service.volumes.iter().find(|mount| is_of_one_node(mount))).map(found).collect()
}

fn is_anywhere(service: &Service) -> bool {
    let is_global = matches!(service.deploy.mode.value, Mode::Global | Mode::GlobalJob);
    service.deploy.constraints.is_empty() && !is_global
}

fn is_of_one_node(mount: &Mount) -> bool {
    let source = mount.source.trim_end_matches('/');
    let below = |folder: &str| source.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    mount.kind == "bind" && source.starts_with('/') && !EVERYWHERE.into_iter().any(below)
}

fn found(mount: &Spanned<Mount>) -> Found {
    Found::new(
        &mount.span,
        format!("`{}` must be there on every node that the task may run on", text::cut(&mount.source)),
    )
    .help("add a constraint, or use a named volume")
}
