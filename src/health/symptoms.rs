//! Why a service will not become healthy: one function for each condition, the most informative first.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::cause::{self, Cause, Evidence};
use super::{Blame, CLOCK_SKEW, CRASHES, Symptom, WITHOUT_NODE, Waiting, nodes, place};
use crate::name::ServiceName;
use crate::plan::observed::{Node, ObservedService, Task, TaskState};
use crate::plan::placement;
use crate::stack::{Healthcheck, Nanos, Service};
use crate::time;

/// The most nodes named in a message.
const NODES: usize = 5;
/// How often a health check runs unless it says otherwise (moby `daemon/health.go`).
const CHECK_INTERVAL: Nanos = Nanos::seconds(30);

/// Observations of the swarm besides the service.
pub(super) struct Seen<'a> {
    /// Tasks without an eligible node, and since when.
    pub(super) pending: &'a BTreeMap<String, Timestamp>,
    pub(super) nodes: &'a [Node],
}

/// The symptom of a service, if it has one.
pub(super) fn of(
    name: &ServiceName,
    service: &Service,
    there: &ObservedService,
    seen: &Seen<'_>,
    since: Timestamp,
    now: Timestamp,
) -> Option<Symptom> {
    let failed: Vec<&Task> = failed(service, there, seen.nodes, since).collect();
    let symptom = update_stopped(service, there, &failed, seen.nodes, since)
        .or_else(|| hopeless(service, &failed))
        .or_else(|| crash_loop(service, &failed))
        .or_else(|| gave_up(service, there, &failed))
        .or_else(|| no_node(service, there, seen, now))?;
    Some(Symptom { service: Some(name.clone()), ..symptom })
}

/// The failed tasks of this rollout, except those not caused by the version.
pub(super) fn failed<'a>(
    service: &'a Service,
    there: &'a ObservedService,
    nodes: &'a [Node],
    since: Timestamp,
) -> impl Iterator<Item = &'a Task> {
    let begin = time::before(since, CLOCK_SKEW);
    let of_rollout = move |task: &&Task| task.current && task.created >= begin;
    let failed = move |task: &&Task| has_failed(service, task) && !nodes::is_lost(task, nodes);
    there.tasks.iter().filter(of_rollout).filter(failed)
}

/// Whether a task ended although it should not: it failed, or Swarm restarts it whenever it ends.
fn has_failed(service: &Service, task: &Task) -> bool {
    let ended = task.state == TaskState::Complete && !service.is_job() && !service.may_end();
    task.has_failed() || ended
}

/// Swarm's own update paused because a task of this rollout failed.
fn update_stopped(
    service: &Service,
    there: &ObservedService,
    failed: &[&Task],
    nodes: &[Node],
    since: Timestamp,
) -> Option<Symptom> {
    let is_ours = there.update_started >= time::before(since, CLOCK_SKEW);
    if there.update_state != "paused" || !is_ours || nodes::is_excused(there, nodes) {
        return None;
    }
    Some(match failed.first() {
        // Swarm takes every end within the monitored time for a failure, also that of a task that is to end (swarmkit
        // `manager/orchestrator/update/updater.go`, `Run`).
        None if service.may_end() => return None,
        Some(task) => about(task, "the update stopped: a new task failed", cause(task, service)),
        None => Symptom::whole_stack(format!("the update stopped: {}", there.update_message)),
    })
}

/// Swarm has rolled the service back (`failure_action: rollback`, or a manual rollback).
pub(super) fn rolled_back(service: &Service, there: &ObservedService, nodes: &[Node]) -> Symptom {
    let what = "Swarm rolled the service back";
    let culprit = culprit(service, there);
    if let Some(said) = culprit.and_then(|task| task.registry_away.as_ref()) {
        let message = format!("{what}: the registry of its image does not respond: {said}");
        return Symptom { blame: Blame::Surroundings, ..Symptom::whole_stack(message) };
    }
    if let Some(task) = culprit.filter(|task| task.was_stopped()) {
        let node = nodes.iter().find(|node| node.id == task.node).map(|node| format!(" on node {}", node.hostname));
        let message = format!("{what}: a new task{} was told to stop", node.unwrap_or_default());
        return Symptom { blame: Blame::Surroundings, ..Symptom::whole_stack(message) };
    }
    if let Some(node) = culprit.and_then(|task| nodes::lost_with(task, nodes)) {
        let message = format!("{what}: a new task was lost with node {}", node.hostname);
        return Symptom { blame: Blame::Surroundings, ..Symptom::whole_stack(message) };
    }
    let symptom = match culprit {
        Some(task) => about(task, &format!("{what}: a new task failed"), cause(task, service)),
        None => Symptom::whole_stack(format!("{what}: {}", there.update_message)),
    };
    let counted =
        "Swarm counts every end of a task within `update_config.monitor` as a failure: use `failure_action: pause`";
    let help = symptom.help.or_else(|| service.may_end().then(|| counted.to_owned()));
    Symptom { help, ..symptom }
}

