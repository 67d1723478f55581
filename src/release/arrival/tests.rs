//! Who waits for whom, and that data never has two writers on its way from one service to another.

use proptest::prelude::*;

use super::*;
use crate::plan::observed::{Node, ObservedService, TaskState};
use crate::plan::{Color, Removable};
use crate::stack::{Mode, Mount};

fn writes(source: &str) -> Service {
    let mount =
        Mount { target: "/data".into(), kind: "bind".into(), source: format!("/data/{source}"), ..Mount::default() };
    Service { image: "db:1".into(), volumes: vec![mount], mode: Mode::Replicated(Some(1)), ..Service::default() }
}

fn publishes(mode: &str) -> Service {
    let port = Port { published: Some(80), target: 80, mode: mode.into(), ..Port::default() };
    Service { image: "web:1".into(), ports: vec![port], ..writes("pages") }
}

fn plain() -> Service {
    Service { volumes: Vec::new(), ..writes("") }
}

fn after(mut service: Service, other: &str) -> Service {
    service.depends_on.insert(other.parse().unwrap(), Condition::Healthy);
    service
}

fn stack(services: &[(&str, Service)]) -> Stack {
    let services = services.iter().map(|(name, service)| (name.parse().unwrap(), service.clone())).collect();
    Stack { services, ..Stack::empty("shop".parse().unwrap()) }
}

fn task(current: bool, holds: Vec<Hold>) -> Task {
    Task {
        id: "task".into(),
        slot: 1,
        node: "n1".into(),
        current,
        state: TaskState::Running,
        desired: if current { TaskState::Running } else { TaskState::Shutdown },
        holds,
        ..Task::default()
    }
}

fn there(service: &Service) -> ObservedService {
    let tasks = vec![task(true, Vec::new())];
    ObservedService { version: 1, service: service.clone(), tasks, ..ObservedService::default() }
}

/// A swarm that runs this stack.
fn runs(stack: &Stack) -> Observed {
    let services = stack.services.iter().map(|(name, service)| (name.clone(), there(service))).collect();
    let node = Node { id: "n1".into(), available: true, ..Node::default() };
    Observed { services, nodes: vec![node], ..Observed::nothing(stack.name.clone()) }
}

fn planned(to: &Stack, observed: &Observed) -> Plan {
    let services = observed.services.keys().cloned().collect();
    Plan::between(to, observed, &Removable { services, ..Removable::default() })
}

/// Carries changes out; what is replaced takes a round to stop.
fn carried_out(changes: &[Change], desired: &Stack, observed: &mut Observed) {
    observed.leaving.clear();
    observed.services.values_mut().for_each(|there| there.tasks.retain(|task| task.current));
    for change in changes {
        let name = change.subject.service().unwrap();
        let old = observed.services.get(name).map(|there| there.service.holds()).unwrap_or_default();
        if change.action == Action::Remove {
            observed.services.remove(name);
            observed.leaving.push(Task { desired: TaskState::Remove, ..task(false, old) });
        } else {
            let mut now = there(&desired.services[name]);
            now.tasks.push(task(false, old));
            observed.services.insert(name.clone(), now);
        }
    }
}

/// How a stack becomes another one, round by round, and the removals that are left.
fn story(from: &Stack, to: &Stack) -> String {
    let mut observed = runs(from);
    let mut told = Vec::new();
    for _ in 0..20 {
        let plan = planned(to, &observed);
        let Arrival { now, waiting } = next(&plan, to, &observed);
        let changes = now.changes.iter().map(|change| change.to_text(Color::Never));
        let waits = waiting.iter().map(|it| format!("{} {}/{} {}", it.service, it.running, it.wanted, it.what));
        let round: Vec<String> = changes.chain(waits).collect();
        if plan.changed_services().is_empty() {
            let left = plan.changes.iter().map(|change| format!("{} (last)", change.to_text(Color::Never)));
            return told.into_iter().chain(left).collect::<Vec<_>>().join("\n");
        }
        told.push(round.join(", "));
        carried_out(&now.changes, to, &mut observed);
    }
    panic!("it never ends: {}", told.join("\n"))
}

