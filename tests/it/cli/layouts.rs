//! Where stacks are found, and how paths are shown.

use insta::assert_snapshot;

use crate::harness::sandbox::Sandbox;

const STACK: &str = "services:\n  web:\n    image: nginx:1.27\n    healthcheck: { test: [CMD, check] }\n";
const WRONG: &str =
    "services:\n  web:\n    image: nginx:1.27\n    netwrks: [a]\n    healthcheck: { test: [CMD, check] }\n";

#[test]
fn compose_files_are_linted_wherever_they_are() {
    let sandbox = Sandbox::new();
    for (path, text) in [
        ("repo/stacks/web/stack.yml", STACK),
        ("repo/stacks/api/compose.yml", WRONG),
        ("repo/tools/deep/down/docker-compose.dev.yml", WRONG),
        ("repo/tools/shop.yaml", WRONG),
        ("repo/node_modules/x/compose.yml", WRONG),
    ] {
        sandbox.write(path, text);
    }
    assert_snapshot!(sandbox.run(&["lint", "repo", "--short"]), @"
    exit code 1
    --- stdout
    repo/stacks/api/compose.yml:1:1: warning[SK2022]: the folder `stacks/api` looks like a stack, but nothing in it is deployed
    repo/stacks/api/compose.yml:4:5: error[SK1001]: a service has no key `netwrks`
    repo/tools/deep/down/docker-compose.dev.yml:4:5: error[SK1001]: a service has no key `netwrks`
    repo/tools/shop.yaml:4:5: error[SK1001]: a service has no key `netwrks`
    ");
    sandbox.write("repo/skep-lint.yaml", "ignore: [\"tools/**\", \"stacks/api/*\"]\n");
    assert_snapshot!(sandbox.run(&["lint", "repo", "--short"]), @"
    exit code 0
    --- stderr
    no findings
    ");
}

#[test]
fn a_list_of_stacks_is_carried_out() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "repo/skep.yml",
        "stacks:\n  shop: { file: deploy/shop.yml, with: [base.yml] }\n  \"*\": \"apps/*/docker-compose.yml\"\n",
    );
    sandbox.write("repo/base.yml", "services:\n  web: { env_file: base.env, environment: { A: base, B: base } }\n");
    sandbox.write("repo/base.env", "FROM=base\n");
    sandbox.write("repo/deploy/shop.yml", "services:\n  web: { image: \"nginx:1.27\", environment: { B: \"${B}\" }, healthcheck: { test: [CMD, check] } }\n");
    sandbox.write("repo/deploy/.env", "B=shop\n");
    sandbox.write("repo/apps/wiki/docker-compose.yml", STACK);
    assert_snapshot!(sandbox.run(&["render", "repo", "--as-written"]), @"
    exit code 0
    --- stdout
    # The stack shop as skep renders it: docker stack deploy -c FILE shop
    services:
      web:
        image: nginx:1.27
        environment:
          A: base
          B: shop
          FROM: base
        healthcheck:
          test:
            - CMD
            - check
        networks:
          default: {}
    networks:
      default:
        name: shop_default
    ---
    # The stack wiki as skep renders it: docker stack deploy -c FILE wiki
    services:
      web:
        image: nginx:1.27
        healthcheck:
          test:
            - CMD
            - check
        networks:
          default: {}
    networks:
      default:
        name: wiki_default
    ");
    sandbox.write(
        "repo/skep.yml",
        "stacks:\n  shop: deploy/shpo.yml\n  Wiki: apps/wiki/docker-compose.yml\n  \"*\": \"aps/*/x.yml\"\n",
    );
    assert_snapshot!(sandbox.run(&["plan", "repo"]), @r#"
    exit code 1
    --- stderr
    error[SK1030]: `deploy/shpo.yml` cannot be read: it is not in the repository; commit it
     --> skep.yml:2:9
      |
    2 |   shop: deploy/shpo.yml
      |         ^^^^^^^^^^^^^^^
      |
      = help: paths are relative to the top of the repository

    error[SK1030]: `Wiki` is not a stack name: `W` is not allowed, only lower-case letters, digits, `-` and `_`
     --> skep.yml:3:3
      |
    3 |   Wiki: apps/wiki/docker-compose.yml
      |   ^^^^
      |
      = help: use lower-case letters, digits, `-` and `_`, or `"*"` for a pattern

    error[SK1030]: no file of the repository matches `aps/*/x.yml`
     --> skep.yml:4:8
      |
    4 |   "*": "aps/*/x.yml"
      |        ^^^^^^^^^^^^^
      |
      = help: correct the pattern; the star matches the name of a stack
    "#);
}

#[test]
fn a_folder_without_stacks_says_so_and_names_what_could_be_some() {
    let sandbox = Sandbox::new();
    sandbox.write("repo/docker/compose.yml", STACK);
    assert_snapshot!(sandbox.run(&["plan", "repo"]), @"
    exit code 1
    --- stderr
    error[SK1002]: none of the Compose files is in a place for stacks: `docker/compose.yml`
    --> .
     = help: list them in `skep.yml` at the top: `stacks: { NAME: docker/compose.yml }`
    ");
    assert_snapshot!(sandbox.run(&["lint", "repo"]), @"
    exit code 0
    --- stdout
    warning[SK1002]: none of the Compose files is in a place for stacks: `docker/compose.yml`
    --> repo
     = help: list them in `skep.yml` at the top: `stacks: { NAME: docker/compose.yml }`

    --- stderr
    1 warning
    ");
    sandbox.write("empty/README", "");
    assert_snapshot!(sandbox.run(&["plan", "empty"]), @"
    exit code 1
    --- stderr
    error[SK1002]: there is no stack file, so there is nothing to deploy
    --> .
     = help: add `stack.yml`, `docker-stack.yml`, `compose.yaml` or `docker-compose.yml` at the top, or `stacks/<name>/stack.yml`
    ");
}

#[test]
fn paths_are_shown_as_they_were_given() {
    let sandbox = Sandbox::new();
    sandbox.write("shop/Dockerfile", "FROM alpine\n");
    sandbox.write("shop/stack.yml", WRONG);
    sandbox.write("here/x", "");
    let here = sandbox.path().join("here");
    let root = sandbox.path().join("shop");
    let shown = |arguments: &[&str]| sandbox.run_in(&here, arguments);
    let absolute = |name: &str| root.join(name).to_string_lossy().into_owned();
    assert_snapshot!(shown(&["lint", "--short", "../shop/Dockerfile", "../shop/stack.yml"]), @"
    exit code 1
    --- stdout
    ../shop/Dockerfile:1:6: warning[DL3006]: `alpine` has no fixed version
    ../shop/stack.yml:4:5: error[SK1001]: a service has no key `netwrks`
    ");
    assert_snapshot!(shown(&["lint", "--short", &absolute("Dockerfile"), &absolute("stack.yml")]), @"
    exit code 1
    --- stdout
    [SANDBOX]/shop/Dockerfile:1:6: warning[DL3006]: `alpine` has no fixed version
    [SANDBOX]/shop/stack.yml:4:5: error[SK1001]: a service has no key `netwrks`
    ");
    assert_snapshot!(shown(&["lint", "--short", "../shop"]), @"
    exit code 1
    --- stdout
    ../shop/Dockerfile:1:6: warning[DL3006]: `alpine` has no fixed version
    ../shop/stack.yml:4:5: error[SK1001]: a service has no key `netwrks`
    ");
    assert_snapshot!(shown(&["lint", "--short", &root.to_string_lossy()]), @"
    exit code 1
    --- stdout
    [SANDBOX]/shop/Dockerfile:1:6: warning[DL3006]: `alpine` has no fixed version
    [SANDBOX]/shop/stack.yml:4:5: error[SK1001]: a service has no key `netwrks`
    ");
    // The fingerprint follows from the path.
    let report = shown(&["lint", "--format", "gitlab", &absolute("Dockerfile")]);
    let path = report.lines().find(|line| line.contains("\"path\"")).unwrap_or(&report);
    assert_eq!(path.trim(), "\"path\": \"[SANDBOX]/shop/Dockerfile\",");
    assert_snapshot!(shown(&["plan", "-c", "../shop/stack.yml", "shop"]), @"
    exit code 1
    --- stderr
    error[SK1001]: a service has no key `netwrks`
     --> ../shop/stack.yml:4:5
      |
    4 |     netwrks: [a]
      |     ^^^^^^^
      |
      = help: did you mean `networks`?
    ");
    assert_snapshot!(shown(&["plan", "-c", &absolute("stack.yml"), "shop"]), @"
    exit code 1
    --- stderr
    error[SK1001]: a service has no key `netwrks`
     --> [SANDBOX]/shop/stack.yml:4:5
      |
    4 |     netwrks: [a]
      |     ^^^^^^^
      |
      = help: did you mean `networks`?
    ");
}

#[test]
fn the_context_of_a_file_that_is_named_is_there() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "shop/stack.yml",
        "services:\n  web: { build: ./web, healthcheck: { test: [CMD, check] } }\n  api: { build: ./api }\n",
    );
    sandbox.write("shop/web/Dockerfile", "FROM alpine:3.20\nCOPY main.c /src/\nCOPY gone.c /src/\n");
    sandbox.write("shop/web/main.c", "int main;\n");
    assert_snapshot!(sandbox.run(&["lint", "--short", "shop/stack.yml"]), @"
    exit code 1
    --- stdout
    shop/stack.yml:3:3: info[SK3001]: nothing checks whether `api` is healthy
    shop/stack.yml:3:17: error[SK1007]: the build context `[SANDBOX]/shop/api` does not exist
    shop/web/Dockerfile:3:6: error[SK5002]: `gone.c` is not in the build context
    ");
    assert_snapshot!(sandbox.run(&["plan", "-c", "shop/stack.yml", "shop"]), @"
    exit code 1
    --- stderr
    error[SK1007]: the build context `[SANDBOX]/shop/api` does not exist
     --> shop/stack.yml:3:17
      |
    3 |   api: { build: ./api }
      |                 ^^^^^
      |
      = help: is the path relative to the stack file?

    error[SK5002]: `gone.c` is not in the build context
     --> shop/web/Dockerfile:3:6
      |
    3 | COPY gone.c /src/
      |      ^^^^^^
      |
      = help: the context is the folder `[SANDBOX]/shop/web`: does the file exist there?
    ");
}
