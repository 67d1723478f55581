use insta::assert_snapshot;
use skep::engine::{Call, Engine};
use skep::lease::Lease;
use skep::name::StackName;
use skep::release::{Cause, Intent, Origin, State};
use skep::store::Store;

use super::{shop, shop_that_went_back};
use crate::harness::sandbox::Sandbox;

#[test]
fn an_empty_swarm_has_no_stack() {
    assert_snapshot!(Sandbox::new().run(&["status"]), @"
    exit code 0
    --- stderr
    no stack runs here
    ");
    assert_snapshot!(Sandbox::new().run(&["status", "shop"]), @"
    exit code 1
    --- stderr
    error: there is no stack `shop`
    hint: `skep status` lists those there are
    ");
}

#[test]
fn what_runs_is_shown() {
    let sandbox = shop("app:1");
    sandbox.run(&["deploy", "shop"]);
    assert_snapshot!(seconds(&sandbox.run(&["status"])), @"
    exit code 0
    --- stdout
    STACK  STATE    RELEASE  TASKS  SINCE  REMARK
    shop   healthy  r1       2/2    [SECONDS]
    ");
    assert_snapshot!(sandbox.run(&["status", "shop"]), @"
    exit code 0
    --- stdout
    shop: r1 (dc8da0d), from folder [SANDBOX]/shop
      web                  2/2 running
    ");
    assert_snapshot!(sandbox.run(&["status", "shop", "--format", "json"]), @r#"
    exit code 0
    --- stdout
    [
      {
        "stack": "shop",
        "promoted": 1,
        "attempted": 1,
        "phase": "promoted",
        "at": "[TIME]",
        "commit": "dc8da0d",
        "repository": "folder [SANDBOX]/shop",
        "services": [
          {
            "name": "web",
            "running": 2,
            "wanted": 2
          }
        ],
        "drift": [],
        "notes": [],
        "urls": []
      }
    ]
    "#);
}

#[test]
fn what_failed_is_not_forgotten_by_the_rollback() {
    assert_snapshot!(shop_that_went_back().run(&["status", "shop"]), @"
    exit code 0
    --- stdout
    shop: r3 (dc8da0d), last attempt: r2 failed, from folder [SANDBOX]/shop
      web                  2/2 running
      web: the update stopped: a new task failed: exit code 1
        | listening on :80
        | panic: no database
    ");
}

#[test]
fn all_stacks_cost_as_many_requests_as_one() {
    let sandbox = Sandbox::new();
    let requests = |sandbox: &Sandbox| {
        let before = sandbox.world.requests();
        sandbox.run(&["status"]);
        sandbox.world.requests() - before
    };
    for name in ["shop", "blog", "wiki"] {
        sandbox.write(&format!("{name}/stack.yml"), "x-skep: { stable: 1ms }\nservices: { web: { image: app:1 } }\n");
    }
    sandbox.run(&["deploy", "shop"]);
    let one = requests(&sandbox);
    sandbox.run(&["deploy", "blog"]);
    sandbox.run(&["deploy", "wiki"]);
    assert_eq!(requests(&sandbox), one);
    assert_snapshot!(seconds(&sandbox.run(&["status"])), @"
    exit code 0
    --- stdout
    STACK  STATE    RELEASE  TASKS  SINCE  REMARK
    blog   healthy  r1       1/1    [SECONDS]
    shop   healthy  r1       1/1    [SECONDS]
    wiki   healthy  r1       1/1    [SECONDS]
    ");
}

#[test]
fn a_stack_that_cannot_be_read_does_not_hide_the_others() {
    let sandbox = shop("app:1");
    sandbox.run(&["deploy", "shop"]);
    let of_tomorrow = serde_json::json!({
        "Name": "odd_web", "Labels": { "com.docker.stack.namespace": "odd" },
        "TaskTemplate": { "ContainerSpec": { "Image": "app:1", "Hosts": { "new": "form" } } },
    });
    let engine = Engine::Simulated(sandbox.world.clone());
    sandbox.runtime.block_on(engine.call(Call::post("/services/create", of_tomorrow))).unwrap();
    assert_snapshot!(seconds(&sandbox.run(&["status"])), @"
    exit code 0
    --- stdout
    STACK  STATE       RELEASE  TASKS  SINCE  REMARK
    odd    unreadable  -                      the Docker engine's answer to GET /services is not understood: service odd_web: invalid type: map, expected a sequence
    shop   healthy     r1       2/2    [SECONDS]
    ");
    assert_snapshot!(sandbox.run(&["status", "odd"]), @"
    exit code 1
    --- stderr
    error: the Docker engine's answer to GET /services is not understood: service odd_web: invalid type: map, expected a sequence
    ");
}

/// It takes as long as it takes.
fn seconds(text: &str) -> String {
    regex::Regex::new(r"\d+ s\b *").unwrap().replace_all(text, "[SECONDS]").into_owned()
}

#[test]
fn a_commit_that_does_not_run_as_a_whole_is_shown() {
    let sandbox = shop("app:1");
    sandbox.run(&["deploy", "shop"]);
    let stacks = ["bakery", "shop"].map(|stack| stack.parse().unwrap());
    let intent = Intent {
        number: 0,
        origin: Origin {
            repository: "town".into(),
            branch: Some("main".into()),
            commit: "c".repeat(40).parse().unwrap(),
            subject: "Sell more".into(),
            ..Origin::unknown()
        },
        cause: Cause::Push,
        created: jiff::Timestamp::UNIX_EPOCH,
        base: None,
        user: None,
        options: [].into(),
        news: true,
        stacks: stacks.into(),
        state: State::Rolling,
    };
    let store = Store::new(Engine::Simulated(sandbox.world.clone()));
    let mut intent = sandbox.runtime.block_on(store.intend(&Lease::of_command(), intent)).unwrap();
    assert_snapshot!(seconds(&sandbox.run(&["status"])), @"
    exit code 0
    --- stdout
    STACK  STATE    RELEASE  TASKS  SINCE  REMARK
    shop   healthy  r1       2/2    [SECONDS]

    commit ccccccc of town (Sell more) is rolling out
    ");
    let failed = State::failed(jiff::Timestamp::UNIX_EPOCH, "bakery r2 was not healthy; r1 runs again");
    sandbox.runtime.block_on(store.set_state(&Lease::of_command(), &intent, &failed)).unwrap();
    assert_snapshot!(sandbox.run(&["status", "shop"]), @"
    exit code 0
    --- stdout
    shop: r1 (dc8da0d), from folder [SANDBOX]/shop
      web                  2/2 running
      commit ccccccc of town (Sell more) was not deployed as a whole: bakery r2 was not healthy; r1 runs again
    ");
    // A commit of one stack, of which nothing else is known.
    intent.stacks = [stack_name("bakery")].into();
    intent.state = failed;
    sandbox.runtime.block_on(store.intend(&Lease::of_command(), intent)).unwrap();
    assert_snapshot!(seconds(&sandbox.run(&["status"])), @"
    exit code 0
    --- stdout
    STACK  STATE    RELEASE  TASKS  SINCE  REMARK
    shop   healthy  r1       2/2    [SECONDS]

    commit ccccccc of town (Sell more) was not deployed as a whole: bakery r2 was not healthy; r1 runs again
    ");
}

fn stack_name(name: &str) -> StackName {
    name.parse().unwrap()
}
