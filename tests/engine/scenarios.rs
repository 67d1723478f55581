//! What a swarm does, as far as skep relies on it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::time::Duration;

use serde_json::json;
use skep::engine::Call;
use skep::engine::simulated::Behaviour;
use skep::lease::Lease;
use skep::name::{ObjectKind, ServiceName, StackName};
use skep::plan::observed::{Observed, ObservedFile, TaskState};
use skep::plan::{Action, Color, Plan, Removable, Subject};
use skep::preflight::Preflight;
use skep::release::{Cause, Origin, Phase, Release, ReleaseId};
use skep::stack::{
    Attachment, Config, FileReference, Healthcheck, Logging, Mode, Mount, Nanos, Network, OwnNetwork, Port, Resources,
    RestartPolicy, Secret, SecretBytes, Service, Stack, UpdateConfig, VolumeOptions,
};
use skep::store;
use skep::swarm::Error;

use crate::bed::{Bed, IMAGES, sleeper, web, with_web};

pub(crate) async fn a_rich_stack_comes_back_as_it_was_said(bed: &Bed) {
    let desired = rich(bed);
    bed.create_all(&desired).await;
    let observed = bed.observe().await;

    for (key, service) in &observed.services {
        assert_eq!(service.service, with_defaults(desired.services[key].clone()), "{key}");
        assert_eq!(service.unknown, BTreeMap::new(), "{key}");
    }
    assert_eq!(observed.services.len(), desired.services.len());
    let Network::Own(network) = &observed.networks[&bed.stack.scoped("front")].network else { panic!("it is ours") };
    let Network::Own(wanted) = &desired.networks[&bed.stack.scoped("front")] else { panic!("it is ours") };
    // The engine tells the gateway that it took, too.
    let network = OwnNetwork { gateways: BTreeMap::new(), ..network.clone() };
    assert_eq!(network, OwnNetwork { driver: "overlay".into(), ipam_driver: Some("default".into()), ..wanted.clone() });
    assert!(observed.configs.keys().eq(desired.configs.keys()) && observed.secrets.keys().eq(desired.secrets.keys()));
    assert!(observed.nodes.iter().any(|node| node.available));
}

pub(crate) async fn whoever_was_overtaken_is_refused(bed: &Bed) {
    let mut desired = with_web(bed, sleeper());
    bed.create_all(&desired).await;
    let seen = bed.until("running", |web| web.tasks.iter().any(|task| task.state == TaskState::Running)).await;
    let mut observed = bed.observe().await;
    desired.services.get_mut(&web()).unwrap().labels.insert("l".into(), "1".into());
    bed.update(&desired, "web", &observed).await.unwrap();

    let refused = bed.update(&desired, "web", &observed).await.unwrap_err();
    assert!(
        matches!(&refused, Error::OutOfSequence { subject } if *subject == format!("service {}", bed.stack.scoped("web"))),
        "{refused}"
    );
    assert!(refused.is_transient());
    observed.services.get_mut(&web()).unwrap().version = seen.version - 1;
    assert!(matches!(bed.update(&desired, "web", &observed).await, Err(Error::OutOfSequence { .. })));
}

pub(crate) async fn labels_of_configs_and_secrets_can_change(bed: &Bed) {
    let (page, key) = (bed.stack.scoped("page"), bed.stack.scoped("key"));
    let mut desired = Stack { services: BTreeMap::new(), networks: BTreeMap::new(), ..rich(bed) };
    bed.create_all(&desired).await;
    let new = BTreeMap::from([("new".to_owned(), "1".to_owned())]);
    if let (Some(Config::Own { labels: config, .. }), Some(Secret::Own { labels: secret, .. })) =
        (desired.configs.get_mut(&page), desired.secrets.get_mut(&key))
    {
        (*config, *secret) = (new.clone(), new.clone());
    }
    bed.relabel(Subject::Config(page.clone()), &desired).await.unwrap();
    bed.relabel(Subject::Secret(key.clone()), &desired).await.unwrap();
    let observed = bed.observe().await;
    assert_eq!((&observed.configs[&page].labels, &observed.secrets[&key].labels), (&new, &new));
}

