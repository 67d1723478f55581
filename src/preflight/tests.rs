use std::collections::{BTreeMap, BTreeSet};

use insta::assert_snapshot;
use jiff::Timestamp;

use super::surroundings::{DataRoot, Marks, Neighbour, Pool, Segment, StoredVolume};
use super::*;
use crate::plan::Removable;
use crate::plan::observed::{ForeignNames, ObservedFile, ObservedService, Task, TaskState};
use crate::stack::check::{Check, Probe};
use crate::stack::{
    Attachment, Config, Mount, Network, OwnNetwork, Port, Resources, Secret, SecretBytes, UpdateConfig, VolumeOptions,
};

/// What is said about a stack on two nodes with nothing else there.
fn said(desired: &Stack) -> String {
    said_beside(desired, &observed(&[]), &Surroundings::default())
}

fn said_beside(desired: &Stack, observed: &Observed, surroundings: &Surroundings) -> String {
    let removable = Removable { services: observed.services.keys().cloned().collect(), ..Removable::default() };
    let plan = Plan::between(desired, observed, &removable);
    let found = Preflight::of(desired, observed, surroundings, &plan);
    let refusals = found.refusals(Consent { removal: true, recreation: true, ..Consent::default() });
    let notes = found.notes.iter().map(|note| format!("note: {note}"));
    refusals.iter().map(ToString::to_string).chain(notes).collect::<Vec<_>>().join("\n")
}

#[test]
fn nothing_stands_in_the_way_of_a_stack_that_can_run() {
    let desired = stack(&[("web", service(|web| web.ports = vec![port(8080, "ingress")]))]);
    assert_eq!(said(&desired), "");
    assert_eq!(said_beside(&desired, &Observed::nothing(desired.name.clone()), &Surroundings::default()), "");
}

