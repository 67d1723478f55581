//! The include for GitLab in a real interpreter of GitLab's CI files: which jobs there are, and what they run.

use std::path::{Path, PathBuf};
use std::process::Command;

use insta::assert_snapshot;

use crate::harness::sandbox::Sandbox;

/// The interpreter that `scripts/gitlab-ci.sh` installs.
const INTERPRETER: &str = "skep/gitlab-ci-local-4.75.1/gitlab-ci-local";

/// Where it is; a test without it says so and is skipped, but not in CI.
#[expect(clippy::print_stderr, reason = "a test says what it skips")]
fn interpreter() -> Option<PathBuf> {
    let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(|| home.join(".cache"), PathBuf::from);
    let is_there = |program: &Path| program.is_file() && Command::new("rsync").arg("--version").output().is_ok();
    let found = Some(cache.join(INTERPRETER)).filter(|program| is_there(program));
    let is_needed = std::env::var_os("CI").is_some() && cfg!(target_os = "linux");
    assert!(
        found.is_some() || !is_needed,
        "there is no gitlab-ci-local: run scripts/tools.sh and scripts/gitlab-ci.sh install"
    );
    if found.is_none() {
        eprintln!("SKIPPED, THERE IS NO GITLAB-CI-LOCAL: run scripts/tools.sh and scripts/gitlab-ci.sh install");
    }
    found
}

/// A repository with the include, given these inputs.
fn repository(inputs: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let include = std::fs::read_to_string("ci/gitlab/skep.gitlab-ci.yml").unwrap();
    sandbox.write("repo/skep.gitlab-ci.yml", &include);
    sandbox.write("repo/.gitlab-ci.yml", &format!("include:\n  - local: skep.gitlab-ci.yml\n    inputs:\n{inputs}\n"));
    sandbox.write("repo/my 'odd' folder/Dockerfile", "FROM scratch\n");
    let repo = sandbox.path().join("repo");
    let git = |arguments: &[&str]| {
        let settings = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"];
        assert!(
            Command::new("git").current_dir(&repo).args(settings).args(arguments).output().unwrap().status.success()
        );
    };
    git(&["init", "--quiet", "--initial-branch", "main"]);
    git(&["remote", "add", "origin", "https://gitlab.example.com/team/shop.git"]);
    git(&["add", "--all"]);
    git(&["commit", "--quiet", "--message", "first"]);
    sandbox
}

