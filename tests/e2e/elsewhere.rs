//! Repositories elsewhere: heard of by webhook or by looking, and their commit statuses.

use std::path::PathBuf;

use insta::assert_snapshot;

use crate::harness::command::output;
use crate::harness::controller::SECRET;
use crate::harness::gitlab::GitLab;
use crate::harness::repository::{Repository, redacted};
use crate::harness::stacks::{CRASH, SWIFT, quiet, service};
use crate::harness::waiting::{SOON, wait_until};
use crate::harness::{Lab, swarm, web};

/// Settings for a repository elsewhere of this name, which is in a folder of the controller's.
fn settings(gitlab: &GitLab, name: &str, poll_seconds: u64) -> String {
    format!(
        "gitlab: {{ url: \"{}\", token_file: FOLDER/secret, webhook_secret_files: [FOLDER/secret] }}
repositories:
  skep-e2e-{name}: {{ url: \"file://FOLDER/{name}.git\", poll_seconds: {poll_seconds}, project: team/shop }}
",
        gitlab.url
    )
}

/// The bare repository elsewhere, made if it does not exist.
fn elsewhere(lab: &Lab, name: &str) -> String {
    let path: PathBuf = lab.folder.join(format!("{name}.git"));
    if !path.exists() {
        output("git", &["init", "--quiet", "--bare", "--initial-branch", "main", path.to_str().unwrap()]);
    }
    path.to_str().unwrap().to_owned()
}

/// What GitLab sends when somebody has pushed.
fn push_event(shop: &Repository) -> Vec<u8> {
    let body = serde_json::json!({
        "object_kind": "push", "event_name": "push", "ref": "refs/heads/main", "after": shop.head(),
        "project": { "path_with_namespace": "team/shop" },
    });
    body.to_string().into_bytes()
}

fn webhook(lab: &Lab, shop: &Repository) -> web::Answer {
    let url = format!("http://127.0.0.1:{}/hooks/gitlab/{}", lab.port, shop.name);
    web::post(&url, &[("X-Gitlab-Event", "Push Hook"), ("X-Gitlab-Token", SECRET)], push_event(shop)).unwrap()
}

fn wait_for_the_last_status(gitlab: &GitLab, shop: &Repository) -> String {
    let ended = |line: &String| line.starts_with("success") || line.starts_with("failed");
    wait_until("GitLab is told the outcome", SOON, || gitlab.told(&shop.head()).iter().any(ended));
    redacted(&gitlab.told(&shop.head()).join("\n"))
}

#[test]
fn a_push_elsewhere_is_heard_of_by_webhook() {
    let gitlab = GitLab::start();
    let Some(lab) = Lab::alone(&settings(&gitlab, "hooked", 3600)) else { return };
    let (shop, remote) = (lab.repository("hooked"), elsewhere(&lab, "hooked"));
    assert!(shop.write("stack.yml", quiet("1000")).commit("Open").push_to(&remote).accepted);
    let answer = webhook(&lab, &shop);
    assert_eq!((answer.status, answer.body.as_str()), (200, "looking\n"));
    assert_snapshot!(wait_for_the_last_status(&gitlab, &shop), @"
    pending skep/skep-e2e-hooked: skep checks it
    running skep/skep-e2e-hooked: skep builds and deploys
    success skep/skep-e2e-hooked: skep-e2e-hooked r1 is deployed
    ");

    assert!(shop.write("stack.yml", "services: 3\n").commit("Break it").push_to(&remote).accepted);
    webhook(&lab, &shop);
    assert_snapshot!(wait_for_the_last_status(&gitlab, &shop), @"
    pending skep/skep-e2e-hooked: skep checks it
    failed skep/skep-e2e-hooked: rejected: stack.yml:1:11: error[SK1001]: `services` must be a map, but is `3`
    ");
    assert_eq!(swarm::arguments(&format!("{}_web", shop.name)), "sleep 1000");
}

#[test]
fn a_push_elsewhere_is_heard_of_by_polling_alone_and_failures_are_told() {
    let gitlab = GitLab::start();
    let Some(lab) = Lab::alone(&settings(&gitlab, "polled", 1)) else { return };
    let (shop, remote) = (lab.repository("polled"), elsewhere(&lab, "polled"));
    assert!(shop.write("stack.yml", quiet("1000")).commit("Open").push_to(&remote).accepted);
    assert_snapshot!(wait_for_the_last_status(&gitlab, &shop), @"
    pending skep/skep-e2e-polled: skep checks it
    running skep/skep-e2e-polled: skep builds and deploys
    success skep/skep-e2e-polled: skep-e2e-polled r1 is deployed
    ");

    let crashing = format!("{SWIFT}services:\n{}", service("web", CRASH));
    assert!(shop.write("stack.yml", crashing).commit("Break it").push_to(&remote).accepted);
    assert_snapshot!(wait_for_the_last_status(&gitlab, &shop), @"
    pending skep/skep-e2e-polled: skep checks it
    running skep/skep-e2e-polled: skep builds and deploys
    failed skep/skep-e2e-polled: skep-e2e-polled r2 was not healthy; r1 runs again
    ");
    assert_eq!(swarm::arguments(&format!("{}_web", shop.name)), "sleep 1000");
    let before = swarm::everything(&shop.name);
    lab.kill();
    lab.restart();
    wait_until("it has looked again", SOON, || lab.log().matches("skep serves").count() == 2);
    assert_eq!(swarm::everything(&shop.name), before, "what failed is not tried again by the next controller");
}

#[test]
fn a_repository_that_is_away_loses_nothing() {
    let gitlab = GitLab::start();
    let Some(lab) = Lab::alone(&settings(&gitlab, "away", 1)) else { return };
    let shop = lab.repository("away");
    wait_until("the log says what is wrong", SOON, || lab.log().contains("there is no repository at"));
    let remote = elsewhere(&lab, "away");
    assert!(shop.write("stack.yml", quiet("1000")).commit("Open").push_to(&remote).accepted);
    wait_for_the_last_status(&gitlab, &shop);

    let before = swarm::everything(&shop.name);
    let (there, moved) = (lab.folder.join("away.git"), lab.folder.join("moved.git"));
    std::fs::rename(&there, &moved).unwrap();
    let so_far = lab.log().matches("could not look").count();
    wait_until("it has looked in vain", SOON, || lab.log().matches("could not look").count() > so_far);
    assert_eq!(swarm::everything(&shop.name), before);
    std::fs::rename(moved, there).unwrap();
    assert!(shop.write("stack.yml", quiet("2000")).commit("Go on").push_to(&remote).accepted);
    wait_for_the_last_status(&gitlab, &shop);
    assert_eq!(swarm::arguments(&format!("{}_web", shop.name)), "sleep 2000");
}