pub(crate) async fn names_are_taken_once_and_what_is_used_stays(bed: &Bed) {
    let desired = rich(bed);
    bed.create_all(&desired).await;
    let subjects = [
        Subject::Network(bed.stack.scoped("front")),
        Subject::Config(bed.stack.scoped("page")),
        Subject::Secret(bed.stack.scoped("key")),
    ];
    for subject in subjects.clone().into_iter().chain([Subject::Service(web())]) {
        let taken = bed.create(&desired, subject).await.unwrap_err();
        assert!(matches!(taken, Error::Conflict { .. }), "{taken:?}");
    }
    for subject in subjects.clone() {
        let used = bed.remove(subject).await.unwrap_err();
        assert!(matches!(used, Error::Conflict { .. }), "{used:?}");
    }
    for key in desired.services.keys() {
        bed.remove(Subject::Service(key.clone())).await.unwrap();
    }
    for subject in subjects.into_iter().rev() {
        bed.until_removed(subject).await;
    }
    bed.remove(Subject::Service(web())).await.unwrap();
    assert_eq!(bed.observe().await.configs, BTreeMap::<String, ObservedFile>::new());
}

pub(crate) async fn labels_leave_tasks_current_and_images_do_not(bed: &Bed) {
    let mut desired = with_web(bed, Service { stop_grace_period: Some(Nanos::seconds(1)), ..sleeper() });
    bed.create_all(&desired).await;
    let first = bed.until_task("running", |task| task.state == TaskState::Running && task.current).await;

    desired.services.get_mut(&web()).unwrap().labels.insert("l".into(), "1".into());
    desired.services.get_mut(&web()).unwrap().constraints = vec!["node.role == manager".into()];
    bed.update(&desired, "web", &bed.observe().await).await.unwrap();
    let same = bed.until("labelled", |web| web.service.labels.contains_key("l")).await;
    assert_eq!(same.tasks.iter().map(|task| (&task.id, task.current)).collect::<Vec<_>>(), [(&first.id, true)]);
    assert_eq!(same.update_state, "");

    desired.services.get_mut(&web()).unwrap().image = IMAGES[1].into();
    bed.update(&desired, "web", &bed.observe().await).await.unwrap();
    let replaced = bed.until("updated", |web| web.update_state == "completed").await;
    assert_eq!(replaced.tasks[0].state, TaskState::Running);
    let current: Vec<bool> = replaced.tasks.iter().map(|task| task.current).collect();
    assert_eq!(current, [true, false]);
    assert_eq!(replaced.tasks[1].desired, TaskState::Shutdown);
}

pub(crate) async fn ports_replace_tasks(bed: &Bed) {
    let mut desired = with_web(bed, sleeper());
    bed.create_all(&desired).await;
    let first = bed.until_task("running", |task| task.state == TaskState::Running).await;
    let free = TcpListener::bind("0.0.0.0:0").unwrap().local_addr().unwrap().port();
    let port = Port { published: Some(free), target: 80, mode: "host".into(), ..Port::default() };
    desired.services.get_mut(&web()).unwrap().ports = vec![port];
    bed.update(&desired, "web", &bed.observe().await).await.unwrap();
    let old = bed.observe().await.services[&web()].tasks.iter().find(|task| task.id == first.id).cloned();
    assert!(old.is_some_and(|task| !task.current), "the old task has not the port, though its spec is the same");
    bed.until_task("replaced", |task| task.id != first.id && task.current && task.state == TaskState::Running).await;
}

pub(crate) async fn a_job_that_is_removed_stops(bed: &Bed) {
    let job = Service { mode: Mode::ReplicatedJob(Some(1)), stop_grace_period: Some(Nanos::seconds(1)), ..sleeper() };
    bed.create_all(&with_web(bed, job)).await;
    let task = bed.until_task("running", |task| task.state == TaskState::Running).await;
    bed.until_removed(Subject::Service(web())).await;
    assert_eq!(bed.observe().await.services.len(), 0);
    bed.until_gone(&format!("/tasks/{}", task.id)).await;
}

pub(crate) async fn a_crash_shows_its_exit_code_and_its_log(bed: &Bed) {
    let name = bed.stack.scoped("web");
    if let Some(world) = &bed.world {
        world.script(&name, Behaviour::Crash { exit_code: 3, after: Duration::ZERO });
        world.log(&name, &["first", "\u{1b}[31mboom\u{1b}[0m"]);
    }
    let command = "echo first; printf '\\033[31mboom\\033[0m\\n' >&2; sleep 1; exit 3";
    let entrypoint = ["/bin/busybox", "sh", "-c", command].map(String::from).into();
    let desired = with_web(bed, Service { entrypoint, ..sleeper() });
    bed.create_all(&desired).await;

    let failed = bed.until_task("failed", |task| task.state == TaskState::Failed).await;
    assert_eq!((failed.exit_code, failed.error.as_str()), (Some(3), "task: non-zero exit (3)"));
    assert_eq!(failed.desired, TaskState::Shutdown);
    let mut lines = bed.swarm.logs(&failed.id, 10).await.unwrap();
    lines.sort();
    assert_eq!(lines, ["boom", "first"]);
    let next = bed.until_task("tried again", |task| task.id != failed.id && task.current).await;
    assert!(next.created >= failed.created);
}

