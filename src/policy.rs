//! Whether a repository may use the objects of other stacks: refused unless the settings allow it.
//!
//! The check applies to the rendered stack, however the file is written: its name, the secrets, configs, networks and
//! volumes that it refers to, the folders that it mounts, the addresses of its checks. Objects without an owner can be
//! used by all stacks: secrets, configs and networks created by hand, attachable networks, and Traefik's network.
//!
//! It limits access to objects of other stacks **by name**. It does not limit containers on their nodes: a stack
//! may mount the engine's socket, `/`, or a device, join the host's network, and so become root on the swarm.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use crate::diagnostic::{Diagnostic, KeyPath};
use crate::name::ServiceName;
use crate::stack::check::{Check, Probe};
use crate::stack::{Config, Mount, Network, Secret, Service, Stack};

/// The default name of skep's own stack.
pub const SKEP: &str = "skep";
/// The word in the settings that allows everything.
const EVERYTHING: &str = "*";

/// The owners of objects in the swarm, by full name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owned {
    /// Configs.
    pub configs: BTreeMap<String, String>,
    /// Secrets.
    pub secrets: BTreeMap<String, String>,
    /// Networks that are reserved for services of their stack.
    pub networks: BTreeMap<String, String>,
    /// Networks that any container may join.
    pub attachable: BTreeMap<String, String>,
    /// Volumes mounted by services of their stack.
    pub volumes: BTreeMap<String, String>,
}

/// The permissions of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// The folder below which each stack has its own.
    pub data_root: String,
    /// The network that Traefik shares with its services.
    pub traefik_network: String,
    /// The stack that skep itself is in.
    pub own_stack: String,
    /// The folder with skep's own files, including all hosted repositories.
    pub own_data: String,
    /// What the settings allow: full names of secrets, configs, networks, volumes and stacks, folders with all below
    /// them, or `*`.
    pub allowed: BTreeSet<String>,
}

/// The forbidden uses of other stacks' objects, each with its place in the file.
pub fn obstacles(desired: &Stack, owned: &Owned, bounds: &Bounds) -> Vec<Diagnostic<KeyPath>> {
    let mut found = checks(desired);
    if bounds.allowed.contains(EVERYTHING) {
        return found;
    }
    found.extend(name(desired, bounds));
    found.extend(files(desired, owned, bounds));
    found.extend(networks(desired, owned, bounds));
    for (service, mount) in mounts(desired) {
        found.extend(volume(service, mount, desired, owned, bounds));
        found.extend(folders(mount).iter().filter_map(|path| folder(service, path, desired, bounds)));
    }
    found
}

/// Whether a stack refers to anything that may belong to another; otherwise the owners need not be looked up.
pub fn may_name_others(desired: &Stack, bounds: &Bounds) -> bool {
    let services = || desired.services.values();
    let config = |name: &str| !matches!(desired.configs.get(name), Some(Config::Own { .. }));
    let secret = |name: &str| !matches!(desired.secrets.get(name), Some(Secret::Own { .. }));
    let network =
        |name: &str| !matches!(desired.networks.get(name), Some(Network::Own(_))) && name != bounds.traefik_network;
    desired.configs.keys().map(String::as_str).chain(services().flat_map(Service::config_names)).any(config)
        || desired.secrets.keys().any(|name| secret(name))
        || services().flat_map(|service| &service.secrets).any(|file| secret(&file.source))
        || desired.networks.keys().chain(services().flat_map(|it| it.networks.keys())).any(|name| network(name))
        || mounts(desired).any(|(_, mount)| matches!(mount.kind.as_str(), "volume" | "cluster"))
}

fn name(desired: &Stack, bounds: &Bounds) -> Option<Diagnostic<KeyPath>> {
    let name = desired.name.as_str();
    let is_skeps = name == SKEP || name == bounds.own_stack;
    (is_skeps && !bounds.allowed.contains(name)).then(|| {
        Diagnostic::new(KeyPath::of(["name"]), format!("`{name}` is skep's own stack"))
            .help(format!("give the stack another name; {}", allow(name)))
    })
}

