//! To whom a stack belongs, and how it is handed over.

use insta::assert_snapshot;

use super::{shop, write};

#[test]
fn a_stack_is_handed_over_and_its_tasks_stay() {
    let sandbox = shop("app:1");
    sandbox.run(&["deploy", "shop"]);
    let owner = || {
        let text = sandbox.run(&["status", "shop"]);
        text.lines().find_map(|line| line.split_once(", from ").map(|(_, owner)| owner.to_owned())).unwrap()
    };
    assert!(owner().starts_with("folder "), "{}", owner());
    let tasks = sandbox.run(&["ps", "shop", "--all"]).lines().count();
    let said = sandbox.run(&["adopt", "shop", "team/shop", "--yes"]);
    assert_eq!(
        said.lines().last(),
        Some("the stack `shop` now belongs to the repository `team/shop` (pushed to skep)"),
        "{said}"
    );
    assert!(said.starts_with("exit code 0"), "{said}");
    assert_eq!((owner().as_str(), sandbox.run(&["ps", "shop", "--all"]).lines().count()), ("team/shop", tasks));
    assert_snapshot!(sandbox.run(&["adopt", "shop", "team/shop"]), @"
    exit code 0
    --- stderr
    the stack `shop` already belongs to the repository `team/shop` (pushed to skep)
    ");
    // A deploy by hand leaves it where it belongs, and says so.
    write(&sandbox, "app:2");
    let said = sandbox.run(&["deploy", "shop"]);
    assert_snapshot!(said.lines().find(|line| line.starts_with("note:")).unwrap_or_default(), @"note: the stack `shop` belongs to the repository `team/shop` (pushed to skep), whose next commit takes the place of this; `skep deploy --adopt` hands it over to this folder");
    assert_eq!(owner(), "team/shop");
    write(&sandbox, "app:1");
    sandbox.run(&["deploy", "shop", "--adopt"]);
    assert!(owner().starts_with("folder "), "{}", owner());
}

#[test]
fn what_cannot_be_handed_over_says_why() {
    let sandbox = shop("app:1");
    assert_snapshot!(sandbox.run(&["adopt", "shop", "team/shop", "--yes"]), @"
    exit code 1
    --- stderr
    error: skep has no record of a stack `shop`; take it over with `git push -o adopt` or `skep deploy --adopt`
    ");
    sandbox.run(&["deploy", "shop"]);
    assert_snapshot!(sandbox.run(&["adopt", "shop", "Not A Name", "--yes"]), @"
    exit code 1
    --- stderr
    error: `Not A Name` is not a repository name: write `name` or `group/name` with lower-case letters, digits, `-` and `_`
    ");
    let said = sandbox.run(&["adopt", "shop"]);
    let question = said.lines().last().unwrap_or_default();
    assert_snapshot!(question, @"error: the stack `shop` belongs to the folder `[SANDBOX]/shop`; transfer it to nobody (it is deployed by hand)? There is no terminal for the answer; use `--yes`");
}