pub(crate) async fn a_missing_image_is_told(bed: &Bed) {
    if let Some(world) = &bed.world {
        world.script("skep-test/none:1", Behaviour::NoSuchImage);
    }
    let desired = with_web(bed, Service { image: "skep-test/none:1".into(), ..sleeper() });
    bed.create_all(&desired).await;
    let rejected = bed.until_task("rejected", |task| task.state == TaskState::Rejected).await;
    assert_eq!(rejected.exit_code, None);
    // From Docker 29 on, whose images are containerd's, the error is containerd's, too.
    let known = ["No such image: skep-test/none:1", "failed to resolve reference \"docker.io/skep-test/none:1\""];
    assert!(known.iter().any(|known| rejected.error.starts_with(known)), "{}", rejected.error);
}

pub(crate) async fn what_was_set_by_hand_is_seen_and_goes_but_for_the_force_counter(bed: &Bed) {
    let desired = with_web(bed, sleeper());
    bed.create_all(&desired).await;
    let mut live = bed.inspect().await;
    live["Spec"]["TaskTemplate"]["ContainerSpec"]["Groups"] = json!(["wheel"]);
    live["Spec"]["TaskTemplate"]["ForceUpdate"] = 7.into();
    let path = format!("/services/{}/update", live["ID"].as_str().unwrap());
    let by_hand = Call::post(path, live["Spec"].clone()).with("version", &live["Version"]["Index"]);
    bed.engine.call(by_hand).await.unwrap();

    let changed = bed.observe().await;
    assert_eq!(changed.services[&web()].service.group_add, ["wheel"]);
    // Swarm notes the state of its own update on the service, so that the version may have moved on meanwhile.
    let mut outcome = bed.update(&desired, "web", &changed).await;
    while let Err(Error::OutOfSequence { .. }) = outcome {
        outcome = bed.update(&desired, "web", &bed.observe().await).await;
    }
    outcome.unwrap();
    assert_eq!(bed.observe().await.services[&web()].unknown, BTreeMap::new());
    assert_eq!(bed.inspect().await["Spec"]["TaskTemplate"]["ForceUpdate"], 7);
}

pub(crate) async fn records_are_kept_and_belong_to_no_stack(bed: &Bed) {
    let release = |id| Release {
        id: ReleaseId(id),
        origin: Origin {
            repository: "shop".into(),
            branch: None,
            commit: "a".repeat(40).parse().unwrap(),
            tree: "b".repeat(40).parse().unwrap(),
            author: "Ada <ada@example.com>".into(),
            subject: "Sell more".into(),
        },
        owner: None,
        cause: Cause::Command,
        created: jiff::Timestamp::UNIX_EPOCH,
        images: BTreeMap::from([(web(), IMAGES[0].into())]),
        desired: Some(rich(bed)),
        phase: Phase::rolling(jiff::Timestamp::UNIX_EPOCH),
        stack: bed.stack.clone(),
        recorded: jiff::Timestamp::UNIX_EPOCH,
    };
    for id in 1..=12 {
        bed.store.add(&Lease::of_command(), &release(id)).await.unwrap();
    }
    assert!(matches!(bed.store.add(&Lease::of_command(), &release(12)).await, Err(store::Error::Taken { .. })));

    let (rolling, promoted) = (release(1).phase, Phase::promoted(jiff::Timestamp::UNIX_EPOCH));
    bed.store.set_phase(&Lease::of_command(), &bed.stack, ReleaseId(12), &rolling, &promoted).await.unwrap();
    let late = bed.store.set_phase(&Lease::of_command(), &bed.stack, ReleaseId(12), &rolling, &promoted).await;
    assert!(matches!(late, Err(store::Error::OutOfSequence { .. })));

    bed.store.thin(&Lease::of_command(), &bed.stack, &BTreeSet::from([ReleaseId(12)])).await.unwrap();
    let records = bed.store.history(&bed.stack).await.unwrap();
    assert_eq!(records.damaged, []);
    assert!(records.releases.iter().map(|it| it.id.0).eq(3..=12));
    let recorded = |nth: usize| records.releases[nth].recorded;
    assert_eq!(records.releases[9], Release { phase: promoted, recorded: recorded(9), ..release(12) });
    assert_eq!(records.releases[8], Release { desired: None, recorded: recorded(8), ..release(11) });
    assert!(recorded(9) > jiff::Timestamp::UNIX_EPOCH, "the swarm says when it took a record");
    assert_eq!(bed.store.stacks().await.unwrap()[&bed.stack], records);

    let observed = bed.observe().await;
    assert_eq!(observed.configs, BTreeMap::new());
    assert!(!observed.foreign.configs.iter().any(|name| name.contains(bed.stack.as_str())));
}

