//! The decision as a table, and its properties over a small model of a swarm.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::health::{Blame, Reply, Watch};
use crate::plan::observed::{Node, Observed, ObservedService, Task, TaskState};
use crate::plan::{Action, Change, Plan, Removable, Subject};
use crate::stack::check::{Check, Probe};
use crate::stack::{Condition, Mode, Nanos, Service, Stack, UpdateConfig};

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

fn stack(services: &[(&str, &str)]) -> Stack {
    let mut stack = Stack::empty("shop".parse().unwrap());
    for (name, image) in services {
        let service = Service { image: (*image).into(), mode: Mode::Replicated(Some(2)), ..Service::default() };
        stack.services.insert(name.parse().unwrap(), service);
    }
    stack
}

fn release(id: u64, desired: Stack, phase: Phase) -> Release {
    let hex = format!("{id:040x}");
    Release {
        id: ReleaseId(id),
        stack: desired.name.clone(),
        origin: Origin {
            repository: "shop".into(),
            branch: Some("main".into()),
            commit: hex.parse().unwrap(),
            tree: hex.parse().unwrap(),
            author: "Ada <ada@example.com>".into(),
            subject: "Change".into(),
        },
        owner: None,
        cause: Cause::Push,
        created: Timestamp::UNIX_EPOCH,
        images: BTreeMap::new(),
        desired: Some(desired),
        phase,
        recorded: Timestamp::UNIX_EPOCH,
    }
}

fn rolling() -> Phase {
    Phase::rolling(Timestamp::UNIX_EPOCH)
}

fn promoted() -> Phase {
    Phase::promoted(Timestamp::UNIX_EPOCH)
}

fn failed() -> Phase {
    Phase::failed(Timestamp::UNIX_EPOCH, Vec::new())
}

fn task(slot: u64, state: TaskState) -> Task {
    let over = state.is_over();
    Task {
        id: format!("{slot}-{state:?}-{}", number(slot, state)),
        slot,
        node: "n1".into(),
        current: true,
        state,
        desired: if over { TaskState::Shutdown } else { TaskState::Running },
        error: if over { "task: non-zero exit (1)".into() } else { String::new() },
        exit_code: over.then_some(1),
        ..Task::default()
    }
}

fn number(slot: u64, state: TaskState) -> u64 {
    slot * 100 + state as u64
}

/// A swarm that runs `stack` with so many of each service's two tasks running, and so many failed in one slot.
fn runs(stack: &Stack, healthy: u64, failed: u64) -> Observed {
    let mut observed = Observed::nothing(stack.name.clone());
    for (name, service) in &stack.services {
        let mut tasks: Vec<_> = (1..=healthy).map(|slot| task(slot, TaskState::Running)).collect();
        tasks.extend((healthy + 1..=2).map(|slot| task(slot, TaskState::Starting)));
        for nth in 0..failed {
            tasks.push(Task { id: format!("failed-{nth}"), ..task(2, TaskState::Failed) });
        }
        observed.services.insert(
            name.clone(),
            ObservedService {
                id: name.to_string(),
                version: 1,
                service: service.clone(),
                tasks,
                ..ObservedService::default()
            },
        );
    }
    observed
}

#[test]
fn going_back_does_not_fail_on_a_check_that_cannot_be_made() {
    let good = release(1, stack(&[("web", "a")]), promoted());
    let history = History::new(vec![good]);
    let of = |cause: Cause, image: &str| Release { cause, ..release(3, stack(&[("web", image)]), rolling()) };
    let back = of(Cause::RollBack { failed: ReleaseId(2), to: Some(ReleaseId(1)) }, "a");
    for reply in [Reply::NoContainer, Reply::NotAsked("the engine is away".into())] {
        assert_eq!(counted(&back, &history, reply.clone()), Reply::Waived);
        assert_eq!(counted(&of(Cause::Command, "a"), &history, reply.clone()), Reply::Waived, "a person goes back");
        assert_eq!(counted(&of(Cause::Push, "b"), &history, reply.clone()), reply, "a new stack must be looked at");
    }
    let failed = Reply::Exit { code: 1, output: String::new() };
    assert_eq!(counted(&back, &history, failed.clone()), failed, "what was asked counts");
}

