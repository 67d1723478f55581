//! What every command says when the engine is not what it should be.

use std::os::unix::fs::PermissionsExt as _;

use insta::assert_snapshot;

use super::shop;
use crate::harness::sandbox::Sandbox;

#[test]
fn an_engine_that_is_away_is_named_with_what_to_do() {
    let sandbox = shop("app:1");
    assert_snapshot!(sandbox.run(&["status", "--host", "unix:///nowhere/docker.sock"]), @"
    exit code 1
    --- stderr
    error: the Docker engine at unix:///nowhere/docker.sock does not answer: No such file or directory (os error 2)
    hint: is Docker running there? set its address with `--host` or `DOCKER_HOST`
    ");
    assert_snapshot!(sandbox.run(&["plan", "shop", "--host", "unix:///nowhere/docker.sock"]), @r"
    exit code 1
    --- stderr
    error: the Docker engine at unix:///nowhere/docker.sock does not answer: No such file or directory (os error 2)
    hint: is Docker running there? set its address with `--host` or `DOCKER_HOST`
    ");
    assert_snapshot!(sandbox.run(&["deploy", "shop", "--host", "tcp://127.0.0.1:9"]), @"
    exit code 1
    --- stderr
    error: the Docker engine at tcp://127.0.0.1:9 does not answer: Connection refused (os error 111)
    hint: is Docker running there? set its address with `--host` or `DOCKER_HOST`
    ");
}

#[test]
fn whoever_uses_a_context_of_docker_is_told_that_skep_does_not() {
    let sandbox = shop("app:1");
    sandbox.write(".docker/config.json", r#"{ "currentContext": "prod" }"#);
    assert_snapshot!(sandbox.run(&["status", "--host", "unix:///nowhere/docker.sock"]), @"
    exit code 1
    --- stderr
    error: the Docker engine at unix:///nowhere/docker.sock does not answer: No such file or directory (os error 2)
    hint: is Docker running there? set its address with `--host` or `DOCKER_HOST`
    hint: skep does not read Docker's contexts; the address of `prod` is in `docker context inspect prod`
    ");
}

#[test]
fn an_address_that_is_none_is_told() {
    assert_snapshot!(Sandbox::new().run(&["status", "--host", "localhost:2375"]), @"
    exit code 1
    --- stderr
    error: `localhost:2375` is not the address of a Docker engine: write unix:///path or tcp://host:port
    ");
    assert_snapshot!(shop("app:1").run(&["plan", "shop", "--host", "ssh://somewhere"]), @"
    exit code 1
    --- stderr
    error: `ssh://somewhere` is not the address of a Docker engine: ssh is not supported; forward the socket with `ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock somewhere`, and write unix:///tmp/docker.sock
    ");
}

#[test]
fn a_socket_that_is_not_ours_is_told_with_what_to_do() {
    let sandbox = shop("app:1");
    let locked = |path: &str, mode| {
        std::fs::set_permissions(sandbox.path().join(path), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    locked("", 0o755);
    locked("docker.sock", 0o600);
    assert_snapshot!(sandbox.run_as_nobody(&["status"]), @"
    exit code 1
    --- stderr
    error: the Docker engine at unix://[SANDBOX]/docker.sock does not answer: Permission denied (os error 13)
    hint: run this as root, or as a member of the group `docker`
    ");
    assert_snapshot!(sandbox.run_as_nobody(&["plan", "shop"]), @"
    exit code 1
    --- stderr
    error: the Docker engine at unix://[SANDBOX]/docker.sock does not answer: Permission denied (os error 13)
    hint: run this as root, or as a member of the group `docker`
    ");
}

#[test]
fn a_settings_file_with_a_mistake_is_told_with_its_line() {
    let sandbox = Sandbox::new();
    sandbox.write("skep.yml", "data_root: /srv\nregistri: r.example.com\n");
    assert_snapshot!(sandbox.run(&["status", "--config", "skep.yml"]), @"
    exit code 1
    --- stderr
    error: there is no setting `registri`
     --> skep.yml:2:1
      |
    2 | registri: r.example.com
      | ^
      |
      = help: did you mean `registry`?
    ");
    assert_snapshot!(sandbox.run(&["status", "--config", "nowhere.yml"]), @"
    exit code 1
    --- stderr
    error: cannot read nowhere.yml: No such file or directory (os error 2)
    ");
}
