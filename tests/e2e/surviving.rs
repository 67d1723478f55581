//! `kill -9` of the controller: the next one goes on from the record, and ends where the first would have.

use insta::assert_snapshot;

use crate::harness::command::output;
use crate::harness::repository::Repository;
use crate::harness::stacks::{CRASH, SWIFT, quiet, service};
use crate::harness::waiting::{SOON, wait_for, wait_until};
use crate::harness::{IMAGE, Lab, swarm};

/// A build that takes four seconds, also when another test, or an earlier run, has left the engine's cache warm.
fn slow_to_build(repository: &str) -> String {
    format!("FROM {IMAGE}\nRUN echo compiling {repository} {} && sleep 4\n", std::process::id())
}

#[test]
fn killed_while_it_builds_the_next_one_builds_and_moves_the_branch() {
    let Some(lab) = Lab::alone("") else { return };
    let shop = lab.repository("before");
    shop.write("Dockerfile", slow_to_build(&shop.name));
    let stack =
        format!("{SWIFT}services:\n  web:\n    build: .\n    command: [sleep, \"1000\"]\n    stop_signal: SIGKILL\n");
    let pushing = shop.write("stack.yml", stack).commit("Open").begin(&["main"]);
    pushing.wait_for("compiling", SOON);
    lab.kill();
    let push = pushing.end();
    assert!(!push.accepted);
    assert_eq!(swarm::everything(&shop.name), "", "{}", push.output);
    // As Git leaves it when it is killed, too.
    let left = lab.bare(&shop.name).join("objects/tmp_objdir-incoming-a1B2c3");
    std::fs::create_dir(&left).unwrap();
    lab.restart();
    assert!(!left.exists());
    wait_until("the branch names what runs", SOON, || shop.deployed() == Some(shop.head()));
    assert_eq!(swarm::containers(&format!("{}_web", shop.name)).len(), 1);
}

#[test]
fn told_to_stop_it_says_so_to_the_pusher_and_the_next_one_goes_on() {
    let Some(lab) = Lab::alone("") else { return };
    let shop = lab.repository("stopped");
    shop.write("Dockerfile", slow_to_build(&shop.name));
    let stack =
        format!("{SWIFT}services:\n  web:\n    build: .\n    command: [sleep, \"1000\"]\n    stop_signal: SIGKILL\n");
    let pushing = shop.write("stack.yml", stack).commit("Open").begin(&["main"]);
    pushing.wait_for("compiling", SOON);
    lab.stop();
    let push = pushing.end();
    assert!(
        push.told().ends_with(
            "skep is restarting; what it has begun of this push goes on when it is back: `skep status` shows it, and `git fetch` when the branch has moved. If neither does, push again\n(refused)"
        ),
        "{}",
        push.output
    );
    assert_eq!(shop_deployed_while_down(&lab, &shop.name), None);
    lab.restart();
    wait_until("the branch names what runs", SOON, || shop.deployed() == Some(shop.head()));
}

fn shop_deployed_while_down(lab: &Lab, repository: &str) -> Option<String> {
    std::fs::read_to_string(lab.bare(repository).join("refs/heads/main")).ok()
}

/// The stacks of a repository that has several; they go when it is dropped.
struct Several([String; 2]);

impl Several {
    fn of(repository: &str) -> Self {
        Self(["good", "sick"].map(|name| format!("{repository}-{name}")))
    }

    fn write(&self, shop: &Repository, good: &str, sick: &str) {
        for (stack, command) in self.0.iter().zip([good, sick]) {
            shop.write(&format!("stacks/{stack}/stack.yml"), format!("{SWIFT}services:\n{}", service("web", command)));
        }
    }
}

impl Drop for Several {
    fn drop(&mut self) {
        self.0.iter().for_each(|stack| swarm::remove(stack));
    }
}

