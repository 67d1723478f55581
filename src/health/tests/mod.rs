mod causes;
mod checks;
mod nodes;

use insta::assert_snapshot;
use jiff::ToSpan as _;

use super::*;
use crate::plan::observed::Node;
use crate::stack::{Healthcheck, Nanos, RestartPolicy, UpdateConfig};

/// When the rollout began.
const SINCE: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// A service of one or more tasks, at the new spec unless a test says otherwise.
struct Scene {
    service: Service,
    tasks: Vec<Task>,
    update: (&'static str, &'static str),
}

impl Scene {
    fn of(tasks: Vec<Task>) -> Self {
        Self { service: Service::default(), tasks, update: ("", "") }
    }

    fn with(self, change: impl FnOnce(&mut Service)) -> Self {
        let mut scene = self;
        change(&mut scene.service);
        scene
    }

    fn updating(self, state: &'static str, message: &'static str) -> Self {
        Self { update: (state, message), ..self }
    }

    fn desired(&self) -> Stack {
        let mut stack = Stack::empty("shop".parse().unwrap());
        stack.services.insert(web(), self.service.clone());
        stack
    }

    fn observed(&self) -> Observed {
        let there = ObservedService {
            version: 1,
            service: self.service.clone(),
            update_state: self.update.0.into(),
            update_message: self.update.1.into(),
            update_started: SINCE,
            tasks: self.tasks.clone(),
            ..ObservedService::default()
        };
        let mut observed = Observed::nothing("shop".parse().unwrap());
        observed.services.insert(web(), there);
        observed.nodes.push(Node { id: "n1".into(), hostname: "n1".into(), available: true, ..Node::default() });
        observed
    }

    /// The verdict when this has been so for that many seconds.
    fn after(&self, seconds: i64) -> String {
        let (desired, observed, now) = (self.desired(), self.observed(), at(seconds));
        let watch = Watch::default().after(&desired, &observed, SINCE).after(&desired, &observed, now);
        shown(&judge(&desired, &BTreeSet::from([&web()]), &observed, SINCE, &watch, now))
    }
}

#[test]
fn a_service_is_healthy_when_it_ran_for_the_stability_window() {
    let scene = Scene::of(vec![task(1, TaskState::Running)]);
    assert_eq!(scene.after(9), "settling");
    assert_eq!(scene.after(10), "healthy");
}

#[test]
fn what_is_waited_for_is_told() {
    let waits = |tasks| Scene::of(tasks).after(60);
    let pending = Task { error: "no suitable node (1 node drained)".into(), ..task(1, TaskState::New) };
    assert_snapshot!(waits(vec![]), @"settling: web 0/1 new");
    assert_snapshot!(waits(vec![task(1, TaskState::Pending)]), @"settling: web 0/1 waiting for a node");
    assert_snapshot!(waits(vec![pending]), @"settling: web 0/1 no suitable node (1 node drained)");
    assert_snapshot!(waits(vec![task(1, TaskState::Preparing)]), @"settling: web 0/1 getting the image");
    assert_snapshot!(waits(vec![task(1, TaskState::Starting)]), @"settling: web 0/1 starting");
    assert_snapshot!(waits(vec![task(1, TaskState::Running), old(task(2, TaskState::Running))]), @"settling: web 1/1 stopping the old ones");
    let three =
        Scene::of(vec![task(1, TaskState::Running), task(2, TaskState::Starting), task(3, TaskState::Preparing)]);
    assert_snapshot!(three.with(|web| web.mode = Mode::Replicated(Some(3))).after(60), @"settling: web 1/3 getting the image");
}

#[test]
fn swarm_may_watch_an_update_longer_only_where_the_author_says_so() {
    let updating = |monitor| {
        let scene = Scene::of(vec![task(1, TaskState::Running)]).updating("updating", "");
        scene.with(|web| web.update_config = Some(UpdateConfig { monitor, ..UpdateConfig::default() })).after(60)
    };
    assert_snapshot!(updating(Some(Nanos::seconds(30))), @"settling: web 1/1 updating");
    assert_snapshot!(updating(None), @"healthy");
}

