use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::diagnostic::line_column;
use crate::stack::{Drift, Mode, Nanos};

fn read(text: &str) -> Result<File, Vec<Diagnostic<Span>>> {
    let variables = BTreeMap::from([("TAG".to_owned(), "2".to_owned()), ("COUNT".to_owned(), "3".to_owned())]);
    File::read(&"stacks/shop/stack.yml".parse().unwrap(), text.as_bytes(), &variables)
}

/// What is said of a file, one problem a line.
fn problems(text: &str) -> String {
    let shown = |problem: &Diagnostic<Span>| {
        let (line, column) = line_column(text.as_bytes(), problem.place.start);
        let help = problem.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
        format!("{line}:{column}: {}{help}", problem.message)
    };
    read(text).unwrap_err().iter().map(shown).collect::<Vec<_>>().join("\n")
}

const WHOLE: &str = r#"
version: "3.8"
name: shop
x-skep: {deadline: 5m, stable: 20s, drift: off, prune: false}
x-logging: &logging
  logging: {driver: json-file, options: {max-size: 10m, max-file: 3}}
services:
  web:
    <<: *logging
    build: {context: ../../apps/web, dockerfile: docker/Dockerfile, args: [A=1, TAG, NO], target: run}
    container_name: shop
    depends_on: {db: {condition: service_healthy}}
    deploy:
      replicas: ${COUNT}
      labels: {traefik.enable: true}
      resources: {limits: {cpus: 0.5, memory: 100}}
    env_file: [web.env, {path: more.env, required: false}]
    environment: {MODE: 017, TAG: , EMPTY: ""}
    expose: [8080]
    networks: {front: {aliases: [www]}, back: }
    ports: ["8080-8081:80", {target: 53, published: "53", protocol: udp, mode: host}]
    x-skep: {http: {host: shop.example.com, port: 80}, test: [curl, localhost]}
  db:
    image: postgres:${TAG}
    command: postgres -c 'a b'
    volumes: ["db:/var/lib:ro", {type: tmpfs, target: /tmp, tmpfs: {size: 1M}}]
    configs: [conf, {source: conf, target: /etc/conf, mode: 0440}]
    secrets: [{source: password, uid: "70", mode: "0400"}]
    healthcheck: {test: pg_isready, interval: 5s, retries: 3}
    restart: on-failure:3
    deploy:
    extra_hosts: ["a:10.0.0.1", "b=[::1]"]
networks: {front: {external: true, name: traefik}, back: }
volumes: {db: }
configs: {conf: {content: "a=$TAG"}}
secrets: {password: {file: ./password.txt}}
"#;

#[test]
fn a_file_is_understood_as_compose_means_it() {
    let file = read(WHOLE).unwrap();
    let [web, db] = ["web", "db"].map(|name| &file.services[&name.parse().unwrap()]);
    assert_eq!(file.settings.deadline, Nanos::seconds(300));
    assert_eq!((file.settings.drift, file.settings.prune), (Drift::Off, false));
    let build = web.build.as_ref().unwrap();
    assert_eq!(build.context.as_str(), "apps/web");
    assert_eq!(build.dockerfile.as_str(), "apps/web/docker/Dockerfile");
    assert_eq!(build.args, BTreeMap::from([("A".into(), "1".into()), ("TAG".into(), "2".into())]));
    assert_eq!(build.test, ["curl", "localhost"]);
    assert_eq!(web.deploy.mode.value, Mode::Replicated(Some(3)));
    assert_eq!(web.deploy.labels["traefik.enable"].value, "true");
    assert_eq!(web.deploy.limits.as_ref().unwrap().nano_cpus, 500_000_000);
    assert_eq!(web.environment["MODE"].value.as_deref(), Some("15"));
    assert_eq!(web.environment["TAG"].value.as_deref(), Some("2"));
    assert_eq!(web.environment["EMPTY"].value.as_deref(), Some(""));
    assert_eq!(web.logging.as_ref().unwrap().options["max-file"], "3");
    assert_eq!(web.ports.len(), 3);
    assert_eq!(web.networks[0].aliases, ["www"]);
    assert_eq!(web.depends_on[0].service.as_str(), "db");
    assert_eq!(file.ignored[0].key, "container_name");
    assert_eq!(db.image.as_ref().unwrap().value, "postgres:2");
    assert_eq!(db.command.as_ref().unwrap().value, ["postgres", "-c", "a b"]);
    assert_eq!(db.configs[1].mode, 0o440);
    assert_eq!(db.secrets[0].mode, 0o400);
    assert_eq!(db.healthcheck.as_ref().unwrap().test, ["CMD-SHELL", "pg_isready"]);
    assert_eq!(db.extra_hosts[1].value, "::1 b");
    assert!(db.volumes[0].read_only && db.volumes[1].tmpfs_size == 1 << 20);
}