#[test]
fn killed_while_several_stacks_roll_out_it_takes_up_the_whole_commit() {
    let Some(lab) = Lab::alone("") else { return };
    let shop = lab.repository("several");
    let several = Several::of(&shop.name);
    several.write(&shop, "[sleep, \"1000\"]", "[sleep, \"1000\"]");
    assert!(shop.commit("Open").push().accepted);
    let good = shop.head();
    several.write(&shop, "[sleep, \"2000\"]", CRASH);
    let pushing = shop.commit("Break one of them").begin(&["main"]);
    for stack in &several.0 {
        pushing.wait_for(&format!("{stack} r2 rolls out"), SOON);
    }
    lab.kill();
    assert!(!pushing.end().accepted);
    lab.restart();
    let has_ended = |line: &str| line.contains(&shop.name) && line.contains("was not deployed as a whole");
    wait_until("the commit has ended", SOON, || lab.skep(&["status"]).lines().any(has_ended));
    let arguments = several.0.each_ref().map(|stack| swarm::arguments(&format!("{stack}_web")));
    assert_eq!(arguments, ["sleep 2000", "sleep 1000"]);
    assert_eq!(shop.deployed(), Some(good), "the branch does not name what only one of them runs");
    let again = shop.push();
    assert_snapshot!(again.told(), @"
    checking COMMIT Break one of them
    skep-e2e-several-good r2 already runs: nothing to do
    skep-e2e-several-sick was not deployed: these files failed already, as r2: the update stopped: a new task failed: exit code 3; change them, or try the same again with `git push -o retry`
    `main` stays where it was: 1 of 2 stacks does not run this commit
    (refused)
    ");
}

#[test]
fn killed_before_an_async_deploy_is_recorded_it_deploys_when_it_is_back() {
    let Some(lab) = Lab::alone("") else { return };
    let shop = lab.repository("promised");
    shop.write("Dockerfile", slow_to_build(&shop.name));
    let stack =
        format!("{SWIFT}services:\n  web:\n    build: .\n    command: [sleep, \"1000\"]\n    stop_signal: SIGKILL\n");
    assert!(shop.write("stack.yml", stack).commit("Open").push_option("async").accepted);
    lab.kill();
    assert_eq!(swarm::everything(&shop.name), "");
    lab.restart();
    wait_until("it runs", SOON, || swarm::containers(&format!("{}_web", shop.name)).len() == 1);
    wait_until("the branch names what runs", SOON, || shop.deployed() == Some(shop.head()));
}

#[test]
fn killed_in_the_middle_of_the_apply_it_goes_on_and_moves_the_branch() {
    let Some(lab) = Lab::alone("") else { return };
    let shop = lab.repository("during");
    let slow = "    healthcheck: { test: [CMD, test, -e, /ready], interval: 1s, timeout: 5s, retries: 1000 }\n";
    let db = service("db", r#"[sleep, "1000"]"#);
    let db = db.replace("    healthcheck: { disable: true }\n", slow);
    let web = service("web", "[sleep, \"1000\"]");
    let patient = SWIFT.replace("60s", "20m");
    let stack = format!("{patient}services:\n{db}{web}    depends_on: [db]\n");
    let pushing = shop.write("stack.yml", stack).commit("Open").begin(&["main"]);
    wait_until("the first service is there", SOON, || swarm::services(&shop.name).len() == 1);
    pushing.wait_for("+ service db", SOON);
    lab.kill();
    assert_snapshot!(pushing.end().told(), @"
    checking COMMIT Open
    skep-e2e-during r1 rolls out
      + network skep-e2e-during_default
      + service db
    (refused)
    ");
    assert_eq!(swarm::services(&shop.name), [format!("{}_db", shop.name)]);
    assert!(lab_is_down_and_branch_unmoved(&lab, &shop.name));
    lab.restart();
    let db =
        wait_for("the first service has a container", SOON, || swarm::containers(&format!("{}_db", shop.name)).pop());
    output("docker", &["exec", &db, "touch", "/ready"]);
    wait_until("the branch names what runs", SOON, || shop.deployed() == Some(shop.head()));
    assert_eq!(swarm::containers(&format!("{}_web", shop.name)).len(), 1);
}

fn lab_is_down_and_branch_unmoved(lab: &Lab, repository: &str) -> bool {
    !lab.bare(repository).join("refs/heads/main").exists()
}

#[test]
fn killed_after_the_apply_it_promotes_and_moves_the_branch() {
    let Some(lab) = Lab::alone("") else { return };
    let shop = lab.repository("after");
    assert!(shop.write("stack.yml", quiet("1000")).commit("Open").push().accepted);
    let patient = quiet("2000").replace("stable: 1s", "stable: 3s");
    let pushing = shop.write("stack.yml", patient).commit("Go on").begin(&["main"]);
    pushing.wait_for("all tasks run", SOON);
    lab.kill();
    drop(pushing.end());
    lab.restart();
    wait_until("the branch names what runs", SOON, || shop.deployed() == Some(shop.head()));
    assert_eq!(swarm::arguments(&format!("{}_web", shop.name)), "sleep 2000");
    assert_snapshot!(lab.status(&shop), @"
    skep-e2e-after: r2 (COMMIT), from skep-e2e-after
      web                  1/1 running
    ");
}

#[test]
fn killed_while_it_goes_back_it_goes_back_all_the_same() {
    let Some(lab) = Lab::alone("") else { return };
    let shop = lab.repository("back");
    assert!(shop.write("stack.yml", quiet("1000")).commit("Open").push().accepted);
    let good = shop.head();
    let crashing = format!("{SWIFT}services:\n{}", service("web", CRASH));
    let pushing = shop.write("stack.yml", crashing).commit("Break it").begin(&["main"]);
    pushing.wait_for("r2 failed", SOON);
    lab.kill();
    drop(pushing.end());
    lab.restart();
    wait_until("the old version is promoted", SOON, || lab.status(&shop).starts_with(&format!("{}: r3", shop.name)));
    assert_eq!(swarm::arguments(&format!("{}_web", shop.name)), "sleep 1000");
    assert_eq!(shop.deployed(), Some(good));
}
