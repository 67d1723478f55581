use std::process::Command;

use proptest::prelude::*;

use super::*;
use crate::diagnostic::line_column;
use crate::revision::Revision;
use crate::stack::{Nanos, Privileges};

/// The stack of a repository whose stack file is the first.
fn rendered(files: &[(&str, &str)], change: impl FnOnce(&mut Inputs<'_>)) -> Result<Stack, Vec<Diagnostic<Span>>> {
    let revision = Revision::of(files);
    let path = files[0].0.parse().unwrap();
    let file = File::read(&path, files[0].1.as_bytes(), &BTreeMap::new()).unwrap();
    let mut inputs = Inputs::new("shop".parse().unwrap(), &revision.texts);
    change(&mut inputs);
    render(&file, &inputs)
}

fn as_skep(text: &str) -> Stack {
    rendered(&[("stack.yml", text)], |_| ()).unwrap()
}

fn as_written(text: &str) -> Stack {
    rendered(&[("stack.yml", text)], |inputs| inputs.as_written = true).unwrap()
}

fn problems(text: &str) -> String {
    let shown = |problem: &Diagnostic<Span>| {
        let (line, column) = line_column(text.as_bytes(), problem.place.start);
        format!("{line}:{column}: {}; {}", problem.message, problem.help.as_deref().unwrap_or("no help"))
    };
    rendered(&[("stack.yml", text)], |_| ()).unwrap_err().iter().map(shown).collect::<Vec<_>>().join("\n")
}

const SHOP: &str = r#"
services:
  web:
    build: ./web
    command: [serve, "--price=$$5", "yes"]
    env_file: web.env
    environment: {MODE: production, GONE: }
    expose: [8080]
    depends_on: [db]
    configs: [{source: conf, target: /etc/conf, mode: 0440}]
    x-skep: {http: {host: shop.example.com, path: /buy/, sticky: true, middlewares: [auth@file]}}
  db:
    image: postgres:16
    init: false
    ports: ["5432:5432", "53:53/udp", "53:53/tcp"]
    volumes: [{type: tmpfs, target: /tmp, tmpfs: {size: 1M}}, "data:/var/lib/postgresql", "nfs:/backup:nocopy", /var/run:/host:ro]
    tmpfs: /run:size=64M
    networks: {back: {aliases: [database]}}
    secrets: [password]
    healthcheck: {test: pg_isready, interval: 1m30s, retries: 3}
    restart: on-failure:3
    cap_add: [net_admin, SYS_TIME]
    cap_drop: [ALL, CAP_SYS_TIME]
    ulimits: {nofile: 1024}
    logging: {driver: json-file, options: {max-size: 10m}}
    extra_hosts: ["a:10.0.0.1", "b:::1"]
    deploy:
      mode: global
      labels: {owner: ada}
      resources: {limits: {cpus: 0.25, memory: 64M}, reservations: {generic_resources: [{discrete_resource_spec: {kind: gpu, value: 2}}]}}
      placement: {constraints: [node.role == worker], preferences: [{spread: node.labels.zone}]}
      update_config: {order: start-first, max_failure_ratio: 0.5}
networks: {back: {driver_opts: {encrypted: ""}, ipam: {config: [{subnet: 10.9.0.0/24}]}}}
volumes: {data: , nfs: {driver_opts: {type: nfs, device: ":/x"}}}
configs: {conf: {file: conf.txt}}
secrets: {password: {external: true}}
"#;

fn shop(as_written: bool) -> Stack {
    let files = [("stack.yml", SHOP), ("web.env", "MODE=test\nB=2\n"), ("conf.txt", "a")];
    let change = |inputs: &mut Inputs<'_>| {
        inputs.as_written = as_written;
        inputs.images.insert("web".parse().unwrap(), "registry/shop/web:abc@sha256:00".to_owned());
        inputs.pinned.insert("postgres:16".to_owned(), "postgres:16@sha256:11".to_owned());
    };
    rendered(&files, change).unwrap()
}