/// Configs and secrets of other stacks.
fn files(desired: &Stack, owned: &Owned, bounds: &Bounds) -> Vec<Diagnostic<KeyPath>> {
    let services = || desired.services.values();
    let is_own_config = |name: &str| matches!(desired.configs.get(name), Some(Config::Own { .. }));
    let is_own_secret = |name: &str| matches!(desired.secrets.get(name), Some(Secret::Own { .. }));
    let configs: BTreeSet<&str> =
        desired.configs.keys().map(String::as_str).chain(services().flat_map(Service::config_names)).collect();
    let files = services().flat_map(|service| &service.secrets).map(|file| file.source.as_str());
    let secrets: BTreeSet<&str> = desired.secrets.keys().map(String::as_str).chain(files).collect();
    let configs = configs.into_iter().filter(|name| !is_own_config(name)).map(|name| ("config", name, &owned.configs));
    let secrets = secrets.into_iter().filter(|name| !is_own_secret(name)).map(|name| ("secret", name, &owned.secrets));
    let foreign = |(kind, name, owners): (&str, &str, &BTreeMap<String, String>)| {
        foreign_owner(name, owners, desired, bounds).map(|other| taken(kind, name, other))
    };
    configs.chain(secrets).filter_map(foreign).collect()
}

fn networks(desired: &Stack, owned: &Owned, bounds: &Bounds) -> Vec<Diagnostic<KeyPath>> {
    let is_own = |name: &str| matches!(desired.networks.get(name), Some(Network::Own(_)));
    let joined = desired.services.values().flat_map(|service| service.networks.keys());
    let names: BTreeSet<&str> = desired.networks.keys().chain(joined).map(String::as_str).collect();
    let others = names.into_iter().filter(|name| !is_own(name) && *name != bounds.traefik_network);
    let foreign = |name: &str| {
        let of_skep = || owned.attachable.get(name).filter(|owner| **owner == bounds.own_stack);
        let is_foreign = foreign_owner(name, &owned.networks, desired, bounds);
        let other = is_foreign.or_else(|| of_skep().filter(|owner| may_not(name, owner, desired, bounds)))?;
        Some(
            Diagnostic::new(
                KeyPath::of(["networks", name]),
                format!("the network `{name}` belongs to the stack `{other}`"),
            )
            .help(format!("join one that is meant to be shared (`attachable: true`); {}", allow(name))),
        )
    };
    others.filter_map(foreign).collect()
}

/// The owner of an object, if it is another stack and the settings do not allow the use.
fn foreign_owner<'a>(
    name: &str,
    owners: &'a BTreeMap<String, String>,
    desired: &Stack,
    bounds: &Bounds,
) -> Option<&'a String> {
    owners.get(name).filter(|owner| may_not(name, owner, desired, bounds))
}

fn may_not(name: &str, owner: &str, desired: &Stack, bounds: &Bounds) -> bool {
    owner != desired.name.as_str() && !bounds.allowed.contains(name)
}

fn taken(kind: &str, name: &str, owner: &str) -> Diagnostic<KeyPath> {
    Diagnostic::new(
        KeyPath::of([&format!("{kind}s"), name]),
        format!("the {kind} `{name}` belongs to the stack `{owner}`"),
    )
    .help(format!("use a {kind} of this stack, or one that was created by hand; {}", allow(name)))
}

fn mounts(desired: &Stack) -> impl Iterator<Item = (&ServiceName, &Mount)> {
    desired.services.iter().flat_map(|(name, service)| service.volumes.iter().map(move |mount| (name, mount)))
}

