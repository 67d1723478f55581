use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;

rule! {
    /// A container has access to the engine of its node.
    ///
    /// Access to `/var/run/docker.sock` makes a container root on the node, and on a manager on the whole swarm; `:ro` does not
    /// change that. A proxy that forwards only a few kinds of requests is safer. Off by default, because services with the
    /// socket usually need it.
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
            Found::new(&mount.span, "mounting the Docker socket gives the container root on the node")
                .help("use a proxy that forwards only the requests that it needs")
        })
        .collect()
}