pub(crate) async fn what_is_external_is_found(bed: &Bed) {
    // A config that was just created, and so was not observed, is found as one of somebody else's is.
    let (early, observed) = (bed.swarm.overview().await.unwrap(), bed.observe().await);
    assert!(["ingress", "host"].iter().all(|name| observed.foreign.networks.contains(name)));
    let desired = rich(bed);
    for name in desired.networks.keys() {
        bed.create(&desired, Subject::Network(name.clone())).await.unwrap();
    }
    bed.create(&desired, Subject::Config(bed.stack.scoped("page"))).await.unwrap();
    let change = |subject| skep::plan::Change::new(subject, skep::plan::Action::Create);
    let missing = bed
        .swarm
        .perform(&Lease::of_command(), &change(Subject::Service(web())), &desired, &observed)
        .await
        .unwrap_err();
    assert_eq!(missing.to_string(), format!("there is no secret `{}`", bed.stack.scoped("key")));
    bed.create(&desired, Subject::Secret(bed.stack.scoped("key"))).await.unwrap();
    bed.swarm.perform(&Lease::of_command(), &change(Subject::Service(web())), &desired, &observed).await.unwrap();
    let overview = bed.swarm.overview().await.unwrap();
    assert!(overview.stacks().any(|name| *name == bed.stack));
    let one = bed.observe().await;
    let services = |observed: &Observed| {
        observed.services.values().map(|it| (it.id.clone(), it.service.clone())).collect::<Vec<_>>()
    };
    // All looks show the same, also among what others had before.
    let among = async |overview| bed.swarm.observe_among(&bed.stack, overview).await.unwrap();
    for other in [overview.stack(&bed.stack).unwrap(), among(&overview).await, among(&early).await] {
        assert_eq!(services(&other), services(&one));
        assert_eq!((&other.networks, &other.configs, &other.secrets), (&one.networks, &one.configs, &one.secrets));
    }
}

pub(crate) async fn the_hosts_network_has_its_name(bed: &Bed) {
    // Docker has two networks of that name: the node's, which it lists, and the swarm's, which it does not.
    let networks = BTreeMap::from([("host".to_owned(), Attachment::default())]);
    let desired = with_web(bed, Service { networks: networks.clone(), ..sleeper() });
    let early = bed.swarm.overview().await.unwrap();
    bed.create_all(&desired).await;
    assert_eq!(bed.observe().await.services[&web()].service.networks, networks);
    let among = bed.swarm.observe_among(&bed.stack, &early).await.unwrap();
    assert_eq!(among.services[&web()].service.networks, networks);
}

/// Every field alone, and all of them together, in forms that the engine stores in another way than they are sent, or
/// not at all.
pub(crate) async fn planning_after_applying_is_empty_however_it_is_written(bed: &Bed) {
    let mut desired = rich(bed);
    for (number, service) in odd_services(bed).into_iter().enumerate() {
        desired.services.insert(format!("odd{number}").parse().unwrap(), service);
    }
    bed.create_all(&desired).await;
    let observed = bed.observe().await;
    let plan = Plan::between(&desired, &observed, &Removable::default());
    assert!(plan.is_empty(), "{}", plan.to_text(Color::Never));
    // What was read is sent back: an update of all that the engine made of it leaves it as it was.
    for name in desired.services.keys().filter(|name| name.as_str().starts_with("odd")) {
        let observed = bed.observe().await;
        bed.update(&desired, name.as_str(), &observed).await.unwrap();
    }
    let plan = Plan::between(&desired, &bed.observe().await, &Removable::default());
    assert!(plan.is_empty(), "{}", plan.to_text(Color::Never));
}

