//! Keys of Compose that Swarm does not support: those that Docker ignores and those that it refuses, each with an
//! alternative.

pub(super) const IGNORED: &[(&str, &str)] = &[
    ("attach", "it belongs to `docker compose up`; remove it"),
    ("cgroup_parent", "Swarm has no such setting; remove it"),
    ("cgroupns_mode", "Swarm has no such setting; remove it"),
    ("container_name", "Swarm names containers itself, and others find the service by its name; remove it"),
    ("develop", "it belongs to `docker compose watch`; remove it"),
    ("devices", "announce the device as a generic resource of the node, or bind its path with `volumes`"),
    ("domainname", "write the full name in `hostname`"),
    ("external_links", "join the other service's network, and use its name"),
    ("ipc", "Swarm has no such setting; remove it"),
    ("mac_address", "Swarm has no such setting; remove it"),
    ("pid", "Swarm has no such setting; remove it"),
    ("platform", "Swarm takes the platform from the image; constrain it with `node.platform.arch == …`"),
    ("privileged", "add the capabilities it needs with `cap_add`"),
    ("pull_policy", "Swarm pulls what is not on the node; remove it"),
    ("userns_mode", "Swarm has no such setting; remove it"),
    ("uts", "Swarm has no such setting; remove it"),
];

const IGNORED_IN_NETWORK: &[(&str, &str)] = &[
    ("ipv4_address", "Swarm gives addresses itself; use the service's name"),
    ("ipv6_address", "Swarm gives addresses itself; use the service's name"),
    ("link_local_ips", "Swarm gives addresses itself; use the service's name"),
    ("priority", "Swarm has no order of networks; remove it"),
    ("gw_priority", "Swarm has no order of networks; remove it"),
    ("mac_address", "Swarm gives addresses itself; remove it"),
];

const IGNORED_IN_PORT: &[(&str, &str)] = &[
    ("host_ip", "Swarm publishes on every address of the node; use a firewall"),
    ("name", "Swarm has no names of ports; remove it"),
    ("app_protocol", "Swarm does not use it; remove it"),
];

const IGNORED_IN_BUILD: &[(&str, &str)] = &[
    ("cache_from", "skep keeps an image by what is in it, and the builder has a cache of its own; remove it"),
    ("cache_to", "skep keeps an image by what is in it, and the builder has a cache of its own; remove it"),
    ("no_cache", "an image is built again whenever something in it changed; remove it"),
    ("pull", "what an image builds on is looked up before each build; remove it"),
    ("platforms", "an image is built for the engine that builds it; remove it"),
    ("tags", "skep names images itself; remove it"),
    ("isolation", "the builder takes the engine's; remove it"),
    ("provenance", "nothing reads it in a swarm; remove it"),
    ("sbom", "nothing reads it in a swarm; remove it"),
    ("ulimits", "the builder takes the engine's; remove it"),
    ("additional_contexts", "copy what is needed from another image with `COPY --from`, or into the context"),
    ("entitlements", "skep builds without privileges; make the image without them"),
    ("extra_hosts", "a build finds hosts by DNS only; remove it"),
    ("labels", "write `LABEL` in the Dockerfile"),
    ("network", "a build has the engine's default network; remove it"),
    ("no_cache_filter", "an image is built again whenever something in it changed; remove it"),
    ("privileged", "skep builds without privileges; make the image without them"),
    ("secrets", "skep hands no secrets to a build; make the image without them"),
    ("shm_size", "the builder takes the engine's; remove it"),
    ("ssh", "skep hands no keys to a build; copy what is needed into the context"),
];

pub(super) const REFUSED: &[(&str, &str)] = &[
    ("volume_driver", "write `driver` under the top-level `volumes`"),
    ("volumes_from", "name the volume at the top, and mount it in both services"),
    ("cpu_quota", "write `deploy.resources.limits.cpus`"),
    ("cpu_shares", "write `deploy.resources.reservations.cpus`"),
    ("cpuset", "write `deploy.resources.limits.cpus`"),
    ("cpu_count", "write `deploy.resources.limits.cpus`"),
    ("cpu_percent", "write `deploy.resources.limits.cpus`"),
    ("cpu_period", "write `deploy.resources.limits.cpus`"),
    ("cpu_rt_period", "Swarm has no such setting; remove it"),
    ("cpu_rt_runtime", "Swarm has no such setting; remove it"),
    ("memswap_limit", "write `deploy.resources.limits.memory`"),
    ("mem_swappiness", "Swarm has no such setting; set it on the nodes"),
    ("oom_kill_disable", "Swarm has no such setting; set memory limits in `deploy.resources`"),
    ("blkio_config", "Swarm has no such setting; set it on the nodes"),
    ("device_cgroup_rules", "Swarm has no such setting; set it on the nodes"),
    ("storage_opt", "Swarm has no such setting; set it on the nodes"),
    ("label_file", "write the labels out under `labels`"),
    ("annotations", "Swarm has labels only; use `labels`"),
    ("post_start", "Swarm runs nothing beside the container; make it part of the image's entrypoint"),
    ("pre_stop", "Swarm runs nothing beside the container; handle the signal that stops it"),
    ("provider", "Swarm runs containers only; write a service with an image"),
    ("models", "Swarm runs containers only; write a service with an image"),
    ("use_api_socket", "mount /var/run/docker.sock with `volumes`, on a manager that you trust with it"),
    ("replicas", "write it under `deploy`"),
    ("runtime", "Swarm takes the engine's default runtime; set it on the node"),
    ("gpus", "announce it as a generic resource of the node, and reserve it in `deploy.resources`"),
    ("cgroup", "Swarm has no such setting; remove it"),
];

/// Sections in which Docker's schema allows any key and ignores unknown ones.
const OPEN: &[&str] = &["a bind", "the options of a volume", "tmpfs", "a config or secret of a service", "external"];

/// The alternative to a key that Docker ignores in `what`.
pub(super) fn ignored(what: &str, key: &str) -> Option<&'static str> {
    let table = match what {
        "a service" => IGNORED,
        "a network of a service" => IGNORED_IN_NETWORK,
        "a port" => IGNORED_IN_PORT,
        "a bind" => &[("create_host_path", "Swarm never makes the folder; make it on the nodes, or use a volume")],
        "a subnet" => &[("aux_addresses", "Swarm does not keep addresses free; leave them out of `ip_range`")],
        "a network" => &[("enable_ipv4", "a network of a swarm always has IPv4 addresses; remove it")],
        "build" => IGNORED_IN_BUILD,
        _ => &[],
    };
    find(table, key).or_else(|| OPEN.contains(&what).then_some("Docker also ignores it; remove it"))
}

/// The alternative to a key that is refused in `what`.
pub(super) fn remedy(what: &str, key: &str) -> Option<&'static str> {
    match what {
        "a service" | "a stack file" => find(REFUSED, key),
        _ => None,
    }
}

fn find(table: &[(&str, &'static str)], key: &str) -> Option<&'static str> {
    table.iter().find(|(known, _)| *known == key).map(|(_, instead)| *instead)
}
