//! What the pusher reads when a service cannot run: why, in words to act on, from the node and the health check itself.

use insta::assert_snapshot;

use crate::failing::{PATIENT, symptom};
use crate::harness::IMAGE;

/// Why the first version of a service failed, without what is said of every release.
fn why(name: &str, web: &str) -> Option<String> {
    let told = symptom(name, PATIENT, &format!("    image: {IMAGE}\n{web}"))?;
    let lines = told.lines().skip_while(|line| !line.ends_with(" failed")).skip(1);
    Some(lines.take_while(|line| line.starts_with("  ")).collect::<Vec<_>>().join("\n"))
}

#[test]
fn want_of_memory_is_told_with_the_limit() {
    let limited = "    command: [dd, if=/dev/zero, of=/dev/null, bs=64M]
    healthcheck: { disable: true }
    deploy: { resources: { limits: { memory: 8M } }, restart_policy: { delay: 1s } }\n";
    let Some(why) = why("memory", limited) else { return };
    // An engine may tell of the lack of memory only after the task has ended.
    let why = why.replace(
        "exit code 137 (killed, often because it was out of memory: its limit is 8M)",
        "it was killed because it was out of memory: its limit is 8M",
    );
    assert_snapshot!(why, @"
    web: N tasks failed in N s: it was killed because it was out of memory: its limit is 8M
      help: increase `deploy.resources.limits.memory`, or make it use less
    ");
}

#[test]
fn a_health_check_tells_its_last_words() {
    let check = r#"    command: [sh, -c, "trap exit TERM; while :; do sleep 0.1; done"]
    healthcheck: { test: "echo no database; exit 3", interval: 1s, timeout: 5s, retries: 1, start_period: 1ms }
    deploy: { restart_policy: { delay: 1s } }
"#;
    let Some(why) = why("words", check) else { return };
    assert_snapshot!(why, @"
    web: N tasks failed in N s: its health check failed: exit code 3
      help: if it needs longer to start, increase `healthcheck.start_period` (1ms)
      | no database
    ");
}

#[test]
fn a_health_check_that_cannot_run_is_told_from_one_that_fails() {
    let check = r#"    command: [sh, -c, "trap exit TERM; while :; do sleep 0.1; done"]
    healthcheck: { test: [CMD, curl, "http://127.0.0.1/"], interval: 1s, timeout: 5s, retries: 1 }
    deploy: { restart_policy: { delay: 1s } }
"#;
    let Some(why) = why("no-check", check) else { return };
    assert_snapshot!(why, @r#"
    web: N tasks failed in N s: its health check cannot run
      help: the check runs in the container: its programs must be in the image, and `CMD-SHELL` needs a shell
      | OCI runtime exec failed: exec failed: unable to start container process: exec: "curl": executable file not found in $PATH: unknown
    "#);
}

#[test]
fn a_command_that_is_not_in_the_image_is_named_at_once() {
    let Some(why) = why("no-command", "    command: [gunicorn, app]\n    healthcheck: { disable: true }\n") else {
        return;
    };
    assert_snapshot!(why, @"
    web: a task cannot be started: its command `gunicorn` is not in the image
      help: check `command` and `entrypoint`: the program, and the interpreter of a script, must be in the image
    ");
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let bound = "    command: [sleep, \"1000\"]
    volumes: [\"/nowhere/skep-e2e:/data\"]
    deploy: { restart_policy: { delay: 1s } }\n";
    let Some(why) = why("no-folder", bound) else { return };
    assert_snapshot!(why, @"
    web: N tasks failed in N s: the folder `/nowhere/skep-e2e` to mount does not exist on the node
      help: the folder must exist on the node that runs the task: create it, or use a named volume
    ");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let both = format!(
        "    command: [sleep, \"1000\"]
    healthcheck: {{ disable: true }}
    ports: [{{ target: 80, published: 18766, mode: host }}]
  other:
    image: {IMAGE}
    command: [sleep, \"1000\"]
    healthcheck: {{ disable: true }}
    depends_on: [web]
    ports: [{{ target: 80, published: 18766, mode: host }}]\n"
    );
    let Some(why) = why("port", &both) else { return };
    assert_snapshot!(why, @"
    other: a task finds no node: no suitable node (host-mode port already in use on 1 node)
      help: the port 18766 is in use on every node that may run the task: free it, or update with `order: stop-first`
    ");
}

#[test]
fn a_check_of_the_stack_tells_what_it_got() {
    let checked = r#"    command: [sleep, "1000"]
    healthcheck: { disable: true }
    x-skep: { check: { command: [redis-cli, ping], interval: 200ms, retries: 2 } }
"#;
    let Some(why) = why("check", checked) else { return };
    assert_snapshot!(why, @r#"
    web: the check `redis-cli ping` failed 2 times: exit code 126 (there is no such command in the container)
      | OCI runtime exec failed: exec failed: unable to start container process: exec: "redis-cli": executable file not found in $PATH: unknown
    "#);
}