/// Services without tasks: what the engine makes of their bodies is all that matters.
fn odd_services(bed: &Bed) -> Vec<Service> {
    let idle = || Service { mode: Mode::Replicated(Some(0)), ..sleeper() };
    let text = |text: &str| Some(text.to_owned());
    let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
    let joined = |aliases: &[&str]| {
        BTreeMap::from([(bed.stack.scoped("front"), Attachment { aliases: words(aliases), ..Attachment::default() })])
    };
    let zero = || {
        Some(Healthcheck {
            test: words(&["NONE"]),
            interval: Some(Nanos(0)),
            timeout: Some(Nanos(0)),
            start_period: Some(Nanos(0)),
            retries: Some(0),
            ..Healthcheck::default()
        })
    };
    let update = |update: UpdateConfig| Some(update);
    let port = |published, target, protocol: &str, mode: &str| Port {
        published,
        target,
        protocol: protocol.into(),
        mode: mode.into(),
    };
    vec![
        idle(),
        Service { working_dir: text(""), user: text(""), hostname: text(""), stop_signal: text(""), ..idle() },
        Service { isolation: text("default"), endpoint_mode: text("dnsrr"), ..idle() },
        Service { init: Some(false), tty: true, stdin_open: true, read_only: true, ..idle() },
        Service { healthcheck: zero(), ..idle() },
        Service { healthcheck: Some(Healthcheck::default()), ..idle() },
        Service { stop_grace_period: Some(Nanos(0)), ..idle() },
        Service { logging: Some(Logging::default()), ..idle() },
        Service { restart_policy: Some(RestartPolicy::default()), ..idle() },
        Service {
            restart_policy: Some(RestartPolicy {
                condition: "none".into(),
                delay: Some(Nanos(0)),
                max_attempts: Some(0),
                window: Some(Nanos(0)),
            }),
            ..idle()
        },
        Service {
            update_config: update(UpdateConfig::default()),
            rollback_config: update(UpdateConfig::default()),
            ..idle()
        },
        Service {
            update_config: update(UpdateConfig {
                parallelism: 1,
                delay: Some(Nanos(0)),
                failure_action: "rollback".into(),
                monitor: Some(Nanos(0)),
                max_failure_ratio: 1.0,
                order: "start-first".into(),
            }),
            ..idle()
        },
        Service { constraints: words(&["node.role == manager", "node.hostname != x", "node.role==manager"]), ..idle() },
        Service { preferences: words(&["node.labels.b", "node.labels.a"]), ..idle() },
        Service { networks: joined(&["z", "a", "odd"]), ..idle() },
        Service { networks: joined(&[]), ..idle() },
        Service {
            ports: vec![port(None, 53, "udp", "host"), port(None, 53, "tcp", "host"), port(Some(0), 80, "", "host")],
            ..idle()
        },
        Service { extra_hosts: words(&["10.0.0.2 b", "10.0.0.1 a", "::1 six"]), ..idle() },
        Service { dns: words(&["9.9.9.9", "1.1.1.1"]), dns_search: words(&["b.example", "a.example"]), ..idle() },
        Service {
            environment: BTreeMap::from([("EMPTY".into(), text("")), ("Z".into(), None), ("A".into(), text("="))]),
            ..idle()
        },
        Service { labels: BTreeMap::from([("empty".into(), String::new())]), ..idle() },
        Service { cap_add: words(&["ALL"]), cap_drop: words(&["CAP_MKNOD", "CAP_CHOWN"]), ..idle() },
        Service { limits: Resources { pids: 7, ..Resources::default() }, ..idle() },
        Service {
            volumes: vec![
                Mount { target: "/z".into(), kind: "tmpfs".into(), ..Mount::default() },
                Mount {
                    target: "/n".into(),
                    kind: "volume".into(),
                    source: bed.stack.scoped("n"),
                    volume: Some(VolumeOptions { nocopy: true, ..VolumeOptions::default() }),
                    consistency: "cached".into(),
                    ..Mount::default()
                },
                Mount { target: "/b".into(), kind: "bind".into(), source: "/tmp".into(), ..Mount::default() },
            ],
            ..idle()
        },
        Service { mode: Mode::ReplicatedJob(Some(0)), ..sleeper() },
    ]
}

pub(crate) async fn a_service_is_made_anew_in_another_mode(bed: &Bed) {
    let mut desired = with_web(bed, sleeper());
    bed.create_all(&desired).await;
    let before = bed.until_task("running", |task| task.state == TaskState::Running).await;
    desired.services.get_mut(&web()).unwrap().mode = Mode::Global;
    let observed = bed.observe().await;
    let plan = Plan::between(&desired, &observed, &Removable::default());
    assert!(matches!(plan.changes[0].action, Action::Recreate { restarts: 1, .. }), "{:?}", plan.changes);
    bed.swarm.perform(&Lease::of_command(), &plan.changes[0], &desired, &observed).await.unwrap();
    let after = bed.until_task("running", |task| task.state == TaskState::Running && task.id != before.id).await;
    assert_eq!(after.slot, 0);
    assert!(Plan::between(&desired, &bed.observe().await, &Removable::default()).is_empty());
}

