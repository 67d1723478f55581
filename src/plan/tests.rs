use std::collections::{BTreeMap, BTreeSet};

use insta::assert_snapshot;
use jiff::Timestamp;

use super::observed::{Node, Observed, ObservedFile, ObservedNetwork, Task, TaskState};
use super::*;
use crate::name::StackName;
use crate::stack::{
    Attachment, Condition, Config, CredentialSpec, FileReference, Healthcheck, Logging, Mode, Mount, Nanos, Network,
    OwnNetwork, Port, Privileges, Resources, RestartPolicy, Secret, SecretBytes, Service, UpdateConfig, VolumeOptions,
};

#[test]
fn a_stack_that_is_as_it_should_be_needs_no_change() {
    let desired = stack(&[("web", service())]);
    assert_eq!(planned(&desired, &observed(&desired)), "nothing to do, 1 unchanged");
    let rich = stack(&[("web", rich())]);
    assert_eq!(planned(&rich, &observed(&rich)), "nothing to do, 1 unchanged");
}

#[test]
fn what_the_engine_fills_in_is_no_difference() {
    let written = stack(&[("web", Service { ports: vec![port("", "")], ..service() })]);
    let filled_in = Service {
        ports: vec![port("tcp", "ingress")],
        isolation: Some("default".into()),
        endpoint_mode: Some("vip".into()),
        mode: Mode::Replicated(Some(1)),
        stop_grace_period: Some(Nanos::seconds(10)),
        healthcheck: Some(Healthcheck::default()),
        restart_policy: Some(RestartPolicy {
            condition: "any".into(),
            delay: Some(Nanos::seconds(5)),
            ..RestartPolicy::default()
        }),
        update_config: Some(UpdateConfig { parallelism: 1, failure_action: "pause".into(), ..UpdateConfig::default() }),
        ..service()
    };
    assert_eq!(planned(&written, &observed(&stack(&[("web", filled_in)]))), "nothing to do, 1 unchanged");
}

#[test]
fn only_skep_knows_what_a_service_depends_on_and_where_it_is_reached() {
    let url = Some("https://shop.example.com/".into());
    let known = Service { depends_on: BTreeMap::from([("db".parse().unwrap(), Condition::Healthy)]), url, ..service() };
    assert_eq!(
        planned(&stack(&[("web", known)]), &observed(&stack(&[("web", service())]))),
        "nothing to do, 1 unchanged"
    );
}

