//! Secrets whose file is encrypted with SOPS: what is deployed, and that nothing of it is shown anywhere.

use base64::Engine as _;
use insta::assert_snapshot;
use serde_json::Value;
use skep::engine::Engine;
use skep::store::Store;

use crate::harness::sandbox::Sandbox;

const KEY: &str = include_str!("../../sops/key.txt");
const DATABASE: &str = include_str!("../../sops/encrypted/all.yaml");
const VARIABLES: &str = include_str!("../../sops/encrypted/app.env");
/// What is in both, and nowhere else.
const PLAIN: &str = "hunter2-plain";

const STACK: &str = "x-skep: { stable: 1ms }
services:
  db:
    image: postgres:17
    secrets: [password, variables]
    healthcheck: { test: [CMD, check] }
secrets:
  password: { file: ./database.enc.yaml, x-skep: { key: database.password } }
  variables: { file: ./app.enc.env }
";

fn shop() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("shop/stack.yml", STACK);
    sandbox.write("shop/database.enc.yaml", DATABASE);
    sandbox.write("shop/app.enc.env", VARIABLES);
    sandbox.write("key.txt", KEY);
    let settings = format!("sops: {{ age_key_file: {} }}\n", sandbox.path().join("key.txt").display());
    sandbox.write("skep.yml", &settings);
    sandbox
}

/// What Swarm was given for a secret.
fn sent(sandbox: &Sandbox, name: &str) -> String {
    let writes = sandbox.world.calls();
    let secret = writes.iter().find(|write| {
        write.path == "/secrets/create" && write.body["Name"].as_str().is_some_and(|given| given.starts_with(name))
    });
    let data = secret.unwrap().body["Data"].as_str().unwrap().to_owned();
    String::from_utf8(base64::engine::general_purpose::STANDARD.decode(data).unwrap()).unwrap()
}