/// What [`ObjectKind`] objects to is what the engine refuses, and nothing else.
pub(crate) async fn a_name_is_refused_where_we_say_so(bed: &Bed) {
    let stack = bed.stack.as_str();
    let long = |length: usize| stack.to_owned() + &"a".repeat(length - stack.len());
    let short =
        ["-a", "_a__b", "A", ".a", "..a", " a", "_", "-", ".", "/a", ":a", "é"].map(|end| format!("{stack}{end}"));
    let names = short.into_iter().chain([format!("-{stack}"), format!("_{stack}"), long(63), long(64), long(65)]);
    let (content, labels) = (b"hush".to_vec(), BTreeMap::new());
    let config = Config::Own { content: content.clone(), labels: labels.clone(), template_driver: None };
    let content = SecretBytes::new(content);
    let secret = Secret::Own { content, labels, template_driver: None, driver: None };
    for name in names {
        let mut desired = bed.stack();
        desired.networks.insert(name.clone(), Network::Own(OwnNetwork::default()));
        desired.configs.insert(name.clone(), config.clone());
        desired.secrets.insert(name.clone(), secret.clone());
        for (kind, subject) in [
            (ObjectKind::Network, Subject::Network(name.clone())),
            (ObjectKind::Config, Subject::Config(name.clone())),
            (ObjectKind::Secret, Subject::Secret(name.clone())),
        ] {
            let made = bed.create(&desired, subject.clone()).await;
            assert_eq!(made.is_err(), kind.objection(&name).is_some(), "{subject}: {made:?}");
            if made.is_ok() {
                bed.until_removed(subject).await;
            }
        }
    }
}

pub(crate) async fn a_secret_with_other_content_is_known_by_an_update_that_cannot_be(bed: &Bed) {
    let name = bed.stack.scoped("key");
    let holding = |content: &str| {
        let (content, labels) = (SecretBytes::new(content.into()), BTreeMap::new());
        let mut desired = bed.stack();
        desired.secrets.insert(name.clone(), Secret::Own { content, labels, template_driver: None, driver: None });
        desired
    };
    bed.create_all(&holding("hush")).await;
    let observed = bed.observe().await;
    let changed = async |content: &str| bed.swarm.changed_secrets(&holding(content), &observed).await;
    assert_eq!(changed("hush").await, BTreeSet::new());
    assert_eq!(changed("hush, hush").await, BTreeSet::from([name.clone()]));
    assert_eq!(bed.observe().await.secrets, observed.secrets, "nothing was written");
}

pub(crate) async fn who_is_around_is_seen(bed: &Bed) {
    // Another stack has a port of its node, and the stack wants the same.
    let other: StackName = format!("{}-o", bed.stack).parse().unwrap();
    let port = Port { published: Some(18_766), target: 80, protocol: "tcp".into(), mode: "host".into() };
    let proxy = Service { ports: vec![port.clone()], ..sleeper() };
    let mut theirs = Stack { services: BTreeMap::from([(web(), proxy)]), ..Stack::empty(other.clone()) };
    theirs.networks.insert(other.scoped("front"), Network::Own(OwnNetwork::default()));
    theirs.services.get_mut(&web()).unwrap().networks.insert(other.scoped("front"), Attachment::default());
    let nothing = bed.swarm.observe(&other).await.unwrap();
    for subject in [Subject::Network(other.scoped("front")), Subject::Service(web())] {
        bed.swarm
            .perform(&Lease::of_command(), &skep::plan::Change::new(subject, Action::Create), &theirs, &nothing)
            .await
            .unwrap();
    }
    let desired = with_web(bed, Service { ports: vec![port], ..sleeper() });
    let mut seen = bed.swarm.survey(&desired).await;
    for _ in 0..100 {
        if seen.services.iter().any(|it| it.name == other.scoped("web") && !it.nodes.is_empty()) {
            break;
        }
        bed.wait().await;
        seen = bed.swarm.survey(&desired).await;
    }
    let found = seen.services.iter().find(|it| it.name == other.scoped("web")).cloned();
    let (network, pool) = (seen.networks.get(&other.scoped("front")).cloned(), seen.pool.clone());
    let plan = Plan::between(&desired, &bed.observe().await, &Removable::default());
    let preflight = Preflight::of(&desired, &bed.observe().await, &seen, &plan);
    let there = bed.swarm.observe(&other).await.unwrap();
    bed.swarm
        .perform(
            &Lease::of_command(),
            &skep::plan::Change::new(Subject::Service(web()), Action::Remove),
            &theirs,
            &there,
        )
        .await
        .unwrap();
    for _ in 0..200 {
        let removal = skep::plan::Change::new(Subject::Network(other.scoped("front")), Action::Remove);
        if bed.swarm.perform(&Lease::of_command(), &removal, &theirs, &there).await.is_ok() {
            break;
        }
        bed.wait().await;
    }

    let found = found.unwrap();
    assert_eq!((found.stack.as_deref(), found.has_virtual_address), (Some(other.as_str()), true));
    assert!(found.networks.contains(&other.scoped("front")) && !found.nodes.is_empty(), "{found:?}");
    assert!(network.is_some_and(|network| network.is_of_the_swarm && network.subnets.len() == 1));
    assert!(pool.is_some_and(|pool| pool.prefix >= 8 && !pool.nets.is_empty()));
    assert!(bed.observe().await.nodes.iter().all(|node| node.role == "manager" && node.resources.memory > 0));
    assert_eq!(preflight.obstacles.len(), 1, "{:?}", preflight.obstacles);
    assert!(preflight.obstacles[0].message.contains("18766/tcp"), "{:?}", preflight.obstacles);
}

