use insta::assert_snapshot;

use super::shop_that_went_back;
use crate::harness::sandbox::Sandbox;

#[test]
fn what_tasks_write_is_shown_in_the_order_of_time() {
    let sandbox = shop_that_went_back();
    assert_snapshot!(sandbox.run(&["logs", "shop", "--tail", "1"]), @"
    exit code 0
    --- stdout
    web.1  | panic: no database
    web.2  | panic: no database
    web.1  | panic: no database
    web.2  | panic: no database
    web.1  | panic: no database
    web.2  | panic: no database
    web.1  | panic: no database
    web.2  | panic: no database
    ");
    sandbox.world.lose_node("node-1");
    assert_snapshot!(sandbox.run(&["logs", "shop", "--tail", "1"]), @"
    exit code 0
    --- stdout
    web.1  | panic: no database
    web.2  | panic: no database
    --- stderr
    node node-1 is down: the logs of web.1, web.2 there are missing
    ");
    sandbox.world.return_node("node-1");
    assert_snapshot!(sandbox.run(&["logs", "shop", "db"]), @"
    exit code 1
    --- stderr
    error: the stack `shop` has no service `db`
    hint: it has web
    ");
    assert_snapshot!(sandbox.run(&["logs", "shop", "--tail", "few"]), @"
    exit code 2
    --- stderr
    error: invalid value 'few' for '--tail <N>': write a number, or `all`

    For more information, try '--help'.
    ");
    assert_snapshot!(Sandbox::new().run(&["logs", "shop"]), @"
    exit code 1
    --- stderr
    error: there is no stack `shop`
    hint: `skep status` lists those there are
    ");
}