#[test]
fn what_is_decrypted_reaches_the_swarm_and_nobody_else() {
    let sandbox = shop();
    let with_key = ["--config", "skep.yml"];
    let mut told = String::new();
    let mut run = |arguments: &[&str]| {
        let shown = sandbox.run(&[arguments, &with_key].concat());
        told.push_str(&shown);
        shown
    };
    assert_snapshot!(run(&["plan", "shop"]), @"
    exit code 2
    --- stdout
    stack shop
    + network shop_default (new in the file)
    + secret shop_password-113a437c8b43 (new in the file)
    + secret shop_variables-d71d2cc708e6 (new in the file)
    + service db (new in the file)
    4 to create, 0 to change, 0 to remove, 0 unchanged
    plan 2323b56e-4f53cda1-0f4fc982
    ");
    run(&["plan", "shop", "--format", "json"]);
    run(&["render", "shop"]);
    run(&["render", "shop", "--format", "json"]);
    run(&["lint", "shop"]);
    assert_snapshot!(run(&["deploy", "shop"]), @"
    exit code 0
    --- stderr
    shop r1 rolls out
      + network shop_default
      + service db
      all tasks run; waiting to see whether they stay up
    shop r1 is deployed
    ");
    assert_snapshot!(run(&["plan", "shop"]), @"
    exit code 0
    --- stdout
    stack shop
    nothing to do, 4 unchanged
    ");
    run(&["status", "shop"]);
    run(&["status", "shop", "--format", "json"]);
    run(&["history", "shop", "--format", "json"]);
    assert_eq!(sent(&sandbox, "shop_password-"), PLAIN);
    assert_eq!(sent(&sandbox, "shop_variables-"), include_str!("../../sops/plain/app.env"));

    let store = Store::new(Engine::Simulated(sandbox.world.clone()));
    let records = sandbox.runtime.block_on(store.history(&"shop".parse().unwrap())).unwrap();
    let written = |write: &skep::engine::simulated::Write| {
        let is_secret = write.path.starts_with("/secrets/");
        let body = if is_secret { Value::Null } else { write.body.clone() };
        format!("{} {} {body}", write.method, write.path)
    };
    let records = format!("{}{records:?}", serde_json::to_string(&records.releases).unwrap());
    let writes: Vec<String> = sandbox.world.calls().iter().map(written).collect();
    for text in [told, records, writes.join("\n")] {
        let encoded = base64::engine::general_purpose::STANDARD.encode(PLAIN);
        for secret in [PLAIN, &encoded[..encoded.len() - 4], "line one", "two words", "AGE-SECRET-KEY-1R844"] {
            assert!(!text.contains(secret), "{secret} is shown:\n{text}");
        }
    }
}

#[test]
fn who_has_no_key_sees_what_would_change_and_cannot_deploy() {
    let sandbox = shop();
    assert_snapshot!(sandbox.run(&["lint", "shop"]), @"
    exit code 0
    --- stderr
    no findings
    ");
    let with_key = sandbox.run(&["plan", "shop", "--config", "skep.yml"]);
    assert_eq!(sandbox.run(&["plan", "shop"]), with_key);
    assert_snapshot!(sandbox.run(&["render", "shop"]), @r#"
    exit code 0
    --- stdout
    # The stack shop as skep renders it: docker stack deploy -c FILE shop
    services:
      db:
        image: postgres:17
        healthcheck:
          test:
            - CMD
            - check
        networks:
          default: {}
        secrets:
          - source: password-113a437c8b43
            target: password
            uid: "0"
            gid: "0"
            mode: 292
          - source: variables-d71d2cc708e6
            target: variables
            uid: "0"
            gid: "0"
            mode: 292
        deploy:
          update_config:
            parallelism: 1
            failure_action: pause
    networks:
      default:
        name: shop_default
    # skep creates the secrets below; their contents cannot be part of this file.
    secrets:
      password-113a437c8b43:
        external: true
        name: shop_password-113a437c8b43
      variables-d71d2cc708e6:
        external: true
        name: shop_variables-d71d2cc708e6
    "#);
    assert_snapshot!(sandbox.run(&["deploy", "shop"]), @"
    exit code 1
    --- stderr
    error: stack.yml:8:21: `database.enc.yaml` is encrypted, and skep has no age key to decrypt it; set `sops.age_key_file` in skep's settings, or SOPS_AGE_KEY_FILE
    stack.yml:9:22: `app.enc.env` is encrypted, and skep has no age key to decrypt it; set `sops.age_key_file` in skep's settings, or SOPS_AGE_KEY_FILE
    ");
    assert!(sandbox.world.calls().is_empty(), "nothing was changed");

    sandbox.run(&["deploy", "shop", "--config", "skep.yml"]);
    assert_snapshot!(sandbox.run(&["plan", "shop"]), @"
    exit code 0
    --- stdout
    stack shop
    nothing to do, 4 unchanged
    ");
}

#[test]
fn a_key_that_is_none_is_told_without_showing_it() {
    let sandbox = shop();
    sandbox.write("key.txt", "# mine\nAGE-SECRET-KEY-1WRONG\n");
    assert_snapshot!(sandbox.run(&["plan", "shop", "--config", "skep.yml"]), @"
    exit code 1
    --- stderr
    error: [SANDBOX]/key.txt does not hold age keys: line 2 is no age key (AGE-SECRET-KEY-1…), as `age-keygen` writes it
    ");
    sandbox.write("skep.yml", "sops: { age_key_file: /nowhere/key.txt }\n");
    assert_snapshot!(sandbox.run(&["plan", "shop", "--config", "skep.yml"]), @"
    exit code 1
    --- stderr
    error: cannot read /nowhere/key.txt: No such file or directory (os error 2)
    ");
}

#[test]
fn what_cannot_be_decrypted_is_refused_before_the_first_write() {
    let sandbox = shop();
    let deploy = || sandbox.run(&["deploy", "shop", "--config", "skep.yml"]);
    sandbox.write("shop/app.enc.env", &VARIABLES.replace("EMPTY=", "EMPTY=changed"));
    assert_snapshot!(deploy(), @"
    exit code 1
    --- stderr
    error: stack.yml:9:22: `app.enc.env` was changed after it was encrypted: the value of `EMPTY` does not fit its seal; restore the file from before the change, and edit it with `sops edit`
    ");
    sandbox.write("shop/app.enc.env", &VARIABLES.replace("sops_age__", "sops_pgp__"));
    assert_snapshot!(deploy(), @"
    exit code 1
    --- stderr
    error[SK6002]: `app.enc.env` can be decrypted with PGP only, and skep has keys for age only
     --> stack.yml:9:22
      |
    9 |   variables: { file: ./app.enc.env }
      |                      ^^^^^^^^^^^^^
      |
      = help: add skep's age recipient: `sops rotate --in-place --add-age RECIPIENT FILE`
    ");
    sandbox.write("shop/app.enc.env", VARIABLES);
    sandbox.write("shop/stack.yml", &STACK.replace("database.password", "database.pasword"));
    assert_snapshot!(deploy(), @"
    exit code 1
    --- stderr
    error[SK1016]: `database.enc.yaml` has no value `database.pasword`
     --> stack.yml:8:57
      |
    8 |   password: { file: ./database.enc.yaml, x-skep: { key: database.pasword } }
      |                                                         ^^^^^^^^^^^^^^^^
      |
      = help: write the path of a single value in `x-skep.key`
    ");
    sandbox.write("shop/stack.yml", &STACK.replace("secrets: [password, variables]", "env_file: [app.enc.env]"));
    assert_snapshot!(deploy(), @"
    exit code 1
    --- stderr
    error[SK6002]: the env_file `app.enc.env` is encrypted, but everybody with access to the swarm could read the decrypted contents
     --> stack.yml:5:16
      |
    5 |     env_file: [app.enc.env]
      |                ^^^^^^^^^^^
      |
      = help: make it a secret: only secrets are decrypted
    ");
    assert!(sandbox.world.calls().is_empty(), "nothing was changed");
}
