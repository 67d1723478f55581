//! What is a node's trouble, and not the version's.

use insta::assert_snapshot;

use super::*;
use crate::health::nodes::stall;

/// Two nodes: `n1`, which has this trouble, and `n2`.
fn with_node(scene: &Scene, trouble: impl FnOnce(&mut Node)) -> Observed {
    let mut observed = scene.observed();
    trouble(&mut observed.nodes[0]);
    observed.nodes.push(Node { id: "n2".into(), hostname: "n2".into(), available: true, ..Node::default() });
    observed
}

fn goes_down(node: &mut Node) {
    (node.available, node.down) = (false, true);
}

/// The verdict when this has been so for that many seconds.
fn after(scene: &Scene, observed: &Observed, seconds: i64) -> String {
    let desired = scene.desired();
    let watch = Watch::default().after(&desired, observed, SINCE).after(&desired, observed, at(seconds));
    shown(&judge(&desired, &BTreeSet::from([&web()]), observed, SINCE, &watch, at(seconds)))
}

fn crash(seconds: i64) -> Task {
    failed(1, "task: non-zero exit (137)", Some(137), seconds)
}

#[test]
fn tasks_that_were_lost_with_their_node_are_no_crash_loop() {
    let scene = Scene::of(vec![crash(20), crash(26), crash(32)]);
    let came_back = |second: i64| after(&scene, &with_node(&scene, |node| node.last_away = Some(at(second))), 40);
    assert_snapshot!(came_back(-100), @"web: 3 tasks failed in 13 s: exit code 137 (killed, often because it was out of memory)");
    assert_snapshot!(came_back(30), @"settling: web 0/1 new");
    assert_snapshot!(after(&scene, &with_node(&scene, goes_down), 40), @"settling: web 0/1 new");
    let gone = |seconds| failed(1, "No such container: web.1.x", None, seconds);
    let restarted = Scene::of(vec![gone(20), gone(26), gone(32)]);
    assert_snapshot!(after(&restarted, &with_node(&restarted, |_| {}), 40), @"settling: web 0/1 new");
    // What fails again long after the node is back has failed by itself.
    let again = Scene::of(vec![crash(20), crash(70), crash(76), crash(82)]);
    let observed = with_node(&again, |node| node.last_away = Some(at(30)));
    assert_snapshot!(after(&again, &observed, 90), @"web: 3 tasks failed in 13 s: exit code 137 (killed, often because it was out of memory)");
}

#[test]
fn what_ended_when_its_engine_was_restarted_is_no_failure_of_the_version() {
    let scene = Scene::of(vec![crash(20), crash(26), crash(32)]);
    let restarted = |second: i64| after(&scene, &with_node(&scene, |node| node.restarted = Some(at(second))), 40);
    assert_snapshot!(restarted(28), @"settling: web 0/1 new");
    assert_snapshot!(restarted(-100), @"web: 3 tasks failed in 13 s: exit code 137 (killed, often because it was out of memory)");
    // The first alone was lost with it; two failures are no crash loop yet.
    assert_snapshot!(restarted(12), @"settling: web 0/1 new");
    let stopped = Scene::of(vec![ended(1, TaskState::Complete, 20), ended(1, TaskState::Complete, 26), crash(32)]);
    let observed = with_node(&stopped, |node| node.restarted = Some(at(26)));
    assert_snapshot!(after(&stopped, &observed, 40), @"settling: web 0/1 new");
    let outside = Task { error: "cannot create a swarm scoped network when swarm is not active".into(), ..crash(20) };
    let outside = Scene::of(vec![outside.clone(), outside.clone(), outside]);
    assert_snapshot!(after(&outside, &with_node(&outside, |_| {}), 40), @"settling: web 0/1 new");
}