fn volume(
    service: &ServiceName,
    mount: &Mount,
    desired: &Stack,
    owned: &Owned,
    bounds: &Bounds,
) -> Option<Diagnostic<KeyPath>> {
    let is_volume = matches!(mount.kind.as_str(), "volume" | "cluster");
    let name = Some(&mount.source).filter(|name| is_volume && !name.is_empty())?;
    let other = foreign_owner(name, &owned.volumes, desired, bounds)?;
    Some(
        Diagnostic::new(
            of_service(service, &["volumes"]),
            format!("the volume `{name}` belongs to the stack `{other}`"),
        )
        .help(format!("use a volume of this stack; {}", allow(name))),
    )
}

/// The folders of the host that are mounted, also by way of a volume's options (`man 8 mount`): the engine takes a
/// relative path there from where it was started, which is `/`.
fn folders(mount: &Mount) -> Vec<String> {
    if mount.kind == "bind" {
        return vec![mount.source.clone()];
    }
    let option = |key: &str| {
        let value = mount.volume.as_ref().and_then(|volume| volume.driver_opts.get(key));
        value.map(String::as_str).unwrap_or_default()
    };
    let (device, flags) = (option("device"), option("o"));
    let is_bind = flags.split(',').any(|flag| matches!(flag, "bind" | "rbind"));
    let layers = flags.split(',').filter_map(|flag| flag.split_once('='));
    let layers = layers.filter(|(key, _)| matches!(*key, "lowerdir" | "upperdir" | "workdir"));
    let device = Some(device).filter(|device| device.starts_with('/') || is_bind && !device.is_empty());
    let folders = device.into_iter().chain(layers.flat_map(|(_, folders)| folders.split(':')));
    folders.map(|folder| if folder.starts_with('/') { folder.to_owned() } else { format!("/{folder}") }).collect()
}

/// Why a stack may not mount a folder of the host.
fn folder(service: &ServiceName, path: &str, desired: &Stack, bounds: &Bounds) -> Option<Diagnostic<KeyPath>> {
    let parts = Some(parts(path)).filter(|parts| path.starts_with('/') && !parts.is_empty())?;
    let is_allowed = |folder: &String| folder.starts_with('/') && parts.starts_with(&self::parts(folder));
    if bounds.allowed.iter().any(is_allowed) {
        return None;
    }
    let message = match owner(&parts, bounds)? {
        Owner::Skep => format!("the folder `{path}` contains skep's own files"),
        Owner::AllStacks => format!("the folder `{path}` contains the data of all stacks"),
        Owner::Stack(name) if name == desired.name.as_str() => return None,
        Owner::Stack(name) => format!("the folder `{path}` contains data of the stack `{name}`"),
    };
    Some(Diagnostic::new(of_service(service, &["volumes"]), message).help(format!(
        "keep the data in a named volume, or below `{}/{}`; {}",
        bounds.data_root,
        desired.name,
        allow(path)
    )))
}

/// The owner of the data in a folder.
enum Owner<'a> {
    Skep,
    AllStacks,
    Stack(&'a str),
}

/// The owner of the data in a folder of the host or above it; `None` if it has none.
fn owner<'a>(folder: &[&'a str], bounds: &'a Bounds) -> Option<Owner<'a>> {
    let (root, own) = (parts(&bounds.data_root), parts(&bounds.own_data));
    let below = (!root.is_empty()).then(|| folder.strip_prefix(root.as_slice())).flatten();
    match below {
        _ if !own.is_empty() && folder.starts_with(&own) => Some(Owner::Skep),
        Some([]) => Some(Owner::AllStacks),
        None if root.starts_with(folder) => Some(Owner::AllStacks),
        _ if own.starts_with(folder) => Some(Owner::Skep),
        Some([first, ..]) => Some(Owner::Stack(first)),
        None => None,
    }
}

/// The components of a path, with `.` and `..` resolved.
fn parts(path: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts
}

fn allow(name: &str) -> String {
    format!("to permit it, add `{name}` for this repository to `allow` in skep's settings")
}

fn of_service(name: &ServiceName, keys: &[&str]) -> KeyPath {
    KeyPath::of(["services", name.as_str()].iter().chain(keys).copied())
}

