//! Properties of every stack file, tested on many small ones.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::subsequence;

use super::*;

/// The possible values of a key. A map is a list of keys with values.
#[derive(Debug, Clone)]
enum Piece {
    Text(&'static str),
    Map(&'static [(&'static str, Self)]),
}

use Piece::{Map, Text};

/// Keys of a service, each of which is optional.
const KEYS: &[(&str, Piece)] = &[
    ("command", Text("sh -c 'echo $$HOME'")),
    ("entrypoint", Text("[/run, 'a b']")),
    ("environment", Map(&[("A", Text("'1'")), ("B", Text("")), ("EMPTY", Text("''")), ("N", Text("1.50"))])),
    ("labels", Map(&[("x.y", Text("true")), ("a", Text("b=c"))])),
    ("working_dir", Text("/srv")),
    ("user", Text("'1000:1000'")),
    ("hostname", Text("'{{.Task.Slot}}'")),
    ("tty", Text("true")),
    ("read_only", Text("true")),
    ("init", Text("false")),
    ("stop_signal", Text("SIGQUIT")),
    ("stop_grace_period", Text("1m30s")),
    ("extra_hosts", Text("['a:10.0.0.1', 'b=::1']")),
    ("dns", Text("8.8.8.8")),
    ("cap_add", Text("[net_admin, ALL]")),
    ("cap_drop", Text("[CAP_KILL]")),
    ("sysctls", Map(&[("net.core.somaxconn", Text("1024")), ("net.ipv4.ip_forward", Text("1"))])),
    ("ulimits", Map(&[("nproc", Text("10")), ("nofile", Map(&[("soft", Text("1")), ("hard", Text("2"))]))])),
    (
        "logging",
        Map(&[("driver", Text("json-file")), ("options", Map(&[("max-size", Text("10m")), ("tag", Text("x"))]))]),
    ),
    ("networks", Map(&[("front", Map(&[("aliases", Text("[b, a]"))])), ("back", Text(""))])),
    ("ports", Text("['53:53/udp', '53:53', { target: 80, published: 8080, mode: host }, '9000-9001:90-91']")),
    (
        "volumes",
        Text("['data:/data', 'nfs:/nfs:nocopy', { type: tmpfs, target: /t, tmpfs: { size: 1000 } }, '/etc:/e:ro']"),
    ),
    ("configs", Text("[site, { source: site, target: /s, mode: 0440, uid: '7' }]")),
    ("secrets", Text("[key]")),
    (
        "healthcheck",
        Map(&[
            ("test", Text("curl -f localhost")),
            ("interval", Text("5s")),
            ("timeout", Text("500ms")),
            ("retries", Text("0")),
        ]),
    ),
    (
        "deploy",
        Map(&[
            ("replicas", Text("2")),
            ("labels", Map(&[("z", Text("'1'")), ("a", Text("'2'"))])),
            (
                "resources",
                Map(&[
                    ("limits", Map(&[("memory", Text("64M")), ("cpus", Text("0.25")), ("pids", Text("5"))])),
                    ("reservations", Map(&[("memory", Text("32M"))])),
                ]),
            ),
            (
                "restart_policy",
                Map(&[
                    ("condition", Text("on-failure")),
                    ("delay", Text("5s")),
                    ("max_attempts", Text("0")),
                    ("window", Text("1m")),
                ]),
            ),
            (
                "update_config",
                Map(&[
                    ("parallelism", Text("0")),
                    ("order", Text("start-first")),
                    ("max_failure_ratio", Text("0.5")),
                    ("monitor", Text("5s")),
                ]),
            ),
            (
                "placement",
                Map(&[
                    ("constraints", Text("[node.role == worker, 'node.labels.a!=b']")),
                    ("preferences", Text("[{ spread: node.labels.zone }]")),
                    ("max_replicas_per_node", Text("1")),
                ]),
            ),
        ]),
    ),
];

const SHARED: &str = "networks:
  front: { driver: overlay, attachable: true, labels: [a=b] }
  back: { internal: true, ipam: { config: [{ subnet: 10.9.0.0/24 }] } }
volumes: { data: , nfs: { driver_opts: { type: nfs, o: addr=1 } } }
configs: { site: { content: hello } }
secrets: { key: { external: true, name: the_key } }
";

/// The keys of two services.
type Services = [Vec<(&'static str, Piece)>; 2];

fn services() -> impl Strategy<Value = Services> {
    let keys = || subsequence(KEYS.to_vec(), 0..=KEYS.len()).prop_shuffle();
    (keys(), keys()).prop_map(|(web, db)| [web, db])
}

/// The file, with the entries of every map in reverse order if `turned`.
fn text([web, db]: &Services, turned: bool) -> String {
    let service = |name: &str, keys: &[(&'static str, Piece)]| {
        let image = [("image", Text("nginx:1.27"))];
        let keys: Vec<(&str, Piece)> = image.into_iter().chain(keys.iter().cloned()).collect();
        format!("  {name}: {}\n", flow(&keys, turned))
    };
    let mut services = [service("web", web), service("db", db)];
    if turned {
        services.reverse();
        format!("{SHARED}services:\n{}", services.concat())
    } else {
        format!("services:\n{}{SHARED}", services.concat())
    }
}

fn flow(entries: &[(&str, Piece)], turned: bool) -> String {
    let entry = |(key, piece): &(&str, Piece)| match piece {
        Text(text) => format!("{key}: {text}"),
        Map(inner) => format!("{key}: {}", flow(inner, turned)),
    };
    let mut entries: Vec<String> = entries.iter().map(entry).collect();
    if turned {
        entries.reverse();
    }
    format!("{{ {} }}", entries.join(", "))
}

fn stack(text: &str, as_written: bool) -> Stack {
    let nothing = BTreeMap::new();
    let file =
        File::read(&RepoPath::root(), text.as_bytes(), &nothing).unwrap_or_else(|wrong| panic!("{wrong:?}\n{text}"));
    let texts = BTreeMap::new();
    let mut inputs = Inputs::new("shop".parse().unwrap(), &texts);
    inputs.as_written = as_written;
    render(&file, &inputs).unwrap_or_else(|wrong| panic!("{wrong:?}\n{text}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_order_of_keys_does_not_matter(services in services()) {
        for as_written in [false, true] {
            prop_assert_eq!(stack(&text(&services, false), as_written), stack(&text(&services, true), as_written));
        }
    }

    #[test]
    fn what_is_rendered_is_rendered_the_same(services in services()) {
        let first = stack(&text(&services, false), false);
        let written = compose::to_yaml(&first);
        let again = stack(&written, true);
        for (name, service) in &first.services {
            let image_as_written = service.image.clone();
            prop_assert_eq!(&again.services[name], &crate::stack::Service { image_as_written, ..service.clone() }, "{}", written);
        }
        prop_assert_eq!(&again.networks, &first.networks, "{}", &written);
        // Comments depend on the machine, and unused configs and secrets are left out.
        let is_said = |line: &&str| !line.starts_with('#');
        let said = |text: &str| {
            let lines = text.lines().take_while(|line| !["configs:", "secrets:"].contains(line)).filter(is_said);
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        prop_assert_eq!(said(&compose::to_yaml(&again)), said(&written));
    }
}
