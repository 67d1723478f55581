use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::stack::Mode;
use crate::stack::file::{Mount, Service, Spanned};
use crate::text;

rule! {
    /// A local folder is mounted, but the task may run on any node.
    ///
    /// A node without the folder rejects the task, and another node may have other data in it. A constraint keeps
    /// the task on the node with the folder; a named volume is available on every node if skep's data root is shared. In a swarm with one
    /// node, or if all nodes share the folder, this is no problem: the rule is off by default.
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

/// Paths that exist on every node.
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
    Found::new(&mount.span, format!("`{}` must exist on every node that the task may run on", text::cut(&mount.source)))
        .help("add a constraint, or use a named volume")
}