#[test]
fn three_failures_of_one_replica_are_a_crash_loop() {
    let crash = |seconds| failed(1, "task: non-zero exit (1)", Some(1), seconds);
    assert_snapshot!(Scene::of(vec![crash(2), crash(8)]).after(9), @"settling: web 0/1 new");
    assert_snapshot!(Scene::of(vec![crash(2), crash(8), crash(14)]).after(15), @"web: 3 tasks failed in 13 s: exit code 1");
}

#[test]
fn failures_of_several_replicas_are_not_one_loop() {
    let crash = |slot| failed(slot, "task: non-zero exit (1)", Some(1), 2);
    let scene = Scene::of(vec![crash(1), crash(2), crash(3)]).with(|web| web.mode = Mode::Replicated(Some(3)));
    assert_snapshot!(scene.after(3), @"settling: web 0/3 new");
}

#[test]
fn what_failed_before_the_rollout_or_at_an_old_spec_does_not_count() {
    let crash = |seconds| failed(1, "task: non-zero exit (1)", Some(1), seconds);
    let before = Scene::of(vec![crash(-60), crash(-50), crash(-40), task(1, TaskState::Running)]);
    assert_eq!(before.after(60), "healthy");
    let old = Scene::of(vec![old(crash(1)), old(crash(2)), old(crash(3)), task(1, TaskState::Running)]);
    assert_eq!(old.after(60), "healthy");
}

#[test]
fn a_clock_of_the_manager_that_is_a_little_late_hides_no_failure() {
    let crash = |seconds| failed(1, "task: non-zero exit (1)", Some(1), seconds);
    assert_snapshot!(Scene::of(vec![crash(-3), crash(-2), crash(-1)]).after(1), @"web: 3 tasks failed in 3 s: exit code 1");
}

#[test]
fn causes_are_told_in_words_and_with_what_to_do() {
    let of = |error: &str, code| {
        let crash = |seconds| failed(1, error, code, seconds);
        Scene::of(vec![crash(1), crash(2), crash(3)]).after(9)
    };
    assert_snapshot!(of("task: non-zero exit (137)", Some(137)), @"web: 3 tasks failed in 3 s: exit code 137 (killed, often because it was out of memory)");
    assert_snapshot!(of("task: non-zero exit (2): dockerexec: unhealthy container", Some(2)), @"web: 3 tasks failed in 3 s: its health check failed");
    assert_snapshot!(of("No such image: shop:9", None), @"web: 3 tasks failed in 3 s: the image cannot be pulled: No such image: shop:9; help: check the image's name and tag, and that the nodes can reach and log in to its registry");
    assert_snapshot!(of("invalid mount config for type \"bind\": bind source path does not exist: /data/x", None), @"web: 3 tasks failed in 3 s: the folder `/data/x` to mount does not exist on the node; help: the folder must exist on the node that runs the task: create it, or use a named volume");
    assert_snapshot!(of("starting container failed: port is already allocated", Some(128)), @"web: 3 tasks failed in 3 s: its port is already in use on the node; help: another program on the node uses the port: free it, or publish another port");
}

#[test]
fn a_server_that_ends_by_itself_has_failed_too() {
    let end = |seconds| Task { exit_code: Some(0), ..ended(1, TaskState::Complete, seconds) };
    assert_snapshot!(Scene::of(vec![end(1), end(2), end(3)]).after(9), @"web: 3 tasks failed in 3 s: it exited with code 0");
}

#[test]
fn a_service_that_may_end_is_served_by_a_task_that_ended_well() {
    let end = Task { exit_code: Some(0), ..ended(1, TaskState::Complete, 1) };
    for condition in ["none", "on-failure"] {
        assert_eq!(
            Scene::of(vec![end.clone()]).with(|web| web.restart_policy = Some(policy(condition))).after(60),
            "healthy"
        );
    }
    assert_snapshot!(Scene::of(vec![end]).with(|web| web.restart_policy = Some(policy("any"))).after(60), @"settling: web 0/1 new");
}