/// Runs the interpreter with variables that GitLab sets; `docker`, `skep` and `git push` only say what they were asked.
fn interpreted(
    interpreter: &Path,
    sandbox: &Sandbox,
    arguments: &[&str],
    variables: &[(&str, &str)],
) -> (bool, String) {
    let asked = sandbox.path().join("asked");
    let asked = asked.display();
    let path = std::env::var("PATH").unwrap();
    let real = std::env::split_paths(&path).map(|folder| folder.join("git")).find(|git| git.is_file()).unwrap();
    let tools = [
        ("skep", format!("printf '%s\\n' \"skep $*\" >> {asked}")),
        ("docker", format!("printf '%s\\n' \"docker $*\" >> {asked}; case \"$1\" in login) cat > /dev/null ;; esac")),
        (
            "git",
            format!(
                "case \" $* \" in *' push '*) printf '%s\\n' \"git $*\" >> {asked} ;; *) exec {} \"$@\" ;; esac",
                real.display()
            ),
        ),
    ];
    for (name, script) in tools {
        sandbox.write(&format!("tools/{name}"), &format!("#!/bin/sh\n{script}\n"));
        let tool = sandbox.path().join("tools").join(name);
        assert!(Command::new("chmod").arg("755").arg(tool).status().unwrap().success());
    }
    let mut command = Command::new(interpreter);
    command.current_dir(sandbox.path().join("repo")).args(["--shell-executor-no-image", "--force-shell-executor"]);
    command.env("PATH", format!("{}:{path}", sandbox.path().join("tools").display())).env("HOME", sandbox.path());
    let names: Vec<&str> = variables.iter().map(|(name, _)| *name).collect();
    command.args(["--ignore-predefined-vars", &names.join(",")]);
    for (name, value) in variables {
        command.args(["--variable", &format!("{name}={value}")]);
    }
    let output = command.args(arguments).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

const ALL: &str = r#"      path: "my 'odd' folder"
      image: r.example.com/shop
      test-command: 'printf "it''s %s: # ok\n" "$HOME" | grep "ok"'
      skep-url: https://skep.example.com/
      repository: shop"#;

#[test]
fn quotes_in_inputs_reach_the_shell_and_the_push_goes_where_skep_listens() {
    let Some(interpreter) = interpreter() else { return };
    let sandbox = repository(ALL);
    let variables = [
        ("SKEP_TOKEN", "geheim"),
        ("CI_REGISTRY", "r.example.com"),
        ("CI_REGISTRY_USER", "u"),
        ("CI_REGISTRY_PASSWORD", "p"),
        ("CI_COMMIT_SHA", "abc"),
        ("CI_DEFAULT_BRANCH", "main"),
    ];
    let (passed, said) = interpreted(&interpreter, &sandbox, &[], &variables);
    assert!(passed, "{said}");
    assert_snapshot!(std::fs::read_to_string(sandbox.path().join("asked")).unwrap(), @r#"
    skep lint --format gitlab --output gl-code-quality-report.json --fail-on style my 'odd' folder
    skep lint --fail-on error my 'odd' folder
    docker build --tag r.example.com/shop:abc my 'odd' folder
    docker run --rm r.example.com/shop:abc sh -c printf "it's %s: # ok\n" "$HOME" | grep "ok"
    docker login --username u --password-stdin r.example.com
    docker push r.example.com/shop:abc
    git -c http.extraHeader=Authorization: Basic Y2k6Z2VoZWlt push https://skep.example.com/git/shop.git HEAD:refs/heads/main
    "#);
}

#[test]
fn a_test_of_several_lines_is_folded_or_refused_by_the_name_of_its_input() {
    let Some(interpreter) = interpreter() else { return };
    let image = "      image: r.example.com/shop\n      test-command:";
    let variables = [("CI_COMMIT_SHA", "abc"), ("CI_DEFAULT_BRANCH", "trunk")];
    for style in [">-", ">"] {
        let sandbox = repository(&format!("{image} {style}\n        make lint &&\n        make test"));
        let (passed, said) = interpreted(&interpreter, &sandbox, &[], &variables);
        assert!(passed, "{said}");
        let asked = std::fs::read_to_string(sandbox.path().join("asked")).unwrap();
        assert!(asked.contains("docker run --rm r.example.com/shop:abc sh -c make lint && make test\n"), "{asked}");
    }
    let sandbox = repository(&format!("{image} |\n        make lint\n        make test"));
    let (passed, said) = interpreted(&interpreter, &sandbox, &[], &variables);
    assert!(!passed && said.contains("test-command"), "{said}");
}

/// The jobs of the pipeline of a branch, of one with an open merge request, and of the merge request.
fn jobs(interpreter: &Path, inputs: &str) -> String {
    let sandbox = repository(inputs);
    let cases: [(&str, &[(&str, &str)]); 3] = [
        ("branch", &[("CI_PIPELINE_SOURCE", "push")]),
        ("branch with a merge request", &[("CI_PIPELINE_SOURCE", "push"), ("CI_OPEN_MERGE_REQUESTS", "team/shop!1")]),
        ("merge request", &[("CI_PIPELINE_SOURCE", "merge_request_event"), ("CI_OPEN_MERGE_REQUESTS", "team/shop!1")]),
    ];
    let line = |(name, variables): (&str, &[(&str, &str)])| {
        let (_, said) = interpreted(interpreter, &sandbox, &["--list-csv"], variables);
        let names = said.lines().filter(|line| line.starts_with("skep-")).filter_map(|line| line.split(';').next());
        let names = names.collect::<Vec<_>>().join(" ");
        format!("{name}: {}", if names.is_empty() { "none" } else { names.as_str() })
    };
    cases.map(line).join("\n")
}

#[test]
fn a_merge_request_gets_one_pipeline() {
    let Some(interpreter) = interpreter() else { return };
    assert_snapshot!(jobs(&interpreter, ALL), @"
    branch: skep-lint skep-image skep-deploy
    branch with a merge request: skep-lint skep-image skep-deploy
    merge request: none
    ");
    assert_snapshot!(jobs(&interpreter, &format!("{ALL}\n      pipelines: merge-request")), @"
    branch: skep-lint skep-image skep-deploy
    branch with a merge request: none
    merge request: skep-lint skep-image
    ");
    assert_snapshot!(jobs(&interpreter, "      path: ."), @"
    branch: skep-lint
    branch with a merge request: skep-lint
    merge request: none
    ");
}