/// A proxy may have led to the service that the new one takes the place of.
#[test]
fn what_a_service_may_have_answered_that_goes_is_asked_again_before_the_release_is_good() {
    let check = Check::new(Probe::Tcp("shop.example.com:443".into()));
    let mut desired = stack(&[("web", "b")]);
    desired.settings.stable = Nanos(0);
    desired.services.values_mut().for_each(|web| web.checks = vec![check.clone()]);
    let before = release(1, stack(&[("site", "a"), ("web", "b")]), promoted());
    let release = release(2, desired.clone(), rolling());
    let history = History::new(vec![before.clone(), release.clone()]);
    let (both, alone) = (runs(before.desired.as_ref().unwrap(), 2, 0), runs(&desired, 2, 0));
    let now = |seconds: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds);
    let id = || ("web".parse().unwrap(), 0);
    let asked =
        |watch: &Watch, observed: &Observed, seconds: i64| due(&release, &history, observed, watch, now(seconds)).len();

    let watch = Watch::default().after(&desired, &both, now(1));
    assert_eq!(asked(&watch, &both, 1), 1);
    let watch = watch.answered(&desired, id(), &check, &Reply::Connected, now(2));
    assert_eq!(said(&next(&release, &history, &both, &watch.clone().into(), now(2))), "apply", "the other one goes");
    let watch = watch.after(&desired, &alone, now(3));
    assert_eq!(said(&next(&release, &history, &alone, &watch.clone().into(), now(3))), "wait");
    let watch = watch.after(&desired, &alone, now(4));
    assert_eq!(asked(&watch, &alone, 4), 1);
    let watch = watch.answered(&desired, id(), &check, &Reply::Connected, now(5));
    assert_eq!(said(&next(&release, &history, &alone, &watch.clone().into(), now(5))), "promote");
}

fn step(release: &Release, before: Vec<Release>, observed: &Observed, minutes: i32) -> Step {
    let history = History::new(before.into_iter().chain([release.clone()]).collect());
    let now = Timestamp::UNIX_EPOCH + MINUTE * minutes;
    let desired = release.desired.as_ref().unwrap();
    let watch = Watch::default().after(desired, observed, now - MINUTE);
    next(release, &history, observed, &watch.into(), now)
}

fn said(step: &Step) -> &'static str {
    match step {
        Step::Apply(_) => "apply",
        Step::Wait(_) => "wait",
        Step::Promote => "promote",
        Step::GiveWay { .. } => "give way",
        Step::RollBack { to: Some(_), .. } => "roll back",
        Step::RollBack { to: None, .. } => "remove",
        Step::Halt { .. } => "halt",
        Step::Rest => "rest",
    }
}

fn suspected(observed: Observed) -> Observed {
    let node = Node { id: "n1".into(), available: true, suspected: true, ..Node::default() };
    Observed { nodes: vec![node], ..observed }
}

#[test]
fn the_decision_is_a_table() {
    let (a, b) = (stack(&[("web", "shop:a")]), stack(&[("web", "shop:b")]));
    let good = || vec![release(1, a.clone(), promoted())];
    let of_b = release(2, b.clone(), rolling());
    let of_a = release(2, a.clone(), rolling());
    let rollback = Release {
        cause: Cause::RollBack { failed: ReleaseId(2), to: Some(ReleaseId(1)) },
        ..release(3, a.clone(), rolling())
    };
    let table = [
        ("what runs is not what should", said(&step(&of_b, good(), &runs(&a, 2, 0), 0)), "apply"),
        ("one of two is up", said(&step(&of_b, good(), &runs(&b, 1, 0), 1)), "wait"),
        ("both are up for long enough", said(&step(&of_b, good(), &runs(&b, 2, 0), 1)), "promote"),
        ("it crashes again and again", said(&step(&of_b, good(), &runs(&b, 1, 3), 1)), "roll back"),
        ("perhaps its engine was restarted", said(&step(&of_b, good(), &suspected(runs(&b, 1, 3)), 1)), "wait"),
        ("two crashes are not a loop yet", said(&step(&of_b, good(), &runs(&b, 1, 2), 1)), "wait"),
        ("the deadline has passed", said(&step(&of_b, good(), &runs(&b, 1, 0), 10)), "roll back"),
        ("nothing good to go back to", said(&step(&of_b, Vec::new(), &runs(&b, 1, 3), 1)), "remove"),
        ("the good one is the same", said(&step(&of_a, good(), &runs(&a, 0, 3), 1)), "halt"),
        ("a rollback that fails", said(&step(&rollback, good(), &runs(&a, 0, 3), 1)), "halt"),
        ("it was promoted", said(&step(&release(2, b.clone(), promoted()), good(), &runs(&a, 2, 0), 1)), "rest"),
        (
            "a killed controller had failed it",
            said(&step(&release(2, b.clone(), failed()), good(), &runs(&a, 2, 0), 1)),
            "roll back",
        ),
        ("it failed for good", said(&step(&release(2, a.clone(), failed()), good(), &runs(&a, 2, 0), 1)), "rest"),
    ];
    for (case, is, should) in table {
        assert_eq!(is, should, "{case}");
    }
}

