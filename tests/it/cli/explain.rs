use insta::assert_snapshot;

use crate::harness::sandbox::Sandbox;

#[test]
fn a_rule_has_a_page() {
    assert_snapshot!(Sandbox::new().run(&["explain", "sk1003"]), @r#"
    exit code 0
    --- stdout
    A service uses a network, volume, config or secret that the file does not define.

    `docker stack deploy` notices it only after it has created the other networks, configs and secrets, which it then
    leaves in the swarm.

    Not:

    ```yaml
    services:
      web:
        image: nginx:1.27
        networks: [front]
    ```

    But:

    ```yaml
    services:
      web:
        image: nginx:1.27
        networks: [front, default]
        volumes: ["data:/data", "/etc/localtime:/etc/localtime"]
    networks: { front: {} }
    volumes: { data: {} }
    ```
    "#);
}

#[test]
fn a_rule_that_is_none_is_an_error() {
    assert_snapshot!(Sandbox::new().run(&["explain", "SK1"]), @"
    exit code 1
    --- stderr
    error: there is no rule `SK1`
    hint: `skep rules` lists all
    ");
}

#[test]
fn all_rules_are_listed_a_line_each() {
    let listed = Sandbox::new().run(&["explain"]);
    let first: Vec<&str> = listed.lines().take(4).collect();
    assert_snapshot!(first.join("\n"), @"
    exit code 0
    --- stdout
    SK0001  The settings of the linter are invalid.
    SK0002  A comment disables a rule that has no finding there.
    ");
    assert_eq!(listed.lines().count(), skep::lint::rules().len() + 2);
}
