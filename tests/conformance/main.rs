//! What `skep deploy --as-written --no-wait` sends is what the real Docker CLI sends, over every file in `cases/`.
//!
//! Both run against a daemon that records what it is asked. `golden.jsonl` holds what the CLI of 28.2 sent, so that the
//! test is worth something where only an older one is installed. `UPDATE=1` records it anew, and
//! `CONFORMANCE_CASES=FOLDER` runs over other files.
#![allow(clippy::unwrap_used, reason = "a case that cannot be run fails the test, with its message")]
#![allow(
    clippy::disallowed_methods,
    reason = "the test starts programs, and reads what the person at the keyboard asks for"
)]

mod case;
mod compare;
mod daemon;
mod golden;
mod run;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use case::Case;
use compare::Verdict;
use run::{Program, Ran};

/// How many cases run at once.
const AT_ONCE: usize = 6;

fn own_cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/cases")
}

#[test]
fn skep_sends_what_docker_sends() {
    let elsewhere = std::env::var_os("CONFORMANCE_CASES").map(PathBuf::from);
    let cases = case::all(elsewhere.as_deref().unwrap_or(&own_cases()));
    assert!(!cases.is_empty() && (elsewhere.is_some() || cases.len() >= 150), "{} cases", cases.len());
    let cli = run::docker_cli();
    if cli.is_none() {
        eprintln!("NOT RUN: there is no Docker CLI of 28 or newer in PATH; its answers are those of golden.jsonl");
    }
    let golden = if elsewhere.is_some() { BTreeMap::new() } else { golden::read() };
    let ran = in_parallel(&cases, |case| {
        let docker = cli.as_ref().map(|cli| run::run(case, &Program::Docker(cli.clone())));
        (docker, run::run(case, &Program::Skep))
    });
    if std::env::var_os("UPDATE").is_some() && elsewhere.is_none() {
        golden::write(&cases, &ran);
        return;
    }
    let mut wrong = Vec::new();
    for (case, (docker, skep)) in cases.iter().zip(&ran) {
        let recorded = golden.get(&case.name);
        wrong.extend(judge(case, docker.as_ref(), recorded, skep).map(|reason| format!("== {}\n{reason}", case.name)));
    }
    let counted = format!("{} of {} cases differ", wrong.len(), cases.len());
    assert!(wrong.is_empty(), "{}\n{counted}", wrong.join("\n"));
}

/// What skep says over one case.
fn said(name: &str) -> String {
    let case = case::all(&own_cases()).into_iter().find(|case| case.name == name).unwrap();
    let said = run::run(&case, &Program::Skep).said;
    said.trim_end().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_is_written_is_told() {
    insta::assert_snapshot!(said("update-one-of-two"), @r"
    stack shop
    ~ service api: image api:1@000000000000 -> api:2@000000000000, image label api:1 -> api:2
    written, without waiting
    ");
    insta::assert_snapshot!(said("update-nothing"), @r"
    stack shop
    nothing to do
    ");
    insta::assert_snapshot!(said("image-missing"), @r"
    stack shop
    + network shop_default
    + service web
    written, without waiting
    warning: no registry tells the digest of missing/web:1: each node pulls it by itself, and they may run different versions of it
    ");
}

#[test]
fn a_variable_that_becomes_empty_is_told() {
    insta::assert_snapshot!(said("interpolation-unset"), @r"
    stack shop
    + network shop_default
    + service web
    written, without waiting
    warning: stack.yml:5:10: the variable NOT_SET is not set and becomes empty; set it, or write ${NOT_SET:-default}
    warning: stack.yml:6:10: the variable NOT_SET is not set and becomes empty; set it, or write ${NOT_SET:-default}
    warning: stack.yml:7:24: the variable NOT_SET is not set and becomes empty; set it, or write ${NOT_SET:-default}
    warning: stack.yml:8:14: the variable NOT_SET is not set and becomes empty; set it, or write ${NOT_SET:-default}
    ");
}

#[test]
fn what_stands_in_the_way_is_told_before_the_first_write() {
    insta::assert_snapshot!(said("build-only"), @r"
    error[SK1005]: the service `web` has no `image`
     --> stack.yml:3:3
      |
    3 |   web:
      |   ^^^
      |
      = help: with --as-written nothing is built: build and push the image, and name it in `image`

    warning[SK2001]: `build` has no effect in a swarm
     --> stack.yml:4:12
      |
    4 |     build: .
      |            ^
      |
      = help: with --as-written nothing is built: the image must exist
    ");
    insta::assert_snapshot!(said("environment-file-missing"), @r"
    error[SK1007]: the env_file `/CASE/work/none.env` does not exist
     --> stack.yml:5:15
      |
    5 |     env_file: none.env
      |               ^^^^^^^^
      |
      = help: is the path relative to the stack file?
    ");
    insta::assert_snapshot!(said("networks-external-missing"), @r"
    error: there is no network `proxy`
    hint: it is external: create it first, with `docker network create --driver overlay NAME`
    ");
    insta::assert_snapshot!(said("networks-external-local"), @"error: network proxy: its scope is `local`, and services need a network of the swarm");
    insta::assert_snapshot!(said("released-stack"), @"error: the stack `shop` has releases of skep; deploy it without `--no-wait`");
    insta::assert_snapshot!(said("update-secret-changed"), @"error: secret shop_key is there and holds something else, which Swarm cannot change; give it a new `name`, or remove it first");
    insta::assert_snapshot!(said("update-config-of-another-stack"), @"error: config shop_site: it belongs to the stack `other`; give this one another `name`");
}

#[test]
fn every_deliberate_difference_is_in_the_manual() {
    let manual = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/conformance.md")).unwrap();
    let named: Vec<&str> = manual.split('`').collect();
    let cases = case::all(&own_cases()).into_iter().filter(Case::differs);
    let missing: Vec<String> = cases.map(|case| case.name).filter(|name| !named.contains(&name.as_str())).collect();
    assert!(missing.is_empty(), "not in docs/conformance.md: {missing:?}");
}

/// What is wrong with how skep, or Docker, took a case.
fn judge(case: &Case, docker: Option<&Ran>, recorded: Option<&golden::Recorded>, skep: &Ran) -> Option<String> {
    if let (Some(docker), Some(recorded)) = (docker, recorded)
        && let Some(why) = compare::drift(docker, recorded)
    {
        return Some(format!("Docker does not do what golden.jsonl says: {why}"));
    }
    let recorded_run = recorded.map(golden::Recorded::as_ran);
    let docker = docker.or(recorded_run.as_ref())?;
    match compare::verdict(case, docker, skep) {
        Verdict::AsExpected if case.skep == case::Expected::Differs => {
            let ours = recorded.and_then(|recorded| recorded.ours.as_ref());
            ours.and_then(|ours| compare::difference(ours, &skep.writes))
                .map(|why| format!("its own way changed: {why}"))
        }
        Verdict::AsExpected => None,
        Verdict::Wrong(why) => Some(why),
    }
}

fn in_parallel<T: Send>(cases: &[Case], work: impl Fn(&Case) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let done: Mutex<BTreeMap<usize, T>> = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(number) else { return };
                    let result = work(case);
                    done.lock().unwrap().insert(number, result);
                }
            });
        }
    });
    done.into_inner().unwrap().into_values().collect()
}
