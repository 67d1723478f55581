//! Why a task failed, from what Swarm, its node and the registry say.

use insta::assert_snapshot;

use super::*;
use crate::health::{Evidence, HealthRun, RegistryAnswer};

/// The symptom of a task that failed so, before and after what is known of it.
fn explained(task: &Task, service: Service, evidence: &Evidence) -> String {
    let tasks: Vec<Task> = (1..=3).map(|nth| Task { created: at(nth), ..task.clone() }).collect();
    let scene = Scene { service, ..Scene::of(tasks) };
    let (desired, observed) = (scene.desired(), scene.observed());
    let watch = Watch::default().after(&desired, &observed, at(9));
    let Verdict::Unhealthy(mut symptoms) = judge(&desired, &BTreeSet::from([&web()]), &observed, SINCE, &watch, at(9))
    else {
        panic!("three tasks failed");
    };
    let symptom = symptoms.remove(0).explained(&scene.service, task, evidence);
    let lines: Vec<String> = symptom.log.iter().map(|line| format!("\n| {line}")).collect();
    shown(&Verdict::Unhealthy(vec![symptom])).replace("web: 3 tasks failed in 2 s: ", "") + &lines.concat()
}

fn said(error: &str, code: Option<i64>) -> String {
    explained(&failed(1, error, code, 3), Service::default(), &Evidence::default())
}

fn limited(memory: i64) -> Service {
    let mut service = Service::default();
    service.limits.memory = memory;
    service
}

fn sick(message: &str, run: Option<(i64, &str)>) -> String {
    let error = "task: non-zero exit (137): dockerexec: unhealthy container";
    let task = Task { message: message.into(), ..failed(1, error, Some(137), 3) };
    let health = run.map(|(exit_code, output)| HealthRun { exit_code, output: output.into() });
    explained(&task, Service::default(), &Evidence { health, ..Evidence::default() })
}

fn pulled(registry: Option<RegistryAnswer>) -> String {
    let task = failed(1, "No such image: shop:9", None, 3);
    explained(&task, Service::default(), &Evidence { registry, ..Evidence::default() })
}

#[test]
fn a_container_that_cannot_be_started_says_what_is_missing() {
    let runc = |rest: &str| {
        said(
            &format!(
                "starting container failed: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: {rest}: unknown"
            ),
            Some(127),
        )
    };
    assert_snapshot!(runc("exec: \"/bin/nope\": stat /bin/nope: no such file or directory"), @"web: a task cannot be started: its command `/bin/nope` is not in the image; help: check `command` and `entrypoint`: the program, and the interpreter of a script, must be in the image");
    assert_snapshot!(runc("exec: \"nope\": executable file not found in $PATH"), @"web: a task cannot be started: its command `nope` is not in the image; help: check `command` and `entrypoint`: the program, and the interpreter of a script, must be in the image");
    assert_snapshot!(runc("exec: \"/t\": permission denied"), @"web: a task cannot be started: its command `/t` is not executable; help: make the file executable in the image (`chmod +x`), or start it with its interpreter");
    assert_snapshot!(said("starting container failed: driver failed programming external connectivity on endpoint shop: Bind for 0.0.0.0:80 failed: port is already allocated", Some(128)), @"its port 80 is already in use on the node; help: another program on the node uses the port: free it, or publish another port");
    for (words, port) in [
        ("Error starting userland proxy: listen tcp4 0.0.0.0:18998: bind: address already in use", 18998),
        ("failed to bind host port for [::]:8080:172.18.0.3:80/tcp: address already in use", 8080),
        ("failed to bind host port 10.0.0.1:53/udp: address already in use", 53),
    ] {
        let words = said(&format!("driver failed programming external connectivity: {words}"), None);
        assert!(words.starts_with(&format!("its port {port} is already in use on the node; ")), "{words}");
    }
    assert_snapshot!(said("invalid mount config for type \"bind\": bind source path does not exist: /data/x", None), @"the folder `/data/x` to mount does not exist on the node; help: the folder must exist on the node that runs the task: create it, or use a named volume");
    assert_snapshot!(said("task: non-zero exit (127)", Some(127)), @"exit code 127 (a command in it was not found)");
}

#[test]
fn want_of_memory_is_told_with_the_limit() {
    let killed = failed(1, "task: non-zero exit (137)", Some(137), 3);
    let known = Evidence { out_of_memory: true, ..Evidence::default() };
    assert_snapshot!(explained(&killed, limited(64 << 20), &known), @"it was killed because it was out of memory: its limit is 64M; help: increase `deploy.resources.limits.memory`, or make it use less");
    assert_snapshot!(explained(&killed, limited(64 << 20), &Evidence::default()), @"exit code 137 (killed, often because it was out of memory: its limit is 64M); help: increase `deploy.resources.limits.memory`, or make it use less");
    assert_snapshot!(explained(&killed, Service::default(), &known), @"it was killed because it was out of memory; help: its node ran out of memory: set `deploy.resources.reservations.memory`, so that it runs on a node with enough memory");
}

