use insta::assert_snapshot;

use super::{crashes, shop, shop_that_went_back};
use crate::harness::sandbox::Sandbox;

/// Ages depend on the clock of the machine.
fn ageless(text: &str) -> String {
    let ages = regex::Regex::new(r"\d+ (s|min|h)( *)").unwrap();
    ages.replace_all(text, "AGE ").into_owned()
}

#[test]
fn tasks_are_shown_with_their_node_and_state() {
    let sandbox = shop("app:1");
    sandbox.run(&["deploy", "shop"]);
    assert_snapshot!(ageless(&sandbox.run(&["ps", "shop"])), @"
    exit code 0
    --- stdout
    TASK   NODE    DESIRED  STATE        EXIT  ERROR
    web.2  node-1  running  running AGE 
    web.1  node-1  running  running AGE
    ");
    assert_snapshot!(Sandbox::new().run(&["ps", "shop"]), @"
    exit code 1
    --- stderr
    error: there is no stack `shop`
    hint: `skep status` lists those there are
    ");
}

#[test]
fn those_that_ended_tell_why() {
    assert_snapshot!(ageless(&shop_that_went_back().run(&["ps", "shop", "--all"])), @"
    exit code 0
    --- stdout
    TASK   NODE    DESIRED         STATE         EXIT  ERROR
    web.2  node-1  running         running AGE 
    web.1  node-1  running         running AGE 
    web.2  node-1  shutdown (old)  shutdown AGE 0
    web.1  node-1  shutdown (old)  shutdown AGE 0
    web.2  node-1  shutdown (old)  failed AGE 1     exit code 1
    web.1  node-1  shutdown (old)  failed AGE 1     exit code 1
    web.2  node-1  shutdown        shutdown AGE 0
    web.1  node-1  shutdown        shutdown AGE 0
    ");
}

#[test]
fn a_stack_of_which_nothing_is_left_says_where_to_look() {
    let sandbox = shop("app:1");
    crashes(&sandbox, "app:1");
    sandbox.run(&["deploy", "shop"]);
    assert_snapshot!(sandbox.run(&["ps", "shop"]), @"
    exit code 1
    --- stderr
    error: the stack `shop` has no services now; see `skep status shop`
    ");
    assert_eq!(sandbox.run(&["logs", "shop"]), sandbox.run(&["ps", "shop"]));
    assert_snapshot!(sandbox.run(&["heal", "blog"]), @"
    exit code 1
    --- stderr
    error: skep has no record of a stack `blog`; `skep status` lists those it has
    ");
}