/// The task for which Swarm gave up its update: the one that it names, or the newest that failed since the update began.
fn culprit<'a>(service: &Service, there: &'a ObservedService) -> Option<&'a Task> {
    let failed = |task: &&Task| task.created >= there.update_started && has_failed(service, task);
    nodes::named_culprit(there).or_else(|| there.tasks.iter().find(failed))
}

/// A task failed for a reason that is the same on every node and at every attempt.
fn hopeless(service: &Service, failed: &[&Task]) -> Option<Symptom> {
    let causes = failed.iter().map(|task| (task, cause(task, service)));
    let (task, cause) = causes.into_iter().find(|(_, cause)| cause.is_certain)?;
    Some(about(task, "a task cannot be started", cause))
}

/// The same replica failed again and again.
fn crash_loop(service: &Service, failed: &[&Task]) -> Option<Symptom> {
    let mut slots: BTreeMap<(u64, &str), Vec<&Task>> = BTreeMap::new();
    for task in failed {
        slots.entry(place(task)).or_default().push(task);
    }
    let crashes = slots.into_values().find(|tasks| tasks.len() >= allowed_failures(service))?;
    let newest = crashes.iter().max_by_key(|task| task.created)?;
    let oldest = crashes.iter().min_by_key(|task| task.created)?;
    let span = newest.since.duration_since(oldest.created).as_secs().max(1);
    Some(about(newest, &format!("{} tasks failed in {span} s", failed.len()), cause(newest, service)))
}

/// The number of failures of one replica that are too many. For a job, the file determines it.
fn allowed_failures(service: &Service) -> usize {
    match attempts(service) {
        Some(attempts) if service.is_job() => CRASHES.max(attempts),
        _ => CRASHES,
    }
}

/// How often Swarm starts a task in one place, where the file bounds it (swarmkit
/// `manager/orchestrator/restart/restart.go`, `shouldRestart`).
fn attempts(service: &Service) -> Option<usize> {
    let policy = service.restart_policy.as_ref()?;
    if policy.condition == "none" {
        return Some(1);
    }
    let more = policy.max_attempts.filter(|more| *more > 0)?;
    Some(usize::try_from(more).unwrap_or(usize::MAX).saturating_add(1))
}

/// A replica failed and Swarm will not replace it.
fn gave_up(service: &Service, there: &ObservedService, failed: &[&Task]) -> Option<Symptom> {
    let attempts = attempts(service)?;
    let lives = |lost: &Task| there.tasks.iter().any(|task| place(task) == place(lost) && !task.state.is_over());
    let tried = |lost: &Task| failed.iter().filter(|task| place(task) == place(lost)).count();
    let task = failed.iter().find(|task| tried(task) >= attempts && !lives(task))?;
    let times = if attempts > 1 { format!(" {attempts} times") } else { String::new() };
    Some(about(task, &format!("a task failed{times} and is not replaced"), cause(task, service)))
}

/// A task has no eligible node, not even one that is down.
fn no_node(service: &Service, there: &ObservedService, seen: &Seen<'_>, now: Timestamp) -> Option<Symptom> {
    let long =
        |task: &&Task| seen.pending.get(&task.id).is_some_and(|since| now.duration_since(*since) >= WITHOUT_NODE);
    let task = there.tasks.iter().filter(|task| task.current).find(long)?;
    if nodes::missed_node(service, seen.nodes).is_some() {
        return None;
    }
    let (why, help) = if task.error.contains("host-mode port") {
        let help = "in use on every node that may run the task: free it, or update with `order: stop-first`";
        (None, format!("{} {help}", host_ports(service)))
    } else if task.error.contains("insufficient resources") {
        (None, "lower `deploy.resources.reservations`, or add a node".to_owned())
    } else {
        let help = "change `deploy.placement.constraints`, or the node (`docker node update`)";
        (excluded(service, seen.nodes), help.to_owned())
    };
    let why = why.unwrap_or_else(|| task.error.clone());
    Some(Symptom { help: Some(help), ..Symptom::whole_stack(format!("a task finds no node: {why}")) })
}

/// Which constraint leaves no node, and what the nodes have instead.
fn excluded(service: &Service, nodes: &[Node]) -> Option<String> {
    let available: Vec<&Node> = nodes.iter().filter(|node| node.available).collect();
    let constraints = placement::excluding(&service.constraints, &available);
    let named: Vec<String> = constraints.iter().map(|constraint| format!("`{constraint}`")).collect();
    if named.is_empty() || available.is_empty() {
        return None;
    }
    let value = |node: &Node, constraint: &str| node.value_for(constraint).unwrap_or("nothing").to_owned();
    let has = |node: &&Node| {
        let values: Vec<String> = constraints.iter().map(|constraint| value(node, constraint)).collect();
        format!("{} has {}", node.hostname, values.join(" and "))
    };
    let mut shown: Vec<String> = available.iter().take(NODES).map(has).collect();
    if available.len() > NODES {
        shown.push(format!("and {} more", available.len() - NODES));
    }
    Some(format!("no node satisfies {}: {} there", named.join(" and "), shown.join(", ")))
}

