use std::fmt::Write as _;

use serde_json::json;

use super::*;

fn ask(world: &World, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let query = query.split('&').filter_map(|pair| pair.split_once('=')).map(|(k, v)| (k.into(), v.into())).collect();
    let request = Request { query, body, ..Request::new(method, path) };
    let answer = world.answer(&request).unwrap();
    (answer.status, serde_json::from_slice(&answer.body).unwrap_or_default())
}

fn service(image: &str, more: &Value) -> Value {
    let mut body = json!({
        "Name": "shop_web", "TaskTemplate": { "ContainerSpec": { "Image": image } },
        "Mode": { "Replicated": { "Replicas": 2 } },
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn update(world: &World, body: Value) {
    let version = ask(world, "GET", "/services/shop_web", None).1["Version"]["Index"].clone();
    let (status, answer) = ask(world, "POST", &format!("/services/shop_web/update?version={version}"), Some(body));
    assert_eq!(status, 200, "{answer}");
}

/// One line for each step: the time, the state of the update, and the tasks as slot, image, state and error.
fn story(world: &World, steps: &[u64]) -> String {
    let (start, mut story) = (world.now(), String::new());
    for &at in steps {
        let passed = world.now().duration_since(start).unsigned_abs();
        world.advance(Duration::from_secs(at).saturating_sub(passed));
        let service = ask(world, "GET", "/services/shop_web", None).1;
        let status = service["UpdateStatus"]["State"].as_str().unwrap_or("-").to_owned();
        let tasks = ask(world, "GET", "/tasks", None).1;
        let task = |task: &Value| {
            let image = task["Spec"]["ContainerSpec"]["Image"].as_str().unwrap().to_owned();
            format!("{} {image} {}", task["Slot"], task["Status"]["State"].as_str().unwrap())
        };
        let tasks: Vec<String> = tasks.as_array().unwrap().iter().map(task).collect();
        writeln!(story, "{at:>2} s  {status}: {}", tasks.join(", ")).unwrap();
    }
    story
}

fn running(image: &str, more: &Value) -> World {
    let world = World::new();
    assert_eq!(ask(&world, "POST", "/services/create", Some(service(image, more))).0, 200);
    world.advance(Duration::from_secs(2));
    world
}

#[test]
fn an_update_replaces_one_task_after_the_other() {
    let world = running("a", &json!({}));
    update(&world, service("b", &json!({})));
    insta::assert_snapshot!(story(&world, &[0, 1, 2, 7]), @r"
     0 s  updating: 1 a shutdown, 2 a running, 1 b new
     1 s  updating: 1 a shutdown, 2 a shutdown, 1 b running, 2 b new
     2 s  updating: 1 a shutdown, 2 a shutdown, 1 b running, 2 b running
     7 s  completed: 1 a shutdown, 2 a shutdown, 1 b running, 2 b running
    ");
}

#[test]
fn with_start_first_the_old_task_stays_until_the_new_one_runs() {
    let order = json!({ "UpdateConfig": { "Parallelism": 0, "Order": "start-first" } });
    let world = running("a", &order);
    update(&world, service("b", &order));
    insta::assert_snapshot!(story(&world, &[0, 1]), @r"
     0 s  updating: 1 a running, 2 a running, 1 b new, 2 b new
     1 s  updating: 1 a shutdown, 2 a shutdown, 1 b running, 2 b running
    ");
}

#[test]
fn a_failing_update_pauses_and_the_task_is_tried_again() {
    let world = running("a", &json!({}));
    world.script("b", Behaviour::Crash { exit_code: 3, after: Duration::from_secs(1) });
    update(&world, service("b", &json!({})));
    insta::assert_snapshot!(story(&world, &[1, 2, 3, 8]), @r"
     1 s  updating: 1 a shutdown, 2 a shutdown, 1 b running, 2 b new
     2 s  paused: 1 a shutdown, 2 a shutdown, 1 b failed, 2 b running, 1 b new
     3 s  paused: 1 a shutdown, 2 a shutdown, 1 b failed, 2 b failed, 1 b ready, 2 b new
     8 s  paused: 1 a shutdown, 2 a shutdown, 1 b failed, 2 b failed, 1 b running, 2 b starting
    ");
    let failed = ask(&world, "GET", "/tasks", None).1[2]["Status"].clone();
    assert_eq!(
        (&failed["Err"], &failed["ContainerStatus"]["ExitCode"]),
        (&json!("task: non-zero exit (3)"), &json!(3))
    );
}

#[test]
fn swarm_rolls_back_if_it_is_told_to() {
    let how = json!({ "UpdateConfig": { "Parallelism": 1, "FailureAction": "rollback" } });
    let world = running("a", &how);
    world.script("b", Behaviour::NoSuchImage);
    update(&world, service("b", &how));
    insta::assert_snapshot!(story(&world, &[1, 3, 10]), @r"
     1 s  rollback_started: 1 a shutdown, 2 a running, 1 b rejected, 1 b new
     3 s  rollback_started: 1 a shutdown, 2 a running, 1 b rejected, 1 b shutdown, 1 a running
    10 s  rollback_completed: 1 a shutdown, 2 a running, 1 b rejected, 1 b shutdown, 1 a running
    ");
}

#[test]
fn labels_and_replicas_replace_no_task() {
    let world = running("a", &json!({}));
    update(&world, service("a", &json!({ "Labels": { "l": "1" }, "Mode": { "Replicated": { "Replicas": 1 } } })));
    insta::assert_snapshot!(story(&world, &[0, 5]), @r"
    0 s  -: 1 a running
    5 s  -: 1 a running
    ");
}

#[test]
fn a_job_runs_to_its_end_once() {
    let world = running("a", &json!({ "Mode": { "ReplicatedJob": { "MaxConcurrent": 1, "TotalCompletions": 1 } } }));
    insta::assert_snapshot!(story(&world, &[0, 20]), @r"
     0 s  -: 1 a complete
    20 s  -: 1 a complete
    ");
}

#[test]
fn a_crash_loop_keeps_five_tasks_of_a_slot() {
    let world = World::new();
    world.script("shop_web", Behaviour::Crash { exit_code: 1, after: Duration::ZERO });
    ask(&world, "POST", "/services/create", Some(service("a", &json!({ "Mode": { "Replicated": {} } }))));
    world.advance(Duration::from_mins(2));
    assert_eq!(ask(&world, "GET", "/tasks", None).1.as_array().unwrap().len(), 5);
}

#[test]
fn failing_requests_do_nothing() {
    let world = World::new();
    world.fail_next(1, 503);
    assert_eq!(ask(&world, "POST", "/services/create", Some(service("a", &json!({})))).0, 503);
    assert_eq!(world.calls(), []);
    assert_eq!(ask(&world, "GET", "/services", None), (200, json!([])));
    world.away(true);
    let error = world.call(&Call::get("/services")).unwrap_err();
    insta::assert_snapshot!(error, @"the Docker engine at simulated does not answer: it was made to be away");
}
