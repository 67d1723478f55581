use insta::assert_snapshot;
use skep::controller::clock::Clock;
use skep::controller::cluster::Cluster;
use skep::controller::events::EventSender;
use skep::controller::rollout::{Next, Rollout};
use skep::engine::{Call, Engine};
use skep::lease::Lease;
use skep::probe::Prober;
use skep::store::Store;
use skep::swarm::Swarm;

use super::shop;
use crate::harness::sandbox::Sandbox;

/// Everything that a stack can have, and that is healed.
const WHOLE: &str = "x-skep: { stable: 1ms, drift: heal, deadline: 2s }
services:
  db: { image: app:1, healthcheck: { test: [CMD, check] }, configs: [page], volumes: [data:/data] }
  web: { image: app:1, healthcheck: { test: [CMD, check] }, depends_on: [db] }
configs: { page: { content: hello } }
volumes: { data: {} }
";

fn whole() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("shop/stack.yml", WHOLE);
    sandbox.run(&["deploy", "shop"]);
    sandbox
}

/// The paths of what is left, and of the records.
fn left(sandbox: &Sandbox) -> Vec<String> {
    let engine = Engine::Simulated(sandbox.world.clone());
    let mut left = Vec::new();
    for path in ["/services", "/networks", "/configs", "/secrets", "/tasks"] {
        let found: Vec<serde_json::Value> = sandbox.runtime.block_on(engine.json(Call::get(path))).unwrap();
        let name =
            |it: &serde_json::Value| it["Name"].as_str().or(it["Spec"]["Name"].as_str()).unwrap_or("task").to_owned();
        left.extend(found.iter().map(name).filter(|name| name.contains("shop") || name == "task"));
    }
    left
}

