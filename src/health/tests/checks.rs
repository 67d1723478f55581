//! The stack's own checks: when they are made, and what the answers mean.

use insta::assert_snapshot;

use super::*;
use crate::stack::check::{Expect, HttpProbe, Probe};

/// A service that runs, and what was answered so far to the one check that it has.
struct Checked {
    desired: Stack,
    observed: Observed,
    watch: Watch,
}

impl Checked {
    fn by(probe: Probe) -> Self {
        let check = Check { retries: 3, ..Check::new(probe) };
        let scene = Scene::of(vec![task(1, TaskState::Running)]).with(|web| web.checks = vec![check]);
        let (desired, observed) = (scene.desired(), scene.observed());
        let watch = Watch::default().after(&desired, &observed, SINCE);
        Self { desired, observed, watch }
    }

    /// Whether the check is to be made so many seconds after every service was up.
    fn is_due(&self, seconds: i64) -> bool {
        !self.watch.due(&self.desired, &self.observed, SINCE, at(seconds)).is_empty()
    }

    /// The verdict when this is answered then.
    fn after(&mut self, seconds: i64, reply: &Reply) -> String {
        let check = self.desired.services[&web()].checks[0].clone();
        self.watch = self.watch.after(&self.desired, &self.observed, at(seconds));
        self.watch = std::mem::take(&mut self.watch).answered(&self.desired, (web(), 0), &check, reply, at(seconds));
        self.verdict(seconds)
    }

    fn verdict(&self, seconds: i64) -> String {
        shown(&judge(&self.desired, &BTreeSet::from([&web()]), &self.observed, SINCE, &self.watch, at(seconds)))
    }
}

fn http(expect: Expect, body: Option<&str>) -> Probe {
    let body = body.map(str::to_owned);
    Probe::Http(HttpProbe { url: "https://shop.example.com/health".into(), expect, body })
}

fn answer(status: u16, location: Option<&str>, body: &str) -> Reply {
    Reply::Http { status, location: location.map(str::to_owned), body: body.into() }
}

fn ping() -> Probe {
    Probe::Command(["redis-cli", "ping"].map(String::from).into())
}

fn exit(code: i64, output: &str) -> Reply {
    Reply::Exit { code, output: output.into() }
}

#[test]
fn a_check_must_pass_when_all_is_up_and_again_at_the_end_of_the_window() {
    let mut checked = Checked::by(ping());
    assert!(checked.is_due(0));
    assert_eq!(checked.verdict(10), "settling", "nobody has asked yet");
    assert_eq!(checked.after(1, &exit(0, "PONG")), "settling");
    assert!(!checked.is_due(5) && checked.is_due(10));
    assert_eq!(checked.verdict(12), "settling", "what passed at the beginning may not be so any more");
    assert_eq!(checked.after(12, &exit(0, "PONG")), "healthy");
    assert!(!checked.is_due(13));
}

#[test]
fn a_wrong_answer_is_asked_for_again_until_it_is_a_symptom() {
    let mut checked = Checked::by(ping());
    assert_snapshot!(checked.after(1, &exit(1, "LOADING")), @"settling: web 1/1 check `redis-cli ping`: exit code 1");
    assert!(!checked.is_due(2) && checked.is_due(3));
    checked.after(3, &exit(0, "PONG"));
    checked.after(11, &exit(1, "LOADING"));
    checked.after(13, &exit(1, "LOADING"));
    assert_snapshot!(checked.after(15, &exit(1, "LOADING")), @"web: the check `redis-cli ping` failed 3 times: exit code 1");
}

#[test]
fn other_tasks_have_to_answer_anew() {
    let mut checked = Checked::by(ping());
    checked.after(10, &exit(0, ""));
    assert_eq!(checked.verdict(11), "healthy");
    checked.observed = Scene::of(vec![Task { id: "other".into(), ..task(1, TaskState::Running) }]).observed();
    checked.watch = checked.watch.after(&checked.desired, &checked.observed, at(11));
    assert_eq!(checked.verdict(60), "settling");
    assert!(checked.is_due(11));
}

