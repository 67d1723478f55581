//! Releases that do not become healthy: what runs goes back, and the pusher reads why.

use insta::assert_snapshot;

use crate::harness::stacks::{CRASH, SWIFT, quiet, service};
use crate::harness::waiting::{SOON, wait_until};
use crate::harness::{IMAGE, Lab, swarm};

/// A service that is healthy at once, and is replaced only by one that is, too.
fn served(command: &str) -> String {
    let check = "    healthcheck: { test: [CMD, \"true\"], interval: 1s, timeout: 5s }\n";
    let quiet = service("web", command).replace("    healthcheck: { disable: true }\n", check);
    format!("{SWIFT}services:\n{quiet}    deploy: {{ update_config: {{ order: start-first }} }}\n")
}

#[test]
fn a_crash_ends_the_release_and_the_old_version_serves_all_the_while() {
    let Some(lab) = Lab::open() else { return };
    let shop = lab.repository("crash");
    assert!(shop.write("stack.yml", served("[sleep, \"1000\"]")).commit("Open").push().accepted);
    let (good, web) = (shop.head(), format!("{}_web", shop.name));
    let old = swarm::containers(&web);
    let push = shop.write("stack.yml", served(CRASH)).commit("Break it").push();
    assert_snapshot!(push.told(), @"
    checking COMMIT Break it
    skep-e2e-crash r2 rolls out
      ~ service web: command sleep 1000 -> sh -c echo no settings found; exit 3 (EFFECT)
    skep-e2e-crash r2 failed
      web: the update stopped: a new task failed: exit code 3
        | no settings found
    skep-e2e-crash goes back to r1 (as r3)
      ~ service web: command sh -c echo no settings found; exit 3 -> sleep 1000 (EFFECT)
    skep-e2e-crash r2 was not healthy; r1 runs again
    (refused)
    ");
    assert!(!push.accepted);
    // The verdict may come while the container that failed still ends.
    wait_until("the old task is alone again", SOON, || swarm::containers(&web) == old);
    assert_eq!(shop.deployed(), Some(good));
    swarm::wait_until_at_rest(&shop.name);
    assert_eq!(swarm::arguments(&web), "sleep 1000");
    assert_snapshot!(lab.status(&shop), @"
    skep-e2e-crash: r3 (COMMIT), last attempt: r2 failed, from skep-e2e-crash
      web                  1/1 running
      web: the update stopped: a new task failed: exit code 3
        | no settings found
    ");
}

#[test]
fn a_crash_loop_of_a_first_version_ends_the_release() {
    let Some(lab) = Lab::open() else { return };
    let shop = lab.repository("loop");
    let crashing = format!("{SWIFT}services:\n{}", service("web", CRASH));
    let push = shop.write("stack.yml", crashing).commit("Open").push();
    assert_snapshot!(push.told(), @"
    checking COMMIT Open
    skep-e2e-loop r1 rolls out
      + network skep-e2e-loop_default
      + service web
    skep-e2e-loop r1 failed
      web: N tasks failed in N s: exit code 3
        | no settings found
    skep-e2e-loop had no release before: what was made is removed (as r2)
      - service web
      - network skep-e2e-loop_default
    skep-e2e-loop r1 was not healthy; nothing of it is left
    (refused)
    ");
    assert!(!push.accepted);
    assert_eq!(swarm::inventory(&shop.name), Vec::<String>::new());
}

#[test]
fn one_bad_service_takes_the_whole_stack_back() {
    let Some(lab) = Lab::open() else { return };
    let shop = lab.repository("whole");
    let before = format!(
        "{SWIFT}services:\n{}{}{}    configs: [page]\n    networks: [front]\nnetworks: {{ front: {{}} }}\nconfigs: {{ page: {{ file: page.txt }} }}\n",
        service("api", "[sleep, \"1000\"]"),
        service("gone", "[sleep, \"1000\"]"),
        service("web", "[sleep, \"1000\"]"),
    );
    assert!(shop.write("page.txt", "one\n").write("stack.yml", before).commit("Open").push().accepted);
    let good = swarm::inventory(&shop.name);
    assert_snapshot!(crate::harness::repository::redacted(&good.join("\n")), @r#"
    network skep-e2e-whole_default
    network skep-e2e-whole_front
    service skep-e2e-whole_api: sleep 1000, configs [], in 1 network
    service skep-e2e-whole_gone: sleep 1000, configs [], in 1 network
    service skep-e2e-whole_web: sleep 1000, configs ["skep-e2e-whole_page-HASH"], in 1 network
    "#);

    let after = format!(
        "{SWIFT}services:\n{}{}{}    configs: [page]\n    networks: [back]\nnetworks: {{ back: {{}} }}\nconfigs: {{ page: {{ file: page.txt }} }}\n",
        service("api", CRASH),
        service("new", "[sleep, \"2000\"]"),
        service("web", "[sleep, \"2000\"]"),
    );
    let push = shop.write("page.txt", "two\n").write("stack.yml", after).commit("Rebuild").push();
    assert!(!push.accepted);
    assert_snapshot!(sorted_within(&push.told()), @"
    checking COMMIT Rebuild
    skep-e2e-whole r2 rolls out
      + config skep-e2e-whole_page-HASH
      + network skep-e2e-whole_back
      + service new
      ~ service api: command sleep 1000 -> sh -c echo no settings found; exit 3 (EFFECT)
      ~ service web (EFFECT)
          command sleep 1000 -> sleep 2000
          configs.page.source skep-e2e-whole_page-HASH -> skep-e2e-whole_page-HASH
          networks.skep-e2e-whole_front aliases=web removed
          networks.skep-e2e-whole_back set to aliases=web
    skep-e2e-whole r2 failed
      api: the update stopped: a new task failed: exit code 3
        | no settings found
    skep-e2e-whole goes back to r1 (as r3)
      ~ service api: command sh -c echo no settings found; exit 3 -> sleep 1000 (EFFECT)
      ~ service web (EFFECT)
          command sleep 2000 -> sleep 1000
          configs.page.source skep-e2e-whole_page-HASH -> skep-e2e-whole_page-HASH
          networks.skep-e2e-whole_back aliases=web removed
          networks.skep-e2e-whole_front set to aliases=web
      - config skep-e2e-whole_page-HASH
      - network skep-e2e-whole_back
      - service new
    skep-e2e-whole r2 was not healthy; r1 runs again
    (refused)
    ");
    assert_eq!(swarm::inventory(&shop.name), good);
}

#[test]
fn a_version_that_swarm_rolls_back_by_itself_is_started_once_in_either_order() {
    let Some(lab) = Lab::open() else { return };
    for order in ["start-first", "stop-first"] {
        let shop = lab.repository(&format!("twice-{order}"));
        // A task that Swarm makes in the place of one that failed starts after the test has ended.
        let update = format!(
            "    deploy: {{ restart_policy: {{ delay: 60s }}, update_config: {{ failure_action: rollback, order: {order} }} }}\n"
        );
        // What Swarm makes in its place may also be of the version that it goes back to: skep must have time for that.
        let patient = SWIFT.replace("60s", "5m");
        let with = |command: &str| format!("{patient}services:\n{}{update}", service("web", command));
        assert!(shop.write("stack.yml", with("[sleep, \"1000\"]")).commit("Open").push().accepted, "{order}");
        let push = shop.write("stack.yml", with(CRASH)).commit("Break it").push();
        assert!(!push.accepted, "{order}");
        let told = push.told();
        assert!(told.contains("web: Swarm rolled the service back: a new task failed: exit code 3"), "{told}");
        assert!(told.contains(&format!("{} r2 was not healthy; r1 runs again", shop.name)), "{told}");
        let web = format!("{}_web", shop.name);
        assert_eq!((swarm::arguments(&web).as_str(), swarm::failed_with(&web, "exit 3")), ("sleep 1000", 1), "{order}");
    }
}

/// Changes that are written at once, in an order of their own.
fn sorted_within(told: &str) -> String {
    let is_change = |line: &&str| ["  + ", "  ~ ", "  - "].iter().any(|sign| line.starts_with(sign));
    let mut lines: Vec<&str> = told.lines().collect();
    lines.chunk_by_mut(|a, b| is_change(a) && is_change(b)).for_each(<[_]>::sort_unstable);
    lines.join("\n")
}

#[test]
fn files_that_failed_are_not_tried_again_unless_somebody_says_so() {
    let Some(lab) = Lab::open() else { return };
    let shop = lab.repository("tried");
    assert!(shop.write("stack.yml", quiet("1000")).commit("Open").push().accepted);
    let crashing = format!("{SWIFT}services:\n{}", service("web", CRASH));
    assert!(!shop.write("stack.yml", &crashing).commit("Break it").push().accepted);
    let before = swarm::everything(&shop.name);

    let again = shop.commit("Hope for the best").push();
    assert_snapshot!(again.told(), @"
    checking COMMIT Hope for the best
    skep-e2e-tried was not deployed: these files failed already, as r2: the update stopped: a new task failed: exit code 3; change them, or try the same again with `git push -o retry`
    (refused)
    ");
    assert_eq!(swarm::everything(&shop.name), before);
    let insisted = shop.push_option("retry");
    assert!(insisted.output.contains("r4 failed"), "{}", insisted.output);
    let mended = shop.write("stack.yml", quiet("3000")).commit("Mend it").push();
    assert!(mended.accepted, "{}", mended.output);
    assert_eq!(swarm::arguments(&format!("{}_web", shop.name)), "sleep 3000");
    assert_eq!(shop.deployed(), Some(shop.head()));
}

#[test]
fn an_image_that_cannot_be_pulled_is_named() {
    let Some(told) = symptom("no-image", PATIENT, "    image: 127.0.0.1:1/nobody/has:this\n") else { return };
    assert_snapshot!(told, @r#"
    checking COMMIT Open
    skep-e2e-no-image was not deployed: stack.yml:5:5: services.web.image: the registry of the image `127.0.0.1:1/nobody/has:this` does not answer: Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused; see that the registry runs, and try again
    (refused)
    "#);
}

#[test]
fn a_digest_that_no_registry_has_is_named() {
    let digest = "0".repeat(64);
    let Some(told) = symptom("no-digest", "25s", &format!("    image: 127.0.0.1:1/nobody/has@sha256:{digest}\n"))
    else {
        return;
    };
    assert_snapshot!(told, @r#"
    checking COMMIT Open
    skep-e2e-no-digest r1 rolls out
      + network skep-e2e-no-digest_default
      + service web
    skep-e2e-no-digest r1 failed
      not healthy within 25s
      web: 0 of 1 tasks run at the deadline: the registry of its image does not respond: Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused
        help: fix that, and deploy again: these files are not quarantined
    skep-e2e-no-digest had no release before: what was made is removed (as r2)
      - service web
      - network skep-e2e-no-digest_default
    skep-e2e-no-digest r1 was not healthy; nothing of it is left
    (refused)
    "#);
}

#[test]
fn a_task_that_finds_no_node_is_told_why() {
    // Each task takes all processors of the only node, so that there is room for one of two.
    let all = std::thread::available_parallelism().unwrap();
    let placement = format!("    deploy: {{ replicas: 2, resources: {{ reservations: {{ cpus: \"{all}\" }} }} }}\n");
    let Some(told) =
        symptom("no-node", PATIENT, &format!("    image: {IMAGE}\n    command: [sleep, \"1000\"]\n{placement}"))
    else {
        return;
    };
    assert_snapshot!(told, @"
    checking COMMIT Open
    skep-e2e-no-node r1 rolls out
      + network skep-e2e-no-node_default
      + service web
    skep-e2e-no-node r1 failed
      web: a task finds no node: no suitable node (insufficient resources on 1 node)
        help: lower `deploy.resources.reservations`, or add a node
    skep-e2e-no-node had no release before: what was made is removed (as r2)
      - service web
      - network skep-e2e-no-node_default
    skep-e2e-no-node r1 was not healthy; nothing of it is left
    (refused)
    ");
}

#[test]
fn a_constraint_that_no_node_meets_is_refused_before_anything_is_written() {
    let placement = "    deploy: { placement: { constraints: [node.labels.skep-e2e == nowhere] } }\n";
    let Some(told) =
        symptom("nowhere", PATIENT, &format!("    image: {IMAGE}\n    command: [sleep, \"1000\"]\n{placement}"))
    else {
        return;
    };
    assert_snapshot!(told, @"
    checking COMMIT Open
    skep-e2e-nowhere was not deployed: stack.yml:7:28: services.web.deploy.placement.constraints: no node satisfies `node.labels.skep-e2e == nowhere`; change the constraint, or the node (`docker node update`)
    (refused)
    ");
}

#[test]
fn a_health_check_that_never_passes_ends_at_the_deadline() {
    let check = "    healthcheck: { test: [CMD, \"false\"], interval: 1s, timeout: 1s, retries: 1000 }\n";
    let Some(told) = symptom("sick", "25s", &format!("    image: {IMAGE}\n    command: [sleep, \"1000\"]\n{check}"))
    else {
        return;
    };
    assert_snapshot!(told, @r#"
    checking COMMIT Open
    stack.yml:7:18: warning[SK3004]: this check may take 16m40s to decide, but the deadline of the release is 25s
      7 |     healthcheck: { test: [CMD, "false"], interval: 1s, timeout: 1s, retries: 1000 }
        |                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      help: write `x-skep: { deadline: 18m }` or more, or shorten the check
    skep-e2e-sick r1 rolls out
      + network skep-e2e-sick_default
      + service web
    skep-e2e-sick r1 failed
      not healthy within 25s
      web: 0 of 1 tasks run at the deadline; the others: starting; its health check failed: exit code 1
        help: if it needs longer to start, increase `healthcheck.start_period` (not set)
    skep-e2e-sick had no release before: what was made is removed (as r2)
      - service web
      - network skep-e2e-sick_default
    skep-e2e-sick r1 was not healthy; nothing of it is left
    (refused)
    "#);
}

/// A deadline that a slow machine does not reach either: what is noticed before it says so in its own words.
pub(crate) const PATIENT: &str = "5m";

/// Pushes a first version with a service `web` like this, which must be healthy within so long; what the pusher reads.
pub(crate) fn symptom(name: &str, deadline: &str, web: &str) -> Option<String> {
    let lab = Lab::open()?;
    let shop = lab.repository(name);
    let settings = format!("x-skep: {{ stable: 1s, deadline: {deadline} }}\n");
    let stack = format!("{settings}services:\n  web:\n    stop_signal: SIGKILL\n{web}");
    let push = shop.write("stack.yml", stack).commit("Open").push();
    assert!(!push.accepted);
    assert_eq!(swarm::services(&shop.name), Vec::<String>::new());
    assert_eq!(shop.deployed(), None);
    Some(push.told())
}