/// Checks with literal addresses that are forbidden.
fn checks(desired: &Stack) -> Vec<Diagnostic<KeyPath>> {
    let each =
        desired.services.iter().flat_map(|(name, service)| service.checks.iter().map(move |check| (name, check)));
    let refused = |(name, check): (&ServiceName, &Check)| {
        let why = barred(written_address(&check.probe)?)?;
        Some(
            Diagnostic::new(
                of_service(name, &["x-skep", "check"]),
                format!("the check {check} is made from where skep runs, and may not connect to {why}"),
            )
            .help("ask for a published port or a public name, or run a `command` in the container"),
        )
    };
    each.filter_map(refused).collect()
}

/// The literal address of a check, if it has one instead of a name.
fn written_address(probe: &Probe) -> Option<IpAddr> {
    let host = match probe {
        Probe::Http(probe) => Url::parse(&probe.url).ok()?.host()?.to_owned(),
        Probe::Tcp(address) => Host::parse(address.rsplit_once(':')?.0).ok()?,
        Probe::Command(_) => return None,
    };
    match host {
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
        Host::Domain(name) => {
            let name = name.trim_end_matches('.');
            (name == "localhost" || name.ends_with(".localhost")).then_some(Ipv4Addr::LOCALHOST.into())
        }
    }
}

/// Addresses of clouds' metadata services besides the link-local ones: AWS, Google, Azure, Alibaba, Oracle.
const METADATA: [IpAddr; 5] = [
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
];

/// The kind of a forbidden address: one that belongs to the machine or container that skep
/// runs in, or to a cloud's metadata service. Private addresses are allowed, since stacks use them.
pub fn barred(address: IpAddr) -> Option<&'static str> {
    let address = carried(address);
    if METADATA.contains(&address) {
        return Some("the metadata service of a cloud");
    }
    let is_link_local = match address {
        IpAddr::V4(four) => four.is_link_local(),
        IpAddr::V6(six) => six.is_unicast_link_local(),
    };
    let is_nowhere = match address {
        IpAddr::V4(four) => matches!(four.octets()[0], 0 | 240..),
        IpAddr::V6(six) => six.is_unspecified(),
    };
    match address {
        _ if address.is_loopback() => Some("a loopback address"),
        _ if is_link_local => Some("a link-local address"),
        _ if address.is_multicast() => Some("a multicast address"),
        _ if is_nowhere => Some("an address of no host"),
        _ => None,
    }
}