#[test]
fn a_stack_goes_in_order_and_its_data_stays() {
    let sandbox = whole();
    assert_snapshot!(sandbox.run(&["remove", "shop", "--yes"]), @"
    exit code 0
    --- stdout
    stack shop
    - service db
    - service web
    - network shop_default
    - config shop_page-2cf24dba5fb0
    volumes, folders and external objects are kept
    --- stderr
      - service web
      - service db
      - network shop_default
      - config shop_page-2cf24dba5fb0
    shop is removed
    ");
    assert_eq!(left(&sandbox), Vec::<String>::new());
    assert!(sandbox.path().join("data/shop/data").is_dir(), "data is never removed");
    assert_snapshot!(sandbox.run(&["remove", "shop", "--yes"]), @"
    exit code 0
    --- stderr
    there is no stack `shop`: nothing to remove
    ");
}

#[test]
fn nobody_is_there_to_be_asked() {
    let sandbox = shop("app:1");
    sandbox.run(&["deploy", "shop"]);
    assert_snapshot!(sandbox.run(&["remove", "shop"]), @"
    exit code 1
    --- stdout
    stack shop
    - service web
    - network shop_default
    volumes, folders and external objects are kept
    --- stderr
    error: remove the stack shop? There is no terminal for the answer; use `--yes`
    ");
    assert!(left(&sandbox).contains(&"shop_web".to_owned()));
}

#[test]
fn the_records_can_stay_and_go_later() {
    let sandbox = shop("app:1");
    sandbox.run(&["deploy", "shop"]);
    assert_snapshot!(sandbox.run(&["remove", "shop", "--yes", "--keep-history", "--format", "json"]), @r#"
    exit code 0
    --- stdout
    {
      "stack": "shop",
      "result": "removed",
      "plan": {
        "changes": [
          {
            "kind": "service",
            "name": "web",
            "action": "remove",
            "reason": "gone",
            "version": 17
          },
          {
            "kind": "network",
            "name": "shop_default",
            "action": "remove",
            "reason": "gone"
          }
        ]
      }
    }
    --- stderr
      - service web
      - network shop_default
    shop is removed; the records of its releases are kept (`skep history shop`)
    "#);
    assert_eq!(left(&sandbox), ["skep.shop.r1", "skep.shop.r2"]);
    assert_snapshot!(sandbox.run(&["status", "shop"]), @"
    exit code 0
    --- stdout
    shop: nothing runs, from folder [SANDBOX]/shop
    ");
    assert_snapshot!(sandbox.run(&["remove", "shop", "--yes"]), @"
    exit code 0
    --- stdout
    stack shop
    volumes, folders and external objects are kept
    --- stderr
    shop is removed, and so are its records
    ");
    assert_eq!(left(&sandbox), Vec::<String>::new());
}

#[test]
fn a_stack_that_skep_does_not_know_is_left_alone_unless_somebody_insists() {
    let sandbox = shop("app:1");
    sandbox.run(&["deploy", "shop"]);
    for record in left(&sandbox).into_iter().filter(|name| name.starts_with("skep.")) {
        let engine = Engine::Simulated(sandbox.world.clone());
        sandbox.runtime.block_on(engine.call(Call::delete(format!("/configs/{record}")))).unwrap();
    }
    assert_snapshot!(sandbox.run(&["remove", "shop", "--yes"]), @"
    exit code 1
    --- stderr
    error: skep has no record of the stack `shop`, and removes only stacks that it deployed; use `--foreign` to remove it anyway
    ");
    assert_snapshot!(sandbox.run(&["remove", "shop", "--yes", "--foreign"]), @"
    exit code 0
    --- stdout
    stack shop
    - service web
    - network shop_default
    volumes, folders and external objects are kept
    --- stderr
      - service web
      - network shop_default
    shop is removed
    ");
    assert_eq!(left(&sandbox), Vec::<String>::new());
}

#[test]
fn what_no_release_made_stays_unless_somebody_insists() {
    let sandbox = shop("app:1");
    sandbox.run(&["deploy", "shop"]);
    let by_hand = serde_json::json!({
        "Name": "shop_by-hand", "Labels": { "com.docker.stack.namespace": "shop" },
        "TaskTemplate": { "ContainerSpec": { "Image": "app:1" } },
    });
    let engine = Engine::Simulated(sandbox.world.clone());
    sandbox.runtime.block_on(engine.call(Call::post("/services/create", by_hand))).unwrap();
    assert_snapshot!(sandbox.run(&["remove", "shop", "--yes"]), @"
    exit code 0
    --- stdout
    stack shop
    - service web
    - network shop_default
    note: service by-hand is kept, because skep did not create it; `--foreign` removes it as well
    volumes, folders and external objects are kept
    --- stderr
      - service web
      - network shop_default
    shop is removed
    ");
    assert_eq!(left(&sandbox), ["shop_by-hand", "task"]);
    assert_snapshot!(sandbox.run(&["remove", "shop", "--yes", "--foreign"]), @"
    exit code 0
    --- stdout
    stack shop
    - service by-hand
    volumes, folders and external objects are kept
    --- stderr
      - service by-hand
    shop is removed
    ");
    assert_eq!(left(&sandbox), Vec::<String>::new());
}

#[test]
fn a_removal_that_was_interrupted_is_taken_up_again() {
    // How many requests it makes in all depends on how often it looks, and so on the machine.
    let mut interruptions = 0;
    for requests in (12..).step_by(8) {
        let sandbox = whole();
        sandbox.world.away_after(requests);
        let interrupted = sandbox.run(&["remove", "shop", "--yes"]);
        sandbox.world.away(false);
        if interrupted.starts_with("exit code 0") {
            assert_eq!(left(&sandbox), Vec::<String>::new(), "{requests}");
            break;
        }
        assert!(interrupted.starts_with("exit code 1"), "{requests}: {interrupted}");
        interruptions += 1;
        let again = sandbox.run(&["remove", "shop", "--yes"]);
        assert!(again.starts_with("exit code 0"), "{requests}: {again}");
        assert_eq!(left(&sandbox), Vec::<String>::new(), "{requests}");
    }
    assert!(interruptions > 1, "it was interrupted {interruptions} times");
}

#[test]
fn a_controller_that_heals_the_stack_does_not_bring_it_back() {
    let sandbox = whole();
    let engine = Engine::Simulated(sandbox.world.clone());
    let cluster = Cluster {
        swarm: Swarm::new(engine.clone()),
        store: Store::new(engine.clone()),
        prober: Prober::new(engine),
        clock: Clock::System,
    };
    let rollout = || Rollout::new(cluster.clone(), Lease::of_controller(), "shop".parse().unwrap());
    let mut controller = rollout();
    let rounds = sandbox.runtime.spawn(async move {
        loop {
            controller.attempt(&EventSender::nowhere()).await;
            tokio::task::yield_now().await;
        }
    });
    let removed = sandbox.run(&["remove", "shop", "--yes"]);
    assert!(removed.starts_with("exit code 0"), "{removed}");
    rounds.abort();
    let ended = sandbox.runtime.block_on(rounds);
    assert!(ended.is_err_and(|error| error.is_cancelled()));
    let mut another = rollout();
    for _ in 0..3 {
        assert_eq!(sandbox.runtime.block_on(another.attempt(&EventSender::nowhere())).next, Next::Rest);
        assert_eq!(left(&sandbox), Vec::<String>::new());
    }
}
