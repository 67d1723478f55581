use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::stack::file::Spanned;

rule! {
    /// A capability gives a container root access to the node.
    ///
    /// With `ALL`, `SYS_ADMIN`, `SYS_MODULE`, `SYS_PTRACE`, `SYS_RAWIO` or `DAC_READ_SEARCH` a process can escape from its
    /// container. Add specific capabilities instead: `NET_ADMIN` for networks, `SYS_TIME` for the clock, `IPC_LOCK` for memory.
    ///
    /// ```yaml bad
    /// services:
    ///   web: { image: "nginx:1.27", cap_add: [ALL] }
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web: { image: "nginx:1.27", cap_drop: [ALL], cap_add: [NET_BIND_SERVICE] }
    /// ```
    "SK6006", Warning, Stack(check)
}

const ROOT: [&str; 6] = ["ALL", "SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO", "DAC_READ_SEARCH"];

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let added = subject.file.services.values().flat_map(|service| &service.cap_add);
    added.filter_map(rooted).collect()
}

fn rooted(capability: &Spanned<String>) -> Option<Found> {
    let upper = capability.to_ascii_uppercase();
    let name = upper.strip_prefix("CAP_").unwrap_or(&upper);
    ROOT.contains(&name).then(|| {
        let message = format!("with `{name}` a process can escape from its container and become root on the node");
        Found::new(&capability.span, message).help("add only the capabilities that it needs")
    })
}