#[test]
fn what_was_decoded_keeps_its_place() {
    let file = read(WHOLE).unwrap();
    let at = |span: &Span| &WHOLE[span.clone()];
    let web = &file.services[&"web".parse().unwrap()];
    assert_eq!(at(&web.span), "web");
    assert_eq!(at(&web.deploy.labels["traefik.enable"].span), "traefik.enable: true");
    assert_eq!(at(&web.depends_on[0].service.span), "db");
    assert_eq!(at(&file.services[&"db".parse().unwrap()].volumes[0].span), "\"db:/var/lib:ro\"");
}

#[test]
fn files_that_are_referred_to_are_listed() {
    let references = read(WHOLE).unwrap().references();
    let shown: Vec<String> = references.iter().map(|one| format!("{:?} {}", one.what, one.path)).collect();
    insta::assert_snapshot!(shown.join("\n"), @"
    Context apps/web
    Dockerfile apps/web/docker/Dockerfile
    EnvFile stacks/shop/web.env
    OptionalEnvFile stacks/shop/more.env
    Secret stacks/shop/password.txt
    ");
}

#[test]
fn all_problems_are_told_at_once() {
    insta::assert_snapshot!(problems(r#"version: "2.4"
services:
  web:
    imge: nginx
    mem_limit: 1g
    ports: ["80:http", {published: 80}]
    environment: {A: [1]}
    env_file: ../../../secret.env
    stop_grace_period: 30
    read_only: perhaps
    restart: sometimes
    volumes: ["a:b:c:d", {type: bind, target: /x}]
    healthcheck: {test: [CMD, x], disable: true, intervall: 5s}
    deploy:
      mode: global
      replicas: 2
      resources: {limits: {cpus: lots, memory: 1x}}
      placment: {}
  b.c: {image: "a:$NO"}
  d: [1]
configs: {c: {}}
volumes: {v: {external: true, driver: nfs}}
x-skep: {deadlin: 5m, drift: sometimes}
servces: {}
"#), @"
1:10: version 2.4 of the Compose file cannot be deployed to a swarm; remove the line: the version no longer has a meaning
4:5: a service has no key `imge`; did you mean `image`?
6:13: `ports` must be a port such as `8080:80`, `53:53/udp` or `8000-8010:8000-8010`, but is `80:http`
6:24: a port has no `target`; write the port that the container listens on
7:22: `environment.A` must be text, but is a list
8:15: `env_file`: `../../../secret.env` is not a path in this repository: it leads out of the repository; refer to a file of this repository
9:24: `stop_grace_period` must be a duration, but is `30`; write `30s` for seconds
10:16: `read_only` must be true or false, but is `perhaps`
11:14: `restart` must be no, always, unless-stopped, on-failure or on-failure:3, but is `sometimes`
12:15: `volumes` must be `source:/target` or `source:/target:ro`, but is `a:b:c:d`
12:26: a mount of type `bind` has no `source`
13:18: healthcheck has both `test` and `disable`; remove one of them
13:50: healthcheck has no key `intervall`; did you mean `interval`?
16:17: `replicas` has no meaning in the mode `global`; remove `replicas`, or write `mode: replicated`
17:34: `cpus` must be a number of processors, but is `lots`; write it like `0.5`, with at most nine decimal places
17:48: `memory` must be an amount of memory, but is `1x`; write it like `512M` or `2G`
18:7: deploy has no key `placment`; did you mean `placement`?
19:3: `b.c` is not a service name: `.` is not allowed, only letters, digits, `-` and `_`
20:6: a service must be a map, but is a list
21:11: the config `c` has no source, or several; write one of `file`, `content`, `environment` or `external: true`
22:11: the volume `v` is external, so its driver and labels cannot be set here; remove `external`, or the other keys
23:10: x-skep has no key `deadlin`; did you mean `deadline`?
23:30: `drift` must be one of `off`, `warn`, `heal`, but is `sometimes`
24:1: a stack file has no key `servces`; did you mean `services`?
");
}

#[test]
fn what_swarm_cannot_do_is_refused_with_what_to_write_instead() {
    insta::assert_snapshot!(problems(r#"
services:
  a:
    image: a
    mem_limit: 1G
    scale: 2
    deploy: {replicas: 3, resources: {limits: {memory: 2G}}}
  b: {image: b, network_mode: none, security_opt: ["seccomp:./p.json"], tmpfs: "/run:uid=1"}
  c: {image: c, network_mode: "service:a", env_file: [{path: a.env, format: dotenv}]}
  d: {image: d, network_mode: host, networks: [n], scale: 2, deploy: {mode: global}}
  e: {build: {context: ., secrets: [s], argz: [a]}}
networks: {n: {ipam: {config: [{gateway: 10.0.0.1}]}}}
secrets: {s: {environment: NO}}
"#), @r"
    5:16: `mem_limit` and `deploy.resources.limits.memory` have different values; keep `deploy.resources.limits.memory`
    6:12: `scale` and `deploy.replicas` have different values; keep `deploy.replicas`
    8:31: Swarm cannot run a service without a network; join a network with `internal: true`, which has no access to the outside
    8:52: `security_opt` has `seccomp:./p.json`, which Swarm does not support; Swarm has `no-new-privileges`, `seccomp=unconfined`, `apparmor=unconfined` and `label=…`; set the rest on the nodes
    9:31: in a swarm no container can share the network of another one; let both services join the same network, and use the other's name
    9:77: `format` must be one of `raw`, but is `dotenv`
    10:31: a service on the network of the host cannot join other `networks`; keep one of them
    10:59: `scale` has no meaning for a service that runs on every node; remove `scale`, or write `mode: replicated`
    11:41: build has no key `argz`; did you mean `args`?
    12:42: a gateway or range needs a `subnet`; add the `subnet` that contains it
    ");
}

#[test]
fn a_service_with_profiles_is_left_out_unless_one_is_asked_for() {
    let text = "services: {a: {image: a}, b: {image: b, profiles: [debug, dev]}, c: {image: c, profiles: [other]}}";
    let services = |profiles: &str| {
        let variables = BTreeMap::from([("COMPOSE_PROFILES".to_owned(), profiles.to_owned())]);
        let file = File::read(&RepoPath::root(), text.as_bytes(), &variables).unwrap();
        file.services.keys().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(services(""), "a");
    assert_eq!(services("prod, dev"), "a b");
    assert_eq!(services("*"), "a b c");
    assert_eq!(read(text).unwrap().left_out[&"b".parse().unwrap()].profiles, ["debug", "dev"]);
}

#[test]
fn content_may_come_from_a_variable() {
    let file = read("secrets: {s: {environment: TAG}}\nconfigs: {c: {environment: COUNT}}").unwrap();
    let content = |source: &Source| match &source.origin {
        Origin::Content(content) => content.value.clone(),
        other => format!("{other:?}"),
    };
    assert_eq!((content(&file.secrets["s"]).as_str(), content(&file.configs["c"]).as_str()), ("2", "3"));
}

#[test]
fn bad_files_are_refused_with_their_place() {
    insta::assert_snapshot!(problems("\n"), @"1:1: the file is empty");
    insta::assert_snapshot!(problems("- a\n"), @"1:1: a stack file must be a map, but is a list");
    insta::assert_snapshot!(problems("services: [a]\n"), @"1:11: `services` must be a map, but is a list");
    insta::assert_snapshot!(problems("services:\n\tweb: {}\n"), @"2:1: a tab is not allowed as indentation; use spaces");
    insta::assert_snapshot!(problems("services: {a: {image: a}, a: {image: b}}"), @r#"1:27: key "a" is already defined at line 1; remove one of the two"#);
    insta::assert_snapshot!(problems(&format!("services: {}{}", "[".repeat(80), "]".repeat(80))), @"1:74: lists and maps are nested more than 64 deep");
    insta::assert_snapshot!(problems("services: {a: {build: ../../..}}"), @"1:23: `build`: `../../..` is not a path in this repository: it leads out of the repository; refer to a file of this repository");
    insta::assert_snapshot!(problems("configs: {a: {file: /etc/passwd}}"), @"1:21: `file`: `/etc/passwd` is not a path in this repository: it is absolute; write it relative to the file; refer to a file of this repository");
}

#[test]
fn ranges_of_ports_are_bounded() {
    insta::assert_snapshot!(problems("services: {a: {ports: [1-65535, 1-65535]}}"), @"1:24: the file names too many ports; publish the few that are needed");
}

#[test]
fn a_value_without_its_variable_is_unknown_and_not_wrong() {
    let text = "services: {a: {deploy: {replicas: \"${NO}\"}}}";
    let file = File::read(&RepoPath::root(), text.as_bytes(), &BTreeMap::new()).unwrap();
    let (unset, lost) = (&file.unset[0], file.lost.first());
    assert_eq!((unset.name.as_str(), unset.span.clone(), lost.cloned()), ("NO", 34..41, Some(34..41)));
}

#[test]
fn a_hundred_services_are_read() {
    let service = WHOLE.split("  db:\n").nth(1).unwrap().split("networks:").next().unwrap();
    let services: Vec<String> = (0..100).map(|number| format!("  s{number}:\n{service}")).collect();
    let text = format!("services:\n{}volumes: {{db: }}\n", services.concat());
    assert_eq!(read(&text).unwrap().services.len(), 100);
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC*") {
        let _ = read(&text).is_ok();
    }

    #[test]
    fn any_change_of_a_good_file_is_read_or_refused(at in 0..WHOLE.len(), length in 0_usize..20, with in "[-:{}\\[\\]$&*!|>'\"#%@a-z0-9 \t\n~<é]{0,6}") {
        let mut text = WHOLE.as_bytes().to_vec();
        let end = (at + length).min(text.len());
        text.splice(at..end, with.bytes());
        let variables = BTreeMap::new();
        if let Err(problems) = File::read(&RepoPath::root(), &text, &variables) {
            prop_assert!(!problems.is_empty());
            prop_assert!(problems.iter().all(|problem| problem.place.start <= problem.place.end && problem.place.start <= text.len()));
        }
    }
}

#[test]
fn names_and_labels_of_skeps_own_records_are_refused() {
    let text = r#"
services:
  web:
    image: web:1
    labels: [skep.phase=x, skeptic.a=b]
    deploy: { labels: { SKEP.release: "7" } }
networks:
  a: { name: skep.net, labels: { skep.record: "1" } }
  skep.b: { external: true }
  skep.own: {}
volumes:
  v: { name: skep.data, labels: [skep.stack=x] }
configs:
  forged: { name: "skep.victim.r${TAG}", content: x, labels: { skep.record: "1" } }
  other: { name: Skep.victim.r0, content: x }
  skep.victim.r1: { external: true }
  old: { external: { name: skep.victim.r9 } }
secrets:
  s: { name: skep.key, environment: TAG }
"#;
    insta::assert_snapshot!(problems(text), @r"
    5:14: the label `skep.phase` is reserved: skep's own records have labels that begin with `skep.`; choose another label, such as `com.example.name`
    6:25: the label `SKEP.release` is reserved: skep's own records have labels that begin with `skep.`; choose another label, such as `com.example.name`
    8:14: the name `skep.net` is reserved: skep's own records begin with `skep.`; choose another `name`
    8:34: the label `skep.record` is reserved: skep's own records have labels that begin with `skep.`; choose another label, such as `com.example.name`
    9:3: the name `skep.b` is reserved: skep's own records begin with `skep.`; choose another `name`
    12:14: the name `skep.data` is reserved: skep's own records begin with `skep.`; choose another `name`
    12:34: the label `skep.stack` is reserved: skep's own records have labels that begin with `skep.`; choose another label, such as `com.example.name`
    14:19: the name `skep.victim.r2` is reserved: skep's own records begin with `skep.`; choose another `name`
    14:64: the label `skep.record` is reserved: skep's own records have labels that begin with `skep.`; choose another label, such as `com.example.name`
    15:18: the name `Skep.victim.r0` is reserved: skep's own records begin with `skep.`; choose another `name`
    16:3: the name `skep.victim.r1` is reserved: skep's own records begin with `skep.`; choose another `name`
    17:28: the name `skep.victim.r9` is reserved: skep's own records begin with `skep.`; choose another `name`
    19:14: the name `skep.key` is reserved: skep's own records begin with `skep.`; choose another `name`
    ");
}

#[test]
fn every_length_of_time_has_a_bound() {
    let text = r#"
x-skep: { deadline: 2000000h, stable: 25h }
services:
  web:
    image: web:1
    stop_grace_period: 9000h
    healthcheck: { test: x, interval: 9000h, timeout: 9000h, start_period: 9000h, start_interval: 9000h }
    deploy:
      update_config: { delay: 9000h, monitor: 9000h }
      rollback_config: { delay: 9000h, monitor: 9000h }
      restart_policy: { delay: 9000h, window: 9000h }
    x-skep: { check: { tcp: "web:1", timeout: 9000h, interval: 9000h } }
"#;
    insta::assert_snapshot!(problems(text), @r"
    2:21: `deadline` must be at most 24h, but is 2000000h; write a shorter duration
    2:39: `stable` must be at most 24h, but is 25h; write a shorter duration
    6:24: `stop_grace_period` must be at most 8760h, but is 9000h; write a shorter duration
    7:39: `interval` must be at most 8760h, but is 9000h; write a shorter duration
    7:55: `timeout` must be at most 8760h, but is 9000h; write a shorter duration
    7:76: `start_period` must be at most 8760h, but is 9000h; write a shorter duration
    7:99: `start_interval` must be at most 8760h, but is 9000h; write a shorter duration
    9:31: `delay` must be at most 8760h, but is 9000h; write a shorter duration
    9:47: `monitor` must be at most 8760h, but is 9000h; write a shorter duration
    10:33: `delay` must be at most 8760h, but is 9000h; write a shorter duration
    10:49: `monitor` must be at most 8760h, but is 9000h; write a shorter duration
    11:32: `delay` must be at most 8760h, but is 9000h; write a shorter duration
    11:47: `window` must be at most 8760h, but is 9000h; write a shorter duration
    12:47: `timeout` of a check must be from 100ms to 30s, but is 9000h
    12:64: `interval` of a check must be from 100ms to 10m, but is 9000h
    ");
    assert!(read("x-skep: { deadline: 24h }\nservices: { web: { image: w, stop_grace_period: 8760h } }").is_ok());
}