#[test]
fn an_engine_was_restarted_when_nothing_survives_and_what_ran_for_long_ended_too() {
    let lived = |service: &str, task: Task, life: i64| {
        let created = at(task.since.as_second() - SINCE.as_second() - life);
        (service.to_owned(), Task { created, ..task })
    };
    let runs = |service: &str, since: i64| lived(service, Task { since: at(since), ..task(1, TaskState::Running) }, 1);
    let restarted = |tasks: &[(String, Task)]| was_restarted(at(30), tasks);
    let (new, old) = (lived("web", crash(29), 2), lived("db", crash(31), 90));
    assert!(restarted(&[new.clone(), old.clone()]));
    assert!(restarted(&[new.clone(), old.clone(), runs("db", 36)]), "what came after it");
    assert!(
        restarted(&[new.clone(), lived("db", ended(1, TaskState::Complete, 30), 90)]),
        "it ended well, as it was told"
    );
    assert!(!restarted(&[new.clone(), old.clone(), runs("mail", 5)]), "something survives");
    assert!(!restarted(&[new.clone(), lived("db", crash(29), 3)]), "two new services crash");
    assert!(!restarted(&[new.clone(), lived("web", crash(29), 90)]), "one service crashes");
    assert!(!restarted(&[new.clone(), lived("db", ended(1, TaskState::Shutdown, 30), 90)]), "it was told to stop");
    assert!(!restarted(&[new, lived("db", crash(60), 90)]), "it ended later");
}

#[test]
fn a_node_is_suspected_when_its_record_changed_as_a_task_ended() {
    let suspected = |task: Task, changed: i64| {
        let scene = Scene::of(vec![task]);
        let suspected = changed_nodes(&with_node(&scene, |node| node.changed = Some(at(changed))));
        suspected.into_iter().map(|(node, _)| node).collect::<Vec<_>>()
    };
    assert_eq!(suspected(crash(20), 21), ["n1"]);
    assert!(suspected(crash(20), 31).is_empty());
    assert!(suspected(task(1, TaskState::Running), 0).is_empty());
    assert!(suspected(old(crash(20)), 21).is_empty(), "an older version");
}

#[test]
fn a_task_waits_for_the_node_that_could_run_it() {
    let error = "no suitable node (scheduling constraints not satisfied on 1 node)".to_owned();
    let scene = Scene::of(vec![Task { error, node: String::new(), ..task(1, TaskState::Pending) }])
        .with(|web| web.constraints = vec!["node.hostname == n1".into()]);
    assert_snapshot!(after(&scene, &with_node(&scene, goes_down), 60), @"settling: web 0/1 node n1 is down");
    let another = scene.with(|web| web.constraints = vec!["node.hostname == n3".into()]);
    assert_snapshot!(after(&another, &with_node(&another, goes_down), 60), @"web: a task finds no node: no node satisfies `node.hostname == n3`: n2 has n2 there; help: change `deploy.placement.constraints`, or the node (`docker node update`)");
}

#[test]
fn an_update_that_waits_for_a_node_that_is_down_is_stalled() {
    let scene = |state, task: Task| {
        let scene = Scene::of(vec![task]).updating(state, "update in progress");
        let observed = with_node(&scene, goes_down);
        stall(&observed.services[&web()], &observed.nodes, SINCE)
    };
    let shut_down = |state| Task { desired: TaskState::Shutdown, ..task(1, state) };
    let stalled = Some(Stall::NodeDown { node: "n1".into() });
    assert_eq!(scene("updating", shut_down(TaskState::Starting)), stalled);
    assert_eq!(scene("updating", task(1, TaskState::Preparing)), stalled, "not told to go yet");
    assert_eq!(scene("rollback_started", shut_down(TaskState::Starting)), stalled);
    assert_eq!(scene("updating", shut_down(TaskState::Running)), None, "it had started: the updater went on");
    assert_eq!(scene("updating", old(shut_down(TaskState::Starting))), None, "of an update that was begun anew");
    assert_eq!(scene("completed", shut_down(TaskState::Starting)), None);
    let given_up = Task { node: String::new(), ..shut_down(TaskState::Pending) };
    assert_eq!(scene("updating", given_up), Some(Stall::NeverStarts), "no node has taken it");
    let waits = |desired| Task { node: String::new(), desired, ..task(1, TaskState::Pending) };
    assert_eq!(scene("updating", waits(TaskState::Running)), None, "a node may yet take it");
    assert_eq!(scene("updating", waits(TaskState::Complete)), None, "a job");
    assert_eq!(scene("updating", Task { node: "n2".into(), ..task(1, TaskState::Starting) }), None);
}