#[test]
fn a_task_that_is_not_replaced_is_a_symptom_at_once() {
    let crash = failed(1, "task: non-zero exit (3)", Some(3), 1);
    let scene = Scene::of(vec![crash.clone()]).with(|web| web.restart_policy = Some(policy("none")));
    assert_snapshot!(scene.after(2), @"web: a task failed and is not replaced: exit code 3");
    let replaced =
        Scene::of(vec![task(1, TaskState::Running), crash]).with(|web| web.restart_policy = Some(policy("none")));
    assert_eq!(replaced.after(60), "healthy");
}

#[test]
fn an_update_that_swarm_stopped_is_a_symptom() {
    let crash = || failed(1, "task: non-zero exit (1)", Some(1), 2);
    let paused = "update paused due to failure or early termination of task x";
    assert_snapshot!(Scene::of(vec![crash()]).updating("paused", paused).after(3), @"web: the update stopped: a new task failed: exit code 1");
    assert_snapshot!(Scene::of(vec![]).updating("paused", paused).after(3), @"web: the update stopped: update paused due to failure or early termination of task x");
}

#[test]
fn what_swarm_rolled_back_since_the_release_was_recorded_is_a_symptom() {
    let crash = |seconds| old(failed(1, "task: non-zero exit (1)", Some(1), seconds));
    let scene = |state, seconds| Scene::of(vec![crash(seconds)]).updating(state, "rollback completed");
    let said = |scene: &Scene| {
        let symptoms = rolled_back(&scene.desired(), &scene.observed(), SINCE);
        symptoms.iter().map(|it| it.message.clone()).collect::<Vec<_>>().join(", ")
    };
    for state in ["rollback_started", "rollback_paused", "rollback_completed"] {
        assert_eq!(said(&scene(state, 2)), "Swarm rolled the service back: a new task failed: exit code 1");
    }
    assert_eq!(said(&scene("rollback_completed", -9)), "Swarm rolled the service back: rollback completed");
    for state in ["updating", "completed", "paused", ""] {
        assert_eq!(said(&scene(state, 2)), "", "{state}");
    }
    let mut observed = scene("rollback_completed", 2).observed();
    observed.services.get_mut(&web()).unwrap().update_started = at(-1);
    assert_eq!(rolled_back(&scene("", 2).desired(), &observed, SINCE), [], "an earlier release's");

    let ended = Task { id: "ended".into(), exit_code: Some(0), ..ended(1, TaskState::Complete, 1) };
    let message = format!("update rolled back due to failure or early termination of task {}", ended.id);
    let mut observed = Scene::of(vec![old(ended)]).updating("rollback_started", "").observed();
    observed.services.get_mut(&web()).unwrap().update_message = message;
    let may_end = Scene::of(vec![]).with(|web| web.restart_policy = Some(policy("none"))).desired();
    let symptom = rolled_back(&may_end, &observed, SINCE).remove(0);
    assert_snapshot!(symptom.message, @"Swarm rolled the service back: a new task failed: it exited with code 0");
    assert_snapshot!(symptom.help.unwrap(), @"Swarm counts every end of a task within `update_config.monitor` as a failure: use `failure_action: pause`");
}

#[test]
fn an_update_that_swarm_may_roll_back_is_waited_for() {
    let scene = Scene::of(vec![task(1, TaskState::Running)]).updating("updating", "");
    let update = UpdateConfig { failure_action: "rollback".into(), ..UpdateConfig::default() };
    assert_snapshot!(scene.with(|web| web.update_config = Some(update)).after(60), @"settling: web 1/1 updating");
}

