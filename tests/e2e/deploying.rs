//! Pushes that become what runs.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use insta::assert_snapshot;

use crate::harness::command::output;
use crate::harness::controller::free_port;
use crate::harness::repository::Repository;
use crate::harness::stacks::{SWIFT, quiet, service};
use crate::harness::waiting::{SOON, wait_until};
use crate::harness::{Lab, swarm, web};

#[test]
fn a_first_push_runs_and_the_branch_names_it() {
    let Some(lab) = Lab::open() else { return };
    let shop = lab.repository("first");
    let push = shop.write("stack.yml", quiet("1000")).commit("Open").push();
    assert_snapshot!(push.told(), @"
    checking COMMIT Open
    skep-e2e-first r1 rolls out
      + network skep-e2e-first_default
      + service web
    skep-e2e-first r1 is deployed
    ");
    assert!(push.accepted);
    assert_eq!(shop.deployed(), Some(shop.head()));
    assert_eq!(swarm::containers(&format!("{}_web", shop.name)).len(), 1);
    assert_snapshot!(lab.status(&shop), @"
    skep-e2e-first: r1 (COMMIT), from skep-e2e-first
      web                  1/1 running
    ");
}

#[test]
fn a_push_that_changes_nothing_writes_nothing() {
    let Some(lab) = Lab::open() else { return };
    let shop = lab.repository("same");
    assert!(shop.write("stack.yml", quiet("1000")).commit("Open").push().accepted);
    let before = swarm::everything(&shop.name);
    let push = shop.commit("Say the same").push();
    assert_snapshot!(push.told(), @"
    checking COMMIT Say the same
    skep-e2e-same r1 already runs: nothing to do
    ");
    assert_eq!(shop.deployed(), Some(shop.head()));
    assert_eq!(swarm::everything(&shop.name), before);
}

#[test]
fn an_async_push_returns_after_the_checks_and_the_deploy_goes_on() {
    let Some(lab) = Lab::open() else { return };
    let shop = lab.repository("async");
    let push = shop.write("stack.yml", quiet("1000")).commit("Open").push_option("async");
    assert_snapshot!(push.told(), @"
    checking COMMIT Open
    accepted; the deploy goes on in the background and moves `main` when it is done, see `skep status`
    ");
    wait_until("the branch names what runs", SOON, || shop.deployed() == Some(shop.head()));
    wait_until("it is promoted", SOON, || lab.status(&shop).contains("r1 (COMMIT), from"));
    let broken = shop.write("stack.yml", "services: 3\n").commit("Break it").push_option("async");
    assert!(!broken.accepted, "what does not pass the checks is refused, also with -o async");
}

#[test]
fn a_deploy_outlives_its_pusher_and_the_branch_moves() {
    let Some(lab) = Lab::open() else { return };
    let shop = lab.repository("cut-off");
    let slow = format!("x-skep: {{ stable: 4s, deadline: 60s }}\nservices:\n{}", service("web", "[sleep, \"1000\"]"));
    let pushing = shop.write("stack.yml", slow).commit("Open").begin(&["main"]);
    pushing.wait_for("rolls out", SOON);
    pushing.cut_off();
    assert_eq!(shop.deployed(), None);
    wait_until("the branch names what runs", SOON, || shop.deployed() == Some(shop.head()));
    assert_eq!(swarm::containers(&format!("{}_web", shop.name)).len(), 1);
}

#[test]
fn not_one_request_fails_while_a_second_push_rolls() {
    let Some(lab) = Lab::open() else { return };
    let (shop, port) = (lab.repository("rolling"), free_port());
    shop.copy("examples").write(".gitignore", "").write("stack.yml", hello_behind_a_front(port));
    compile(&shop, "front");
    compile(&shop, "hello");
    let push = shop.commit("Say hello").push();
    assert!(push.accepted, "{}", push.output);
    let url = format!("http://127.0.0.1:{port}/");
    wait_until("version 1 answers", SOON, || answer(&url) == "hello, this is version 1");

    let (pushed, answers) = while_asking(&url, || {
        let hello = std::fs::read_to_string(shop.path("hello/hello.rs")).unwrap();
        shop.write("hello/hello.rs", hello.replace("VERSION: &str = \"1\"", "VERSION: &str = \"2\""));
        compile(&shop, "hello");
        shop.commit("Say hello better").push()
    });
    assert!(pushed.accepted, "{}", pushed.output);
    assert_eq!(answer(&url), "hello, this is version 2");
    let kinds: Vec<_> = answers.keys().map(String::as_str).collect();
    assert_eq!(kinds, ["hello, this is version 1", "hello, this is version 2"], "{answers:?}");
}

fn hello_behind_a_front(port: u16) -> String {
    format!(
        "{SWIFT}services:
  hello:
    build: hello
    healthcheck: {{ test: [CMD, /hello, --check], interval: 1s, timeout: 5s, retries: 5 }}
    stop_grace_period: 15s
    deploy: {{ replicas: 2, update_config: {{ order: start-first, parallelism: 1 }} }}
  front:
    build: front
    command: [hello, \"8080\"]
    ports: [{{ target: 8080, published: {port}, mode: host }}]
    healthcheck: {{ test: [CMD, /front, --check], interval: 1s, timeout: 5s, retries: 5 }}
"
    )
}

/// Compiles `hello/hello.rs` to `hello/hello`, as its head says.
fn compile(shop: &Repository, name: &str) {
    let (source, binary) = (shop.path(&format!("{name}/{name}.rs")), shop.path(&format!("{name}/{name}")));
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let fixed = ["--edition=2024", "--cap-lints=allow", "-Cpanic=abort", "-Ctarget-feature=+crt-static"];
    let files = ["--target", &target, "-o", binary.to_str().unwrap(), source.to_str().unwrap()];
    output("rustc", &[fixed.as_slice(), files.as_slice()].concat());
}

/// Asks again and again while something is done; each answer, and how often it came.
fn while_asking<T>(url: &str, work: impl FnOnce() -> T) -> (T, BTreeMap<String, usize>) {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let client = scope.spawn(|| {
            let mut answers = BTreeMap::new();
            while !done.load(Ordering::SeqCst) {
                *answers.entry(answer(url)).or_default() += 1;
            }
            answers
        });
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        done.store(true, Ordering::SeqCst);
        (result.unwrap_or_else(|panic| std::panic::resume_unwind(panic)), client.join().unwrap())
    })
}

fn answer(url: &str) -> String {
    match web::get(url) {
        Ok(answer) if answer.status == 200 => answer.body.trim().to_owned(),
        Ok(answer) => format!("status {}", answer.status),
        Err(error) => format!("{error:?}"),
    }
}