/// The ports of the node that a service asks for.
fn host_ports(service: &Service) -> String {
    let ports = service.ports.iter().filter(|port| port.mode == "host").filter_map(|port| port.published);
    let ports: Vec<String> = ports.map(|port| port.to_string()).collect();
    match &ports[..] {
        [] => "the port is".into(),
        [port] => format!("the port {port} is"),
        ports => format!("one of the ports {} is", ports.join(", ")),
    }
}

/// A service that was not up at the deadline.
pub(super) fn overdue(waiting: &Waiting, service: &Service, there: &ObservedService, deadline: Nanos) -> Symptom {
    let message =
        format!("{} of {} tasks run at the deadline; the others: {}", waiting.running, waiting.wanted, waiting.what);
    let last = there.tasks.iter().filter(|task| task.current).max_by_key(|task| task.created);
    let failed = last.filter(|task| task.has_failed()).map(|task| cause(task, service));
    let help = too_short(service, deadline).or_else(|| failed.and_then(|cause| cause.help)).or_else(|| {
        (waiting.what == "starting").then(|| {
            "a task runs only once its health check passes: try the check's command in the container, or give it a \
             longer `start_period`"
                .to_owned()
        })
    });
    let task = last.map(|task| task.id.clone());
    Symptom { service: Some(waiting.service.clone()), help, task, ..Symptom::whole_stack(message) }
}

/// A service that was not up at the deadline, because a node or a registry was not there.
pub(super) fn held_up(waiting: &Waiting, by: &str) -> Symptom {
    let message = format!("{} of {} tasks run at the deadline: {by}", waiting.running, waiting.wanted);
    let help = "fix that, and deploy again: these files are not quarantined";
    Symptom {
        service: Some(waiting.service.clone()),
        help: Some(help.to_owned()),
        blame: Blame::Surroundings,
        ..Symptom::whole_stack(message)
    }
}

/// That no task can be healthy before the deadline: the engine first runs a check after its interval (moby
/// `daemon/health.go`, `monitor`).
fn too_short(service: &Service, deadline: Nanos) -> Option<String> {
    let check = service.healthcheck.as_ref().filter(|check| check.test.first().is_some_and(|test| test != "NONE"))?;
    let first = first_check(check);
    (first >= deadline).then(|| {
        format!("its health check first runs {first} after the start, and the deadline is {deadline}: raise `x-skep.deadline`, or lower `healthcheck.interval`")
    })
}

/// How long after its start a container is first checked.
fn first_check(check: &Healthcheck) -> Nanos {
    let given = |time: Option<Nanos>| time.filter(|time| time.0 > 0);
    given(check.start_period)
        .and_then(|_| given(check.start_interval))
        .or(given(check.interval))
        .unwrap_or(CHECK_INTERVAL)
}

/// Everything was up, but never long enough: for the stability window, or for longer where a task has failed.
pub(super) fn unstable(stable: Nanos, window: SignedDuration) -> Symptom {
    if window <= SignedDuration::from_nanos(stable.0) {
        return Symptom::whole_stack(
            "tasks came up but never all of them for the stability window (`x-skep.stable`)".into(),
        );
    }
    let message = format!(
        "a task failed during the rollout, and the one in its place has not yet run for {} without failing, too",
        Nanos::seconds(window.as_secs())
    );
    let help =
        "see why it failed (`docker service ps`); give the release a longer `x-skep.deadline` if it may fail once";
    Symptom { help: Some(help.into()), ..Symptom::whole_stack(message) }
}

/// A symptom about a task: why it failed, and whose log tells more.
fn about(task: &Task, what: &str, cause: Cause) -> Symptom {
    Symptom {
        task: Some(task.id.clone()),
        help: cause.help,
        ..Symptom::whole_stack(format!("{what}: {}", cause.words))
    }
}

/// Why a task failed, as far as Swarm says.
fn cause(task: &Task, service: &Service) -> Cause {
    cause::of(task, service, &Evidence::default())
}

/// The checks of the stack's own were not made, because tasks of before could have answered them.
pub(super) fn draining(service: &ServiceName) -> Symptom {
    Symptom {
        service: Some(service.clone()),
        help: Some("shorten `stop_grace_period`, or raise `x-skep.deadline`".to_owned()),
        ..Symptom::whole_stack(
            "its old tasks have not stopped, and may still answer in the place of the new ones".to_owned(),
        )
    }
}