#[test]
fn no_node_is_a_symptom_when_it_lasts() {
    let homeless = |error: &str| {
        let tasks = vec![Task { error: format!("no suitable node ({error})"), ..task(1, TaskState::Pending) }];
        Scene::of(tasks)
    };
    assert_snapshot!(homeless("1 node drained").after(19), @"settling: web 0/1 no suitable node (1 node drained)");
    assert_snapshot!(homeless("scheduling constraints not satisfied on 1 node").after(20), @"web: a task finds no node: no suitable node (scheduling constraints not satisfied on 1 node); help: change `deploy.placement.constraints`, or the node (`docker node update`)");
    assert_snapshot!(homeless("host-mode port already in use on 1 node").after(20), @"web: a task finds no node: no suitable node (host-mode port already in use on 1 node); help: the port is in use on every node that may run the task: free it, or update with `order: stop-first`");
    assert_snapshot!(homeless("insufficient resources on 1 node").after(20), @"web: a task finds no node: no suitable node (insufficient resources on 1 node); help: lower `deploy.resources.reservations`, or add a node");
}

#[test]
fn the_constraint_that_leaves_no_node_is_told_with_what_the_nodes_have() {
    let error = "no suitable node (scheduling constraints not satisfied on 2 nodes)".to_owned();
    let scene = Scene::of(vec![Task { error, ..task(1, TaskState::Pending) }])
        .with(|web| web.constraints = ["node.role == worker", "node.labels.disk == ssd"].map(String::from).into());
    let mut observed = scene.observed();
    let node = |hostname: &str, disk: Option<&str>| Node {
        hostname: hostname.into(),
        available: true,
        role: "worker".into(),
        labels: disk.map(|disk| ("disk".to_owned(), disk.to_owned())).into_iter().collect(),
        ..Node::default()
    };
    observed.nodes = vec![node("east", Some("hdd")), node("west", None)];
    let (desired, now) = (scene.desired(), at(20));
    let watch = Watch::default().after(&desired, &observed, SINCE).after(&desired, &observed, now);
    assert_snapshot!(shown(&judge(&desired, &BTreeSet::from([&web()]), &observed, SINCE, &watch, now)), @"web: a task finds no node: no node satisfies `node.labels.disk == ssd`: east has hdd, west has nothing there; help: change `deploy.placement.constraints`, or the node (`docker node update`)");
}

#[test]
fn a_job_is_tried_as_often_as_its_author_says() {
    let job = |crashes: i64, more| {
        let crash = |nth| failed(1, "task: non-zero exit (4)", Some(4), nth);
        let tasks = (1..=crashes).map(crash).collect();
        let policy = RestartPolicy { max_attempts: Some(more), ..policy("on-failure") };
        Scene::of(tasks)
            .with(|web| (web.mode, web.restart_policy) = (Mode::ReplicatedJob(Some(1)), Some(policy)))
            .after(9)
    };
    assert_snapshot!(job(1, 1), @"settling: web 0/1 new");
    assert_snapshot!(job(2, 1), @"web: a task failed 2 times and is not replaced: exit code 4");
    assert_snapshot!(job(4, 4), @"settling: web 0/1 new");
    assert_snapshot!(job(5, 4), @"web: 5 tasks failed in 5 s: exit code 4");
    assert_snapshot!(job(3, 0), @"web: 3 tasks failed in 3 s: exit code 4");
}

#[test]
fn a_job_is_healthy_when_it_has_ended_well() {
    let job = |tasks| Scene::of(tasks).with(|web| web.mode = Mode::ReplicatedJob(Some(1)));
    let done = Task { desired: TaskState::Complete, exit_code: Some(0), ..ended(1, TaskState::Complete, 1) };
    assert_snapshot!(job(vec![task(1, TaskState::Running)]).after(60), @"settling: web 0/1 new");
    assert_eq!(job(vec![done.clone()]).after(60), "healthy");
    let on_every_node = Scene::of(vec![Task { slot: 0, ..done }]).with(|web| web.mode = Mode::GlobalJob);
    assert_eq!(on_every_node.after(60), "healthy");
}

#[test]
fn a_global_service_runs_wherever_swarm_made_a_task() {
    let global = |tasks| Scene::of(tasks).with(|web| web.mode = Mode::Global);
    let on = |node: &str, state| Task { id: node.into(), slot: 0, node: node.into(), ..task(0, state) };
    assert_snapshot!(global(vec![]).after(60), @"settling: web 0/0 new");
    assert_snapshot!(global(vec![on("n1", TaskState::Running), on("n2", TaskState::Starting)]).after(60), @"settling: web 1/2 starting");
    assert_eq!(global(vec![on("n1", TaskState::Running), on("n2", TaskState::Running)]).after(60), "healthy");
}