/// The address of IPv4 that one of IPv6 carries in it: mapped, compatible and translated ones (RFC 4291, 2765), those of
/// NAT64 (RFC 6052) and of 6to4 (RFC 3056).
fn carried(address: IpAddr) -> IpAddr {
    let IpAddr::V6(six) = address else { return address };
    let (high, low) = match six.segments() {
        _ if six.is_loopback() || six.is_unspecified() => return address,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0 | 1, _, _, _, high, low]
        | [0x2002, high, low, ..] => (high, low),
        _ => return address,
    };
    IpAddr::V4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::check::{Expect, HttpProbe};
    use crate::stack::{Attachment, FileReference, VolumeOptions};

    fn bounds(allowed: &[&str]) -> Bounds {
        Bounds {
            data_root: "/data".into(),
            traefik_network: "traefik".into(),
            own_stack: "gitops".into(),
            own_data: "/data/skep-lab".into(),
            allowed: allowed.iter().map(ToString::to_string).collect(),
        }
    }

    fn owned() -> Owned {
        let of = |owner: &str, names: &[&str]| -> BTreeMap<String, String> {
            names.iter().map(|name| (name.to_string(), owner.to_owned())).collect()
        };
        let mut secrets = of("bank", &["bank_key", "shared_name"]);
        secrets.extend(of("shop", &["shop_key"]));
        secrets.extend(of("gitops", &["push_token"]));
        Owned {
            configs: of("bank", &["bank_conf"]),
            secrets,
            networks: of("bank", &["bank_default", "traefik"]),
            attachable: of("gitops", &["gitops_default"]),
            volumes: of("bank", &["bank_data"]),
        }
    }

    fn bind(source: &str) -> Mount {
        Mount { kind: "bind".into(), target: "/t".into(), source: source.into(), ..Mount::default() }
    }

    fn shop(web: Service) -> Stack {
        let mut stack = Stack::empty("shop".parse().unwrap());
        stack.services.insert("web".parse().unwrap(), web);
        stack
    }

    fn file(source: &str) -> FileReference {
        FileReference { source: source.into(), target: source.into(), uid: "0".into(), gid: "0".into(), mode: 0o444 }
    }

    fn told(stack: &Stack, allowed: &[&str]) -> Vec<String> {
        obstacles(stack, &owned(), &bounds(allowed)).iter().map(|it| it.message.clone()).collect()
    }

    #[test]
    fn what_belongs_to_another_stack_is_refused() {
        let mut stack = shop(Service {
            secrets: vec![file("bank_key"), file("shop_key"), file("by_hand"), file("push_token")],
            configs: vec![file("bank_conf")],
            networks: ["bank_default", "gitops_default", "traefik", "shared"]
                .map(|name| (name.to_owned(), Attachment::default()))
                .into(),
            volumes: vec![
                Mount { kind: "volume".into(), source: "bank_data".into(), ..Mount::default() },
                Mount { kind: "volume".into(), source: "media".into(), ..Mount::default() },
            ],
            ..Service::default()
        });
        stack.secrets.insert("bank_key".into(), Secret::External);
        insta::assert_snapshot!(told(&stack, &[]).join("\n"), @"
        the config `bank_conf` belongs to the stack `bank`
        the secret `bank_key` belongs to the stack `bank`
        the secret `push_token` belongs to the stack `gitops`
        the network `bank_default` belongs to the stack `bank`
        the network `gitops_default` belongs to the stack `gitops`
        the volume `bank_data` belongs to the stack `bank`
        ");
        assert_eq!(told(&stack, &["bank_conf", "bank_key", "push_token", "bank_data", "gitops_default"]).len(), 1);
        assert_eq!(told(&stack, &["*"]), Vec::<String>::new());
    }

    #[test]
    fn only_the_stacks_own_folder_below_the_data_root_is_mounted() {
        let of = |mount: Mount| told(&shop(Service { volumes: vec![mount], ..Service::default() }), &[]);
        for path in
            ["/data/shop", "/data/shop/db", "/data/bank/../shop/db", "//data/./shop//x", "/srv/x", "/database", "/"]
        {
            assert_eq!(of(bind(path)), Vec::<String>::new(), "{path}");
        }
        for path in
            ["/data/bank", "/data/shop/../bank", "/data", "/data/", "/data/shop/..", "/data/shopping", "/data/skep"]
        {
            assert_eq!(of(bind(path)).len(), 1, "{path}");
        }
        let by_options = |flags: &str, device: &str| {
            let options = [("type", "none"), ("o", flags), ("device", device)];
            let driver_opts = options.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
            let volume = Some(VolumeOptions { driver_opts, ..VolumeOptions::default() });
            of(Mount { kind: "volume".into(), source: "x".into(), volume, ..Mount::default() }).join("; ")
        };
        let by_options_too = [
            by_options("bind", "/data/bank"),
            by_options("ro,bind", "data/bank"),
            by_options("lowerdir=/data/shop:/data/bank,upperdir=/data/shop/up,workdir=data/mail/x", "overlay"),
        ];
        insta::assert_snapshot!(by_options_too.join("\n"), @"
        the folder `/data/bank` contains data of the stack `bank`
        the folder `/data/bank` contains data of the stack `bank`
        the folder `/data/bank` contains data of the stack `bank`; the folder `/data/mail/x` contains data of the stack `mail`
        ");
        assert_eq!(by_options("addr=nas,rw", ":/data/bank") + &by_options("", "tmpfs"), "");
        let media = shop(Service { volumes: vec![bind("/data/media/films")], ..Service::default() });
        assert_eq!((told(&media, &["/data/media"]).len(), told(&media, &["/data/med"]).len()), (0, 1));
        let deep = Bounds { data_root: "/srv/data/".into(), ..bounds(&[]) };
        let above = shop(Service { volumes: vec![bind("/srv")], ..Service::default() });
        assert_eq!(obstacles(&above, &owned(), &deep).len(), 1);
    }

    #[test]
    fn skeps_own_files_are_nobodys_data() {
        let of = |stack: &str, path: &str, bounds: &Bounds| {
            let mut stack = Stack::empty(stack.parse().unwrap());
            let web = Service { volumes: vec![bind(path)], ..Service::default() };
            stack.services.insert("web".parse().unwrap(), web);
            obstacles(&stack, &owned(), bounds).iter().map(|it| it.message.clone()).collect::<Vec<_>>().join("; ")
        };
        // The stack is called like the folder, which would make it the stack's own.
        insta::assert_snapshot!(of("skep-lab", "/data/skep-lab/git", &bounds(&[])), @"the folder `/data/skep-lab/git` contains skep's own files");
        let elsewhere = Bounds { own_data: "/srv/skep".into(), ..bounds(&[]) };
        insta::assert_snapshot!(of("shop", "/srv", &elsewhere), @"the folder `/srv` contains skep's own files");
        assert_eq!(of("shop", "/srv/skepper", &elsewhere) + &of("shop", "/", &elsewhere), "");
        assert_eq!(of("shop", "/srv/skep", &Bounds { allowed: ["/srv".to_owned()].into(), ..elsewhere }), "");
    }

    #[test]
    fn skeps_own_stack_is_left_alone() {
        let named = |name: &str, allowed: &[&str]| told(&Stack::empty(name.parse().unwrap()), allowed).len();
        assert_eq!([named("skep", &[]), named("gitops", &[]), named("shop", &[])], [1, 1, 0]);
        assert_eq!([named("skep", &["skep"]), named("gitops", &["*"])], [0, 0]);
    }

    #[test]
    fn a_check_that_is_written_to_go_to_skep_itself_is_refused() {
        let http = |url: &str| Probe::Http(HttpProbe { url: url.into(), expect: Expect::default(), body: None });
        let asked =
            |probe: Probe| told(&shop(Service { checks: vec![Check::new(probe)], ..Service::default() }), &["*"]);
        for url in [
            "http://localhost:8484/",
            "http://a.localhost./",
            "http://2130706433/",
            "https://[::ffff:7f00:1]/",
            "http://0x7f.1/",
        ] {
            assert_eq!(asked(http(url)).len(), 1, "{url}");
        }
        assert_eq!(asked(Probe::Tcp("[::1]:2375".into())).len(), 1);
        for probe in [http("http://10.0.0.7:8080/"), http("https://shop.example.com"), Probe::Tcp("db:5432".into())] {
            assert_eq!(asked(probe), Vec::<String>::new());
        }
        insta::assert_snapshot!(asked(http("http://169.254.169.254/latest/meta-data"))[0], @"the check http://169.254.169.254/latest/meta-data is made from where skep runs, and may not connect to a link-local address");
    }

    #[test]
    fn addresses_that_mean_skeps_own_machine_are_barred_in_every_form() {
        for address in [
            "127.0.0.1",
            "127.8.9.1",
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "::ffff:0:127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::a9fe:a9fe",
            "2002:7f00:1::",
            "fd00:ec2::254",
            "168.63.129.16",
            "::ffff:100.100.100.200",
        ] {
            assert!(barred(address.parse().unwrap()).is_some(), "{address}");
        }
        for address in ["10.0.1.5", "172.17.0.1", "192.168.1.1", "8.8.8.8", "2001:db8::1", "fd12::1", "::ffff:10.0.0.1"]
        {
            assert_eq!(barred(address.parse().unwrap()), None, "{address}");
        }
    }
}