#[test]
fn what_was_got_instead_is_told() {
    let told = |probe: Probe, reply: &Reply| {
        let mut checked = Checked::by(probe);
        checked.after(1, reply);
        checked.after(3, reply);
        checked.after(5, reply)
    };
    let page = || http(Expect::default(), None);
    assert_snapshot!(told(page(), &answer(503, None, "no database")), @"web: the check https://shop.example.com/health failed 3 times: status 503 instead of 2xx");
    assert_snapshot!(told(page(), &answer(302, Some("https://login.example.com/?ticket=s3cret"), "")), @"web: the check https://shop.example.com/health failed 3 times: status 302 instead of 2xx, which leads to https://login.example.com/");
    assert_snapshot!(told(http(Expect::Status(200), Some("ok")), &answer(200, None, "all is bad")), @"web: the check https://shop.example.com/health failed 3 times: status 200, but the answer does not contain `ok`");
    assert_snapshot!(told(page(), &Reply::Nothing("no answer within 5s".into())), @"web: the check https://shop.example.com/health failed 3 times: no answer within 5s");
    assert_snapshot!(told(page(), &Reply::NoSuchHost("shop.example.com".into())), @"web: the check https://shop.example.com/health failed 3 times: there is no host `shop.example.com`");
    assert_snapshot!(told(ping(), &exit(126, "exec: \"redis-cli\": executable file not found in $PATH: unknown")), @"web: the check `redis-cli ping` failed 3 times: exit code 126 (there is no such command in the container)");
    assert_snapshot!(told(ping(), &Reply::NotAsked("the engine is away".into())), @"web: the check `redis-cli ping` could not be made 3 times: the engine is away");
    assert_eq!(Checked::by(ping()).after(10, &Reply::Waived), "healthy");
    assert_eq!(Checked::by(http(Expect::Class(4), None)).after(10, &answer(404, None, "")), "healthy");
    assert_eq!(Checked::by(Probe::Tcp("db:1".into())).after(10, &Reply::Connected), "healthy");
}

#[test]
fn the_first_lines_of_the_answer_are_the_log_of_the_symptom() {
    let mut checked = Checked::by(ping());
    (1..=3).for_each(|nth| drop(checked.after(2 * nth, &exit(1, "one\n\ntwo\n3\n4\n5\n6"))));
    let verdict = judge(&checked.desired, &BTreeSet::from([&web()]), &checked.observed, SINCE, &checked.watch, at(6));
    let Verdict::Unhealthy(symptoms) = verdict else { panic!("it failed three times") };
    assert_eq!(symptoms[0].log, ["one", "two", "3", "4", "5"]);
    assert!(!serde_json::to_string(&symptoms).unwrap().contains("two"), "a record keeps nothing of it");
}

#[test]
fn what_a_page_holds_is_told_to_nobody() {
    let mut checked = Checked::by(http(Expect::default(), None));
    (1..=3).for_each(|nth| drop(checked.after(2 * nth, &answer(403, None, "an inner page"))));
    let verdict = judge(&checked.desired, &BTreeSet::from([&web()]), &checked.observed, SINCE, &checked.watch, at(6));
    let Verdict::Unhealthy(symptoms) = verdict else { panic!("it failed three times") };
    assert_eq!(symptoms[0].log, Vec::<String>::new());
}

#[test]
fn where_trying_again_cannot_help_it_is_a_symptom_at_once() {
    assert_snapshot!(Checked::by(ping()).after(1, &Reply::NoContainer), @"web: the check `redis-cli ping` could not be made: no task of the service runs on the engine that skep talks to; help: write it as an `http` or `tcp` check, or constrain the service to the node of that engine (`deploy.placement.constraints`)");
    let barred = Reply::Barred("169.254.169.254".parse().unwrap(), "a link-local address");
    assert_snapshot!(Checked::by(ping()).after(1, &barred), @"web: the check `redis-cli ping` failed: it would go to 169.254.169.254, a link-local address, where no check is made; help: ask for a published port or a public name, or run a `command` in the container");
    assert_snapshot!(Checked::by(Probe::Tcp("web:80".into())).after(1, &Reply::NoSuchHost("web".into())), @"web: the check tcp web:80 failed: there is no host `web`; help: this check is made from where skep runs, and that is not in the stack's networks: ask for a published port or a public name, or run a `command` in the container");
}