#[test]
fn the_window_begins_again_when_a_task_is_replaced() {
    let with = |id: &str| Scene::of(vec![Task { id: id.into(), ..task(1, TaskState::Running) }]);
    let (first, second) = (with("first"), with("second"));
    let desired = first.desired();
    let watch = Watch::default().after(&desired, &first.observed(), at(0)).after(&desired, &second.observed(), at(9));
    let verdict = |seconds| {
        let watch = watch.after(&desired, &second.observed(), at(seconds));
        shown(&judge(&desired, &BTreeSet::from([&web()]), &second.observed(), SINCE, &watch, at(seconds)))
    };
    assert_eq!([verdict(10), verdict(18), verdict(19)], ["settling", "settling", "healthy"]);
}

/// With `stable` below Swarm's restart delay, a task that lives a little longer than the window would pass otherwise.
#[test]
fn a_task_has_to_outlive_the_one_before_it_that_failed() {
    let second = Task { id: "second".into(), created: at(9), ..task(1, TaskState::Running) };
    let crash = Task { created: at(1), ..failed(1, "task: non-zero exit (1)", Some(1), 5) };
    let scene = Scene::of(vec![second, crash]);
    let mut desired = scene.desired();
    desired.settings.stable = Nanos::seconds(1);
    let watch = Watch::default().after(&desired, &scene.observed(), at(10));
    let verdict = |seconds| {
        let watch = watch.after(&desired, &scene.observed(), at(seconds));
        shown(&judge(&desired, &BTreeSet::from([&web()]), &scene.observed(), SINCE, &watch, at(seconds)))
    };
    // The first lived for four seconds.
    assert_eq!([verdict(11), verdict(18), verdict(19)], ["settling", "settling", "healthy"]);
}

#[test]
fn what_is_about_to_be_removed_disturbs_nobody() {
    let (nothing, leaving) = (Stack::empty("shop".parse().unwrap()), |id: &str| {
        Scene::of(vec![Task { id: id.into(), ..task(1, TaskState::Running) }]).observed()
    });
    let watch = Watch::default().after(&nothing, &leaving("first"), at(0)).after(&nothing, &leaving("second"), at(10));
    assert_eq!(judge(&nothing, &BTreeSet::new(), &leaving("second"), SINCE, &watch, at(10)), Verdict::Healthy);
}

#[test]
fn the_deadline_tells_what_was_waited_for() {
    let overdue = |scene: &Scene| {
        shown(&Verdict::Unhealthy(overdue(&scene.desired(), &scene.observed(), SINCE, &Watch::default())))
    };
    assert_snapshot!(overdue(&Scene::of(vec![task(1, TaskState::Starting)])), @"web: 0 of 1 tasks run at the deadline; the others: starting; help: a task runs only once its health check passes: try the check's command in the container, or give it a longer `start_period`");
    assert_snapshot!(overdue(&Scene::of(vec![task(1, TaskState::Preparing)])), @"web: 0 of 1 tasks run at the deadline; the others: getting the image");
    assert_snapshot!(overdue(&Scene::of(vec![failed(1, "No such image: shop:9", None, 1)])), @"web: 0 of 1 tasks run at the deadline; the others: new; help: check the image's name and tag, and that the nodes can reach and log in to its registry");
    assert_snapshot!(overdue(&Scene::of(vec![task(1, TaskState::Running)])), @"tasks came up but never all of them for the stability window (`x-skep.stable`)");
}

