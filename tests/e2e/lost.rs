//! What people do by hand, behind skep's back.

use insta::assert_snapshot;

use crate::harness::command::output;
use crate::harness::repository::Push;
use crate::harness::stacks::{quiet, service};
use crate::harness::waiting::{SOON, wait_until};
use crate::harness::{Lab, swarm};

#[test]
fn records_removed_by_hand_deploy_and_remove_nothing() {
    let Some(lab) = Lab::alone("") else { return };
    let shop = lab.repository("lost");
    assert!(shop.write("stack.yml", quiet("1000")).commit("Open").push().accepted);
    output("docker", &["config", "rm", &swarm::records(&shop.name)[0]]);
    let before = swarm::everything(&shop.name);
    lab.kill();
    lab.restart();
    assert_snapshot!(lab.status(&shop), @"
    skep-e2e-lost: no release
      web                  1 running
      note: there is no record of it: skep did not deploy it, or its records were removed; it is left as it is
    ");
    assert_eq!(swarm::everything(&shop.name), before);
    let push = shop.write("stack.yml", quiet("2000")).commit("Go on").push();
    assert!(!push.accepted, "what runs may be somebody else's");
    assert_eq!(swarm::everything(&shop.name), before);
    let push = shop.push_option("adopt");
    assert_snapshot!(push.told(), @"
    checking COMMIT Go on
    skep-e2e-lost r2 rolls out
      ~ service web: command sleep 1000 -> sleep 2000 (EFFECT)
    skep-e2e-lost r2 is deployed
    ");
    assert_eq!(swarm::arguments(&format!("{}_web", shop.name)), "sleep 2000");
}

#[test]
fn an_older_commit_does_not_take_the_place_of_what_runs() {
    let Some(lab) = Lab::alone("") else { return };
    let shop = lab.repository("backwards");
    assert!(shop.write("stack.yml", quiet("1000")).commit("One").push().accepted);
    let one = shop.head();
    assert!(shop.write("stack.yml", quiet("2000")).commit("Two").push().accepted);
    let two = shop.head();
    let told = |push: &Push| push.told().replace(&one[..7], "ONE").replace(&two[..7], "TWO");
    let older = "HEAD~1:refs/heads/main";
    assert_snapshot!(told(&shop.push_with(&["--force", older])), @"
    checking COMMIT One
    skep-e2e-backwards was not deployed: ONE does not descend from TWO, which the stack `skep-e2e-backwards` runs as r2; to go back, use `skep rollback skep-e2e-backwards`; if the history was rewritten on purpose, push with `git push --force -o force`
    (refused)
    ");

    // The disk with the repository is lost, and with it the branch.
    lab.kill();
    std::fs::remove_dir_all(lab.bare(&shop.name)).unwrap();
    lab.restart();
    assert_snapshot!(told(&shop.push_with(&[older])), @"
    checking COMMIT One
    skep-e2e-backwards was not deployed: this repository does not have the commit TWO, which the stack `skep-e2e-backwards` runs as r2: is skep's data folder the same as before? If it is lost, push a history that contains TWO; to start from another one, use `git push -o force`
    (refused)
    ");
    assert_eq!(swarm::arguments(&format!("{}_web", shop.name)), "sleep 2000");
    assert!(shop.push_with(&["--push-option", "force", older]).accepted);
    assert_eq!(swarm::arguments(&format!("{}_web", shop.name)), "sleep 1000");
}

#[test]
fn a_change_made_by_hand_is_seen() {
    let Some(lab) = Lab::open() else { return };
    let shop = lab.repository("drift");
    assert!(shop.write("stack.yml", quiet("1000")).commit("Open").push().accepted);
    let web = format!("{}_web", shop.name);
    output("docker", &["service", "update", "--detach", "--env-add", "DEBUG=1", "--args", "sleep 4000", &web]);
    wait_until("the new task runs", SOON, || lab.status(&shop).contains(" 1/1 running"));
    assert_snapshot!(lab.status(&shop), @r#"
    skep-e2e-drift: r1 (COMMIT), from skep-e2e-drift
      web                  1/1 running
      differs from its release; changes needed to restore it:
        ~ service web: command sleep 4000 -> sleep 1000, environment DEBUG=1 removed (EFFECT)
    "#);
    assert_eq!(swarm::arguments(&web), "sleep 4000", "seeing is not changing");
}

#[test]
fn a_change_made_by_hand_is_healed_if_the_stack_says_so() {
    let Some(lab) = Lab::open() else { return };
    let shop = lab.repository("healed");
    let stack = format!("x-skep: {{ stable: 1s, drift: heal }}\nservices:\n{}", service("web", "[sleep, \"1000\"]"));
    assert!(shop.write("stack.yml", stack).commit("Open").push().accepted);
    let web = format!("{}_web", shop.name);
    output("docker", &["service", "update", "--detach", "--args", "sleep 4000", &web]);
    wait_until("it is as it should be", SOON, || swarm::arguments(&web) == "sleep 1000");
    output("docker", &["service", "rm", &web]);
    wait_until("it is there again", SOON, || swarm::containers(&web).len() == 1);
}