#[test]
fn a_health_check_that_failed_tells_its_last_words() {
    assert_snapshot!(sick("starting", Some((3, "not well\n"))), @"
    its health check failed: exit code 3; help: if it needs longer to start, increase `healthcheck.start_period` (not set)
    | not well
    ");
    assert_snapshot!(sick("started", Some((1, ""))), @"its health check failed: exit code 1");
    assert_snapshot!(sick("starting", Some((127, "/bin/sh: curl: not found\n"))), @"
    its health check cannot run; help: the check runs in the container: its programs must be in the image, and `CMD-SHELL` needs a shell
    | /bin/sh: curl: not found
    ");
    assert_snapshot!(sick("starting", Some((-1, "OCI runtime exec failed: exec failed: unable to start container process: exec: \"curl\": executable file not found in $PATH: unknown"))), @r#"
    its health check cannot run; help: the check runs in the container: its programs must be in the image, and `CMD-SHELL` needs a shell
    | OCI runtime exec failed: exec failed: unable to start container process: exec: "curl": executable file not found in $PATH: unknown
    "#);
    assert_snapshot!(sick("starting", Some((-1, "Health check exceeded timeout (2s)"))), @"
    its health check timed out; help: if it needs longer to start, increase `healthcheck.start_period` (not set)
    | Health check exceeded timeout (2s)
    ");
    assert_snapshot!(sick("starting", None), @"its health check failed; help: if it needs longer to start, increase `healthcheck.start_period` (not set)");
}

#[test]
fn an_image_that_containerd_does_not_find_is_one_that_cannot_be_pulled() {
    let words = r#"failed to resolve reference "docker.io/shop:9": failed to do request: Head "https://registry-1.docker.io/v2/": no such host"#;
    let told = explained(&failed(1, words, None, 3), Service::default(), &Evidence::default());
    assert_snapshot!(told, @r#"the image cannot be pulled: failed to resolve reference "docker.io/shop:9": failed to do request: Head "https://registry-1.docker.io/v2/": no such host; help: check the image's name and tag, and that the nodes can reach and log in to its registry"#);
}

#[test]
fn why_an_image_cannot_be_pulled_is_asked_of_its_registry() {
    assert_snapshot!(pulled(None), @"the image cannot be pulled: No such image: shop:9; help: check the image's name and tag, and that the nodes can reach and log in to its registry");
    assert_snapshot!(pulled(RegistryAnswer::read("manifest unknown: manifest unknown")), @"the image is not in its registry: manifest unknown: manifest unknown; help: check the image's name and tag, and that it was pushed");
    assert_snapshot!(pulled(RegistryAnswer::read("unauthorized: authentication required")), @"the image cannot be pulled: its registry refuses access: unauthorized: authentication required; help: give skep an account that may pull it (`registry` in its settings); the login is used for images of that registry only");
    assert_snapshot!(pulled(RegistryAnswer::read("Get \"http://127.0.0.1:9/v2/\": dial tcp 127.0.0.1:9: connect: connection refused")), @r#"the image cannot be pulled: its registry does not respond: Get "http://127.0.0.1:9/v2/": dial tcp 127.0.0.1:9: connect: connection refused; help: check that the registry runs, and that the nodes can reach it"#);
    assert_snapshot!(pulled(Some(RegistryAnswer::Has)), @"the image could not be pulled, but its registry has it now: No such image: shop:9; help: check that the node can reach the registry, and that the image is built for the node's platform");
}

#[test]
fn a_task_that_is_still_starting_at_the_deadline_tells_its_last_check() {
    let starting = task(1, TaskState::Starting);
    let scene = Scene::of(vec![starting.clone()]);
    let late = overdue(&scene.desired(), &scene.observed(), SINCE, &Watch::default()).remove(0);
    let known = |health| Evidence { health, ..Evidence::default() };
    let run = HealthRun { exit_code: 1, output: "connection refused".into() };
    let told = late.clone().explained(&scene.service, &starting, &known(Some(run)));
    assert_snapshot!(shown(&Verdict::Unhealthy(vec![told])), @"web: 0 of 1 tasks run at the deadline; the others: starting; its health check failed: exit code 1; help: if it needs longer to start, increase `healthcheck.start_period` (not set)");
    assert_eq!(late.clone().explained(&scene.service, &starting, &known(None)), late);
}

#[test]
fn a_container_that_was_stopped_for_being_unhealthy_may_end_well() {
    let task = Task { exit_code: Some(0), ..ended(1, TaskState::Complete, 3) };
    let health = |exit_code| Some(HealthRun { exit_code, output: String::new() });
    let told = |health| explained(&task, Service::default(), &Evidence { health, ..Evidence::default() });
    assert_snapshot!(told(health(1)), @"its health check failed: exit code 1");
    assert_snapshot!(told(health(0)), @"it exited with code 0");
}