pub(crate) async fn what_is_removed_is_seen_until_it_has_stopped(bed: &Bed) {
    let stubborn = Service {
        entrypoint: ["/bin/busybox", "sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"].map(String::from).into(),
        stop_grace_period: Some(Nanos::seconds(3)),
        ..sleeper()
    };
    bed.create_all(&with_web(bed, stubborn)).await;
    let task = bed.until_task("running", |task| task.state == TaskState::Running).await;
    bed.remove(Subject::Service(web())).await.unwrap();
    let observed = bed.observe().await;
    assert_eq!(observed.services.len(), 0);
    let leaving: Vec<_> = observed.leaving.iter().map(|task| (&task.id, task.desired > TaskState::Complete)).collect();
    assert_eq!(leaving, [(&task.id, true)]);
    bed.until_gone(&format!("/tasks/{}", task.id)).await;
    assert_eq!(bed.observe().await.leaving, []);
}

pub(crate) async fn a_port_of_another_service_is_refused(bed: &Bed) {
    let ports = vec![Port { published: Some(18_767), target: 80, ..Port::default() }];
    let mut desired = with_web(bed, Service { ports: ports.clone(), mode: Mode::Replicated(Some(0)), ..sleeper() });
    bed.create_all(&desired).await;
    let api: ServiceName = "api".parse().unwrap();
    desired.services.insert(api.clone(), Service { ports, ..sleeper() });
    let refused = bed.create(&desired, Subject::Service(api)).await.unwrap_err();
    assert!(!refused.is_transient(), "{refused}");
    assert!(refused.to_string().contains("already in use"), "{refused}");
}

/// A stack that says as much as a stack of one node can.
fn rich(bed: &Bed) -> Stack {
    let scoped = |key: &str| bed.stack.scoped(key);
    let labels = |key: &str| BTreeMap::from([(key.to_owned(), "1".to_owned())]);
    let network =
        OwnNetwork { attachable: true, labels: labels("n"), subnets: vec![subnet(bed)], ..OwnNetwork::default() };
    let config = Config::Own { content: b"hello".to_vec(), labels: labels("c"), template_driver: None };
    let secret = Secret::Own {
        content: SecretBytes::new(b"secret".to_vec()),
        labels: labels("s"),
        template_driver: None,
        driver: None,
    };
    Stack {
        networks: BTreeMap::from([(scoped("front"), Network::Own(network))]),
        configs: BTreeMap::from([(scoped("page"), config)]),
        secrets: BTreeMap::from([(scoped("key"), secret)]),
        services: BTreeMap::from([
            (web(), rich_service(bed)),
            ("agent".parse().unwrap(), Service { mode: Mode::Global, ..sleeper() }),
            ("job".parse().unwrap(), Service { mode: Mode::ReplicatedJob(Some(0)), ..sleeper() }),
        ]),
        ..bed.stack()
    }
}

/// One of its own for every scenario, so that they can run at the same time.
fn subnet(bed: &Bed) -> String {
    let number = bed.stack.as_str().bytes().fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
    format!("10.213.{number}.0/24")
}