/// Each field of a service taken back from what it is in [`rich`] to nothing.
#[test]
fn every_field_is_compared_and_it_is_known_which_replace_tasks() {
    let there = observed(&stack(&[("web", rich())]));
    let fields = serde_json::to_value(rich()).unwrap();
    let mut lines = Vec::new();
    for name in fields.as_object().unwrap().keys() {
        let mut without = fields.clone();
        // The number of replicas is compared only where nobody else decides it.
        without.as_object_mut().unwrap().remove("scaled_elsewhere");
        let default = serde_json::to_value(Service::default()).unwrap().get(name).cloned();
        match default {
            Some(default) => without[name] = default,
            None => drop(without.as_object_mut().unwrap().remove(name)),
        }
        let desired = stack(&[("web", serde_json::from_value(without).unwrap())]);
        let plan = Plan::between(&desired, &there, &Removable::default());
        lines.push(
            plan.changes.first().map_or_else(|| format!("{name}: not Swarm's"), |change| change.to_text(Color::Never)),
        );
    }
    assert_snapshot!(lines.join("\n"), @"
    ~ service web: image web:2 ->  (restarts 1 task)
    ~ service web: image label web ->  (labels only, no restart)
    ~ service web: entrypoint /entry removed (restarts 1 task)
    ~ service web: command serve --now removed (restarts 1 task)
    ~ service web: environment MODE=fast removed (restarts 1 task)
    ~ service web: working_dir /srv removed (restarts 1 task)
    ~ service web: credential_spec file=spec.json removed (restarts 1 task)
    ~ service web: user app removed (restarts 1 task)
    ~ service web: group_add ssl-cert removed (restarts 1 task)
    ~ service web: security_opt no_new_privileges=true removed (restarts 1 task)
    ~ service web: oom_score_adj 100 removed (restarts 1 task)
    ~ service web: hostname web removed (restarts 1 task)
    ~ service web: tty true removed (restarts 1 task)
    ~ service web: stdin_open true removed (restarts 1 task)
    ~ service web: read_only true removed (restarts 1 task)
    ~ service web: init true removed (restarts 1 task)
    ~ service web: isolation hyperv -> default (restarts 1 task)
    ~ service web: stop_signal SIGINT removed (restarts 1 task)
    ~ service web: stop_grace_period 30s -> 10s (restarts 1 task)
    ~ service web: healthcheck test=CMD check interval=1s timeout=2s start_period=3s start_interval=4s retries=5 removed (restarts 1 task)
    ~ service web: deploy.labels label=1 removed (labels only, no restart)
    ~ service web: labels label=1 removed (restarts 1 task)
    ~ service web: volumes./data kind=volume source=shop_data removed (restarts 1 task)
    ~ service web: configs./file source=shop_page-0123456789ab removed (restarts 1 task)
    ~ service web: secrets./file source=shop_key-0123456789ab removed (restarts 1 task)
    ~ service web: networks shop_front=aliases=web removed (restarts 1 task)
    ~ service web: extra_hosts 10.0.0.1 db removed (restarts 1 task)
    ~ service web: dns 10.0.0.2 removed (restarts 1 task)
    ~ service web: dns_search example.com removed (restarts 1 task)
    ~ service web: dns_opt ndots:1 removed (restarts 1 task)
    ~ service web: cap_add CAP_NET_ADMIN removed (restarts 1 task)
    ~ service web: cap_drop CAP_MKNOD removed (restarts 1 task)
    ~ service web: sysctls net.ipv4.ip_forward=1 removed (restarts 1 task)
    ~ service web: ulimits nofile=[100,200] removed (restarts 1 task)
    ~ service web: logging driver=json-file options=max-file=1 removed (restarts 1 task)
    ~ service web: replicas 3 -> 1 (no restart)
    ~ service web: limits cpus=0.5 memory=1M pids=9 generic=gpu=1 removed (restarts 1 task)
    ~ service web: reservations cpus=0.5 memory=1M pids=9 generic=gpu=1 removed (restarts 1 task)
    ~ service web (restarts 1 task)
        restart_policy.condition on-failure -> any
        restart_policy.delay 1s -> 5s
        restart_policy.max_attempts 3 -> 0
        restart_policy.window 1m -> 0s
    ~ service web (no restart)
        update_config.parallelism 2 -> 1
        update_config.delay 3s -> 0s
        update_config.failure_action continue -> pause
        update_config.monitor 7s -> 5s
        update_config.max_failure_ratio 0.5 removed
        update_config.order start-first -> stop-first
    ~ service web (no restart)
        rollback_config.parallelism 2 -> 1
        rollback_config.delay 3s -> 0s
        rollback_config.failure_action continue -> pause
        rollback_config.monitor 7s -> 5s
        rollback_config.max_failure_ratio 0.5 removed
        rollback_config.order start-first -> stop-first
    ~ service web: constraints node.role == manager removed (no restart)
    ~ service web: preferences node.labels.zone removed (no restart)
    ~ service web: max_replicas_per_node 2 removed (no restart)
    ~ service web: ports.80/udp published=8080 mode=host removed (restarts 1 task)
    ~ service web: endpoint_mode dnsrr -> vip (restarts 1 task)
    depends_on: not Swarm's
    url: not Swarm's
    scaled_elsewhere: not Swarm's
    may_be_recreated: not Swarm's
    ");
}

#[test]
fn everything_comes_before_what_needs_it_and_removals_come_last() {
    let mut desired = stack(&[
        ("api", Service { depends_on: BTreeMap::from([("db".parse().unwrap(), Condition::Healthy)]), ..service() }),
        ("db", service()),
    ]);
    desired.networks.insert("shop_front".into(), Network::Own(OwnNetwork::default()));
    desired.networks.insert("traefik".into(), Network::External);
    desired.configs.insert("shop_page-0123456789ab".into(), config());
    desired.configs.insert("theirs".into(), Config::External);
    desired.secrets.insert("shop_key-0123456789ab".into(), secret());
    desired.secrets.insert("theirs".into(), Secret::External);
    let there = observed(&stack(&[("old", service())]));
    let removable = Removable { services: BTreeSet::from(["old".parse().unwrap()]), ..Removable::default() };
    assert_snapshot!(Plan::between(&desired, &there, &removable).to_text(Color::Never), @"
    + network shop_front (new in the file)
    + secret shop_key-0123456789ab (new in the file)
    + config shop_page-0123456789ab (new in the file)
    + service db (new in the file)
    + service api (new in the file)
    - service old (the file no longer has it)
    5 to create, 0 to change, 1 to remove, 0 unchanged
    ");
}

#[test]
fn only_what_a_release_made_and_nothing_needs_is_removed() {
    let mut there = observed(&stack(&[("ours", service()), ("theirs", service())]));
    for name in ["shop_ours", "shop_theirs"] {
        there.networks.insert(name.into(), network(OwnNetwork::default()));
    }
    for name in ["shop_page-0123456789ab", "shop_page-ba9876543210", "shop_by-hand"] {
        there.configs.insert(name.into(), file());
        there.secrets.insert(name.into(), file());
    }
    let removable = Removable {
        services: BTreeSet::from(["ours".parse().unwrap()]),
        networks: BTreeSet::from(["shop_ours".into()]),
        files: BTreeSet::from(["shop_page-0123456789ab".into(), "shop_page-ba9876543210".into()]),
        kept_files: BTreeSet::from(["shop_page-ba9876543210".into()]),
        ..Removable::default()
    };
    let mut desired = stack(&[]);
    assert_snapshot!(Plan::between(&desired, &there, &removable).to_text(Color::Never), @"
    - service ours (the file no longer has it)
    - network shop_ours (the file no longer has it)
    - config shop_page-0123456789ab (no kept release needs it)
    - secret shop_page-0123456789ab (no kept release needs it)
    0 to create, 0 to change, 4 to remove, 0 unchanged
    ");
    desired.settings.prune = false;
    assert_snapshot!(Plan::between(&desired, &there, &removable).summary(), @"0 to create, 0 to change, 2 to remove, 0 unchanged");
}

#[test]
fn what_is_in_no_record_goes_when_it_is_old() {
    let mut there = observed(&stack(&[]));
    let at = |seconds| Timestamp::from_second(seconds).unwrap();
    for (name, created) in [("shop_a-0123456789ab", 10), ("shop_b-0123456789ab", 20), ("shop_by-hand", 10)] {
        there.secrets.insert(name.into(), ObservedFile { created: at(created), ..file() });
    }
    let removable = Removable { leftovers_before: Some(at(15)), ..Removable::default() };
    assert_snapshot!(Plan::between(&stack(&[]), &there, &removable).to_text(Color::Never), @"
    - secret shop_a-0123456789ab (no kept release needs it)
    0 to create, 0 to change, 1 to remove, 0 unchanged
    ");
    assert!(Plan::between(&stack(&[]), &there, &Removable::default()).is_empty());
}

#[test]
fn a_stack_that_is_removed_whole_leaves_nothing_but_what_is_external() {
    let mut there = observed(&stack(&[("web", service())]));
    there.networks.insert("shop_front".into(), network(OwnNetwork::default()));
    there.networks.insert("traefik".into(), ObservedNetwork { id: String::new(), network: Network::External });
    there.configs.insert("by-hand".into(), file());
    let everything = Removable { everything: true, ..Removable::default() };
    assert_snapshot!(Plan::between(&stack(&[]), &there, &everything).to_text(Color::Never), @"
    - service web (the file no longer has it)
    - network shop_front (the file no longer has it)
    - config by-hand (no kept release needs it)
    0 to create, 0 to change, 3 to remove, 0 unchanged
    ");
}

#[test]
fn a_service_that_a_release_made_and_somebody_took_away_is_told_from_a_new_one() {
    let removable = Removable { ran: BTreeSet::from(["db".parse().unwrap()]), ..Removable::default() };
    let plan = Plan::between(&stack(&[("db", service()), ("web", service())]), &observed(&stack(&[])), &removable);
    assert_snapshot!(plan.to_text(Color::Never), @"
    + service db (it was removed by hand)
    + service web (new in the file)
    2 to create, 0 to change, 0 to remove, 0 unchanged
    ");
}

#[test]
fn labels_are_all_of_a_config_or_secret_that_can_change() {
    let labels = || BTreeMap::from([("owner".to_owned(), "ada".to_owned())]);
    let mut desired = stack(&[]);
    let config = Config::Own { content: b"hello".to_vec(), labels: labels(), template_driver: None };
    let secret = Secret::Own {
        content: SecretBytes::new(b"hush".to_vec()),
        labels: BTreeMap::new(),
        template_driver: None,
        driver: None,
    };
    desired.configs.insert("shop_page".into(), config);
    desired.secrets.insert("shop_key".into(), secret);
    let mut there = observed(&stack(&[]));
    there.configs.insert("shop_page".into(), file());
    there.secrets.insert("shop_key".into(), ObservedFile { labels: labels(), ..file() });
    assert_snapshot!(planned(&desired, &there), @"
    ~ secret shop_key: labels.owner ada removed (labels only, no restart)
    ~ config shop_page: labels.owner set to ada (labels only, no restart)
    0 to create, 2 to change, 0 to remove, 0 unchanged
    ");
    there.configs.values_mut().for_each(|page| page.labels = labels());
    there.secrets.values_mut().for_each(|key| key.labels.clear());
    assert_eq!(planned(&desired, &there), "nothing to do, 2 unchanged");
}

#[test]
fn a_mode_cannot_be_changed_and_the_service_is_made_anew() {
    let global = Service { mode: Mode::Global, image: "web:2".into(), ..service() };
    assert_snapshot!(planned(&stack(&[("web", global)]), &observed(&stack(&[("web", service())]))), @"
    -/+ service web: image web:1 -> web:2, mode replicated=1 -> global (Swarm cannot change the mode: removed and created again, 1 task stops first)
    0 to create, 1 to change, 0 to remove, 0 unchanged
    ");
}

#[test]
fn who_scales_a_service_elsewhere_is_not_undone() {
    let scaled = |number, image: &str| Service {
        mode: Mode::Replicated(Some(number)),
        scaled_elsewhere: true,
        image: image.into(),
        ..service()
    };
    let there = observed(&stack(&[("web", scaled(7, "web:1"))]));
    assert_eq!(planned(&stack(&[("web", scaled(2, "web:1"))]), &there), "nothing to do, 1 unchanged");
    let desired = stack(&[("web", scaled(2, "web:2"))]);
    assert_snapshot!(planned(&desired, &there), @"
    ~ service web: image web:1 -> web:2 (restarts 1 task)
    0 to create, 1 to change, 0 to remove, 0 unchanged
    ");
    assert_eq!(there.scaled(&desired).services.values().next().unwrap().mode, Mode::Replicated(Some(7)));
    let global = observed(&stack(&[("web", Service { mode: Mode::Global, ..service() })]));
    assert_eq!(*global.scaled(&desired), desired, "the number of another mode says nothing");
}

#[test]
fn what_means_the_same_is_no_difference() {
    let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
    let joined = |aliases: &[&str]| {
        BTreeMap::from([("shop_front".to_owned(), Attachment { aliases: words(aliases), ..Attachment::default() })])
    };
    let written = Service {
        constraints: words(&["node.role == worker", "node.labels.a == b"]),
        networks: joined(&["web", "shop", "web"]),
        working_dir: Some(String::new()),
        user: Some(String::new()),
        hostname: Some(String::new()),
        isolation: Some(String::new()),
        stop_signal: Some(String::new()),
        endpoint_mode: Some(String::new()),
        logging: Some(Logging::default()),
        healthcheck: Some(Healthcheck { retries: Some(0), interval: Some(Nanos(0)), ..Healthcheck::default() }),
        ports: vec![Port { published: Some(0), ..port("", "") }],
        volumes: vec![Mount { target: "/a".into(), consistency: "cached".into(), ..Mount::default() }],
        update_config: Some(UpdateConfig { parallelism: 1, monitor: Some(Nanos(0)), ..UpdateConfig::default() }),
        restart_policy: Some(RestartPolicy { max_attempts: Some(0), ..RestartPolicy::default() }),
        ..service()
    };
    let there = Service {
        constraints: words(&["node.labels.a == b", "node.role == worker"]),
        networks: joined(&["shop", "web"]),
        ports: vec![Port { published: None, ..port("tcp", "ingress") }],
        volumes: vec![Mount { target: "/a".into(), ..Mount::default() }],
        ..service()
    };
    assert_eq!(
        planned(&stack(&[("web", written)]), &observed(&stack(&[("web", there)]))),
        "nothing to do, 1 unchanged"
    );
}

#[test]
fn constraints_that_the_node_of_a_task_does_not_meet_move_it() {
    let constrained = |role: &str| Service { constraints: vec![format!("node.role == {role}")], ..service() };
    let mut there = observed(&stack(&[("web", service())]));
    there.nodes.push(Node { id: "node".into(), role: "manager".into(), available: true, ..Node::default() });
    assert_snapshot!(planned(&stack(&[("web", constrained("manager"))]), &there), @"
    ~ service web: constraints node.role == manager added (no restart)
    0 to create, 1 to change, 0 to remove, 0 unchanged
    ");
    assert_snapshot!(planned(&stack(&[("web", constrained("worker"))]), &there), @"
    ~ service web: constraints node.role == worker added (restarts 1 task)
    0 to create, 1 to change, 0 to remove, 0 unchanged
    ");
}

#[test]
fn a_fingerprint_is_of_the_stack_the_swarm_and_the_changes() {
    let fingerprint = |desired: &Stack, there: &Observed| {
        Fingerprint::of(desired, there, &Plan::between(desired, there, &Removable::default()))
    };
    let (mut desired, mut there) = (stack(&[("web", service())]), observed(&stack(&[("web", service())])));
    let seen = fingerprint(&desired, &there);
    assert_eq!(seen.to_string().parse::<Fingerprint>().unwrap(), seen);
    assert_eq!(seen.since(&fingerprint(&desired, &there)), Vec::<&str>::new());

    there.services.values_mut().for_each(|web| web.tasks.clear());
    assert_eq!(seen.since(&fingerprint(&desired, &there)), Vec::<&str>::new(), "how tasks fare is no part of it");
    there.services.values_mut().for_each(|web| web.version += 1);
    assert_snapshot!(seen.since(&fingerprint(&desired, &there)).join("; "), @"the stack in the swarm has changed");
    desired.services.values_mut().for_each(|web| web.image = "web:2".into());
    assert_snapshot!(seen.since(&fingerprint(&desired, &there)).join("; "), @"the files, the settings or the digests of images have changed; the stack in the swarm has changed");
    assert_snapshot!("1b9d6bcd-4f0e8a31".parse::<Fingerprint>().unwrap_err(), @"`1b9d6bcd-4f0e8a31` is not the fingerprint of a plan, such as 1b9d6bcd-4f0e8a31-07c5d2aa; `skep plan` prints it");
}

#[test]
fn no_value_of_a_secret_is_in_a_fingerprint() {
    let of = |content: &[u8]| {
        let mut desired = stack(&[]);
        let secret = Secret::Own {
            content: SecretBytes::new(content.to_vec()),
            labels: BTreeMap::new(),
            template_driver: None,
            driver: None,
        };
        desired.secrets.insert("shop_key".into(), secret);
        Fingerprint::of(&desired, &observed(&stack(&[])), &Plan::default())
    };
    assert_eq!(of(b"hush"), of(b"hush hush"));
}

#[test]
fn a_network_that_somebody_else_uses_stays() {
    let attached = Service { networks: BTreeMap::from([("shop_front".into(), Attachment::default())]), ..service() };
    let mut there = observed(&stack(&[("ours", attached.clone()), ("theirs", attached)]));
    there.networks.insert("shop_front".into(), network(OwnNetwork::default()));
    let mut removable = Removable {
        services: BTreeSet::from(["ours".parse().unwrap()]),
        networks: BTreeSet::from(["shop_front".into()]),
        ..Removable::default()
    };
    let removed = |removable: &Removable| Plan::between(&stack(&[]), &there, removable).to_text(Color::Never);
    assert_snapshot!(removed(&removable), @"
    - service ours (the file no longer has it)
    0 to create, 0 to change, 1 to remove, 0 unchanged
    ");
    removable.services.insert("theirs".parse().unwrap());
    assert_snapshot!(removed(&removable), @"
    - service ours (the file no longer has it)
    - service theirs (the file no longer has it)
    - network shop_front (the file no longer has it)
    0 to create, 0 to change, 3 to remove, 0 unchanged
    ");
}

#[test]
fn a_network_that_exists_cannot_be_changed_and_that_is_said() {
    let own = |internal| OwnNetwork { internal, ..OwnNetwork::default() };
    let mut desired = stack(&[]);
    desired.networks.insert("shop_front".into(), Network::Own(own(true)));
    let mut there = observed(&stack(&[]));
    there
        .networks
        .insert("shop_front".into(), network(OwnNetwork { subnets: vec!["10.0.1.0/24".into()], ..own(false) }));
    assert_snapshot!(planned(&desired, &there), @"
    note: network shop_front stays as it is, though the file says otherwise (internal set to true): Swarm cannot change a network that exists; give it another name, or remove the stack and deploy it again
    nothing to do, 1 unchanged
    ");
}

#[test]
fn what_was_set_beyond_the_file_is_taken_back() {
    let desired = stack(&[("web", service())]);
    let mut there = observed(&desired);
    let web = there.services.values_mut().next().unwrap();
    web.unknown.insert("TaskTemplate.ForceUpdate".into(), "3".into());
    assert_snapshot!(planned(&desired, &there), @"
    ~ service web: TaskTemplate.ForceUpdate 3 removed (restarts 1 task)
    0 to create, 1 to change, 0 to remove, 0 unchanged
    ");
}

#[test]
fn of_lists_only_what_differs_is_told() {
    let reference = |source: &str, target: &str| FileReference {
        source: source.into(),
        target: target.into(),
        uid: "0".into(),
        gid: "0".into(),
        mode: 0o444,
    };
    let before = Service { configs: vec![reference("a-1", "a"), reference("b-1", "b")], ..service() };
    let after = Service { configs: vec![reference("a-2", "a"), reference("c-1", "c")], ..service() };
    assert_snapshot!(planned(&stack(&[("web", after)]), &observed(&stack(&[("web", before)]))), @"
    ~ service web: configs.a.source a-1 -> a-2, configs.b source=b-1 removed, configs.c set to source=c-1 (restarts 1 task)
    0 to create, 1 to change, 0 to remove, 0 unchanged
    ");
}

#[test]
fn digests_and_long_values_are_cut() {
    let image = |digit: &str| Service { image: format!("web:1@sha256:{}", digit.repeat(64)), ..service() };
    let long = Service { command: vec!["x".repeat(200)], ..image("b") };
    assert_snapshot!(planned(&stack(&[("web", long)]), &observed(&stack(&[("web", image("a"))]))), @"
    ~ service web (restarts 1 task)
        image web:1@aaaaaaaaaaaa -> web:1@bbbbbbbbbbbb
        command set to xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
    0 to create, 1 to change, 0 to remove, 0 unchanged
    ");
}

#[test]
fn circles_of_dependencies_have_an_order_all_the_same() {
    let on =
        |name: &str| Service { depends_on: BTreeMap::from([(name.parse().unwrap(), Condition::Healthy)]), ..service() };
    let circle = stack(&[("a", on("b")), ("b", on("a")), ("c", service())]);
    assert_eq!(in_order(&circle).into_iter().map(ServiceName::as_str).collect::<Vec<_>>(), ["c", "a", "b"]);
}

#[test]
fn colour_is_around_a_change_and_nowhere_else() {
    let plan = Plan::between(&stack(&[("web", service())]), &observed(&stack(&[])), &Removable::default());
    assert_eq!(
        plan.to_text(Color::Always),
        "\u{1b}[32m+ service web (new in the file)\u{1b}[0m\n1 to create, 0 to change, 0 to remove, 0 unchanged"
    );
}

#[test]
fn a_content_addressed_name_is_known_by_its_form() {
    let stack: StackName = "shop".parse().unwrap();
    let is_ours = |name| is_content_addressed(&stack, name);
    assert!(is_ours("shop_page-0123456789ab") && is_ours("shop_a-b-0123456789ab"));
    for name in
        ["shop_page", "shop_-0123456789ab", "shop_page-0123456789", "shop_page-0123456789AB", "blog_page-0123456789ab"]
    {
        assert!(!is_ours(name), "{name}");
    }
}

/// A service with this folder of the nodes at this place.
fn on_folder(folder: &str, target: &str) -> Service {
    let mount = Mount { target: target.into(), kind: "bind".into(), source: folder.into(), ..Mount::default() };
    Service { volumes: vec![mount], ..service() }
}

fn notes(desired: &Stack, there: &Stack) -> String {
    let removable = Removable { services: there.services.keys().cloned().collect(), ..Removable::default() };
    Plan::between(desired, &observed(there), &removable).notes.join("\n")
}

#[test]
fn a_volume_with_another_name_is_told_to_be_another_one() {
    let one = |name: &str, service: Service| stack(&[(name, service)]);
    let before = one("db", on_folder("/data/shop/db", "/var/lib/db"));
    assert_snapshot!(notes(&one("db", on_folder("/data/shop/pg", "/var/lib/db")), &before), @"service db has the folder /data/shop/pg at /var/lib/db instead of the folder /data/shop/db: the data stays in the old one and is not copied; give it its old name back if it was only renamed");
    assert_snapshot!(notes(&one("db", service()), &before), @"service db no longer has the folder /data/shop/db at /var/lib/db: it starts without that data, which is kept");
    let anonymous = Mount { target: "/var/lib/db".into(), kind: "volume".into(), ..Mount::default() };
    let anonymous = one("db", Service { volumes: vec![anonymous], ..service() });
    assert_snapshot!(notes(&anonymous, &before), @"service db has an anonymous volume at /var/lib/db instead of the folder /data/shop/db: the data stays in the old one and is not copied; give it its old name back if it was only renamed");
    assert_snapshot!(notes(&one("pg", on_folder("/data/shop/pg", "/var/lib/db")), &before), @"service pg has the folder /data/shop/pg at /var/lib/db, where service db has the folder /data/shop/db: that data stays in the old one and is not copied; give it its old name back if it was only renamed");
    assert_eq!(
        notes(&one("db", on_folder("/data/shop/db", "/var/lib")), &before),
        "",
        "it moved inside of the container"
    );
    assert_eq!(notes(&one("web", service()), &before), "", "the service goes, and its data stays, as always");
}

#[test]
fn an_old_service_that_stays_on_the_data_of_a_new_one_is_told() {
    let before = stack(&[("db", on_folder("/data/shop/db", "/data"))]);
    let mut after = stack(&[("postgres", on_folder("/data/shop/db", "/data"))]);
    after.settings.prune = false;
    assert_snapshot!(notes(&after, &before), @"service db is not in the file but is kept, so both it and service postgres write to the folder /data/shop/db: remove it first (`docker service rm shop_db`) if postgres is to take its place");
}

fn planned(desired: &Stack, there: &Observed) -> String {
    Plan::between(desired, there, &Removable::default()).to_text(Color::Never)
}

fn stack(services: &[(&str, Service)]) -> Stack {
    let services = services.iter().map(|(name, service)| (name.parse().unwrap(), service.clone())).collect();
    Stack { services, ..Stack::empty("shop".parse().unwrap()) }
}

fn service() -> Service {
    Service { image: "web:1".into(), image_as_written: "web:1".into(), ..Service::default() }
}

/// The services of a stack as the swarm has them, with one task each.
fn observed(stack: &Stack) -> Observed {
    let there = |service: &Service| ObservedService {
        version: 1,
        service: service.clone(),
        tasks: vec![running()],
        ..ObservedService::default()
    };
    let services = stack.services.iter().map(|(name, service)| (name.clone(), there(service))).collect();
    Observed { services, ..Observed::nothing(stack.name.clone()) }
}

fn running() -> Task {
    Task {
        id: "task".into(),
        slot: 1,
        node: "node".into(),
        current: true,
        state: TaskState::Running,
        desired: TaskState::Running,
        ..Task::default()
    }
}

fn port(protocol: &str, mode: &str) -> Port {
    Port { published: Some(8080), target: 80, protocol: protocol.into(), mode: mode.into() }
}

fn network(own: OwnNetwork) -> ObservedNetwork {
    ObservedNetwork { id: String::new(), network: Network::Own(own) }
}

fn file() -> ObservedFile {
    ObservedFile {
        id: String::new(),
        version: 1,
        labels: BTreeMap::new(),
        created: Timestamp::UNIX_EPOCH,
        content: None,
    }
}

fn config() -> Config {
    Config::Own { content: b"hello".to_vec(), labels: BTreeMap::new(), template_driver: None }
}

fn secret() -> Secret {
    Secret::Own {
        content: SecretBytes::new(b"hush".to_vec()),
        labels: BTreeMap::new(),
        template_driver: None,
        driver: None,
    }
}

/// A service with every field set: one that is added to [`Service`] is missed here by the compiler.
fn rich() -> Service {
    let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
    let map = |key: &str| BTreeMap::from([(key.to_owned(), "1".to_owned())]);
    let file = |source: &str| FileReference {
        source: source.into(),
        target: "/file".into(),
        uid: "0".into(),
        gid: "0".into(),
        mode: 0o444,
    };
    let resources = || Resources {
        nano_cpus: 500_000_000,
        memory: 1 << 20,
        pids: 9,
        generic: BTreeMap::from([("gpu".into(), 1)]),
        empty: false,
    };
    let update = || UpdateConfig {
        parallelism: 2,
        delay: Some(Nanos::seconds(3)),
        failure_action: "continue".into(),
        monitor: Some(Nanos::seconds(7)),
        max_failure_ratio: 0.5,
        order: "start-first".into(),
    };
    Service {
        image: "web:2".into(),
        image_as_written: "web".into(),
        entrypoint: words(&["/entry"]),
        command: words(&["serve", "--now"]),
        environment: BTreeMap::from([("MODE".into(), Some("fast".into()))]),
        working_dir: Some("/srv".into()),
        user: Some("app".into()),
        group_add: words(&["ssl-cert"]),
        security_opt: Privileges { no_new_privileges: true, ..Privileges::default() },
        oom_score_adj: 100,
        credential_spec: Some(CredentialSpec { file: "spec.json".into(), ..CredentialSpec::default() }),
        hostname: Some("web".into()),
        tty: true,
        stdin_open: true,
        read_only: true,
        init: Some(true),
        isolation: Some("hyperv".into()),
        stop_signal: Some("SIGINT".into()),
        stop_grace_period: Some(Nanos::seconds(30)),
        healthcheck: Some(Healthcheck {
            test: words(&["CMD", "check"]),
            interval: Some(Nanos::seconds(1)),
            timeout: Some(Nanos::seconds(2)),
            start_period: Some(Nanos::seconds(3)),
            start_interval: Some(Nanos::seconds(4)),
            retries: Some(5),
        }),
        labels: map("label"),
        container_labels: map("label"),
        volumes: vec![Mount {
            target: "/data".into(),
            kind: "volume".into(),
            source: "shop_data".into(),
            volume: Some(VolumeOptions { owned: true, ..VolumeOptions::default() }),
            ..Mount::default()
        }],
        configs: vec![file("shop_page-0123456789ab")],
        secrets: vec![file("shop_key-0123456789ab")],
        networks: BTreeMap::from([(
            "shop_front".into(),
            Attachment { aliases: words(&["web"]), driver_opts: BTreeMap::new() },
        )]),
        extra_hosts: words(&["10.0.0.1 db"]),
        dns: words(&["10.0.0.2"]),
        dns_search: words(&["example.com"]),
        dns_opt: words(&["ndots:1"]),
        cap_add: words(&["CAP_NET_ADMIN"]),
        cap_drop: words(&["CAP_MKNOD"]),
        sysctls: map("net.ipv4.ip_forward"),
        ulimits: BTreeMap::from([("nofile".into(), (100, 200))]),
        logging: Some(Logging { driver: "json-file".into(), options: map("max-file") }),
        mode: Mode::Replicated(Some(3)),
        limits: resources(),
        reservations: resources(),
        restart_policy: Some(RestartPolicy {
            condition: "on-failure".into(),
            delay: Some(Nanos::seconds(1)),
            max_attempts: Some(3),
            window: Some(Nanos::seconds(60)),
        }),
        update_config: Some(update()),
        rollback_config: Some(update()),
        constraints: words(&["node.role == manager"]),
        preferences: words(&["node.labels.zone"]),
        max_replicas_per_node: 2,
        ports: vec![port("udp", "host")],
        endpoint_mode: Some("dnsrr".into()),
        depends_on: BTreeMap::from([("db".parse().unwrap(), Condition::Healthy)]),
        url: Some("https://shop.example.com/".into()),
        checks: Vec::new(),
        scaled_elsewhere: true,
        may_be_recreated: true,
    }
}