#[test]
#[expect(clippy::too_many_lines, reason = "one snapshot of a whole file")]
fn a_stack_is_rendered_whole() {
    let stack = shop(false);
    assert_eq!(stack.folders, BTreeSet::from(["/data/shop/data".to_owned()]));
    let web = &stack.services[&"web".parse().unwrap()];
    assert_eq!(web.url.as_deref(), Some("https://shop.example.com/buy"));
    insta::assert_snapshot!(compose::to_yaml(&stack), @r#"
    # The stack shop as skep renders it: docker stack deploy -c FILE shop
    # It needs the folder /data/shop/data on the nodes.
    services:
      db:
        image: postgres:16@sha256:11
        healthcheck:
          test:
            - CMD-SHELL
            - pg_isready
          interval: "1m30s"
          retries: 3
        networks:
          back:
            aliases:
              - database
        ports:
          - target: 53
            published: 53
            protocol: tcp
            mode: ingress
          - target: 53
            published: 53
            protocol: udp
            mode: ingress
          - target: 5432
            published: 5432
            protocol: tcp
            mode: ingress
        volumes:
          - type: volume
            source: nfs
            target: /backup
            volume:
              nocopy: true
          - type: bind
            source: /var/run
            target: /host
            read_only: true
          - type: tmpfs
            target: /run
            tmpfs:
              size: 67108864
          - type: tmpfs
            target: /tmp
            tmpfs:
              size: 1048576
          - type: bind
            source: /data/shop/data
            target: /var/lib/postgresql
        secrets:
          - source: password
            target: password
            uid: "0"
            gid: "0"
            mode: 292
        extra_hosts:
          - "a=10.0.0.1"
          - "b=::1"
        cap_add:
          - CAP_NET_ADMIN
          - CAP_SYS_TIME
        cap_drop:
          - ALL
        ulimits:
          nofile:
            soft: 1024
            hard: 1024
        logging:
          driver: json-file
          options:
            max-size: "10m"
        init: false
        deploy:
          mode: global
          labels:
            owner: ada
          update_config:
            parallelism: 1
            failure_action: pause
            max_failure_ratio: 0.5
            order: start-first
          restart_policy:
            condition: on-failure
            max_attempts: 3
          resources:
            limits:
              cpus: "0.25"
              memory: "67108864"
            reservations:
              generic_resources:
                - discrete_resource_spec:
                    kind: gpu
                    value: 2
          placement:
            constraints:
              - "node.role == worker"
            preferences:
              - spread: node.labels.zone
      web:
        image: registry/shop/web:abc@sha256:00
        command:
          - serve
          - "--price=$$5"
          - "yes"
        environment:
          B: "2"
          GONE: null
          MODE: production
        depends_on:
          - db
        networks:
          default: {}
          traefik: {}
        configs:
          - source: conf-ca978112ca1b
            target: /etc/conf
            uid: "0"
            gid: "0"
            mode: 288
        deploy:
          labels:
            traefik.enable: "true"
            "traefik.http.middlewares.shop_web~https.redirectscheme.permanent": "true"
            "traefik.http.middlewares.shop_web~https.redirectscheme.scheme": https
            traefik.http.routers.shop_web.entrypoints: websecure
            traefik.http.routers.shop_web.middlewares: auth@file
            traefik.http.routers.shop_web.rule: "Host(`shop.example.com`) && (Path(`/buy`) || PathPrefix(`/buy/`))"
            traefik.http.routers.shop_web.service: shop_web
            traefik.http.routers.shop_web.tls: "true"
            traefik.http.routers.shop_web.tls.certresolver: le
            "traefik.http.routers.shop_web~http.entrypoints": web
            "traefik.http.routers.shop_web~http.middlewares": "shop_web~https"
            "traefik.http.routers.shop_web~http.rule": "Host(`shop.example.com`) && (Path(`/buy`) || PathPrefix(`/buy/`))"
            "traefik.http.routers.shop_web~http.service": shop_web
            traefik.http.services.shop_web.loadbalancer.server.port: "8080"
            traefik.http.services.shop_web.loadbalancer.sticky.cookie: "true"
            traefik.http.services.shop_web.loadbalancer.sticky.cookie.httponly: "true"
            traefik.http.services.shop_web.loadbalancer.sticky.cookie.secure: "true"
            traefik.swarm.network: traefik
          update_config:
            parallelism: 1
            failure_action: pause
    networks:
      back:
        driver_opts:
          encrypted: ""
        ipam:
          config:
            - subnet: "10.9.0.0/24"
        name: shop_back
      default:
        name: shop_default
      traefik:
        external: true
        name: traefik
    volumes:
      nfs:
        name: shop_nfs
        driver_opts:
          device: ":/x"
          type: nfs
    # skep creates the configs below; their contents cannot be part of this file.
    configs:
      conf-ca978112ca1b:
        external: true
        name: shop_conf-ca978112ca1b
    secrets:
      password:
        external: true
        name: password
    "#);
}

#[test]
fn as_written_nothing_is_added() {
    let stack = shop(true);
    let [web, db] = ["web", "db"].map(|name| &stack.services[&name.parse().unwrap()]);
    assert!(stack.folders.is_empty() && web.labels.is_empty() && web.url.is_none() && web.update_config.is_none());
    assert_eq!(web.networks.keys().collect::<Vec<_>>(), ["shop_default"]);
    assert_eq!(web.configs[0].source, "shop_conf");
    let mut mounts: Vec<&str> = db.volumes.iter().map(|mount| mount.source.as_str()).collect();
    mounts.sort_unstable();
    assert_eq!(mounts, ["", "/var/run", "shop_data", "shop_nfs"]);
    assert_eq!(db.update_config.as_ref().unwrap().failure_action, "");
}

#[test]
fn a_rendered_file_yields_the_same_services() {
    for written in [true, false] {
        let mut stack = shop(written);
        let again = as_written(&compose::to_yaml(&stack));
        for service in stack.services.values_mut() {
            service.image_as_written.clone_from(&service.image);
            service.url = None;
        }
        assert_eq!(again.services, stack.services);
        assert_eq!(again.networks, stack.networks);
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the one oracle that there is for what Docker accepts")]
fn docker_accepts_a_rendered_file() {
    if let Err(error) = Command::new("docker").arg("--version").output() {
        assert!(std::env::var_os("CI").is_none(), "docker: {error}; scripts/engine.sh installs it");
        eprintln!("NOT RUN: docker: {error}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stack.yml");
    for written in [true, false] {
        std::fs::write(&path, compose::to_yaml(&shop(written))).unwrap();
        let output = Command::new("docker").args(["stack", "config", "-c"]).arg(&path).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        assert!(output.status.success());
        let shown = String::from_utf8(output.stdout).unwrap();
        let again = as_written(&shown.replace('$', "$$"));
        let mut stack = shop(written);
        for service in stack.services.values_mut() {
            service.image_as_written.clone_from(&service.image);
            service.url = None;
            service.depends_on.clear();
        }
        let mut services = again.services;
        for service in services.values_mut() {
            service.depends_on.clear();
        }
        assert_eq!(services, stack.services);
    }
}

#[test]
fn a_stack_of_nothing_is_a_file_all_the_same() {
    let text = compose::to_yaml(&as_skep("networks: { front: {} }"));
    assert!(text.ends_with("services: {}\n"), "{text}");
}

#[test]
fn a_service_without_networks_joins_the_default() {
    let stack = as_skep("services: {a: {image: a}}");
    let service = &stack.services[&"a".parse().unwrap()];
    assert_eq!(service.networks["shop_default"].aliases, ["a"]);
    assert_eq!(service.image, "a:latest");
    assert_eq!(service.image_as_written, "a");
    assert_eq!(stack.networks["shop_default"], Network::Own(OwnNetwork::default()));
}

/// What Compose says in other words than Docker's files.
const COMPOSE: &str = r#"
services:
  web:
    image: a
    depends_on: {migrate: {condition: service_completed_successfully}, db: {condition: service_started}}
    links: ["db:database", db]
    scale: 2
    cpus: 0.5
    mem_limit: 64M
    mem_reservation: 32M
    pids_limit: 100
    shm_size: 128M
    tmpfs: ["/run:size=1M,mode=755", "/tmp:ro"]
    group_add: [audio, 1000]
    security_opt: [no-new-privileges:true, apparmor=unconfined, "label=type:svirt_t"]
    oom_score_adj: -500
    dns_opt: ["ndots:1"]
  db: {image: b, restart: "no"}
  migrate: {image: c}
  watch: {image: d, network_mode: host}
  debug: {image: e, profiles: [debug]}
networks:
  default: {enable_ipv6: true, ipam: {config: [{subnet: 10.1.0.0/16, gateway: 10.1.0.1, ip_range: 10.1.1.0/24}]}}
"#;

#[test]
fn what_compose_says_in_other_words_is_understood() {
    insta::assert_snapshot!(compose::to_yaml(&as_skep(COMPOSE)), @r#"
    # The stack shop as skep renders it: docker stack deploy -c FILE shop
    # Docker ignores: group_add of web: audio, 1000
    # Docker ignores: dns_opt of web: ndots:1
    # web waits until db is started.
    # web waits until migrate has succeeded.
    # Docker ignores: gateway 10.1.0.1 of 10.1.0.0/16 of the network shop_default
    # Docker ignores: ip_range 10.1.1.0/24 of 10.1.0.0/16 of the network shop_default
    # Docker ignores: enable_ipv6 of the network shop_default
    services:
      db:
        image: b:latest
        networks:
          default:
            aliases:
              - database
        deploy:
          update_config:
            parallelism: 1
            failure_action: pause
          restart_policy:
            condition: none
      migrate:
        image: c:latest
        networks:
          default: {}
        deploy:
          update_config:
            parallelism: 1
            failure_action: pause
          restart_policy:
            condition: none
      watch:
        image: d:latest
        networks:
          host: {}
        deploy:
          update_config:
            parallelism: 1
            failure_action: pause
      web:
        image: a:latest
        security_opt:
          - no-new-privileges
          - "apparmor=unconfined"
          - "label=type:svirt_t"
        oom_score_adj: -500
        depends_on:
          - db
          - migrate
        networks:
          default: {}
        volumes:
          - type: tmpfs
            target: /dev/shm
            tmpfs:
              size: 134217728
          - type: tmpfs
            target: /run
            tmpfs:
              size: 1048576
              mode: 493
          - type: tmpfs
            target: /tmp
            read_only: true
        deploy:
          replicas: 2
          update_config:
            parallelism: 1
            failure_action: pause
          resources:
            limits:
              cpus: "0.5"
              memory: "67108864"
              pids: 100
            reservations:
              memory: "33554432"
    networks:
      host:
        external: true
        name: host
      default:
        ipam:
          config:
            - subnet: "10.1.0.0/16"
        name: shop_default
    "#);
    let web = &as_written(COMPOSE).services[&"web".parse().unwrap()];
    assert!(web.volumes.is_empty() && web.security_opt == Privileges::default() && web.oom_score_adj == 0);
    assert_eq!(as_written(COMPOSE).services[&"db".parse().unwrap()].restart_policy, None);
}

#[test]
fn what_cannot_be_linked_is_told() {
    insta::assert_snapshot!(problems("services: {a: {image: a, links: [b, c]}, b: {image: b, networks: [n]}}\nnetworks: {n: }"), @"
    1:34: this service and `b` share no network, so it cannot be linked to; let both join the same network
    1:37: there is no service `c` to link to; define it, or join its network and use its name
    ");
}

#[test]
fn plain_http_has_no_redirect() {
    let stack = as_skep("services: {a: {image: a, ports: ['80:80'], x-skep: {http: {host: a.b, entrypoint: web}}}}");
    let service = &stack.services[&"a".parse().unwrap()];
    assert_eq!(service.url.as_deref(), Some("http://a.b"));
    assert!(service.labels.keys().all(|label| !label.contains("tls") && !label.contains("redirect")));
    assert_eq!(service.networks.keys().collect::<Vec<_>>(), ["shop_default", "traefik"]);
}

#[test]
fn names_in_traefik_are_as_unique_as_those_of_services() {
    let text = |service: &str| {
        format!("services: {{ {service}: {{ image: a, x-skep: {{ http: {{ host: a.b, port: 80 }} }} }} }}")
    };
    let names = |stack: &str, service: &str| {
        let text = text(service);
        let rendered = rendered(&[("stack.yml", &text)], |inputs| inputs.name = stack.parse().unwrap()).unwrap();
        let labels = rendered.services.into_values().flat_map(|service| service.labels.into_keys());
        labels.filter(|label| label.starts_with("traefik.http.")).collect::<BTreeSet<_>>()
    };
    let (one, two) = (names("a", "b-c"), names("a-b", "c"));
    assert!(one.is_disjoint(&two), "{one:?} {two:?}");
    let (plain, redirected) = (names("a", "web-http"), names("a", "web"));
    assert!(plain.is_disjoint(&redirected), "{plain:?} {redirected:?}");
}

#[test]
fn a_task_may_live_until_traefik_knows_that_it_goes() {
    let grace = |given: &str, seconds: i64| {
        let text = format!("services: {{ web: {{ image: a, {given}x-skep: {{ http: {{ host: a.b, port: 80 }} }} }} }}");
        let stack =
            rendered(&[("stack.yml", &text)], |inputs| inputs.traefik.refresh = Nanos::seconds(seconds)).unwrap();
        stack.services.into_values().next().unwrap().stop_grace_period.map(|grace| grace.to_string())
    };
    assert_eq!(grace("", 2), None, "Docker gives it 10 seconds");
    assert_eq!(grace("", 15).as_deref(), Some("23s"));
    assert_eq!(grace("stop_grace_period: 1s, ", 15).as_deref(), Some("1s"));
}

#[test]
fn what_the_author_says_stays() {
    let stack = as_skep(
        "services: {a: {image: a, x-skep: {http: {host: a.b, port: 80}}, deploy: {labels: {traefik.swarm.network: mine}, \
         update_config: {failure_action: rollback}}}, job: {image: a, deploy: {mode: replicated-job}}}",
    );
    let service = &stack.services[&"a".parse().unwrap()];
    assert_eq!(service.labels["traefik.swarm.network"], "mine");
    assert_eq!(service.update_config.as_ref().unwrap().failure_action, "rollback");
    assert_eq!(stack.services[&"job".parse().unwrap()].update_config, None);
}

#[test]
fn all_that_stands_in_the_way_is_told() {
    insta::assert_snapshot!(problems(r#"services:
  a:
    networks: [frnt]
    volumes: ["data:/x", "./conf:/etc/conf"]
    configs: [conf]
    env_file: a.env
    x-skep: {http: "shop.example.com` || Host(`evil"}
  b:
    image: Foo
    expose: [80, 81]
    x-skep: {http: {host: b.example.com, path: buy, middlewares: ["a,b"]}}
  c:
    image: c
    expose: [80, 81]
    x-skep: {http: c.example.com}
networks: {front: }
configs: {other: {file: missing.txt}}
"#), @"
2:3: the service `a` has no image; write `image` or `build`
3:16: the network `frnt` is not defined; did you mean `front`?
4:15: the volume `data` is not defined; define it under `volumes` at the top of the file
4:26: `./conf` is not on the nodes of the swarm, which have no copy of the repository; use `configs` for a file of the repository, and a named volume for data
5:15: the config `conf` is not defined; define it under `configs` at the top of the file
6:15: `a.env` is not in the repository; commit it
7:20: `shop.example.com` || Host(`evil` is not a host name; write the name alone, such as `shop.example.com`; a path goes into `path`, a port into `port`
7:20: the service `a` names no port, so Traefik cannot know where to send requests; write `http: { host: shop.example.com` || Host(`evil, port: 80 }` with the port that the container listens on
9:12: `Foo` is not an image: its name must be in lower case; no help
11:20: the service `b` names several ports, so Traefik cannot know where to send requests; write `http: { host: b.example.com, port: 80 }` with the port that the container listens on
11:48: `buy` is not a path; begin it with `/`, without spaces or quotes
11:67: `a,b` is not a name in Traefik; write a name such as `auth@file`
15:20: the service `c` names several ports, so Traefik cannot know where to send requests; write `http: { host: c.example.com, port: 80 }` with the port that the container listens on
17:25: `missing.txt` is not in the repository; commit it
");
}

proptest! {
    #[test]
    fn what_is_rendered_can_be_read_again(at in 0..SHOP.len(), length in 0_usize..12, with in "[-:{}\\[\\]$*|'\"#@a-z0-9 \n]{0,4}") {
        let mut text = SHOP.as_bytes().to_vec();
        let end = (at + length).min(text.len());
        text.splice(at..end, with.bytes());
        let files = [("web.env", "A=1"), ("conf.txt", "a")].map(|(path, text)| (path.parse().unwrap(), text.as_bytes().into()));
        let files: BTreeMap<RepoPath, Arc<[u8]>> = files.into();
        let mut inputs = Inputs::new("shop".parse().unwrap(), &files);
        inputs.images.insert("web".parse().unwrap(), "web:1".to_owned());
        let Ok(file) = File::read(&RepoPath::root(), &text, &BTreeMap::new()) else { return Ok(()) };
        // Nothing is deployed of which a variable is not set.
        if !file.unset.is_empty() {
            return Ok(());
        }
        let Ok(stack) = render(&file, &inputs) else { return Ok(()) };
        let written = compose::to_yaml(&stack);
        let again = File::read(&RepoPath::root(), written.as_bytes(), &BTreeMap::new());
        prop_assert!(again.is_ok(), "{again:?} of\n{written}");
        inputs.as_written = true;
        let again = render(&again.unwrap(), &inputs).unwrap();
        for (name, service) in &again.services {
            let mut expected = stack.services[name].clone();
            expected.image_as_written.clone_from(&expected.image);
            expected.url = None;
            prop_assert_eq!(service, &expected, "{}", written);
        }
    }
}

const NAMED: &str = r#"
services:
  web:
    image: app:1
    networks: [front, back.end, own]
    volumes: [data:/data, nfs:/nfs, each:/each]
    configs: [page, empty]
    secrets: [key]
networks:
  front: { name: "front end" }
  back.end: {}
  own: { name: none }
volumes:
  data: { name: d, driver_opts: { type: tmpfs } }
  nfs: { name: "a/b", driver_opts: { type: nfs } }
  each: { name: "each-{{.Task.Slot}}", driver_opts: { type: nfs } }
configs:
  page: { content: hello, name: "our page" }
  empty: { content: "" }
secrets:
  key: { file: key.txt, name: "key_" }
"#;

#[test]
fn names_that_the_engine_refuses_are_refused_with_their_place() {
    let shown = |problem: &Diagnostic<Span>| {
        let (line, column) = line_column(NAMED.as_bytes(), problem.place.start);
        format!("{line}:{column}: {}; {}", problem.message, problem.help.as_deref().unwrap_or("no help"))
    };
    let files = [("stack.yml", NAMED), ("key.txt", "hush")];
    let told = |as_written: bool| {
        let problems = rendered(&files, |inputs| inputs.as_written = as_written).unwrap_err();
        problems.iter().map(shown).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(told(false), @"
    10:18: `front end` cannot be the name of a network: ` ` is not allowed, only letters, digits, `-` and `_`; choose another `name`, or remove it
    12:16: Docker has its own network `none`, so a stack cannot create it; write `external: true` to use that one, or choose another `name`
    14:17: `d` cannot be the name of a volume: it has 1 character; at least 2 are required; choose another `name`, or remove it
    15:16: `a/b` cannot be the name of a volume: `/` is not allowed, only letters, digits, `-`, `_` and `.`; choose another `name`, or remove it
    18:33: `our page` cannot be the name of a config: ` ` is not allowed, only letters, digits, `-`, `_` and `.`; choose another `name`, or remove it
    19:21: this config is empty, but Swarm does not accept an empty config; no help
    21:31: `key_` cannot be the name of a secret: it must end with a letter or digit; choose another `name`, or remove it
    ");
    let only_there = told(true).lines().filter(|line| !told(false).contains(line)).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(only_there, @"11:3: `shop_back.end` cannot be the name of a network: `.` is not allowed, only letters, digits, `-` and `_`; choose another key, or give it a `name`");
}

#[test]
fn a_long_key_is_made_to_fit_but_not_in_a_file_that_is_deployed_as_it_is() {
    let key = "k".repeat(80);
    let text = format!(
        "services:\n  web: {{ image: app:1, networks: [{key}], configs: [{key}] }}\nnetworks: {{ {key}: {{}} }}\nconfigs: {{ {key}: {{ content: hello }} }}\n"
    );
    let stack = as_skep(&text);
    insta::assert_snapshot!(stack.networks.keys().next().unwrap(), @"shop_kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk-ac408838fbfd");
    insta::assert_snapshot!(stack.configs.keys().next().unwrap(), @"shop_kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk-2cf24dba5fb0");
    let problems = rendered(&[("stack.yml", &text)], |inputs| inputs.as_written = true).unwrap_err();
    assert_eq!(problems.len(), 2, "{problems:?}");
}