#[test]
fn a_check_that_is_wrong_at_the_deadline_is_told() {
    let mut checked = Checked::by(ping());
    checked.after(1, &exit(1, ""));
    let late = shown(&Verdict::Unhealthy(overdue(&checked.desired, &checked.observed, SINCE, &checked.watch)));
    assert_snapshot!(late, @"web: the check `redis-cli ping` failed: exit code 1");
}

/// A task of the version before that was told to stop, and still runs.
fn draining() -> Task {
    Task { id: "old".into(), desired: TaskState::Shutdown, ..old(task(2, TaskState::Running)) }
}

#[test]
fn a_check_from_outside_is_not_made_while_the_version_before_may_answer_it() {
    for (probe, waits) in [(http(Expect::default(), None), true), (Probe::Tcp("a.b:1".into()), true), (ping(), false)] {
        let mut checked = Checked::by(probe);
        let there = checked.observed.services.get_mut(&web()).unwrap();
        there.tasks.push(draining());
        checked.watch = checked.watch.after(&checked.desired, &checked.observed, at(1));
        assert_eq!(checked.is_due(60), !waits);
        let expected = if waits { "settling: web 1/1 stopping the old ones" } else { "settling" };
        assert_eq!(checked.verdict(60), expected);
        checked.observed.services.get_mut(&web()).unwrap().tasks.retain(|task| task.current);
        checked.watch = checked.watch.after(&checked.desired, &checked.observed, at(61));
        assert!(checked.is_due(61), "the new version is asked as soon as it is alone");
    }
}

#[test]
fn what_is_on_a_node_that_is_down_answers_nobody() {
    let mut checked = Checked::by(http(Expect::default(), None));
    checked.observed.nodes.push(Node { id: "n2".into(), down: true, ..Node::default() });
    let lost = Task { node: "n2".into(), ..draining() };
    checked.observed.services.get_mut(&web()).unwrap().tasks.push(lost);
    checked.watch = checked.watch.after(&checked.desired, &checked.observed, at(1));
    assert!(checked.is_due(1));
}

#[test]
fn a_service_that_goes_may_have_answered_and_the_check_is_made_again_without_it() {
    let mut checked = Checked::by(http(Expect::default(), None));
    let before = checked.observed.services[&web()].clone();
    checked.observed.services.insert("site".parse().unwrap(), before);
    assert_eq!(checked.after(10, &answer(200, None, "")), "healthy", "so that the other one may go");
    checked.observed.services.retain(|name, _| *name == web());
    checked.observed.leaving.push(draining());
    checked.watch = checked.watch.after(&checked.desired, &checked.observed, at(11));
    assert!(!checked.watch.is_answered_alone(&checked.desired, &checked.observed));
    checked.observed.leaving.clear();
    checked.watch = checked.watch.after(&checked.desired, &checked.observed, at(12));
    assert!(checked.is_due(12) && !checked.watch.is_answered_alone(&checked.desired, &checked.observed));
    checked.watch = checked.watch.after(&checked.desired, &checked.observed, at(13));
    assert_snapshot!(checked.after(14, &answer(500, None, "")), @"settling: web 1/1 check https://shop.example.com/health: status 500 instead of 2xx");
    assert_eq!(checked.after(16, &answer(200, None, "")), "healthy");
    assert!(checked.watch.is_answered_alone(&checked.desired, &checked.observed));
}

#[test]
fn a_service_that_is_kept_beside_the_stack_holds_up_no_check() {
    let mut checked = Checked::by(http(Expect::default(), None));
    let other = checked.observed.services[&web()].clone();
    checked.observed.services.insert("kept".parse().unwrap(), other);
    assert_eq!(checked.after(10, &answer(200, None, "")), "healthy");
    assert!(checked.watch.is_answered_alone(&checked.desired, &checked.observed));
}

#[test]
fn old_tasks_that_never_stop_are_told_at_the_deadline() {
    let mut checked = Checked::by(http(Expect::default(), None));
    checked.observed.services.get_mut(&web()).unwrap().tasks.push(draining());
    checked.watch = checked.watch.after(&checked.desired, &checked.observed, at(1));
    let late = shown(&Verdict::Unhealthy(overdue(&checked.desired, &checked.observed, SINCE, &checked.watch)));
    assert_snapshot!(late, @"web: its old tasks have not stopped, and may still answer in the place of the new ones; help: shorten `stop_grace_period`, or raise `x-skep.deadline`");
}
