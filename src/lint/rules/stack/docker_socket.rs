use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;

rule! {
    /// A container may talk to the engine of its node.
    ///
    /// Who can talk to `/var/run/docker.sock` is root of the node, and on a manager of the whole swarm; `:ro` does not
    /// change that. A proxy that passes on a few kinds of requests is safer. Off unless asked for: what has the socket
    /// mostly needs it.
    ///
    /// ```yaml bad
    /// services:
    ///   agent: { image: "agent:1", volumes: ["/var/run/docker.sock:/var/run/docker.sock:ro"] }
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   agent: { image: "agent:1", environment: { DOCKER_HOST: "tcp://proxy:2375" } }
    /// ```
    "SK6005", Info, Stack(check), Off
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let mounts = subject.file.services.values().flat_map(|service| &service.volumes);
    let sockets = mounts.filter(|mount| mount.kind == "bind" && mount.source.ends_with("/docker.sock"));
    sockets
        .map(|mount| {
            Found::new(&mount.span, "who is in this container is root of the node")
                .help("give it a proxy that passes on only what it needs")
        })
        .collect()
}
