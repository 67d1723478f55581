use insta::assert_snapshot;

use super::shop_that_went_back;
use crate::harness::sandbox::Sandbox;

#[test]
fn releases_are_listed_newest_first() {
    assert_snapshot!(shop_that_went_back().run(&["history", "shop"]), @"
    exit code 0
    --- stdout
    RELEASE  CREATED              STATE     COMMIT   AUTHOR  CAUSE                 SUBJECT
    r3       [TIME]  promoted  dc8da0d  -       rollback of r2 to r1  folder shop
    r2       [TIME]  failed    d708f8e  -       command               folder shop
          web: the update stopped: a new task failed: exit code 1
    r1       [TIME]  promoted  dc8da0d  -       command               folder shop
    ");
}

#[test]
fn a_stack_without_a_record_has_no_history() {
    assert_snapshot!(Sandbox::new().run(&["history", "shop"]), @"
    exit code 1
    --- stderr
    error: skep has no record of a stack `shop`; `skep status` lists those it has
    ");
    assert_snapshot!(Sandbox::new().run(&["history", "a.b"]), @"
    exit code 2
    --- stderr
    error: invalid value 'a.b' for '<STACK>': `a.b` is not a stack name: `.` is not allowed, only lower-case letters, digits, `-` and `_`

    For more information, try '--help'.
    ");
}
