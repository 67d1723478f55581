use insta::assert_snapshot;

use skep::engine::simulated::Behaviour;

use super::{crashes, shop, write};

#[test]
fn an_earlier_release_comes_back_through_the_same_gate() {
    let sandbox = shop("app:1");
    sandbox.run(&["deploy", "shop"]);
    write(&sandbox, "app:2");
    sandbox.run(&["deploy", "shop"]);
    assert_snapshot!(sandbox.run(&["rollback", "shop"]), @"
    exit code 0
    --- stderr
    shop r3 rolls out
      ~ service web: image app:2 -> app:1 (restarts 2 tasks)
      all tasks run; waiting to see whether they stay up
    shop r3 is deployed
    ");
    assert_snapshot!(sandbox.run(&["rollback", "shop", "r1"]), @"
    exit code 0
    --- stderr
    shop r3 already runs: nothing to do
    ");
    assert_snapshot!(sandbox.run(&["rollback", "shop", "2", "--format", "json"]), @r#"
    exit code 0
    --- stdout
    [
      {
        "stack": "shop",
        "release": 4,
        "result": {
          "outcome": "promoted"
        }
      }
    ]
    --- stderr
    shop r4 rolls out
      ~ service web: image app:1 -> app:2 (restarts 2 tasks)
      all tasks run; waiting to see whether they stay up
    shop r4 is deployed
    "#);
}

#[test]
fn there_must_be_something_to_go_back_to() {
    let sandbox = shop("app:1");
    sandbox.run(&["deploy", "shop"]);
    assert_snapshot!(sandbox.run(&["rollback", "shop"]), @"
    exit code 1
    --- stderr
    error: the stack `shop` has no earlier good release to roll back to
    ");
    assert_snapshot!(sandbox.run(&["rollback", "shop", "r9"]), @"
    exit code 1
    --- stderr
    error: the stack `shop` has no release r9; see `skep history shop`
    ");
    assert_snapshot!(sandbox.run(&["rollback", "shop", "last"]), @"
    exit code 1
    --- stderr
    error: `last` is not a release such as r3
    ");
    assert_snapshot!(sandbox.run(&["rollback", "blog"]), @"
    exit code 1
    --- stderr
    error: skep has no record of a stack `blog`; `skep status` lists those it has
    ");
}

#[test]
fn what_cannot_be_gone_back_to_stops_no_task() {
    let sandbox = shop("app:1");
    sandbox.run(&["deploy", "shop"]);
    write(&sandbox, "app:2");
    sandbox.run(&["deploy", "shop"]);
    // Somebody removed the images that no container uses.
    sandbox.world.script("app:1", Behaviour::NoSuchImage);
    assert_snapshot!(sandbox.run(&["rollback", "shop"]), @"
    exit code 1
    --- stderr
    error: services.web.image: the image `app:1` is no longer on this engine, and its registry does not give it (no registry has app:1): its tasks could not start; push the commit of that release again, which builds or pulls it anew, or go back to another release (`skep history`)
    ");
    assert_snapshot!(sandbox.run(&["status", "shop"]), @"
    exit code 0
    --- stdout
    shop: r2 (d708f8e), from folder [SANDBOX]/shop
      web                  2/2 running
    ");
    // The image is back.
    sandbox.world.script("app:1", Behaviour::Healthy);
    assert_snapshot!(sandbox.run(&["rollback", "shop"]), @"
    exit code 0
    --- stderr
    shop r3 rolls out
      ~ service web: image app:2 -> app:1 (restarts 2 tasks)
      all tasks run; waiting to see whether they stay up
    shop r3 is deployed
    ");
}

/// Otherwise going back would remove the whole stack without a question.
#[test]
fn a_release_that_left_nothing_is_not_gone_back_to() {
    let sandbox = shop("app:1");
    crashes(&sandbox, "app:1");
    sandbox.run(&["deploy", "shop"]);
    write(&sandbox, "app:2");
    sandbox.run(&["deploy", "shop"]);
    assert_snapshot!(sandbox.run(&["rollback", "shop"]), @"
    exit code 1
    --- stderr
    error: the stack `shop` has no earlier good release to roll back to
    ");
    assert_snapshot!(sandbox.run(&["rollback", "shop", "r2"]), @"
    exit code 1
    --- stderr
    error: r2 left nothing of the stack; to remove it, use `skep remove shop`
    ");
}

#[test]
fn the_history_says_what_was_gone_back_to() {
    let sandbox = shop("app:1");
    sandbox.run(&["deploy", "shop"]);
    write(&sandbox, "app:2");
    sandbox.run(&["deploy", "shop"]);
    sandbox.run(&["rollback", "shop"]);
    assert_snapshot!(sandbox.run(&["history", "shop"]), @"
    exit code 0
    --- stdout
    RELEASE  CREATED              STATE     COMMIT   AUTHOR  CAUSE           SUBJECT
    r3       [TIME]  promoted  dc8da0d  -       rollback to r1  folder shop
    r2       [TIME]  promoted  d708f8e  -       command         folder shop
    r1       [TIME]  promoted  dc8da0d  -       command         folder shop
    ");
}