#[test]
fn what_nobody_watched_does_not_count_against_the_deadline() {
    let (a, b) = (stack(&[("web", "shop:a")]), stack(&[("web", "shop:b")]));
    let at = |minute| Timestamp::UNIX_EPOCH + MINUTE * minute;
    let away = |from, to| Away { from: at(from), to: at(to), who: Absent::Skep };
    let rolling = |away| Phase::Rolling { since: at(0), watched: None, away };
    // Seen by a controller that began to watch so many minutes ago, and deadline is ten minutes.
    let decided = |away, began: i32, now| {
        let of_b = release(2, b.clone(), rolling(away));
        let (history, observed) = (History::new(vec![release(1, a.clone(), promoted()), of_b.clone()]), runs(&b, 1, 0));
        let watch = Watch::default().after(&b, &observed, at(began));
        next(&of_b, &history, &observed, &watch.clone().into(), at(now))
    };
    assert_eq!(said(&decided(vec![], 1, 9)), "wait");
    assert_eq!(said(&decided(vec![], 1, 10)), "roll back");
    assert_eq!(said(&decided(vec![], 10, 10)), "wait", "a controller that has just come looks first");
    assert_eq!(said(&decided(vec![away(2, 7)], 7, 14)), "wait");
    let Step::RollBack { symptoms, .. } = decided(vec![away(2, 7)], 7, 15) else { panic!("it is late") };
    insta::assert_snapshot!(symptoms[0].message, @"not healthy within 10m (not counting 5m of outages)");
    assert_eq!(said(&decided(vec![away(2, 4), away(5, 8)], 8, 14)), "wait");
    assert_eq!(said(&decided(vec![away(2, 4), away(5, 8)], 8, 15)), "roll back");
}

#[test]
fn swarms_own_watch_over_an_update_is_waited_for_where_the_file_asks_for_it() {
    let promoted_while_updating = |monitor: Option<Nanos>| {
        let mut desired = stack(&[("web", "shop:b")]);
        let web = desired.services.get_mut(&"web".parse().unwrap()).unwrap();
        web.update_config = Some(UpdateConfig { monitor, ..UpdateConfig::default() });
        let mut observed = runs(&desired, 2, 0);
        observed.services.values_mut().for_each(|web| web.update_state = "updating".into());
        said(&step(&release(1, desired, rolling()), Vec::new(), &observed, 1))
    };
    assert_eq!(promoted_while_updating(None), "promote");
    assert_eq!(promoted_while_updating(Some(Nanos(30_000_000_000))), "wait");
}

#[test]
fn a_promoted_release_is_healed_when_the_author_says_so() {
    let mut healed = stack(&[("web", "shop:a")]);
    healed.settings.drift = crate::stack::Drift::Heal;
    let by_hand = runs(&stack(&[("web", "shop:by-hand")]), 2, 0);
    assert_eq!(said(&step(&release(1, healed, promoted()), Vec::new(), &by_hand, 1)), "apply");
}