#[expect(clippy::too_many_lines, reason = "a list of all that a service can say")]
fn rich_service(bed: &Bed) -> Service {
    let text = |text: &str| Some(text.to_owned());
    let labels = |key: &str| BTreeMap::from([(key.to_owned(), "1".to_owned())]);
    let file = |source: &str, target: &str| FileReference {
        source: bed.stack.scoped(source),
        target: target.into(),
        uid: "0".into(),
        gid: "0".into(),
        mode: 0o444,
    };
    let volume = VolumeOptions {
        nocopy: true,
        labels: labels("v"),
        owned: true,
        driver: "local".into(),
        ..VolumeOptions::default()
    };
    Service {
        environment: BTreeMap::from([("A".into(), text("1=2")), ("GONE".into(), None)]),
        working_dir: text("/"),
        user: text("0"),
        hostname: text("web"),
        init: Some(true),
        stop_signal: text("SIGTERM"),
        stop_grace_period: Some(Nanos::seconds(1)),
        healthcheck: Some(Healthcheck {
            test: ["CMD", "/bin/busybox", "true"].map(String::from).into(),
            interval: Some(Nanos::seconds(1)),
            timeout: Some(Nanos::seconds(3)),
            retries: Some(2),
            ..Healthcheck::default()
        }),
        labels: labels("d"),
        container_labels: labels("l"),
        volumes: vec![
            Mount {
                target: "/a".into(),
                kind: "volume".into(),
                source: bed.stack.scoped("a"),
                volume: Some(volume),
                ..Mount::default()
            },
            Mount {
                target: "/b".into(),
                kind: "bind".into(),
                source: "/tmp".into(),
                read_only: true,
                propagation: "rslave".into(),
                ..Mount::default()
            },
            Mount {
                target: "/c".into(),
                kind: "volume".into(),
                source: bed.stack.scoped("c"),
                volume: Some(VolumeOptions::default()),
                ..Mount::default()
            },
            Mount { target: "/d".into(), kind: "volume".into(), ..Mount::default() },
            Mount { target: "/t".into(), kind: "tmpfs".into(), tmpfs_size: 1 << 20, ..Mount::default() },
        ],
        configs: vec![file("page", "/page")],
        secrets: vec![file("key", "key")],
        networks: BTreeMap::from([(
            bed.stack.scoped("front"),
            Attachment { aliases: vec!["shop".into(), "web".into()], ..Attachment::default() },
        )]),
        extra_hosts: vec!["10.0.0.1 db".into()],
        dns: vec!["10.0.0.2".into()],
        dns_search: vec!["example.com".into()],
        cap_add: vec!["CAP_NET_ADMIN".into()],
        cap_drop: vec!["CAP_MKNOD".into()],
        sysctls: BTreeMap::from([("net.ipv4.ip_forward".into(), "1".into())]),
        ulimits: BTreeMap::from([("nofile".into(), (100, 200))]),
        logging: Some(Logging {
            driver: "json-file".into(),
            options: BTreeMap::from([("max-size".into(), "1m".into())]),
        }),
        mode: Mode::Replicated(Some(2)),
        limits: Resources { nano_cpus: 500_000_000, memory: 64 << 20, pids: 50, ..Resources::default() },
        reservations: Resources { nano_cpus: 10_000_000, memory: 8 << 20, ..Resources::default() },
        restart_policy: Some(RestartPolicy {
            condition: "on-failure".into(),
            delay: Some(Nanos::seconds(2)),
            max_attempts: Some(3),
            window: Some(Nanos::seconds(20)),
        }),
        update_config: Some(UpdateConfig {
            parallelism: 0,
            delay: Some(Nanos::seconds(1)),
            failure_action: "pause".into(),
            monitor: Some(Nanos::seconds(1)),
            max_failure_ratio: 0.5,
            order: "start-first".into(),
        }),
        rollback_config: Some(UpdateConfig { parallelism: 1, ..UpdateConfig::default() }),
        constraints: vec!["node.role == manager".into()],
        preferences: vec!["node.labels.zone".into()],
        max_replicas_per_node: 3,
        ports: vec![Port { target: 80, ..Port::default() }],
        endpoint_mode: Some("vip".into()),
        ..sleeper()
    }
}

/// What an engine of API 1.41 fills in when a service is read; found here, compared away in `plan`.
fn with_defaults(mut service: Service) -> Service {
    service.isolation.get_or_insert_with(|| "default".into());
    service.endpoint_mode.get_or_insert_with(|| "vip".into());
    if service.mode == Mode::Replicated(None) {
        service.mode = Mode::Replicated(Some(1));
    }
    for port in &mut service.ports {
        port.protocol = "tcp".into();
        port.mode = "ingress".into();
    }
    for update in [&mut service.update_config, &mut service.rollback_config].into_iter().flatten() {
        fill_in(&mut update.failure_action, "pause");
        fill_in(&mut update.order, "stop-first");
    }
    service
}

fn fill_in(text: &mut String, default: &str) {
    if text.is_empty() {
        default.clone_into(text);
    }
}