#[test]
fn a_service_with_another_name_starts_when_the_old_one_has_stopped() {
    let (old, new) = (stack(&[("db", writes("db"))]), stack(&[("postgres", writes("db"))]));
    insta::assert_snapshot!(story(&old, &new), @"
    - service db
    postgres 0/1 waiting until the folder /data/db is free
    + service postgres
    ");
    insta::assert_snapshot!(story(&new, &old), @"
    - service postgres
    db 0/1 waiting until the folder /data/db is free
    + service db
    ");
}

#[test]
fn the_plan_says_so() {
    let (old, new) = (stack(&[("db", writes("db"))]), stack(&[("postgres", writes("db")), ("web", plain())]));
    insta::assert_snapshot!(planned(&new, &runs(&old)).to_text(Color::Never), @"
    - service db (the file no longer has it)
    + service postgres (new in the file)
    + service web (new in the file)
    note: service db stops before service postgres starts, which takes over the folder /data/db
    2 to create, 0 to change, 1 to remove, 0 unchanged
    ");
}

#[test]
fn a_volume_and_a_port_may_move_between_services_that_stay() {
    let old = stack(&[("a", writes("db")), ("b", plain())]);
    let new = stack(&[("a", plain()), ("b", writes("db"))]);
    insta::assert_snapshot!(story(&old, &new), @"
    ~ service a: volumes./data kind=bind source=/data/db removed (restarts 1 task)
    b 1/1 waiting until the folder /data/db is free
    ~ service b: volumes./data set to kind=bind source=/data/db (restarts 1 task)
    ");
    let of_the_node = (stack(&[("front", publishes("host"))]), stack(&[("web", publishes("host"))]));
    insta::assert_snapshot!(story(&of_the_node.0, &of_the_node.1), @"
    - service front
    web 0/1 waiting until the folder /data/pages is free
    + service web
    ");
}

#[test]
fn what_depends_on_it_comes_after_it() {
    let old = stack(&[("db", writes("db")), ("web", after(plain(), "db"))]);
    let new =
        stack(&[("postgres", writes("db")), ("web", after(Service { image: "web:2".into(), ..plain() }, "postgres"))]);
    insta::assert_snapshot!(story(&old, &new), @"
    - service db
    postgres 0/1 waiting until the folder /data/db is free
    + service postgres
    ~ service web: image db:1 -> web:2 (restarts 1 task)
    ");
}

#[test]
fn what_lets_go_does_not_wait_for_what_takes_over() {
    // The data of a service moves to one that it depends on.
    let old = stack(&[("web", writes("db"))]);
    let new = stack(&[("db", writes("db")), ("web", after(plain(), "db"))]);
    insta::assert_snapshot!(story(&old, &new), @"
    ~ service web: volumes./data kind=bind source=/data/db removed (restarts 1 task)
    db 0/1 waiting until the folder /data/db is free
    + service db
    ");
    // Two that change places have no order.
    let swapped = stack(&[("a", writes("one")), ("b", writes("two"))]);
    let back = stack(&[("a", writes("two")), ("b", writes("one"))]);
    insta::assert_snapshot!(story(&swapped, &back), @"~ service a: volumes./data.source /data/one -> /data/two (restarts 1 task), ~ service b: volumes./data.source /data/two -> /data/one (restarts 1 task)");
}

#[test]
fn data_that_is_shared_on_purpose_interrupts_nobody() {
    let several = |service: Service| Service { mode: Mode::Replicated(Some(3)), ..service };
    let old = stack(&[("front", several(writes("uploads"))), ("worker", writes("uploads"))]);
    let new = stack(&[("web", several(writes("uploads"))), ("worker", writes("uploads"))]);
    insta::assert_snapshot!(story(&old, &new), @"
    + service web
    - service front (last)
    ");
    let more =
        stack(&[("front", several(writes("uploads"))), ("mail", writes("uploads")), ("worker", writes("uploads"))]);
    insta::assert_snapshot!(story(&old, &more), @"+ service mail");
    // One task on each node is alone there.
    let everywhere = |service: Service| Service { mode: Mode::Global, ..service };
    let (old, new) = (stack(&[("agent", everywhere(writes("a")))]), stack(&[("node", everywhere(writes("a")))]));
    insta::assert_snapshot!(story(&old, &new), @"
    - service agent
    node 0/1 waiting until the folder /data/a is free
    + service node
    ");
}

#[test]
fn what_is_made_anew_does_not_start_beside_its_old_tasks() {
    let old = stack(&[("db", writes("db")), ("web", plain())]);
    let everywhere = |service: Service| Service { mode: Mode::Global, ..service };
    let new = stack(&[("db", everywhere(writes("db"))), ("web", everywhere(plain()))]);
    insta::assert_snapshot!(story(&old, &new), @"
    - service db, -/+ service web: mode replicated=1 -> global (Swarm cannot change the mode: removed and created again, 1 task stops first)
    db 0/1 waiting until the folder /data/db is free
    + service db
    ");
}

#[test]
fn a_task_on_a_node_that_is_down_is_not_waited_for() {
    let (old, new) = (stack(&[("db", writes("db"))]), stack(&[("postgres", writes("db"))]));
    let mut observed = runs(&stack(&[]));
    observed.leaving = vec![Task { desired: TaskState::Remove, ..task(false, writes("db").holds()) }];
    let waits = |observed: &Observed| next(&planned(&new, observed), &new, observed).now.is_empty();
    assert!(waits(&observed));
    observed.nodes[0].down = true;
    assert!(!waits(&observed));
    drop(old);
}

#[test]
fn what_is_healed_comes_in_the_same_order() {
    let (is, should) = (stack(&[("db", writes("db"))]), stack(&[("postgres", writes("db")), ("web", plain())]));
    let observed = runs(&is);
    let Arrival { now, waiting } = unheld(&planned(&should, &observed), &should, &observed);
    let changes: Vec<String> = now.changes.iter().map(|change| change.to_text(Color::Never)).collect();
    assert_eq!(changes, ["- service db", "+ service web"]);
    assert_eq!(waiting[0].what, "waiting until db lets go of the folder /data/db");
    // Somebody insists on the old one: then nothing is to be waited for.
    let contested = planned(&should, &observed).only(|change| change.action != Action::Remove);
    let Arrival { now, waiting } = unheld(&contested, &should, &observed);
    assert_eq!((now.changes.len(), waiting.len()), (1, 0));
}

/// Services of which each has a volume of its own, and may depend on those before it in the alphabet.
fn any_stack() -> impl Strategy<Value = Stack> {
    let services = prop::collection::btree_map("[a-e]", (0..4_usize, prop::option::of("[a-e]")), 0..5);
    services.prop_map(|services| {
        let mut taken = BTreeSet::new();
        let names: Vec<String> = services.keys().cloned().collect();
        let service = |(name, (volume, other)): (String, (usize, Option<String>))| {
            let service = if volume > 0 && taken.insert(volume) { writes(&format!("v{volume}")) } else { plain() };
            let service = match other.filter(|other| *other < name && names.contains(other)) {
                Some(other) => after(service, &other),
                None => service,
            };
            (name.parse().unwrap(), service)
        };
        Stack { services: services.into_iter().map(service).collect(), ..Stack::empty("shop".parse().unwrap()) }
    })
}

/// Who writes to a volume now: services, and tasks that have not stopped yet.
fn writers(observed: &Observed, what: &Hold) -> BTreeSet<String> {
    let mut writers = BTreeSet::new();
    for (name, there) in &observed.services {
        let held = there.tasks.iter().flat_map(|task| &task.holds);
        if there.service.holds().contains(what) || held.into_iter().any(|hold| hold == what) {
            writers.insert(name.to_string());
        }
    }
    let leaving = observed.leaving.iter().filter(|task| task.holds.contains(what));
    writers.extend(leaving.map(|_| "one that leaves".to_owned()));
    writers
}

/// Whether services change places with their volumes.
fn is_a_circle(plan: &Plan, to: &Stack, observed: &Observed) -> bool {
    let queue = Queue::of(plan, to, observed);
    plan.takeovers.iter().any(|it| queue.takes_over(&it.from, &it.by, &mut BTreeSet::new()))
}

proptest! {
    #[test]
    fn no_volume_has_two_writers_on_its_way(from in any_stack(), to in any_stack()) {
        let mut observed = runs(&from);
        prop_assume!(!is_a_circle(&planned(&to, &observed), &to, &observed));
        for round in 0.. {
            prop_assert!(round < 40, "it never ends");
            let plan = planned(&to, &observed);
            if plan.changed_services().is_empty() {
                break;
            }
            carried_out(&next(&plan, &to, &observed).now.changes, &to, &mut observed);
            for volume in 1..4 {
                let what = Hold::Folder { path: format!("/data/v{volume}") };
                let writers = writers(&observed, &what);
                prop_assert!(writers.len() <= 1, "{what} has {writers:?}");
            }
        }
    }
}
