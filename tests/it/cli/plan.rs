use insta::assert_snapshot;

use skep::engine::{Call, Engine};

use super::{shop, write};
use crate::harness::sandbox::Sandbox;

#[test]
fn changes_are_listed_and_told_by_the_exit_code() {
    let sandbox = shop("app:1");
    assert_snapshot!(sandbox.run(&["plan", "shop"]), @"
    exit code 2
    --- stdout
    stack shop
    + network shop_default (new in the file)
    + service web (new in the file)
    2 to create, 0 to change, 0 to remove, 0 unchanged
    plan a01dfec0-4f53cda1-55f14ce5
    ");
    assert_snapshot!(sandbox.run(&["plan", "shop", "--format", "json"]), @r#"
    exit code 2
    --- stdout
    [
      {
        "stack": "shop",
        "fingerprint": "a01dfec0-4f53cda1-55f14ce5",
        "plan": {
          "changes": [
            {
              "kind": "network",
              "name": "shop_default",
              "action": "create",
              "reason": "new"
            },
            {
              "kind": "service",
              "name": "web",
              "action": "create",
              "reason": "new"
            }
          ]
        },
        "obstacles": [],
        "notes": []
      }
    ]
    "#);
    assert!(sandbox.world.calls().is_empty(), "a plan changes nothing");
}

#[test]
fn after_a_deploy_there_is_nothing_to_do() {
    let sandbox = shop("app:1");
    sandbox.run(&["deploy", "shop"]);
    assert_snapshot!(sandbox.run(&["plan", "shop"]), @"
    exit code 0
    --- stdout
    stack shop
    nothing to do, 2 unchanged
    ");

    write(&sandbox, "app:2");
    assert_snapshot!(sandbox.run(&["plan", "shop"]), @"
    exit code 2
    --- stdout
    stack shop
    ~ service web: image app:1 -> app:2 (restarts 2 tasks)
    0 to create, 1 to change, 0 to remove, 1 unchanged
    plan 45fd8e11-cb809394-c8708e86
    ");
    assert_snapshot!(sandbox.run(&["plan", "shop", "--as-written", "--stack", "other"]), @"
    exit code 2
    --- stdout
    stack other
    + network other_default (new in the file)
    + service web (new in the file)
    2 to create, 0 to change, 0 to remove, 0 unchanged
    plan 862d6901-4f53cda1-06122560
    ");
}

#[test]
fn colour_is_never_in_a_pipe() {
    let sandbox = shop("app:1");
    assert!(!sandbox.run(&["plan", "shop"]).contains('\u{1b}'));
    assert!(sandbox.run(&["plan", "shop", "--color", "always"]).contains("\u{1b}[32m"));
}

#[test]
fn a_folder_that_is_refused_is_an_error() {
    let sandbox = shop("app:1");
    sandbox.write("shop/stack.yml", "services: {}\n");
    assert_snapshot!(sandbox.run(&["plan", "shop"]), @"
    exit code 1
    --- stderr
    error[SK1014]: the stack file has no services
    --> stack.yml
     = help: add `services:` with a name and an image for each
    ");
}

#[test]
fn a_folder_whose_name_is_no_stack_needs_one() {
    let sandbox = shop("app:1");
    sandbox.write("My.Shop/stack.yml", "services:\n  web: { image: \"app:1\" }\n");
    assert_snapshot!(sandbox.run(&["plan", "My.Shop"]), @"
    exit code 1
    --- stderr
    error: `My.Shop` is not a stack name: `M` is not allowed, only lower-case letters, digits, `-` and `_`
    hint: name the stack with `--stack NAME`, or with `name: NAME` at the top of its file
    ");
}

#[test]
fn a_plan_that_was_seen_is_the_one_that_is_made() {
    let sandbox = shop("app:1");
    sandbox.run(&["deploy", "shop"]);
    write(&sandbox, "app:2");
    let fingerprint = fingerprint(&sandbox);
    let deployed = sandbox.run(&["deploy", "shop", "--plan", &fingerprint]);
    assert_snapshot!(deployed.lines().last().unwrap(), @"shop r2 is deployed");
}

#[test]
fn a_plan_that_is_out_of_date_is_refused_before_anything_is_written() {
    let sandbox = shop("app:1");
    sandbox.run(&["deploy", "shop"]);
    write(&sandbox, "app:2");
    let fingerprint = fingerprint(&sandbox);
    write(&sandbox, "app:3");
    sandbox.world.forget_calls();
    assert_snapshot!(sandbox.run(&["deploy", "shop", "--plan", &fingerprint]), @"
    exit code 1
    --- stderr
    the plan is now:
    stack shop
    ~ service web: image app:1 -> app:3 (restarts 2 tasks)
    0 to create, 1 to change, 0 to remove, 1 unchanged
    plan 16f89d43-cb809394-c45ad2ea
    error: the plan for `shop` is out of date: the files, the settings or the digests of images have changed
    hint: review it with `skep plan`, and deploy it with the fingerprint that the plan prints
    ");
    write(&sandbox, "app:2");
    by_hand(&sandbox);
    assert_snapshot!(sandbox.run(&["deploy", "shop", "--plan", &fingerprint]), @"
    exit code 1
    --- stderr
    the plan is now:
    stack shop
    ~ service web: image app:1 -> app:2, replicas 3 -> 2 (restarts 3 tasks)
    0 to create, 1 to change, 0 to remove, 1 unchanged
    plan 45fd8e11-07cc32ea-887d046d
    error: the plan for `shop` is out of date: the stack in the swarm has changed
    hint: review it with `skep plan`, and deploy it with the fingerprint that the plan prints
    ");
    assert_snapshot!(sandbox.run(&["deploy", "shop", "--plan", "latest"]), @"
    exit code 2
    --- stderr
    error: invalid value 'latest' for '--plan <FINGERPRINT>': `latest` is not the fingerprint of a plan, such as 1b9d6bcd-4f0e8a31-07c5d2aa; `skep plan` prints it

    For more information, try '--help'.
    ");
    let writes: Vec<_> = sandbox.world.calls().into_iter().filter(|call| call.path.contains("create")).collect();
    assert_eq!(writes, [], "nothing is written");
}

/// The fingerprint that is printed with the plan.
fn fingerprint(sandbox: &Sandbox) -> String {
    let plan = sandbox.run(&["plan", "shop"]);
    plan.lines().last().unwrap().strip_prefix("plan ").unwrap().to_owned()
}

/// Somebody scales the service.
fn by_hand(sandbox: &Sandbox) {
    let engine = Engine::Simulated(sandbox.world.clone());
    let scale = async {
        let live: serde_json::Value = engine.json(Call::get("/services/shop_web")).await.unwrap();
        let mut spec = live["Spec"].clone();
        spec["Mode"]["Replicated"]["Replicas"] = 3.into();
        let path = format!("/services/{}/update", live["ID"].as_str().unwrap());
        engine.call(Call::post(path, spec).with("version", &live["Version"]["Index"])).await.unwrap();
    };
    sandbox.runtime.block_on(scale);
}

#[test]
fn the_name_that_is_typed_wins_over_that_of_the_file() {
    let sandbox = Sandbox::new();
    sandbox.write("stack.yml", "name: shop\nservices: { web: { image: app:1, healthcheck: { disable: true } } }\n");
    assert_snapshot!(sandbox.run(&["plan", "--as-written", "-c", "stack.yml", "blog"]), @"
    exit code 2
    --- stdout
    stack blog
    + network blog_default (new in the file)
    + service web (new in the file)
    2 to create, 0 to change, 0 to remove, 0 unchanged
    plan a1bdb3f9-4f53cda1-3a81a69d
    ");
    assert_snapshot!(sandbox.run(&["plan", "--as-written", "-c", "stack.yml"]), @"
    exit code 2
    --- stdout
    stack shop
    + network shop_default (new in the file)
    + service web (new in the file)
    2 to create, 0 to change, 0 to remove, 0 unchanged
    plan f612dfc1-4f53cda1-55f14ce5
    ");
}

#[test]
fn what_the_engine_is_too_old_for_is_told() {
    let sandbox = Sandbox::new();
    let service = "image: app:1, oom_score_adj: 5, healthcheck: { test: [CMD, check], start_interval: 1s }";
    sandbox.write("shop/stack.yml", &format!("services: {{ web: {{ {service} }} }}\n"));
    assert_snapshot!(sandbox.run(&["plan", "shop"]), @"
    exit code 2
    --- stdout
    stack shop
    + network shop_default (new in the file)
    + service web (new in the file)
    note: service web: `healthcheck.start_interval` needs Docker API 1.44; this engine has 1.41 and ignores it
    note: service web: `oom_score_adj` needs Docker API 1.46; this engine has 1.41 and ignores it
    2 to create, 0 to change, 0 to remove, 0 unchanged
    plan 2c8eadcc-4f53cda1-55f14ce5
    ");
}

#[test]
fn what_a_deploy_is_refused_for_is_in_the_plan_of_a_stack_that_does_not_change_otherwise() {
    let sandbox = shop("app:1");
    let page = |content: &str| {
        let file = format!(
            "x-skep: {{ stable: 1ms }}\nservices:\n  web: {{ image: app:1, healthcheck: {{ test: [CMD, check] }}, configs: [page] }}\n\
             configs: {{ page: {{ content: {content}, name: page }} }}\n"
        );
        sandbox.write("shop/stack.yml", &file);
    };
    page("hello");
    sandbox.run(&["deploy", "shop"]);
    page("goodbye");
    sandbox.world.forget_calls();
    assert_snapshot!(sandbox.run(&["plan", "shop"]), @"
    exit code 1
    --- stdout
    stack shop
    nothing to do, 3 unchanged
    refused: stack.yml:4:44: configs.page: the config `page` has other contents, and Swarm cannot change a config; remove its `name`, so that new contents make a new config, or give it another `name`
    ");
    assert_snapshot!(sandbox.run(&["deploy", "shop"]), @"
    exit code 1
    --- stderr
    error: stack.yml:4:44: configs.page: the config `page` has other contents, and Swarm cannot change a config; remove its `name`, so that new contents make a new config, or give it another `name`
    ");
    assert_snapshot!(sandbox.run(&["lint", "shop", "--live", "--format", "short"]), @"
    exit code 1
    --- stdout
    shop/stack.yml:4:44: info[SK2004]: the contents of `page` can never change: Swarm refuses new contents for an existing name
    shop/stack.yml:4:44: error[SK8001]: the config `page` has other contents, and Swarm cannot change a config
    ");
    assert!(sandbox.world.calls().is_empty(), "nothing was written");
}

#[test]
fn a_volume_that_would_stay_as_it_is_is_refused() {
    let sandbox = shop("app:1");
    let on = |device: &str, name: &str| {
        let file = format!(
            "x-skep: {{ stable: 1ms }}\nservices:\n  db: {{ image: app:1, healthcheck: {{ test: [CMD, check] }}, volumes: ['data:/data'] }}\n\
             volumes: {{ data: {{ name: {name}, driver_opts: {{ type: nfs, o: addr=nas, device: '{device}' }} }} }}\n"
        );
        sandbox.write("shop/stack.yml", &file);
    };
    on(":/old", "shop-data");
    sandbox.run(&["deploy", "shop"]);
    on(":/new", "shop-data");
    assert_snapshot!(sandbox.run(&["plan", "shop"]), @"
    exit code 1
    --- stdout
    stack shop
    ~ service db: volumes./data.volume.driver_opts.device :/old -> :/new (restarts 1 task)
    note: service db has the volume nas:/new at /data instead of the volume nas:/old: the data stays in the old one and is not copied; give it its old name back if it was only renamed
    0 to create, 1 to change, 0 to remove, 1 unchanged
    refused: stack.yml:4:26: volumes.shop-data: the volume `shop-data` of the service `db` exists with another `driver_opts.device`, and Swarm cannot change a volume: the tasks would go on with the old one; give it another `name`; or, to make this one anew, deploy once without the services that use it, run `docker volume rm shop-data` on every node, and deploy again
    ");
    on(":/new", "shop-data-2");
    assert_snapshot!(sandbox.run(&["plan", "shop"]), @"
    exit code 2
    --- stdout
    stack shop
    ~ service db (restarts 1 task)
        volumes./data.source shop-data -> shop-data-2
        volumes./data.volume.driver_opts.device :/old -> :/new
    note: service db has the volume nas:/new at /data instead of the volume nas:/old: the data stays in the old one and is not copied; give it its old name back if it was only renamed
    0 to create, 1 to change, 0 to remove, 1 unchanged
    plan bb361e18-cb809394-ea87326f
    ");
}

#[test]
fn files_that_failed_before_are_told() {
    let sandbox = super::shop_that_went_back();
    let text = sandbox.run(&["plan", "shop"]);
    let note = text.lines().find(|line| line.starts_with("note:")).unwrap_or_default();
    assert_snapshot!(note, @"note: these files failed already, as r2: the update stopped: a new task failed: exit code 1; change them, or try the same again with `skep deploy --retry`");
}

#[test]
fn a_network_that_cannot_be_changed_is_told_in_every_place() {
    let sandbox = shop("app:1");
    let with = |network: &str| {
        let file = format!(
            "x-skep: {{ stable: 1ms }}\nservices: {{ web: {{ image: app:1 }} }}\nnetworks:\n  default: {network}\n"
        );
        sandbox.write("shop/stack.yml", &file);
    };
    with("{ labels: { team: a } }");
    sandbox.run(&["deploy", "shop"]);
    with("{ labels: { team: a }, internal: true }");
    assert_snapshot!(sandbox.run(&["plan", "shop"]), @"
    exit code 1
    --- stdout
    stack shop
    nothing to do, 2 unchanged
    refused: stack.yml:4:3: networks.default: the network `shop_default` exists with another `internal`, and Swarm cannot change a network: the tasks would go on in the old one; give it another key or `name`: it is then made anew, and the services move to it; or remove the stack (`skep remove`) and deploy it again
    ");
    assert_snapshot!(sandbox.run(&["deploy", "shop"]), @"
    exit code 1
    --- stderr
    error: stack.yml:4:3: networks.default: the network `shop_default` exists with another `internal`, and Swarm cannot change a network: the tasks would go on in the old one; give it another key or `name`: it is then made anew, and the services move to it; or remove the stack (`skep remove`) and deploy it again
    ");
    // No task notices a label.
    with("{ labels: { team: b } }");
    assert_snapshot!(sandbox.run(&["plan", "shop"]), @"
    exit code 0
    --- stdout
    stack shop
    note: network shop_default stays as it is, though the file says otherwise (labels.team a -> b): Swarm cannot change a network that exists; give it another name, or remove the stack and deploy it again
    nothing to do, 2 unchanged
    ");
    sandbox.run(&["deploy", "shop"]);
    assert_snapshot!(sandbox.run(&["status", "shop"]), @"
    exit code 0
    --- stdout
    shop: r2 (1400556), from folder [SANDBOX]/shop
      web                  1/1 running
      differs from its release; changes needed to restore it:
        network shop_default stays as it is, though the file says otherwise (labels.team a -> b): Swarm cannot change a network that exists; give it another name, or remove the stack and deploy it again
    ");
    assert_snapshot!(sandbox.run(&["heal", "shop"]), @"
    exit code 1
    --- stderr
    note: network shop_default stays as it is, though the file says otherwise (labels.team a -> b): Swarm cannot change a network that exists; give it another name, or remove the stack and deploy it again
    shop differs from its release in properties that cannot be changed
    ");
}

#[test]
fn what_takes_the_place_of_another_service_is_told() {
    let sandbox = shop("app:1");
    let with = |name: &str, volume: &str| {
        let file = format!(
            "x-skep: {{ stable: 1ms }}\nservices: {{ {name}: {{ image: app:1, volumes: ['{volume}:/data'] }} }}\nvolumes: {{ {volume}: {{}} }}\n"
        );
        sandbox.write("shop/stack.yml", &file);
    };
    // The fingerprint is one of the sandbox's path, too, and how far tasks are depends on the clock.
    let told = |args: &[&str]| {
        let text = sandbox.run(args);
        let lasting = text.lines().filter(|line| !line.starts_with("plan ") && !line.contains(" 0/1 "));
        lasting.collect::<Vec<_>>().join("\n")
    };
    with("db", "data");
    sandbox.run(&["deploy", "shop"]);
    with("postgres", "data");
    assert_snapshot!(told(&["plan", "shop"]), @"
    exit code 2
    --- stdout
    stack shop
    - service db (the file no longer has it)
    + service postgres (new in the file)
    note: service db stops before service postgres starts, which takes over the folder [SANDBOX]/data/shop/data
    1 to create, 0 to change, 1 to remove, 1 unchanged
    ");
    assert_snapshot!(told(&["deploy", "shop"]), @"
    exit code 0
    --- stderr
    note: service db stops before service postgres starts, which takes over the folder [SANDBOX]/data/shop/data
    shop r2 rolls out
      - service db
      + service postgres
      all tasks run; waiting to see whether they stay up
    shop r2 is deployed
    ");
    with("postgres", "pgdata");
    assert_snapshot!(told(&["plan", "shop"]), @"
    exit code 2
    --- stdout
    stack shop
    ~ service postgres: volumes./data.source [SANDBOX]/data/shop/data -> [SANDBOX]/data/shop/pgdata (restarts 1 task)
    note: service postgres has the folder [SANDBOX]/data/shop/pgdata at /data instead of the folder [SANDBOX]/data/shop/data: the data stays in the old one and is not copied; give it its old name back if it was only renamed
    0 to create, 1 to change, 0 to remove, 1 unchanged
    ");
}

#[test]
fn a_file_in_the_place_of_a_folder_is_told_how_to_be_named() {
    let sandbox = shop("app:1");
    assert_snapshot!(sandbox.run(&["plan", "shop/stack.yml"]), @"
    exit code 1
    --- stderr
    error: shop/stack.yml is a file; name its folder, or `-c shop/stack.yml STACK`
    ");
}