/// Names that nobody owns.
fn names(names: &[&str]) -> ForeignNames {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn what_is_referred_to_must_be_there_and_of_use() {
    let mut desired = stack(&[]);
    desired.networks.extend(["traefik", "bridge-here", "host"].map(|name| (name.to_owned(), Network::External)));
    desired.configs.insert("page".into(), Config::External);
    desired.secrets.insert("key".into(), Secret::External);
    let mut there = observed(&[]);
    there.foreign.networks = names(&["host"]);
    let networks = BTreeMap::from([("bridge-here".to_owned(), Segment::default())]);
    let surroundings = Surroundings { networks, ..Surroundings::default() };
    assert_snapshot!(said_beside(&desired, &there, &surroundings), @"
    networks.bridge-here: the network `bridge-here` is local to this node, so services cannot join it; create one for the swarm: `docker network create --driver overlay bridge-here`
    networks.traefik: the external network `traefik` does not exist; create it (`docker network create --driver overlay traefik`), or remove `external`
    configs.page: the external config `page` does not exist; create it (`docker config create page FILE`), or remove `external`
    secrets.key: the external secret `key` does not exist; create it (`docker secret create key FILE`), or remove `external`
    ");
}

#[test]
fn what_is_somebody_elses_is_not_taken() {
    let mut desired = stack(&[("web", Service::default())]);
    desired.networks.insert("shop_front".into(), Network::Own(OwnNetwork::default()));
    desired.configs.insert("page".into(), config("hello"));
    let secret = Secret::Own {
        content: SecretBytes::new(b"hush".to_vec()),
        labels: BTreeMap::new(),
        driver: None,
        template_driver: None,
    };
    desired.secrets.insert("key".into(), secret);
    let mut there = observed(&[]);
    there.foreign.configs = names(&["page"]);
    there.foreign.secrets = names(&["key"]);
    let surroundings = Surroundings {
        services: vec![Neighbour { name: "shop_web".into(), ..Neighbour::default() }],
        networks: BTreeMap::from([("shop_front".to_owned(), Segment::default())]),
        ..Surroundings::default()
    };
    assert_snapshot!(said_beside(&desired, &there, &surroundings), @"
    networks.front: a network `shop_front` exists that does not belong to this stack; write `external: true` to use that one, or give the network another `name`
    configs.page: a config `page` exists that does not belong to this stack; write `external: true` to use that one, or give the config another `name`
    secrets.key: a secret `key` exists that does not belong to this stack; write `external: true` to use that one, or give the secret another `name`
    services.web: a service `shop_web` exists that does not belong to this stack; give the service another name, or remove that one (`docker service rm`)
    ");
}

#[test]
fn a_config_that_keeps_its_name_cannot_change() {
    let mut desired = stack(&[]);
    desired.configs.insert("shop_page".into(), config("hello"));
    let mut there = observed(&[]);
    // What `printf hello | sha256sum` says.
    let hash = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    let file = |content: &str| ObservedFile {
        id: String::new(),
        version: 1,
        labels: BTreeMap::new(),
        created: Timestamp::UNIX_EPOCH,
        content: Some(content.into()),
    };
    there.configs.insert("shop_page".into(), file(hash));
    assert_eq!(said_beside(&desired, &there, &Surroundings::default()), "");
    there.configs.insert("shop_page".into(), file("something else"));
    assert_snapshot!(said_beside(&desired, &there, &Surroundings::default()), @"configs.page: the config `shop_page` has other contents, and Swarm cannot change a config; remove its `name`, so that new contents make a new config, or give it another `name`");
}

#[test]
fn a_secret_that_keeps_its_name_cannot_change() {
    let mut desired = stack(&[]);
    let content = SecretBytes::new(b"hush".to_vec());
    let secret = Secret::Own { content, labels: BTreeMap::new(), driver: None, template_driver: None };
    desired.secrets.insert("shop_key".into(), secret);
    let changed = Surroundings { changed_secrets: BTreeSet::from(["shop_key".to_owned()]), ..Surroundings::default() };
    assert_eq!(said(&desired), "");
    assert_snapshot!(said_beside(&desired, &observed(&[]), &changed), @"secrets.key: the secret `shop_key` has other contents, and Swarm cannot change a secret; remove its `name`, so that new contents make a new secret, or give it another `name`");
}

#[test]
fn a_port_that_somebody_has_is_told_with_who_has_it() {
    let web = |mode: &str| stack(&[("web", service(|web| web.ports = vec![port(8080, mode)]))]);
    let blog = |mode: &str| Surroundings {
        services: vec![Neighbour { ports: vec![port(8080, mode)], ..neighbour("blog_web", Some("blog")) }],
        ..Surroundings::default()
    };
    let said = |ours: &str, theirs: &str| said_beside(&web(ours), &observed(&[]), &blog(theirs));
    assert_snapshot!(said("ingress", "ingress"), @"services.web.ports: port 8080/tcp is published by the service `blog_web` of the stack `blog`; publish another port, or free it there first");
    assert_snapshot!(said("ingress", "host"), @"services.web.ports: port 8080/tcp is published by the service `blog_web` of the stack `blog`; publish another port, or free it there first");
    assert_snapshot!(said("host", "ingress"), @"services.web.ports: port 8080/tcp is published by the service `blog_web` of the stack `blog`; publish another port, or free it there first");
    assert_eq!(said("host", "host"), "", "each has it on its own nodes");
    let udp = Port { protocol: "udp".into(), ..port(8080, "ingress") };
    let dns = stack(&[("web", service(|web| web.ports = vec![udp.clone()]))]);
    assert_eq!(said_beside(&dns, &observed(&[]), &blog("ingress")), "", "another protocol is another port");
}

#[test]
fn a_port_of_the_nodes_needs_as_many_nodes_as_there_are_tasks() {
    let web = |replicas| {
        stack(&[(
            "web",
            service(|web| {
                web.ports = vec![port(8080, "host")];
                web.mode = Mode::Replicated(Some(replicas));
            }),
        )])
    };
    let proxy = Neighbour {
        ports: vec![port(8080, "host")],
        nodes: BTreeSet::from(["n2".into()]),
        ..neighbour("edge_proxy", Some("edge"))
    };
    let surroundings = Surroundings { services: vec![proxy], ..Surroundings::default() };
    assert_eq!(said(&web(2)), "");
    assert_snapshot!(said(&web(3)), @"services.web.ports: port 8080/tcp is published on the nodes themselves, and 2 of 2 nodes are free for 3 tasks; publish another port, lower `deploy.replicas`, or use `mode: ingress`");
    assert_eq!(said_beside(&web(1), &observed(&[]), &surroundings), "");
    assert_snapshot!(said_beside(&web(2), &observed(&[]), &surroundings), @"services.web.ports: port 8080/tcp is published on the nodes themselves, and 1 of 2 nodes are free for 2 tasks (the service `edge_proxy` of the stack `edge` has it); publish another port, lower `deploy.replicas`, or use `mode: ingress`");
}

#[test]
fn what_starts_first_needs_room_for_one_task_more() {
    let web = |image: &str, replicas: u64, with: fn(&mut Service)| {
        let mut web = service(with);
        (web.image, web.mode) = (image.into(), Mode::Replicated(Some(replicas)));
        let update = web.update_config.get_or_insert_default();
        update.order = if image == "stop" { "stop-first".into() } else { "start-first".into() };
        web
    };
    let said = |there: Option<&str>, image: &str, replicas, with| {
        let before = there.map(|there| ("web", web(there, replicas, with)));
        let mut observed = observed(before.as_slice());
        for there in observed.services.values_mut() {
            there.tasks = vec![running()];
        }
        said_beside(&stack(&[("web", web(image, replicas, with))]), &observed, &Surroundings::default())
    };
    let one_each: fn(&mut Service) = |web| web.max_replicas_per_node = 1;
    assert_snapshot!(said(Some("a"), "b", 2, one_each), @"services.web.deploy.placement.max_replicas_per_node: with `order: start-first` a new task starts beside the old one, and the nodes have room for 2 and no more; write `order: stop-first`, lower `deploy.replicas`, or add a node");
    assert_snapshot!(said(None, "b", 2, one_each), @"note: once it runs, no update of it can begin: services.web.deploy.placement.max_replicas_per_node: with `order: start-first` a new task starts beside the old one, and the nodes have room for 2 and no more; write `order: stop-first`, lower `deploy.replicas`, or add a node");
    assert_eq!(said(Some("a"), "b", 1, one_each), "", "there is room");
    assert_eq!(said(Some("a"), "stop", 2, one_each), "", "the old one goes first");
    assert_eq!(said(Some("a"), "a", 2, one_each), "", "nothing is updated");
    let of_the_node: fn(&mut Service) = |web| web.ports = vec![port(8080, "host")];
    assert_snapshot!(said(Some("a"), "b", 2, of_the_node), @"services.web.ports: with `order: start-first` a new task starts beside the old one, and the nodes have room for 2 and no more; write `order: stop-first`, lower `deploy.replicas`, or add a node");
    assert_eq!(said(Some("a"), "b", 1, of_the_node), "");
    // Each node has 8 GiB.
    let set_aside: fn(&mut Service) = |web| web.reservations.memory = 5 << 30;
    assert_snapshot!(said(Some("a"), "b", 2, set_aside), @"services.web.deploy.resources.reservations: with `order: start-first` a new task starts beside the old one, and the nodes have room for 2 and no more; write `order: stop-first`, lower `deploy.replicas`, or add a node");
    assert_eq!(said(Some("a"), "b", 1, set_aside), "");
    let half: fn(&mut Service) = |web| web.reservations.memory = 4 << 30;
    assert_eq!(said(Some("a"), "b", 3, half), "");
}

fn running() -> Task {
    Task {
        id: "task".into(),
        slot: 1,
        node: "n1".into(),
        current: true,
        state: TaskState::Running,
        desired: TaskState::Running,
        ..Task::default()
    }
}

#[test]
fn a_port_moves_within_a_stack_but_two_services_cannot_have_it() {
    let with_port = || service(|web| web.ports = vec![port(8080, "")]);
    let there = observed(&[("old", with_port())]);
    assert_eq!(said_beside(&stack(&[("new", with_port())]), &there, &Surroundings::default()), "");
    assert_snapshot!(said(&stack(&[("a", with_port()), ("b", with_port())])), @"services.b.ports: port 8080/tcp is published by the service `a` of this stack; publish another port, or free it there first");
    let mut kept = stack(&[("new", with_port())]);
    kept.settings.prune = false;
    assert_snapshot!(said_beside(&kept, &there, &Surroundings::default()), @"services.new.ports: port 8080/tcp is published by the service `old` of this stack; publish another port, or free it there first");
}

#[test]
fn a_constraint_that_leaves_no_node_is_named() {
    let constrained = |constraints: &[&str]| {
        stack(&[("web", service(|web| web.constraints = constraints.iter().map(ToString::to_string).collect()))])
    };
    assert_eq!(said(&constrained(&["node.role == worker"])), "");
    assert_snapshot!(said(&constrained(&["node.role == worker", "node.labels.disk == ssd"])), @"services.web.deploy.placement.constraints: no node satisfies `node.labels.disk == ssd`; change the constraint, or the node (`docker node update`)");
    assert_snapshot!(said(&constrained(&["node.role == worker", "node.hostname == n1"])), @"services.web.deploy.placement.constraints: no node satisfies `node.role == worker` and `node.hostname == n1`; change the constraint, or the node (`docker node update`)");
    let mut there = observed(&[]);
    there.nodes[0].available = false;
    assert_snapshot!(said_beside(&constrained(&["node.hostname == n1"]), &there, &Surroundings::default()), @"services.web.deploy.placement.constraints: only n1 satisfies `node.hostname == n1`, and is not ready and active now; change the constraint, or the node (`docker node update`)");
    there.nodes[1].available = false;
    assert_snapshot!(said_beside(&constrained(&[]), &there, &Surroundings::default()), @"services.web.deploy.placement.constraints: no node of the swarm is ready and active; change the constraint, or the node (`docker node update`)");
    let nothing = stack(&[(
        "web",
        service(|web| {
            web.constraints = vec!["node.labels.disk == ssd".into()];
            web.mode = Mode::Replicated(Some(0));
        }),
    )]);
    assert_eq!(said(&nothing), "", "no task needs no node");
    let running = constrained(&["node.labels.disk == ssd"]);
    let there = observed(&[("web", running.services.values().next().unwrap().clone())]);
    assert_eq!(said_beside(&running, &there, &Surroundings::default()), "", "what does not change runs where it runs");
}

#[test]
fn tasks_must_fit_on_the_nodes() {
    let three = service(|web| {
        web.mode = Mode::Replicated(Some(3));
        web.max_replicas_per_node = 1;
    });
    assert_snapshot!(said(&stack(&[("web", three)])), @"services.web.deploy.placement.max_replicas_per_node: 3 tasks do not fit: 1 on each of 2 nodes make 2; increase it, lower `deploy.replicas`, or add a node");
    let reserved = |resources: Resources| stack(&[("web", service(|web| web.reservations = resources))]);
    let memory = |gib: i64| Resources { memory: gib << 30, ..Resources::default() };
    assert_eq!(said(&reserved(memory(8))), "");
    assert_snapshot!(said(&reserved(Resources { nano_cpus: 500_000_000, ..memory(9) })), @"services.web.deploy.resources.reservations: one task reserves 0.5 cpus and 9.0 GiB of memory, but the largest nodes have 4 cpus and 8.0 GiB of memory; lower the reservation, or add a node");
    let gpu = Resources { generic: BTreeMap::from([("gpu".to_owned(), 1)]), ..Resources::default() };
    assert_snapshot!(said(&reserved(gpu)), @"services.web.deploy.resources.reservations: one task reserves 1 gpu, but the largest nodes have none of it; lower the reservation, or add a node");
}

#[test]
fn a_network_must_have_addresses_enough() {
    let on = |replicas, more: fn(&mut Service)| {
        service(|web| {
            web.mode = Mode::Replicated(Some(replicas));
            web.networks.insert("shop_front".into(), Attachment::default());
            more(web);
        })
    };
    let small = |replicas, more: fn(&mut Service)| {
        let mut desired = stack(&[("web", on(replicas, more))]);
        let subnets = vec!["10.7.0.0/29".into()];
        desired.networks.insert("shop_front".into(), Network::Own(OwnNetwork { subnets, ..OwnNetwork::default() }));
        desired
    };
    // Five addresses: three tasks, one virtual address, one node. Seen on Docker 20.10.
    assert_snapshot!(said(&small(3, |_| ())), @"note: the network `shop_front` has 5 addresses, and its services need 5 (3 tasks, 1 virtual addresses, at least one node), 0 more during updates, and one for each node: it is almost full");
    assert_snapshot!(said(&small(4, |_| ())), @"networks.front: the network `shop_front` has 5 addresses, and its services need 6 (4 tasks, 1 virtual addresses, at least one node); write a larger one, as `ipam: { config: [{ subnet: 10.77.0.0/20 }] }`, or use several networks");
    assert_eq!(said(&small(1, |_| ())), "");
    assert_snapshot!(said(&small(2, |web| {
        web.update_config = Some(UpdateConfig { order: "start-first".into(), ..UpdateConfig::default() });
    })), @"note: the network `shop_front` has 5 addresses, and its services need 4 (2 tasks, 1 virtual addresses, at least one node), 2 more during updates, and one for each node: it is almost full");
    assert_snapshot!(said(&small(4, |web| web.endpoint_mode = Some("dnsrr".into()))), @"note: the network `shop_front` has 5 addresses, and its services need 5 (4 tasks, 0 virtual addresses, at least one node), 0 more during updates, and one for each node: it is almost full");
}

#[test]
fn the_swarms_own_pool_gives_a_network_its_size_and_others_share_it() {
    let mut desired = stack(&[(
        "web",
        service(|web| {
            web.mode = Mode::Replicated(Some(250));
            web.networks.insert("shop_front".into(), Attachment::default());
        }),
    )]);
    desired.networks.insert("shop_front".into(), Network::Own(OwnNetwork::default()));
    let pool = Pool { nets: vec!["10.0.0.0/8".parse().unwrap()], prefix: 24 };
    let surroundings = Surroundings { pool: Some(pool), ..Surroundings::default() };
    assert_snapshot!(said_beside(&desired, &observed(&[]), &surroundings), @"note: the network `shop_front` has 253 addresses, and its services need 252 (250 tasks, 1 virtual addresses, at least one node), 0 more during updates, and one for each node: it is almost full");
    desired.services.values_mut().for_each(|web| web.mode = Mode::Replicated(Some(260)));
    assert_snapshot!(said_beside(&desired, &observed(&[]), &surroundings), @"networks.front: the network `shop_front` has 253 addresses, and its services need 262 (260 tasks, 1 virtual addresses, at least one node); write a larger one, as `ipam: { config: [{ subnet: 10.77.0.0/20 }] }`, or use several networks");
    assert_eq!(said(&desired), "", "what is not known stands in nobody's way");

    desired.networks.insert("shop_front".into(), Network::External);
    let mut there = observed(&[]);
    there.foreign.networks = names(&["shop_front"]);
    let other = Neighbour {
        mode: Mode::Replicated(Some(9)),
        networks: BTreeSet::from(["shop_front".into()]),
        has_virtual_address: true,
        ..neighbour("blog_web", Some("blog"))
    };
    let segment = Segment { is_of_the_swarm: true, subnets: vec!["10.1.0.0/24".parse().unwrap()] };
    let shared = Surroundings {
        services: vec![other],
        networks: BTreeMap::from([("shop_front".to_owned(), segment)]),
        ..Surroundings::default()
    };
    desired.services.values_mut().for_each(|web| web.mode = Mode::Replicated(Some(245)));
    assert_snapshot!(said_beside(&desired, &there, &shared), @"networks.front: the network `shop_front` has 253 addresses, and its services need 257 (254 tasks, 2 virtual addresses, at least one node); Swarm cannot enlarge a network: give it another name, with `ipam: { config: [{ subnet: … }] }`");
    // It is not this stack that makes it worse.
    let there = Observed {
        foreign: there.foreign.clone(),
        ..observed(&[("web", desired.services.values().next().unwrap().clone())])
    };
    assert!(said_beside(&desired, &there, &shared).starts_with("note: "));
}

#[test]
fn a_subnet_that_is_taken_and_a_pool_that_is_empty_are_told() {
    let mut desired = stack(&[]);
    let subnets = vec!["10.1.0.0/25".into()];
    desired.networks.insert("shop_front".into(), Network::Own(OwnNetwork { subnets, ..OwnNetwork::default() }));
    desired.networks.insert("shop_back".into(), Network::Own(OwnNetwork::default()));
    let segment = |subnet: &str| Segment { is_of_the_swarm: true, subnets: vec![subnet.parse().unwrap()] };
    let surroundings = Surroundings {
        networks: BTreeMap::from([
            ("blog_default".to_owned(), segment("10.1.0.0/24")),
            ("ingress".to_owned(), segment("10.9.0.0/24")),
        ]),
        pool: Some(Pool { nets: vec!["10.9.0.0/24".parse().unwrap()], prefix: 24 }),
        ..Surroundings::default()
    };
    assert_snapshot!(said_beside(&desired, &observed(&[]), &surroundings), @"
    networks.front: the subnet 10.1.0.0/25 overlaps that of the network `blog_default`; choose another one, or leave it to the swarm
    networks.back: the swarm has addresses for 1 networks, and 1 of them are in use; remove networks that nobody needs, or write a `subnet` outside of the swarm's pool
    ");
}

#[test]
fn a_mode_is_changed_only_where_the_file_allows_the_interruption() {
    let global = |may_be_recreated| {
        stack(&[(
            "web",
            service(|web| {
                web.mode = Mode::Global;
                web.may_be_recreated = may_be_recreated;
            }),
        )])
    };
    let there = observed(&[("web", service(|_| ()))]);
    let said = |desired: &Stack| {
        let found = interruptions(desired, &Plan::between(desired, &there, &Removable::default()));
        found.iter().map(|(_, obstacle)| obstacle.to_string()).collect::<Vec<_>>().join("\n")
    };
    assert_snapshot!(said(&global(false)), @"services.web.deploy.mode: the service `web` runs in another mode, and Swarm cannot make it global without removing it first; write `x-skep: { recreate: allow }` in the service, if it may be interrupted, or give it another name");
    assert_eq!(said(&global(true)), "");
}

#[test]
fn more_than_half_of_the_services_and_more_than_one_are_a_great_removal() {
    let removal = |there: &[&'static str], desired: &[&'static str]| {
        let plain = |name: &'static str| (name, Service::default());
        let of = |names: &[&'static str]| names.iter().map(|name| plain(name)).collect::<Vec<_>>();
        let observed = observed(&of(there));
        let removable = Removable { services: observed.services.keys().cloned().collect(), ..Removable::default() };
        great_removal(&observed, &Plan::between(&stack(&of(desired)), &observed, &removable))
    };
    assert_eq!(removal(&["a", "b", "c", "d"], &["a", "b"]), None, "half");
    assert_eq!(removal(&["a"], &["b"]), None, "one");
    assert_snapshot!(removal(&["a", "b", "c"], &["a", "d"]).unwrap(), @"it removes 2 of 3 services: b, c; if this is intended, confirm it with `--confirm-removal` or `git push -o confirm-removal`");
}

#[test]
fn what_somebody_has_agreed_to_is_not_refused() {
    let there = observed(&[("web", Service::default()), ("a", Service::default()), ("b", Service::default())]);
    let desired = stack(&[("web", service(|web| web.mode = Mode::Global))]);
    let removable = Removable { services: there.services.keys().cloned().collect(), ..Removable::default() };
    let plan = Plan::between(&desired, &there, &removable);
    let found = Preflight::of(&desired, &there, &Surroundings::default(), &plan);
    let refusals = |removal, recreation| found.refusals(Consent { removal, recreation, ..Consent::default() }).len();
    assert_eq!(
        [refusals(false, false), refusals(true, false), refusals(false, true), refusals(true, true)],
        [2, 1, 1, 0]
    );
}

#[test]
fn a_volume_that_exists_cannot_get_other_options() {
    let nfs = |device: &str| on_volume("shop_data", &[("device", device), ("type", "nfs")]);
    let live = observed(&[("db", nfs(":/a"))]);
    let said =
        |desired: Service, surroundings: &Surroundings| said_beside(&stack(&[("db", desired)]), &live, surroundings);
    let nowhere = Surroundings::default();
    assert_eq!(said(nfs(":/a"), &nowhere), "", "it is the same");
    assert_snapshot!(said(nfs(":/b"), &nowhere), @"volumes.data: the volume `shop_data` of the service `db` exists with another `driver_opts.device`, and Swarm cannot change a volume: the tasks would go on with the old one; give it another `name`; or, to make this one anew, deploy once without the services that use it, run `docker volume rm shop_data` on every node, and deploy again");
    let renamed = on_volume("shop_data-2", &[("device", ":/b"), ("type", "nfs")]);
    assert_eq!(said(renamed, &nowhere), "", "another volume");
    let plain = on_volume("shop_data", &[]);
    assert!(said(plain, &nowhere).contains("another `driver_opts.device` and `driver_opts.type`"));

    // What this node has counts more than what a service has asked for.
    let options = BTreeMap::from([("device".to_owned(), ":/b".to_owned()), ("type".to_owned(), "nfs".to_owned())]);
    let volume = StoredVolume { driver: "local".into(), options };
    let here = Surroundings { volumes: BTreeMap::from([("shop_data".to_owned(), volume)]), ..Surroundings::default() };
    assert_eq!(said(nfs(":/b"), &here), "");
    assert_eq!(said(nfs(":/a"), &here), "", "the service has it so already");
    let new = said_beside(&stack(&[("db", nfs(":/a"))]), &observed(&[]), &here);
    assert!(new.contains("exists with another `driver_opts.device`"), "a new service meets an old volume: {new}");
}

#[test]
fn labels_of_a_volume_that_exists_stay_as_they_are() {
    let labelled = |label: &str| {
        let mut service = on_volume("shop_data", &[]);
        service.volumes[0].volume.as_mut().unwrap().labels.insert("tier".into(), label.into());
        service
    };
    let live = observed(&[("db", labelled("a"))]);
    let said = |label: &str| said_beside(&stack(&[("db", labelled(label))]), &live, &Surroundings::default());
    assert_eq!(said("a"), "");
    assert_snapshot!(said("b"), @"note: the volume `shop_data` keeps its labels where it exists already: Swarm cannot change a volume");
}

#[test]
fn a_volume_for_each_task_and_one_of_somebody_else_are_left_alone() {
    let there = |name: &str| observed(&[("db", on_volume(name, &[("device", ":/a")]))]);
    let said =
        |name: &str, wanted: Service| said_beside(&stack(&[("db", wanted)]), &there(name), &Surroundings::default());
    let slot = "data-{{.Task.Slot}}";
    assert_eq!(said(slot, on_volume(slot, &[("device", ":/b")])), "");
    let mut external = on_volume("data", &[]);
    external.volumes[0].volume.as_mut().unwrap().owned = false;
    assert_eq!(said("data", external), "");
    assert_eq!(said("data", on_volume("data", &[("device", ":/{{.Node.Hostname}}")])), "", "that is filled in later");
}

#[test]
fn a_command_needs_a_task_where_skep_is() {
    let checked = |mode: Mode, constraints: &[&str]| {
        service(|web| {
            web.mode = mode;
            web.constraints = constraints.iter().map(ToString::to_string).collect();
            web.checks = vec![Check::new(Probe::Command(vec!["true".into()]))];
        })
    };
    let here = Surroundings { node: "n1".into(), ..Surroundings::default() };
    let said =
        |mode, constraints: &[&str]| said_beside(&stack(&[("web", checked(mode, constraints))]), &observed(&[]), &here);
    assert_snapshot!(said(Mode::Replicated(None), &[]), @"services.web.x-skep.check: the check `true` needs a task on n1, where skep is, and Swarm may start all of them on other nodes; write it as an `http` or `tcp` check, or constrain the service to that node (`deploy.placement.constraints: [node.hostname == n1]`)");
    assert_snapshot!(said(Mode::Global, &["node.role == worker"]), @"services.web.x-skep.check: the check `true` needs a task on n1, where skep is, and none may run there; write it as an `http` or `tcp` check, or constrain the service to that node (`deploy.placement.constraints: [node.hostname == n1]`)");
    assert_snapshot!(said(Mode::Replicated(Some(2)), &[]), @"note: the check `true` of the service `web` runs in a task on n1, where skep is; Swarm usually starts one there, but does not promise it");
    assert_eq!(said(Mode::Replicated(None), &["node.hostname == n1"]), "");
    assert_eq!(said(Mode::Global, &[]), "");
    assert_eq!(said(Mode::Replicated(Some(0)), &[]), "");
    let unknown =
        said_beside(&stack(&[("web", checked(Mode::Replicated(None), &[]))]), &observed(&[]), &Surroundings::default());
    assert_eq!(unknown, "", "which node it is cannot be told");
    let desired = stack(&[("web", checked(Mode::Replicated(None), &[]))]);
    let plan = Plan::between(&desired, &observed(&[]), &Removable::default());
    let found = Preflight::of(&desired, &observed(&[]), &here, &plan);
    let back = Consent { unchecked: true, ..Consent::default() };
    assert_eq!(found.refusals(back), [], "whoever goes back is not asked");
}

#[test]
fn a_data_root_that_is_not_the_known_one_is_refused() {
    let said = |kept: Option<&str>, found: Option<&str>| {
        let marks = Marks { kept: kept.map(str::to_owned), found: found.map(str::to_owned) };
        let data = DataRoot { path: "/data".into(), is_shared: true, marks };
        said_beside(&stack(&[]), &observed(&[]), &Surroundings { data: Some(data), ..Surroundings::default() })
    };
    assert_eq!(said(None, None), "", "the first folder");
    assert_eq!(said(None, Some("1f")), "", "a new swarm on the old data");
    assert_eq!(said(Some("1f"), Some("1f")), "");
    assert_snapshot!(said(Some("1f"), None), @"volumes: the data root /data is not the one that the swarm's data is in: it does not have the mark 1f; mount the shared storage at /data on every node that skep may run on; if this is that storage and only the mark was lost, restore it (`echo 1f > /data/.skep`); if the data is meant to begin anew here, run `docker config rm skep._data.bd47413b5c03`");
    assert!(said(Some("1f"), Some("2e")).contains("its mark is 2e instead of 1f"));
}

#[test]
fn a_folder_is_not_made_on_one_of_several_nodes_unless_they_share_it() {
    let database = |constraints: &[&str]| {
        let mount =
            Mount { target: "/data".into(), kind: "bind".into(), source: "/data/shop/db".into(), ..Mount::default() };
        service(|db| {
            db.volumes = vec![mount];
            db.constraints = constraints.iter().map(ToString::to_string).collect();
        })
    };
    let desired = |constraints: &[&str]| {
        let folders = BTreeSet::from(["/data/shop/db".to_owned()]);
        Stack { folders, ..stack(&[("db", database(constraints))]) }
    };
    let around = |is_shared: bool| {
        let data = DataRoot { path: "/data".into(), is_shared, marks: Marks::default() };
        Surroundings { node: "n1".into(), data: Some(data), ..Surroundings::default() }
    };
    assert_snapshot!(said_beside(&desired(&[]), &observed(&[]), &around(false)), @"services.db.volumes: its data would be in /data/shop/db on n1, and it may be started on n2, where nothing says that /data is the same; if all nodes share /data (Ceph, NFS), say so: `data_shared: true` in skep's settings, or SKEP_DATA_SHARED=true; otherwise constrain the service to this node (`deploy.placement.constraints: [node.hostname == n1]`)");
    assert_eq!(said_beside(&desired(&[]), &observed(&[]), &around(true)), "");
    assert_eq!(said_beside(&desired(&["node.hostname == n1"]), &observed(&[]), &around(false)), "");
    let live = observed(&[("db", database(&[]))]);
    assert_snapshot!(said_beside(&desired(&[]), &live, &around(false)), @"note: the service `db` has its data in /data/shop/db; it may be started on n2, and nothing says that /data is the same there: `data_shared: true` in skep's settings does");
}

#[test]
fn an_image_that_stays_on_its_node_is_refused_on_others() {
    let built = |image: &str, constraints: &[&str]| {
        stack(&[(
            "web",
            service(|web| {
                web.image = image.into();
                web.constraints = constraints.iter().map(ToString::to_string).collect();
            }),
        )])
    };
    let around = Surroundings { node: "n1".into(), ..Surroundings::default() };
    let said = |image: &str, constraints: &[&str]| said_beside(&built(image, constraints), &observed(&[]), &around);
    let local = "skep.local/shop/web:0123456789abcdef0123456789abcdef";
    assert_snapshot!(said(local, &[]), @"services.web.build: this swarm has 2 nodes and skep has no registry: the image is built on n1 and stays there, and tasks may be started on n2; set `registry.prefix` in skep's settings, or constrain the service to that node (`deploy.placement.constraints: [node.hostname == n1]`)");
    assert_eq!(said(local, &["node.hostname == n1"]), "");
    assert!(said(local, &["node.role == worker"]).contains("may be started on n2"), "it is not built there");
    assert_eq!(said("r.example.com/shop/web:1", &[]), "", "every node can pull it");
    let unknown = Surroundings::default();
    assert_eq!(said_beside(&built(local, &[]), &observed(&[]), &unknown), "", "which node this is, is not known");
    let mut one = observed(&[]);
    one.nodes.pop();
    assert_eq!(said_beside(&built(local, &[]), &one, &around), "", "there is no other node");
    let running = built(local, &[]);
    let live = [("web", running.services.values().next().unwrap().clone())];
    assert_eq!(said_beside(&running, &observed(&live), &around), "", "what already runs is not decided now");
}

#[test]
fn an_image_that_is_gone_stands_in_the_way_of_going_back() {
    use super::images::{Whereabouts, missing};
    let (db, web): (ServiceName, ServiceName) = ("db".parse().unwrap(), "web".parse().unwrap());
    let needed = [(&db, "redis:7@sha256:1"), (&web, "skep.local/shop/web:2")];
    let said = |db: Whereabouts, web: Whereabouts| {
        let found = BTreeMap::from([("redis:7@sha256:1".into(), db), ("skep.local/shop/web:2".into(), web)]);
        let (obstacles, notes) = missing(&needed, &found);
        let notes = notes.iter().map(|note| format!("note: {note}"));
        obstacles.iter().map(ToString::to_string).chain(notes).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(said(Whereabouts::There, Whereabouts::There), "");
    let gone = Whereabouts::Gone { answer: Some("manifest unknown".into()) };
    assert_snapshot!(said(gone, Whereabouts::Gone { answer: None }), @"
    services.db.image: the image `redis:7@sha256:1` is no longer on this engine, and its registry does not give it (manifest unknown): its tasks could not start; push the commit of that release again, which builds or pulls it anew, or go back to another release (`skep history`)
    services.web.image: the image `skep.local/shop/web:2` is no longer on this engine: its tasks could not start; push the commit of that release again, which builds or pulls it anew, or go back to another release (`skep history`)
    ");
    let away = Whereabouts::Unknown { reason: "connection refused".into() };
    assert_snapshot!(said(away, Whereabouts::There), @"note: service db: whether its image redis:7@sha256:1 can still be had is not known: connection refused");
}

#[test]
fn a_network_cannot_get_other_options_and_what_it_had_before_is_not_decided_now() {
    let own = |internal: bool| Network::Own(OwnNetwork { internal, ..OwnNetwork::default() });
    let with = |network: Network| Stack { networks: BTreeMap::from([("shop_front".into(), network)]), ..stack(&[]) };
    let mut there = observed(&[]);
    let network = crate::plan::observed::ObservedNetwork { id: String::new(), network: own(false) };
    there.networks.insert("shop_front".into(), network);
    let said = |desired: &Stack, runs: Option<&Stack>| {
        let found = networks::changed(desired, &there, runs);
        found.iter().map(|(_, obstacle)| obstacle.to_string()).collect::<Vec<_>>().join("\n")
    };
    assert_snapshot!(said(&with(own(true)), Some(&with(own(false)))), @"networks.front: the network `shop_front` exists with another `internal`, and Swarm cannot change a network: the tasks would go on in the old one; give it another key or `name`: it is then made anew, and the services move to it; or remove the stack (`skep remove`) and deploy it again");
    assert!(!said(&with(own(true)), None).is_empty(), "nothing of skep's runs yet");
    assert_eq!(said(&with(own(true)), Some(&with(own(true)))), "", "the release that runs differs in the same way");
    assert_eq!(said(&with(own(false)), Some(&with(own(false)))), "");
    let labels = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
    let labelled = with(Network::Own(OwnNetwork { labels, ..OwnNetwork::default() }));
    assert_eq!(said(&labelled, Some(&with(own(false)))), "", "no task notices a label");
}

/// A service with a volume of its stack's own.
fn on_volume(name: &str, options: &[(&str, &str)]) -> Service {
    let driver_opts = options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let volume = VolumeOptions { owned: true, driver_opts, ..VolumeOptions::default() };
    let kind = "volume".to_owned();
    let mount = Mount { target: "/data".into(), kind, source: name.into(), volume: Some(volume), ..Mount::default() };
    service(|db| db.volumes = vec![mount])
}

fn stack(services: &[(&str, Service)]) -> Stack {
    let services = services.iter().map(|(name, service)| (name.parse().unwrap(), service.clone())).collect();
    Stack { services, ..Stack::empty("shop".parse().unwrap()) }
}

fn service(with: impl FnOnce(&mut Service)) -> Service {
    let mut service = Service { image: "web:1".into(), ..Service::default() };
    with(&mut service);
    service
}

/// These services on a swarm of a manager `n1` and a worker `n2`, each with 4 processors and 8 GiB.
fn observed(services: &[(&str, Service)]) -> Observed {
    let there =
        |service: &Service| ObservedService { version: 1, service: service.clone(), ..ObservedService::default() };
    let node = |id: &str, role: &str| Node {
        id: id.into(),
        hostname: id.into(),
        available: true,
        role: role.into(),
        resources: Resources { nano_cpus: 4_000_000_000, memory: 8 << 30, ..Resources::default() },
        ..Node::default()
    };
    Observed {
        services: services.iter().map(|(name, service)| (name.parse().unwrap(), there(service))).collect(),
        nodes: vec![node("n1", "manager"), node("n2", "worker")],
        ..Observed::nothing("shop".parse().unwrap())
    }
}

fn neighbour(name: &str, stack: Option<&str>) -> Neighbour {
    Neighbour { name: name.into(), stack: stack.map(String::from), ..Neighbour::default() }
}

fn port(published: u16, mode: &str) -> Port {
    Port { published: Some(published), target: 80, protocol: String::new(), mode: mode.into() }
}

fn config(content: &str) -> Config {
    Config::Own { content: content.as_bytes().to_vec(), labels: BTreeMap::new(), template_driver: None }
}

#[test]
fn what_traefik_would_leave_out_is_told_before_it_takes_down_another_stack() {
    let labels = |rule: &str| {
        let label = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        BTreeMap::from([
            label("traefik.http.routers.web.rule", rule),
            label("Traefik.HTTP.Services.web.LoadBalancer.server.port", "80"),
        ])
    };
    let neighbour = |image: &str, rule: &str| Neighbour {
        name: "wiki_web".into(),
        stack: Some("wiki".into()),
        image: image.into(),
        routing: labels(rule),
        ..Neighbour::default()
    };
    let beside = |desired: &Stack, services: Vec<Neighbour>| {
        said_beside(desired, &observed(&[]), &Surroundings { services, ..Surroundings::default() })
    };
    let desired = stack(&[("web", service(|web| web.labels = labels("Host(`shop.example.com`)")))]);
    assert_snapshot!(beside(&desired, vec![neighbour("nginx:1", "Host(`wiki.example.com`)")]), @"
    services.web.deploy.labels: the router `web` is defined differently by the service `wiki_web` of the stack `wiki`: Traefik would ignore both; give one of the two another name in its labels
    note: Traefik shares the requests for its service `web` with the service `wiki_web` of the stack `wiki`, which also has labels for it
    ");
    assert_snapshot!(beside(&desired, vec![neighbour("nginx:1", "Host(`shop.example.com`)")]), @"note: Traefik shares the requests for its service `web` with the service `wiki_web` of the stack `wiki`, which also has labels for it");
    let traefik = |name: &str| Neighbour { name: name.into(), image: "traefik:v3.7".into(), ..Neighbour::default() };
    let inner = vec![neighbour("nginx:1", "Host(`wiki.example.com`)"), traefik("one"), traefik("two")];
    assert_snapshot!(beside(&desired, inner), @"
    note: the router `web` is defined differently by the service `wiki_web` of the stack `wiki`: Traefik would ignore both
    note: Traefik shares the requests for its service `web` with the service `wiki_web` of the stack `wiki`, which also has labels for it
    ");
    let mut off = neighbour("nginx:1", "Host(`wiki.example.com`)");
    off.routing.insert("traefik.enable".into(), "False".into());
    assert_eq!(beside(&desired, vec![off]), "");
}

#[test]
fn the_network_that_traefik_shares_is_missed_where_x_skep_asks_for_it() {
    let mut desired = stack(&[(
        "web",
        service(|web| {
            web.url = Some("https://shop.example.com".into());
            web.labels = BTreeMap::from([("traefik.swarm.network".to_owned(), "traefik".to_owned())]);
        }),
    )]);
    desired.networks.insert("traefik".into(), Network::External);
    assert_snapshot!(said(&desired), @"services.web.x-skep.http: the network `traefik`, in which Traefik reaches `web`, does not exist; deploy Traefik first: its stack makes the network (`stacks/traefik` of skep); if yours shares another one, name it as `traefik.network` in skep's settings");
}