#[test]
fn a_service_waits_for_those_it_depends_on_and_removals_come_last() {
    let mut desired = stack(&[("db", "redis:7"), ("web", "shop:b")]);
    desired
        .services
        .get_mut(&"web".parse().unwrap())
        .unwrap()
        .depends_on
        .insert("db".parse().unwrap(), Condition::Healthy);
    let before = release(1, stack(&[("old", "old:1")]), promoted());
    let of = release(2, desired.clone(), rolling());
    let changes = |observed: &Observed| match step(&of, vec![before.clone()], observed, 1) {
        Step::Apply(plan) => plan.to_text(crate::plan::Color::Never),
        other => said(&other).to_owned(),
    };
    let old = runs(&stack(&[("old", "old:1")]), 2, 0);
    insta::assert_snapshot!(changes(&old), @"
    + service db (new in the file)
    1 to create, 0 to change, 0 to remove, 0 unchanged
    ");
    let with_db = |healthy| {
        let mut observed = old.clone();
        observed.services.extend(runs(&stack(&[("db", "redis:7")]), healthy, 0).services);
        observed
    };
    assert_eq!(changes(&with_db(1)), "wait");
    insta::assert_snapshot!(changes(&with_db(2)), @"
    + service web (new in the file)
    1 to create, 0 to change, 0 to remove, 0 unchanged
    ");
    let mut all = with_db(2);
    let web = desired.services[&"web".parse().unwrap()].clone();
    let mut only_web = stack(&[("web", "x")]);
    only_web.services.insert("web".parse().unwrap(), web);
    all.services.extend(runs(&only_web, 2, 0).services);
    insta::assert_snapshot!(changes(&all), @"
    - service old (the file no longer has it)
    0 to create, 0 to change, 1 to remove, 2 unchanged
    ");
}

/// What a step changes, in lines; its name if it changes nothing.
fn changes(step: &Step) -> String {
    match step {
        Step::Apply(plan) => {
            plan.changes.iter().map(|change| change.to_text(crate::plan::Color::Never)).collect::<Vec<_>>().join("\n")
        }
        other => said(other).to_owned(),
    }
}

fn removal(id: u64) -> Release {
    let mut nothing = stack(&[]);
    nothing.settings.stable = Nanos(0);
    Release { cause: Cause::Remove { everything: false }, ..release(id, nothing, rolling()) }
}

#[test]
fn services_go_before_those_they_depend_on_and_wait_until_those_have_stopped() {
    let mut chain = stack(&[("api", "shop:a"), ("db", "redis:7"), ("web", "shop:a")]);
    let depends = |stack: &mut Stack, name: &str, on: &str| {
        stack
            .services
            .get_mut(&name.parse().unwrap())
            .unwrap()
            .depends_on
            .insert(on.parse().unwrap(), crate::stack::Condition::Healthy);
    };
    depends(&mut chain, "web", "api");
    depends(&mut chain, "api", "db");
    chain.networks.insert("shop_front".into(), crate::stack::Network::Own(crate::stack::OwnNetwork::default()));
    let before = || vec![release(1, chain.clone(), promoted())];
    let mut there = observed_of(&chain);
    let mut story = Vec::new();
    for gone in ["web", "api", "db"] {
        story.push(changes(&step(&removal(2), before(), &there, 1)));
        there.services.remove(&gone.parse().unwrap());
        let leaving = Task { desired: TaskState::Remove, ..task(1, TaskState::Running) };
        let node = crate::plan::observed::Node { id: "n1".into(), available: true, ..Default::default() };
        let stopping = Observed { leaving: vec![leaving], nodes: vec![node], ..there.clone() };
        let next = changes(&step(&removal(2), before(), &stopping, 1));
        story.push(format!("(while {gone} stops) {next}"));
    }
    story.push(changes(&step(&removal(2), before(), &there, 1)));
    there.networks.clear();
    story.push(changes(&step(&removal(2), before(), &there, 1)));
    insta::assert_snapshot!(story.join("\n"), @"
    - service web
    (while web stops) wait
    - service api
    (while api stops) wait
    - service db
    (while db stops) - network shop_front
    - network shop_front
    promote
    ");
}

#[test]
fn a_removal_never_goes_back_and_says_what_is_left() {
    let before = release(1, stack(&[("web", "shop:a")]), promoted());
    let Step::Halt { symptoms } = step(&removal(2), vec![before], &runs(&stack(&[("web", "shop:a")]), 2, 0), 10) else {
        panic!("it is late, and there is nothing to go back to");
    };
    insta::assert_snapshot!(symptoms[0].message, @"not gone within 10m: service web still there");
}

#[test]
fn what_is_still_in_use_elsewhere_holds_up_no_release() {
    let mut before = stack(&[("web", "shop:a")]);
    before.configs.insert("shop_page".into(), config());
    let after = release(2, stack(&[("web", "shop:a")]), rolling());
    let mut there = runs(&before, 2, 0);
    there.configs.insert("shop_page".into(), file());
    let before = Release { phase: failed(), ..release(1, before, promoted()) };
    let history = History::new(vec![before, after.clone()]);
    let now = Timestamp::UNIX_EPOCH + MINUTE;
    let mut watch = Watch::default().after(after.desired.as_ref().unwrap(), &there, now - MINUTE);
    assert_eq!(changes(&next(&after, &history, &there, &watch.clone().into(), now)), "- config shop_page");
    let page = Subject::Config("shop_page".into());
    watch.note_use(&page, now - SignedDuration::from_secs(31));
    watch.note_use(&page, now);
    assert_eq!(changes(&next(&after, &history, &there, &watch.clone().into(), now)), "promote");
    let promoted = Release { phase: promoted(), ..after };
    assert_eq!(changes(&next(&promoted, &history, &there, &watch.clone().into(), now)), "rest");
    let later = now + SignedDuration::from_mins(11);
    assert_eq!(changes(&next(&promoted, &history, &there, &watch.clone().into(), later)), "- config shop_page");
}

#[test]
fn a_stack_that_rests_is_tidied_up_whatever_its_drift() {
    let kept = stack(&[("web", "shop:a")]);
    let resting = release(2, kept.clone(), promoted());
    let mut there = runs(&stack(&[("web", "shop:by-hand")]), 2, 0);
    there.secrets.insert("shop_key-0123456789ab".into(), file());
    there.secrets.insert("by-hand".into(), file());
    assert_eq!(said(&step(&resting, Vec::new(), &there, 1)), "rest", "it may be about to be recorded");
    assert_eq!(changes(&step(&resting, Vec::new(), &there, 61)), "- secret shop_key-0123456789ab");
}

#[test]
fn a_service_is_not_made_anew_to_heal_it() {
    let mut kept = stack(&[("web", "shop:a")]);
    kept.settings.drift = crate::stack::Drift::Heal;
    let mut global = kept.clone();
    global.services.values_mut().for_each(|web| web.mode = Mode::Global);
    let there = runs(&global, 2, 0);
    assert_eq!(said(&step(&release(1, kept.clone(), promoted()), Vec::new(), &there, 1)), "rest");
    kept.services.values_mut().for_each(|web| web.may_be_recreated = true);
    assert_eq!(said(&step(&release(1, kept, promoted()), Vec::new(), &there, 1)), "apply");
}

#[test]
fn a_port_is_freed_before_another_service_gets_it() {
    let port = crate::stack::Port { published: Some(8080), target: 80, ..crate::stack::Port::default() };
    let with_port = |names: &[(&str, &str)], holder: &str| {
        let mut stack = stack(names);
        stack.services.get_mut(&holder.parse().unwrap()).unwrap().ports = vec![port.clone()];
        stack
    };
    let old = with_port(&[("old", "shop:a")], "old");
    let new = release(2, with_port(&[("new", "shop:a")], "new"), rolling());
    let before = || vec![release(1, old.clone(), promoted())];
    assert_eq!(changes(&step(&new, before(), &runs(&old, 2, 0), 1)), "- service old");
    assert_eq!(changes(&step(&new, before(), &runs(&stack(&[]), 2, 0), 1)), "+ service new");

    let two = [("a", "shop:a"), ("b", "shop:a")];
    let moved = release(2, with_port(&two, "b"), rolling());
    let there = runs(&with_port(&two, "a"), 2, 0);
    insta::assert_snapshot!(changes(&step(&moved, before(), &there, 1)), @"~ service a: ports.80/tcp published=8080 removed (restarts 2 tasks)");
}

fn config() -> crate::stack::Config {
    crate::stack::Config::Own { content: b"hello".to_vec(), labels: BTreeMap::new(), template_driver: None }
}

fn file() -> crate::plan::observed::ObservedFile {
    crate::plan::observed::ObservedFile {
        id: String::new(),
        version: 1,
        labels: BTreeMap::new(),
        created: Timestamp::UNIX_EPOCH,
        content: None,
    }
}

#[test]
fn a_failed_tree_is_quarantined_until_something_else_is_pushed() {
    let tree = |history: &History, id: u64| history.quarantine(&format!("{id:040x}").parse().unwrap()).is_some();
    let a = stack(&[("web", "shop:a")]);
    let mut releases = vec![release(1, a.clone(), promoted()), release(2, a.clone(), failed())];
    releases.push(Release {
        cause: Cause::RollBack { failed: ReleaseId(2), to: Some(ReleaseId(1)) },
        ..release(3, a.clone(), promoted())
    });
    let history = History::new(releases.clone());
    assert!(tree(&history, 2) && !tree(&history, 1) && !tree(&history, 4));
    releases.push(release(4, a, promoted()));
    assert!(!tree(&History::new(releases), 2));
}

/// The services of a swarm with the state of Swarm's own update, which began at this minute.
fn with_update(mut observed: Observed, state: &str, minute: i32) -> Observed {
    for there in observed.services.values_mut() {
        (there.update_state, there.update_started) = (state.into(), Timestamp::UNIX_EPOCH + MINUTE * minute);
    }
    observed
}

#[test]
fn a_version_that_swarm_rolled_back_is_not_written_again() {
    let (a, b) = (stack(&[("web", "shop:a")]), stack(&[("web", "shop:b")]));
    let before = || vec![release(1, a.clone(), promoted())];
    let of_b = Release { recorded: Timestamp::UNIX_EPOCH + MINUTE, ..release(2, b.clone(), rolling()) };
    for state in ["rollback_started", "rollback_paused", "rollback_completed"] {
        let restored = |minute| with_update(runs(&a, 2, 0), state, minute);
        assert_eq!(said(&step(&of_b, before(), &restored(2), 2)), "roll back", "{state}");
        assert_eq!(said(&step(&of_b, before(), &restored(1), 2)), "roll back", "{state}: at once");
        assert_eq!(said(&step(&of_b, before(), &restored(0), 2)), "apply", "{state}: of an earlier release");
        // The rollback finds what Swarm has restored.
        let rollback = Release {
            cause: Cause::RollBack { failed: ReleaseId(2), to: Some(ReleaseId(1)) },
            recorded: Timestamp::UNIX_EPOCH + MINUTE * 2,
            ..release(3, a.clone(), rolling())
        };
        assert_eq!(said(&step(&rollback, before(), &restored(1), 3)), "promote", "{state}");
        let kept = release(1, a.clone(), promoted());
        assert_eq!(said(&step(&kept, Vec::new(), &restored(1), 3)), "rest", "{state}");
    }
}

#[test]
fn what_failed_because_of_a_node_is_not_quarantined() {
    let blamed = |blames: &[Blame]| {
        let symptoms = blames.iter().map(|&blame| Symptom { blame, ..Symptom::whole_stack("late".into()) });
        let phase = Phase::failed(Timestamp::UNIX_EPOCH, symptoms.collect());
        let of_b = release(2, stack(&[("web", "shop:b")]), phase);
        History::new(vec![release(1, stack(&[("web", "shop:a")]), promoted()), of_b.clone()])
            .quarantine(&of_b.origin.tree)
            .is_some()
    };
    assert!(!blamed(&[Blame::Surroundings, Blame::Surroundings]));
    assert!(blamed(&[Blame::Surroundings, Blame::Version]));
    assert!(blamed(&[]), "a record too small to hold why");
    let old = r#"{"service":null,"message":"late"}"#;
    assert_eq!(serde_json::from_str::<Symptom>(old).unwrap().blame, Blame::Version);
}

#[test]
fn a_rollback_that_failed_because_of_a_node_is_tried_again_when_no_node_is_down() {
    let (a, b) = (stack(&[("web", "a")]), stack(&[("web", "b")]));
    let lost = || Symptom { blame: Blame::Surroundings, ..Symptom::whole_stack("node n1 is down".into()) };
    let failed = |symptom: Symptom| Phase::failed(Timestamp::UNIX_EPOCH, vec![symptom]);
    let back = |id, symptom| {
        let cause = Cause::RollBack { failed: ReleaseId(2), to: Some(ReleaseId(1)) };
        Release { cause, ..release(id, a.clone(), failed(symptom)) }
    };
    let before = |rollbacks: u64| {
        let mut before = vec![release(1, a.clone(), promoted()), release(2, b.clone(), failed(lost()))];
        before.extend((0..rollbacks).map(|nth| back(3 + nth, lost())));
        before
    };
    let nodes = |down: bool| {
        let node = Node { id: "n1".into(), available: !down, down, ..Node::default() };
        Observed { nodes: vec![node], ..runs(&a, 1, 0) }
    };
    let next = |made: u64, symptom: Symptom, down, minutes| {
        said(&step(&back(3 + made, symptom), before(made), &nodes(down), minutes))
    };
    assert_eq!(next(0, lost(), true, 60), "rest", "the node is down");
    assert_eq!(next(0, lost(), false, 0), "rest");
    assert_eq!(next(0, lost(), false, 1), "roll back");
    assert_eq!(next(1, lost(), false, 1), "rest", "each time it waits twice as long");
    assert_eq!(next(1, lost(), false, 2), "roll back");
    assert_eq!(next(4, lost(), false, 60), "rest", "five times are enough");
    assert_eq!(next(0, Symptom::whole_stack("exit code 1".into()), false, 60), "rest", "the version is to blame");
}

#[test]
fn an_update_that_waits_for_a_node_that_is_down_begins_anew_once() {
    let (a, b) = (stack(&[("web", "shop:a")]), stack(&[("web", "shop:b")]));
    let before = || vec![release(1, a.clone(), promoted())];
    let mut observed = with_update(runs(&b, 1, 0), "updating", 0);
    let node =
        |id: &str, down: bool| Node { id: id.into(), hostname: id.into(), available: !down, down, ..Node::default() };
    observed.nodes = vec![node("n1", false), node("n2", true)];
    let web = observed.services.values_mut().next().unwrap();
    web.tasks.push(Task { node: "n2".into(), desired: TaskState::Shutdown, ..task(2, TaskState::Starting) });
    let of_b = release(2, b.clone(), rolling());
    insta::assert_snapshot!(changes(&step(&of_b, before(), &observed, 1)), @"~ service web: its update is restarted, because it waits for a task on node n2, which is down");
    let web = observed.services.values_mut().next().unwrap();
    web.tasks.last_mut().unwrap().current = false;
    assert_eq!(changes(&step(&of_b, before(), &observed, 1)), "wait", "Swarm no longer waits for that one");
}

#[test]
fn what_is_external_must_be_there_before_anything_changes() {
    let mut desired = stack(&[("web", "shop:a")]);
    desired.networks.insert("traefik".into(), crate::stack::Network::External);
    let of = release(1, desired.clone(), rolling());
    let Step::RollBack { symptoms, .. } = step(&of, Vec::new(), &Observed::nothing(desired.name.clone()), 0) else {
        panic!("it should fail before the first write");
    };
    insta::assert_snapshot!(symptoms[0].message, @"the external network `traefik` does not exist");
}

/// A service of a random image under a random name.
fn any_stack() -> impl Strategy<Value = Stack> {
    let service = ("[a-d]", "[x-z]", 0..3u64, any::<bool>());
    prop::collection::vec(service, 0..5).prop_map(|services| {
        let mut stack = Stack::empty("shop".parse().unwrap());
        for (name, image, replicas, networked) in services {
            let mut service = Service {
                image,
                mode: Mode::Replicated(Some(replicas)),
                stop_grace_period: networked.then_some(Nanos::seconds(10)),
                ..Service::default()
            };
            if networked {
                let network = format!("shop_{name}");
                stack.networks.insert(network.clone(), crate::stack::Network::Own(crate::stack::OwnNetwork::default()));
                service.networks.insert(network, crate::stack::Attachment::default());
            }
            stack.services.insert(name.parse().unwrap(), service);
        }
        stack
    })
}

/// What is there after the plan was carried out.
fn applied(plan: &Plan, desired: &Stack, observed: &Observed) -> Observed {
    let mut after = observed.clone();
    for change in &plan.changes {
        match (&change.subject, &change.action) {
            (Subject::Service(name), Action::Remove) => {
                after.services.remove(name);
            }
            (Subject::Service(name), _) => {
                let mut one = Stack::empty(desired.name.clone());
                one.services.insert(name.clone(), desired.services[name].clone());
                after.services.extend(runs(&one, 2, 0).services);
            }
            (Subject::Network(name), Action::Remove) => {
                after.networks.remove(name);
            }
            (Subject::Network(name), _) => {
                let there = crate::plan::observed::ObservedNetwork {
                    id: name.clone(),
                    network: desired.networks[name].clone(),
                };
                after.networks.insert(name.clone(), there);
            }
            (Subject::Config(_) | Subject::Secret(_), _) => {}
        }
    }
    after
}

fn observed_of(stack: &Stack) -> Observed {
    let nothing = Observed::nothing(stack.name.clone());
    applied(&Plan::between(stack, &nothing, &Removable::default()), stack, &nothing)
}

proptest! {
    #[test]
    fn planning_again_after_applying_is_empty(from in any_stack(), to in any_stack()) {
        let history = History::new(vec![release(1, from.clone(), promoted()), release(2, to.clone(), rolling())]);
        let observed = observed_of(&from);
        let plan = Plan::between(&to, &observed, &history.removable());
        let again = Plan::between(&to, &applied(&plan, &to, &observed), &history.removable());
        prop_assert!(again.is_empty(), "{}", again.to_text(crate::plan::Color::Never));
    }

    #[test]
    fn nothing_foreign_is_removed(foreign in any_stack(), ours in any_stack(), to in any_stack()) {
        let history = History::new(vec![release(1, ours.clone(), promoted()), release(2, to.clone(), rolling())]);
        let plan = Plan::between(&to, &observed_of(&foreign), &history.removable());
        let made: BTreeSet<_> = ours.services.keys().chain(to.services.keys()).collect();
        for change in plan.changes.iter().filter(|change| change.action == Action::Remove) {
            if let Some(service) = change.subject.service() {
                prop_assert!(made.contains(service));
            }
        }
    }

    #[test]
    fn two_rollbacks_never_oscillate(good in any_stack(), bad in any_stack()) {
        let mut releases = vec![release(1, good.clone(), promoted()), release(2, bad, rolling())];
        let mut rollbacks = 0;
        // Whatever is rolled out crashes: it must come to rest all the same.
        for _ in 0..10 {
            let history = History::new(releases.clone());
            let Some(rolling) = history.rolling().cloned() else { break };
            let desired = rolling.desired.clone().unwrap();
            let mut observed = observed_of(&desired);
            for there in observed.services.values_mut() {
                there.tasks = (0..3).map(|nth| Task { id: nth.to_string(), ..task(1, TaskState::Failed) }).collect();
            }
            let now = Timestamp::UNIX_EPOCH + MINUTE * 11;
            let step = next(&rolling, &history, &observed, &Memory::default(), now);
            let index = releases.iter().position(|release| release.id == rolling.id).unwrap();
            match step {
                Step::RollBack { to, .. } => {
                    releases[index].phase = failed();
                    let back = target(&history, to, &desired).unwrap();
                    prop_assert_ne!(&back, &desired);
                    let cause = Cause::RollBack { failed: rolling.id, to };
                    releases.push(Release { cause, ..release(rolling.id.0 + 1, back, super::tests::rolling()) });
                    rollbacks += 1;
                }
                Step::Halt { .. } => releases[index].phase = failed(),
                Step::Promote => releases[index].phase = promoted(),
                Step::Apply(_) | Step::Wait(_) | Step::GiveWay { .. } | Step::Rest => {
                    prop_assert!(desired.services.is_empty() || rolling.id.0 > 1, "{}", said(&step));
                    releases[index].phase = promoted();
                }
            }
        }
        prop_assert!(rollbacks <= 1);
        prop_assert!(History::new(releases).rolling().is_none());
    }

    /// Records may hold any time that can be written down, and clocks may say any.
    #[test]
    fn no_time_is_too_early_or_too_late(
        times in prop::array::uniform6(any_time()),
        lengths in prop::array::uniform2(any_length()),
        healthy in 0_u64..3,
        number in prop_oneof![Just(1), Just(u64::MAX)],
    ) {
        let [since, created, ended, first, second, third] = times;
        let mut desired = stack(&[("web", "a")]);
        [desired.settings.deadline, desired.settings.stable] = lengths;
        let mut observed = runs(&desired, healthy, 3);
        for task in observed.services.values_mut().flat_map(|there| &mut there.tasks) {
            (task.created, task.since) = (created, ended);
        }
        let away = Away { from: created, to: ended, who: Absent::Skep };
        let phases = [
            Phase::rolling(since),
            Phase::Rolling { since, watched: Some(first), away: vec![away] },
            Phase::promoted(since),
            Phase::failed(since, Vec::new()),
            Phase::Superseded { at: since, by: ReleaseId(number) },
        ];
        for phase in phases {
            let release = Release { created, ..release(number, desired.clone(), phase) };
            let history = History::new(vec![release.clone()]);
            let mut noted = release.phase.clone();
            for now in [first, second, third] {
                noted = noted.watched_at(Some((created, Absent::Swarm)), now).unwrap_or(noted);
                noted.unwatched();
            }
            let mut memory = Memory::default();
            let network = Change::new(Subject::Network("shop_default".into()), Action::Remove);
            for now in [first, second, third] {
                memory.begin(&release);
                memory.saw(&desired, &observed, now);
                memory.wrote(&release, &network, Written::Refused, "in use", now);
                due(&release, &history, &observed, &memory.watch, now);
                if let Some(drift) = differences(&release, &history, &observed, now) {
                    for change in &drift.changes {
                        memory.wrote(&release, change, Written::Done, "", now);
                    }
                    memory.drifted(&drift);
                }
                let step = next(&release, &history, &observed, &memory, now);
                prop_assert!(!said(&step).is_empty());
            }
            history.next_id();
        }
    }
}

fn any_time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        Just(Timestamp::MIN),
        Just(Timestamp::MAX),
        Just(Timestamp::UNIX_EPOCH),
        (-377_705_023_201_i64..253_402_207_200).prop_map(|second| Timestamp::from_second(second).unwrap()),
    ]
}

fn any_length() -> impl Strategy<Value = Nanos> {
    prop_oneof![Just(Nanos(i64::MIN)), Just(Nanos(i64::MAX)), Just(Nanos(0)), any::<i64>().prop_map(Nanos)]
}

/// A person who goes back while a release rolls out means the one that ran before it.
#[test]
fn a_person_goes_back_to_the_last_good_release_that_ran_something_else() {
    let (a, b, c) = (stack(&[("web", "a")]), stack(&[("web", "b")]), stack(&[("web", "c")]));
    let back = |releases: Vec<Release>| History::new(releases).before_last().map(|it| it.id.0);
    let good = |id, stack: &Stack| release(id, stack.clone(), promoted());
    assert_eq!(back(vec![good(1, &a), good(2, &b)]), Some(1));
    assert_eq!(back(vec![good(1, &a), good(2, &b), release(3, c.clone(), rolling())]), Some(2));
    assert_eq!(back(vec![good(1, &a), good(2, &b), release(3, c, failed())]), Some(2), "it could not go back");
    assert_eq!(back(vec![good(1, &a), removal(2), good(3, &a)]), None, "a removal is no version");
    assert_eq!(back(vec![good(1, &a), removal(2), good(3, &b)]), Some(1));
}
