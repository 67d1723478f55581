use insta::assert_snapshot;

use super::{crashes, shop, shop_that_went_back, write};

#[test]
fn what_is_healthy_is_deployed_and_then_unchanged() {
    let sandbox = shop("app:1");
    assert_snapshot!(sandbox.run(&["deploy", "shop"]), @"
    exit code 0
    --- stderr
    shop r1 rolls out
      + network shop_default
      + service web
      all tasks run; waiting to see whether they stay up
    shop r1 is deployed
    ");
    assert_snapshot!(sandbox.run(&["deploy", "shop"]), @"
    exit code 0
    --- stderr
    shop r1 already runs: nothing to do
    ");
}

#[test]
fn what_is_not_healthy_goes_back_and_is_not_tried_again() {
    let sandbox = shop("app:1");
    sandbox.run(&["deploy", "shop"]);
    crashes(&sandbox, "app:2");
    write(&sandbox, "app:2");
    assert_snapshot!(sandbox.run(&["deploy", "shop"]), @"
    exit code 1
    --- stderr
    shop r2 rolls out
      ~ service web: image app:1 -> app:2 (restarts 2 tasks)
    shop r2 failed
      web: the update stopped: a new task failed: exit code 1
        | listening on :80
        | panic: no database
    shop goes back to r1 (as r3)
      ~ service web: image app:2 -> app:1 (no task runs now)
      all tasks run; waiting to see whether they stay up
    shop r2 was not healthy; r1 runs again
    ");
    assert_snapshot!(sandbox.run(&["deploy", "shop"]), @"
    exit code 1
    --- stderr
    error: these files failed already, as r2: the update stopped: a new task failed: exit code 1; change them, or try the same again with `skep deploy --retry`
    ");
}

#[test]
fn a_program_reads_the_outcome() {
    let sandbox = shop("app:1");
    assert_snapshot!(sandbox.run(&["deploy", "shop", "--format", "json"]), @r#"
    exit code 0
    --- stdout
    [
      {
        "stack": "shop",
        "release": 1,
        "result": {
          "outcome": "promoted"
        }
      }
    ]
    --- stderr
    shop r1 rolls out
      + network shop_default
      + service web
      all tasks run; waiting to see whether they stay up
    shop r1 is deployed
    "#);
}

#[test]
fn a_person_can_have_the_same_tried_again() {
    let sandbox = shop_that_went_back();
    sandbox.world.script("app:2", skep::engine::simulated::Behaviour::Healthy);
    let deployed = sandbox.run(&["deploy", "shop", "--retry"]);
    assert_snapshot!(deployed.lines().last().unwrap(), @"shop r4 is deployed");
}

#[test]
fn an_image_that_nobody_has_is_told() {
    let sandbox = shop("app:1");
    sandbox.world.script("app:1", skep::engine::simulated::Behaviour::NoSuchImage);
    assert_snapshot!(sandbox.run(&["deploy", "shop"]), @"
    exit code 1
    --- stderr
    error: stack.yml:4:5: services.web.image: the image `app:1` cannot be found: no registry has app:1; correct the name or the tag, or push the image first
    ");
}
