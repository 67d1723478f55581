use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use super::*;
use crate::health::{Symptom, Waiting};
use crate::plan::{Action, Change, Subject as Changed};
use crate::release::{Absent, Away, Outcome};

fn event(stack: Option<&str>, what: What) -> Event {
    let release = stack.is_some().then_some(ReleaseId(2));
    let commit = Some("3f2a91c".repeat(6)[..40].parse().unwrap());
    let stack = stack.map(|name| name.parse().unwrap());
    let subject = Subject { stack, release, commit, branch: Some("main".into()), ..Subject::default() };
    Event { at: Timestamp::UNIX_EPOCH, what, subject }
}

fn told(events: impl IntoIterator<Item = (Option<&'static str>, What)>) -> String {
    let mut narrator = Narrator::default();
    let lines = events.into_iter().flat_map(|(stack, what)| narrator.say(&event(stack, what)));
    lines.collect::<Vec<_>>().join("\n")
}

fn of_shop(events: impl IntoIterator<Item = What>) -> String {
    told(events.into_iter().map(|what| (Some("shop"), what)))
}

fn web() -> crate::name::ServiceName {
    "web".parse().unwrap()
}

fn waiting(running: u64) -> What {
    What::Waiting { services: vec![Waiting { service: web(), running, wanted: 2, what: "starting".into() }] }
}

fn sick() -> Vec<Symptom> {
    vec![Symptom::whole_stack("not healthy within 10m".into())]
}

fn verdict_of(outcome: Outcome) -> What {
    What::Verdict { outcome, urls: Vec::new(), seconds: Some(12.5), news: true }
}

fn output(line: &str) -> What {
    What::BuildOutput { service: web(), line: line.into() }
}

fn failed_build(log: &[&str]) -> What {
    let log = log.iter().map(ToString::to_string).collect();
    What::BuildFailed { service: web(), why: "exit code: 1".into(), log }
}

#[test]
fn nothing_is_said_twice() {
    let wave = || What::Wave { changes: vec![Change::new(Changed::Service(web()), Action::Create)] };
    let events = [
        wave(),
        wave(),
        waiting(0),
        waiting(0),
        waiting(1),
        waiting(1),
        What::Settling,
        What::Settling,
        waiting(1),
        What::Settling,
        What::Stopping { tasks: 1 },
        What::Stopping { tasks: 1 },
    ];
    insta::assert_snapshot!(of_shop(events), @"
      + service web
      web 0/2 starting
      web 1/2 starting
      all tasks run; waiting to see whether they stay up
      all tasks run; waiting to see whether they stay up
      1 task stops
    ");
}

#[test]
fn a_failure_is_told_once_whoever_found_it_out() {
    let back = || verdict_of(Outcome::RolledBack { to: Some(ReleaseId(1)), symptoms: sick() });
    let missed = of_shop([back()]);
    insta::assert_snapshot!(missed, @"
    shop r2 failed
      not healthy within 10m
    shop r2 was not healthy; r1 runs again
    ");
    let failed = What::Failed { symptoms: sick() };
    let heard = of_shop([failed, What::RollingBack { to: Some(ReleaseId(1)) }, What::Settling, back()]);
    insta::assert_snapshot!(heard, @"
    shop r2 failed
      not healthy within 10m
    shop goes back to r1 (as r2)
      all tasks run; waiting to see whether they stay up
    shop r2 was not healthy; r1 runs again
    ");
}

#[test]
fn a_failure_says_what_to_do_and_shows_the_log() {
    let symptoms = [Symptom {
        service: Some(web()),
        help: Some("fix it".into()),
        log: vec!["panicked".into()],
        ..Symptom::whole_stack("3 tasks failed in 12 s: exit code 1".into())
    }];
    insta::assert_snapshot!(failed(&"shop".parse().unwrap(), ReleaseId(2), &symptoms).join("\n"), @"
    shop r2 failed
      web: 3 tasks failed in 12 s: exit code 1
        help: fix it
        | panicked
    ");
}

#[test]
fn a_build_that_failed_shows_its_log_unless_that_stands_right_above() {
    let begun = || What::BuildBegun { service: web() };
    insta::assert_snapshot!(of_shop([begun(), output("#1 RUN false"), output("#1 ERROR: exit code: 1"), failed_build(&["#1 RUN false", "#1 ERROR: exit code: 1"])]), @"
      web | #1 RUN false
      web | #1 ERROR: exit code: 1
    ");
    let api = What::BuildOutput { service: "api".parse().unwrap(), line: "#4 DONE".into() };
    insta::assert_snapshot!(of_shop([output("#1 ERROR: exit code: 1"), api, failed_build(&["#1 RUN false", "#1 ERROR: exit code: 1"])]), @"
      web | #1 ERROR: exit code: 1
      api | #4 DONE
        | #1 RUN false
        | #1 ERROR: exit code: 1
    ");
}

#[test]
fn details_of_one_stack_among_several_name_it() {
    let stacks = vec!["shop".parse().unwrap(), "blog".parse().unwrap()];
    let not_deployed =
        What::NotDeployed { why: "blog".into(), stacks: 2, failing: 1, branch_existed: true, news: true };
    insta::assert_snapshot!(told([
        (None, What::Checking { subject: "Sell more".into() }),
        (None, What::Preparing { stacks }),
        (Some("shop"), What::Noted { note: "a note".into() }),
        (Some("shop"), output("#1 DONE")),
        (Some("shop"), What::RollingOut),
        (Some("shop"), waiting(1)),
        (Some("blog"), waiting(1)),
        (Some("shop"), verdict_of(Outcome::Promoted)),
        (Some("blog"), What::Refused { why: "it belongs to another one".into(), news: true }),
        (None, not_deployed),
    ]), @"
    checking 3f2a91c Sell more
    note: shop: a note
      shop: web | #1 DONE
    shop r2 rolls out
      shop: web 1/2 starting
      blog: web 1/2 starting
    shop r2 is deployed
    blog was not deployed: it belongs to another one
    `main` stays where it was: 1 of 2 stacks does not run this commit
    ");
}

/// One of each kind; a new one is put here, and into `docs/events.md`.
fn one_of_each() -> Vec<What> {
    let (why, image) = ("why".to_owned(), "r.example.com/shop/web:1".to_owned());
    let away = Away { from: Timestamp::UNIX_EPOCH, to: Timestamp::UNIX_EPOCH, who: Absent::Swarm };
    vec![
        What::Checking { subject: "Sell more".into() },
        What::Checked { warnings: vec!["stack.yml:1:1: warning".into()] },
        What::Rejected { why: why.clone(), details: vec![why.clone()] },
        What::NotForDeploy { deployed: Some("main".into()) },
        What::Accepted,
        What::Resumed,
        What::Noted { note: "a note".into() },
        What::Preparing { stacks: vec!["shop".parse().unwrap()] },
        What::BuildBegun { service: web() },
        output("#1 DONE"),
        What::Tested { service: web() },
        What::Pushed { service: web(), image: image.clone(), new_layers: 1, known_layers: 2 },
        What::Built { service: web(), image: image.clone(), seconds: 3.5 },
        failed_build(&["oh"]),
        What::ImageFound { service: web(), image },
        What::ImageKept { service: web() },
        What::Refused { why: why.clone(), news: true },
        What::RollingOut,
        What::Queued,
        What::Wave { changes: vec![Change::new(Changed::Service(web()), Action::Create)] },
        waiting(1),
        What::Settling,
        What::Stopping { tasks: 2 },
        What::Hindered { why: why.clone() },
        What::Unwatched { away },
        What::Promoted,
        What::Failed { symptoms: sick() },
        What::RollingBack { to: Some(ReleaseId(1)) },
        What::Superseded { by: ReleaseId(3) },
        verdict_of(Outcome::Promoted),
        What::Drifted { places: vec!["service web: replicas".into()] },
        What::Healed { fields: 1 },
        What::GivingWay { places: vec!["service web: replicas".into()] },
        What::Deployed { seconds: Some(12.5) },
        What::NotDeployed { why: why.clone(), stacks: 2, failing: 1, branch_existed: true, news: true },
        What::BranchMoved,
        What::BranchNotMoved { why: why.clone() },
        What::GivenUp { why: why.clone() },
        What::NotFetched { why: why.clone(), news: true },
        What::Broke { task: "this push".into(), why: why.clone() },
        What::WorkerRestarted { worker: "worker of shop".into(), why },
        What::Missed { count: 3 },
    ]
}

#[test]
fn no_kind_of_event_is_forgotten_here() {
    let is_variant = |line: &&str| line.strip_prefix("    ").is_some_and(|rest| rest.starts_with(char::is_uppercase));
    let variants = include_str!("what.rs").split("impl What").next().unwrap().lines().filter(is_variant).count();
    assert_eq!(one_of_each().len(), variants);
}

#[test]
fn the_names_of_events_and_of_their_fields_are_a_contract() {
    let shown = |what: What| {
        let Value::Object(mut fields) = serde_json::to_value(event(Some("shop"), what)).unwrap() else { panic!() };
        let name = fields["event"].as_str().unwrap().to_owned();
        let common = ["at", "event", "branch", "commit", "stack", "release"];
        fields.retain(|field, _| !common.contains(&field.as_str()));
        format!("{name} {}", Value::Object(fields))
    };
    insta::assert_snapshot!(one_of_each().into_iter().map(shown).collect::<Vec<_>>().join("\n"), @r##"
    checking {"subject":"Sell more"}
    checked {"warnings":["stack.yml:1:1: warning"]}
    rejected {"why":"why","details":["why"]}
    not-for-deploy {"deployed":"main"}
    accepted {}
    resumed {}
    noted {"note":"a note"}
    preparing {"stacks":["shop"]}
    build-begun {"service":"web"}
    build-output {"service":"web","line":"#1 DONE"}
    tested {"service":"web"}
    pushed {"service":"web","image":"r.example.com/shop/web:1","new_layers":1,"known_layers":2}
    built {"service":"web","image":"r.example.com/shop/web:1","seconds":3.5}
    build-failed {"service":"web","why":"exit code: 1","log":["oh"]}
    image-found {"service":"web","image":"r.example.com/shop/web:1"}
    image-kept {"service":"web"}
    refused {"why":"why","news":true}
    rolling-out {}
    queued {}
    wave {"changes":[{"kind":"service","name":"web","action":"create","reason":"new"}]}
    waiting {"services":[{"service":"web","running":1,"wanted":2,"what":"starting"}]}
    settling {}
    stopping {"tasks":2}
    hindered {"why":"why"}
    unwatched {"away":{"from":"1970-01-01T00:00:00Z","to":"1970-01-01T00:00:00Z","who":"swarm"}}
    promoted {}
    failed {"symptoms":[{"service":null,"message":"not healthy within 10m"}]}
    rolling-back {"to":1}
    superseded {"by":3}
    verdict {"outcome":"promoted","seconds":12.5,"news":true}
    drifted {"places":["service web: replicas"]}
    healed {"fields":1}
    giving-way {"places":["service web: replicas"]}
    deployed {"seconds":12.5}
    not-deployed {"why":"why","stacks":2,"failing":1,"branch_existed":true,"news":true}
    branch-moved {}
    branch-not-moved {"why":"why"}
    given-up {"why":"why"}
    not-fetched {"why":"why","news":true}
    broke {"task":"this push","why":"why"}
    worker-restarted {"worker":"worker of shop","why":"why"}
    missed {"count":3}
    "##);
}

#[test]
fn an_event_says_what_it_is_about_as_far_as_it_is_known() {
    let json = |event: &Event| serde_json::to_string(event).unwrap();
    insta::assert_snapshot!(json(&event(Some("shop"), What::Promoted)), @r#"{"at":"1970-01-01T00:00:00Z","event":"promoted","branch":"main","commit":"3f2a91c3f2a91c3f2a91c3f2a91c3f2a91c3f2a9","stack":"shop","release":2}"#);
    let event = Event { at: Timestamp::UNIX_EPOCH, what: What::Accepted, subject: Subject::default() };
    insta::assert_snapshot!(json(&event), @r#"{"at":"1970-01-01T00:00:00Z","event":"accepted"}"#);
}

#[test]
fn every_event_is_in_the_manual_and_the_manual_has_no_other() {
    let name = |what: &What| serde_json::to_value(what).unwrap()["event"].as_str().unwrap().to_owned();
    let known: BTreeSet<String> = one_of_each().iter().map(name).collect();
    let page = include_str!("../../docs/events.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    assert_eq!(rows.map(str::to_owned).collect::<BTreeSet<_>>(), known);
}