#[test]
fn an_update_that_stopped_because_of_a_node_goes_on() {
    let lost = Task { id: "lost".into(), ..crash(30) };
    let message = "update paused due to failure or early termination of task lost";
    let scene = Scene::of(vec![lost]).updating("paused", message);
    let stalled = |observed: &Observed, recorded| stalled(&scene.desired(), observed, recorded);
    let away = with_node(&scene, |node| node.last_away = Some(at(31)));
    assert_eq!(stalled(&away, SINCE), [(web(), Stall::Stopped)]);
    assert_snapshot!(after(&scene, &away, 40), @"settling: web 0/1 new");
    let well = with_node(&scene, |_| {});
    assert_eq!(stalled(&well, SINCE), []);
    assert_snapshot!(after(&scene, &well, 40), @"web: the update stopped: a new task failed: exit code 137 (killed, often because it was out of memory)");
    assert_eq!(stalled(&well, at(1)), [(web(), Stall::Stopped)], "in an earlier release");
    let rolled_back = Scene::of(scene.tasks.clone()).updating("rollback_started", message);
    let symptoms = rolled_back_by(&rolled_back, &with_node(&rolled_back, |node| node.last_away = Some(at(31))));
    assert_eq!(symptoms.blame, Blame::Surroundings);
    assert_snapshot!(symptoms.message, @"Swarm rolled the service back: a new task was lost with node n1");
}

#[test]
fn an_update_that_stopped_because_swarm_stopped_a_task_goes_on() {
    let drained = Task { id: "gone".into(), ..ended(1, TaskState::Shutdown, 30) };
    let message = "update paused due to failure or early termination of task gone";
    let scene = Scene::of(vec![drained.clone()]).updating("paused", message);
    let observed = with_node(&scene, |_| {});
    assert_eq!(stalled(&scene.desired(), &observed, SINCE), [(web(), Stall::Stopped)]);
    assert_snapshot!(after(&scene, &observed, 40), @"settling: web 0/1 new");
    let rolled_back = Scene::of(vec![drained]).updating("rollback_started", message);
    let symptom = rolled_back_by(&rolled_back, &with_node(&rolled_back, |_| {}));
    assert_eq!(symptom.blame, Blame::Surroundings);
    assert_snapshot!(symptom.message, @"Swarm rolled the service back: a new task on node n1 was told to stop");
}

fn rolled_back_by(scene: &Scene, observed: &Observed) -> Symptom {
    rolled_back(&scene.desired(), observed, SINCE).remove(0)
}

#[test]
fn at_the_deadline_the_node_is_blamed_for_all_of_it() {
    let stuck = Task { desired: TaskState::Shutdown, ..task(1, TaskState::Starting) };
    let scene = Scene::of(vec![stuck]);
    let mut desired = scene.desired();
    let mut observed = with_node(&scene, goes_down);
    let other: ServiceName = "api".parse().unwrap();
    let sick = Task { node: "n2".into(), ..task(1, TaskState::Starting) };
    desired.services.insert(other.clone(), Service::default());
    observed.services.insert(other, ObservedService { tasks: vec![sick], ..observed.services[&web()].clone() });
    let symptoms = overdue(&desired, &observed, SINCE, &Watch::default());
    assert!(symptoms.iter().all(|symptom| symptom.blame == Blame::Surroundings));
    assert_snapshot!(shown(&Verdict::Unhealthy(symptoms)).replace(", web", "\nweb"), @"
    api: 0 of 1 tasks run at the deadline; the others: starting; help: a task runs only once its health check passes: try the check's command in the container, or give it a longer `start_period`
    web: 0 of 1 tasks run at the deadline: node n1 is down; help: fix that, and deploy again: these files are not quarantined
    ");
}