#[test]
fn a_deadline_before_the_first_health_check_is_told() {
    let check = |start_period, start_interval| Healthcheck {
        test: vec!["CMD".into(), "check".into()],
        interval: Some(Nanos::seconds(900)),
        start_period,
        start_interval,
        ..Healthcheck::default()
    };
    let overdue = |check| {
        let scene = Scene::of(vec![task(1, TaskState::Starting)]).with(|web| web.healthcheck = Some(check));
        shown(&Verdict::Unhealthy(overdue(&scene.desired(), &scene.observed(), SINCE, &Watch::default())))
    };
    assert_snapshot!(overdue(check(None, None)), @"web: 0 of 1 tasks run at the deadline; the others: starting; help: its health check first runs 15m after the start, and the deadline is 10m: raise `x-skep.deadline`, or lower `healthcheck.interval`");
    let soon = overdue(check(Some(Nanos::seconds(60)), Some(Nanos::seconds(1))));
    assert!(!soon.contains("deadline is"), "{soon}");
}

#[test]
fn who_depends_on_a_service_waits_for_its_tasks_but_not_for_the_window() {
    let up = |scene: &Scene| is_up(&web(), &scene.desired(), &scene.observed());
    assert!(up(&Scene::of(vec![task(1, TaskState::Running)])));
    assert!(!up(&Scene::of(vec![task(1, TaskState::Starting)])));
    assert!(!is_up(&"db".parse().unwrap(), &Scene::of(vec![]).desired(), &Scene::of(vec![]).observed()));
}

#[test]
fn a_service_waits_for_what_its_dependency_says() {
    let met = |condition, tasks: Vec<Task>| {
        let scene = Scene::of(tasks);
        is_met(condition, &web(), &scene.desired(), &scene.observed())
    };
    let table = [
        (TaskState::Preparing, [false, false, false]),
        (TaskState::Starting, [true, false, false]),
        (TaskState::Running, [true, true, false]),
        (TaskState::Complete, [true, false, true]),
        (TaskState::Failed, [false, false, false]),
    ];
    for (state, expected) in table {
        let conditions = [Condition::Started, Condition::Healthy, Condition::Completed];
        assert_eq!(conditions.map(|condition| met(condition, vec![task(1, state)])), expected, "{state:?}");
    }
    assert!(!met(Condition::Completed, vec![old(task(1, TaskState::Complete))]), "at an old spec");
    assert!(!met(Condition::Started, Vec::new()));
}

fn web() -> ServiceName {
    "web".parse().unwrap()
}

fn at(seconds: i64) -> Timestamp {
    SINCE + seconds.seconds()
}

fn task(slot: u64, state: TaskState) -> Task {
    Task {
        id: format!("task {slot}"),
        slot,
        node: "n1".into(),
        current: true,
        state,
        desired: TaskState::Running,
        since: SINCE,
        created: SINCE,
        ..Task::default()
    }
}

fn old(task: Task) -> Task {
    Task { current: false, ..task }
}

/// A task that was made and ended so many seconds after the rollout began; it lasted a second.
fn ended(slot: u64, state: TaskState, seconds: i64) -> Task {
    Task { desired: TaskState::Shutdown, created: at(seconds - 1), since: at(seconds), ..task(slot, state) }
}

fn failed(slot: u64, error: &str, exit_code: Option<i64>, seconds: i64) -> Task {
    Task { error: error.into(), exit_code, ..ended(slot, TaskState::Failed, seconds) }
}

fn policy(condition: &str) -> RestartPolicy {
    RestartPolicy { condition: condition.into(), delay: Some(Nanos::seconds(1)), ..RestartPolicy::default() }
}

/// A verdict on one line.
fn shown(verdict: &Verdict) -> String {
    let waiting = |one: &Waiting| format!("settling: {} {}/{} {}", one.service, one.running, one.wanted, one.what);
    let symptom = |one: &Symptom| {
        let service = one.service.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
        let help = one.help.as_ref().map(|help| format!("; help: {help}")).unwrap_or_default();
        format!("{service}{}{help}", one.message)
    };
    match verdict {
        Verdict::Healthy => "healthy".into(),
        Verdict::Settling(services) if services.is_empty() => "settling".into(),
        Verdict::Settling(services) => services.iter().map(waiting).collect::<Vec<_>>().join(", "),
        Verdict::Unhealthy(symptoms) => symptoms.iter().map(symptom).collect::<Vec<_>>().join(", "),
    }
}
