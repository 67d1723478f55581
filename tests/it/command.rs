//! Commands of people where there is a controller: it carries them out, and they look on.

use insta::assert_snapshot;
use skep::config::Settings;
use skep::controller::clock::Clock;
use skep::engine::simulated::Behaviour;

use crate::harness::controller::{Running, cluster, controller};
use crate::harness::sandbox::Sandbox;

/// A folder `shop` in a swarm with a controller.
struct Office {
    sandbox: Sandbox,
    controller: Running,
}

impl Office {
    fn open() -> Self {
        let sandbox = Sandbox::with_the_time();
        write(&sandbox, "app:1");
        let controller = start(&sandbox);
        controller.runtime.block_on(controller.controller.register()).unwrap();
        Self { sandbox, controller }
    }

    /// What a command did itself, besides to submit what it asks for and to remove the answer.
    fn written_by_commands(&self) -> Vec<String> {
        let is_command = |body: &serde_json::Value| body["Name"].to_string().contains("skep.command.");
        let calls = self.sandbox.world.calls().into_iter().filter(|call| call.over_socket);
        let others = calls.filter(|call| !is_command(&call.body) && !call.path.starts_with("/configs/"));
        others.map(|call| format!("{} {}", call.method, call.path)).collect()
    }

    fn commands_left(&self) -> usize {
        let store = cluster(&self.sandbox, Clock::System).store;
        self.controller.runtime.block_on(store.commands()).unwrap().len()
    }
}

/// What a person sees of a command, but for what depends on when somebody looked.
fn run(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let seen_or_not =
        regex::Regex::new(r"(?m)^  (web \d/\d .*|- .*|~ .* \(no task runs now\)|\d tasks? stops?)\n").unwrap();
    seen_or_not.replace_all(&sandbox.run(arguments), "").into_owned()
}

fn start(sandbox: &Sandbox) -> Running {
    Running::start(sandbox, settings(sandbox))
}

fn settings(sandbox: &Sandbox) -> Settings {
    let data_root = sandbox.path().join("data").to_str().unwrap().to_owned();
    Settings { data: sandbox.path().join("skep"), data_root, ..Settings::default() }
}

fn write(sandbox: &Sandbox, image: &str) {
    let file = format!(
        "x-skep: {{ stable: 1s }}\nservices: {{ web: {{ image: \"{image}\", deploy: {{ replicas: 2 }} }} }}\nsecrets: \
         {{ key: {{ file: key }} }}\n"
    );
    sandbox.write("shop/stack.yml", &file);
    sandbox.write("shop/key", "s3cret");
}

#[test]
fn the_controller_carries_out_what_commands_ask_for_and_they_follow_it() {
    let office = Office::open();
    let sandbox = &office.sandbox;
    assert_snapshot!(run(sandbox, &["deploy", "shop"]), @"
    exit code 0
    --- stderr
    shop r1 rolls out
      + network shop_default
      + secret shop_key-1ec1c26b50d5
      + service web
      all tasks run; waiting to see whether they stay up
    shop r1 is deployed
    ");
    write(sandbox, "app:2");
    assert!(run(sandbox, &["deploy", "shop"]).contains("shop r2 is deployed"));
    assert_snapshot!(run(sandbox, &["rollback", "shop"]), @"
    exit code 0
    --- stderr
    shop r3 rolls out
      ~ service web: image app:2 -> app:1 (restarts 2 tasks)
      all tasks run; waiting to see whether they stay up
    shop r3 is deployed
    ");
    assert_snapshot!(run(sandbox, &["heal", "shop"]), @"
    exit code 0
    --- stderr
    shop is already as its release says
    ");
    assert_snapshot!(run(sandbox, &["adopt", "shop", "town", "--yes"]), @"
    exit code 0
    --- stderr
    shop r4 rolls out
      all tasks run; waiting to see whether they stay up
    shop r4 is deployed
    the stack `shop` now belongs to the repository `town` (pushed to skep)
    ");
    assert_snapshot!(run(sandbox, &["remove", "shop", "--yes"]), @"
    exit code 0
    --- stdout
    stack shop
    - service web
    - network shop_default
    - secret shop_key-1ec1c26b50d5
    volumes, folders and external objects are kept
    --- stderr
    shop is removed
    ");
    assert_snapshot!(office.written_by_commands().join("\n"), @"POST /secrets/create");
    assert_eq!(office.commands_left(), 0);
}

#[test]
fn a_command_tells_of_a_failure_as_if_it_had_rolled_out_itself() {
    let office = Office::open();
    let sandbox = &office.sandbox;
    run(sandbox, &["deploy", "shop"]);
    sandbox.world.script("app:2", Behaviour::Crash { exit_code: 1, after: std::time::Duration::ZERO });
    sandbox.world.log("shop_web", &["listening on :80", "panic: no database"]);
    write(sandbox, "app:2");
    assert_snapshot!(run(sandbox, &["deploy", "shop"]), @"
    exit code 1
    --- stderr
    shop r2 rolls out
      ~ service web: image app:1 -> app:2 (restarts 2 tasks)
    shop r2 failed
      web: the update stopped: a new task failed: exit code 1
        | listening on :80
        | panic: no database
    shop goes back to r1 (as r3)
      all tasks run; waiting to see whether they stay up
    shop r2 was not healthy; r1 runs again
    ");
    assert_snapshot!(run(sandbox, &["deploy", "shop"]), @"
    exit code 1
    --- stderr
    error: these files failed already, as r2: the update stopped: a new task failed: exit code 1; change them, or try the same again with `skep deploy --retry`
    ");
}

#[test]
fn a_command_goes_on_by_itself_when_the_controller_goes_away() {
    let office = Office::open();
    let Office { sandbox, controller } = office;
    sandbox.world.script("app:1", Behaviour::Unhealthy);
    let said = std::thread::scope(|scope| {
        let command = scope.spawn(|| run(&sandbox, &["deploy", "shop"]));
        let store = cluster(&sandbox, Clock::System).store;
        let is_recorded = || sandbox.runtime.block_on(store.stacks()).unwrap().len() == 1;
        while !is_recorded() {
            std::thread::yield_now();
        }
        controller.runtime.block_on(controller.controller.put_down());
        controller.kill();
        sandbox.world.script("app:1", Behaviour::Healthy);
        command.join().unwrap()
    });
    assert_snapshot!(said, @"
    exit code 0
    --- stderr
    shop r1 rolls out
      + network shop_default
      + secret shop_key-1ec1c26b50d5
      + service web
      all tasks run; waiting to see whether they stay up
    note: the controller is gone; skep goes on from here
    shop r1 is deployed
    ");
}

#[test]
fn a_controller_that_does_not_answer_does_not_keep_anybody_from_a_deploy() {
    let sandbox = Sandbox::with_the_time();
    write(&sandbox, "app:1");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let controller = runtime.block_on(controller(&sandbox, settings(&sandbox), Clock::System));
    runtime.block_on(controller.register()).unwrap();
    let said = run(&sandbox, &["deploy", "shop"]);
    let process = format!("the process {}", std::process::id());
    assert_snapshot!(said.replace(&process, "the process [PID]"), @"
    exit code 0
    --- stderr
    note: the controller (the process [PID] on node-1) does not answer; skep does it from here; its log says what it does: `docker service logs skep_skep`
    shop r1 rolls out
      + network shop_default
      + secret shop_key-1ec1c26b50d5
      + service web
      all tasks run; waiting to see whether they stay up
    shop r1 is deployed
    ");
    assert_eq!(runtime.block_on(cluster(&sandbox, Clock::System).store.commands()).unwrap().len(), 0);
}
