//! What the builder wrote, read again: where the controller's data folder is, and from elsewhere.

use insta::assert_snapshot;
use jiff::Timestamp;
use skep::build::kept::{BuildLogs, Record};
use skep::release::ReleaseId;

use super::serve::Controller;
use crate::harness::sandbox::Sandbox;

/// A sandbox whose data folder has the logs of a build that failed and, after it, of one that became r2.
fn built() -> Sandbox {
    let sandbox = Sandbox::new();
    let logs = BuildLogs::below(&sandbox.path().join("data"));
    let build = |digit: &str, second: i64, lines: &[(&str, &str)], release: Option<u64>| {
        let at = Timestamp::from_second(second).unwrap();
        let (stack, commit) = ("shop".parse().unwrap(), digit.repeat(40).parse().unwrap());
        let author = "Ada <ada@example.com>".into();
        let build = Record::Build { stack, repository: "shop".into(), commit, author, at };
        let mut log = logs.begin(&build).unwrap().unwrap();
        for (service, text) in lines {
            log.add(&Record::Line { at, service: service.parse().unwrap(), text: (*text).into() }).unwrap();
        }
        log.end(at, release.map(ReleaseId)).unwrap();
    };
    let now = Timestamp::now().as_second();
    build("1", now - 60, &[("web", "#1 RUN false"), ("web", "error: exit code: 1")], None);
    build("2", now, &[("web", "#1 RUN true"), ("worker", "#1 RUN true"), ("web", "built web:2 in 3.2 s")], Some(2));
    sandbox.write("here.yml", &format!("data: {}\n", sandbox.path().join("data").display()));
    sandbox.write("elsewhere.yml", "data: /nowhere\ntoken_files: [token]\n");
    sandbox
}

fn logs(sandbox: &Sandbox, config: &str, arguments: &[&str]) -> String {
    sandbox.run(&[&["logs", "--build", "shop", "--config", config], arguments].concat())
}

#[test]
fn the_log_of_a_build_is_read_where_the_data_folder_is() {
    let sandbox = built();
    let asked: [&[&str]; 7] = [
        &[],
        &["web", "--tail", "1", "--timestamps"],
        &["--commit", "1111"],
        &["--release", "r2", "--format", "json"],
        &["--release", "7"],
        &["--commit", "main"],
        &["--follow"],
    ];
    let said: Vec<String> = asked.iter().map(|arguments| logs(&sandbox, "here.yml", arguments)).collect();
    assert_snapshot!(said.join("\n"), @r##"
    exit code 0
    --- stdout
    web    | #1 RUN true
    worker | #1 RUN true
    web    | built web:2 in 3.2 s
    --- stderr
    build of r2 of shop from 2222222 by Ada <ada@example.com>, [TIME] UTC

    exit code 0
    --- stdout
    web | [TIME] built web:2 in 3.2 s
    --- stderr
    build of r2 of shop from 2222222 by Ada <ada@example.com>, [TIME] UTC

    exit code 0
    --- stdout
    web | #1 RUN false
    web | error: exit code: 1
    --- stderr
    build of shop from 1111111 by Ada <ada@example.com>, [TIME] UTC

    exit code 0
    --- stdout
    {"kind":"line","at":"[TIME]Z","service":"web","text":"#1 RUN true"}
    {"kind":"line","at":"[TIME]Z","service":"worker","text":"#1 RUN true"}
    {"kind":"line","at":"[TIME]Z","service":"web","text":"built web:2 in 3.2 s"}
    --- stderr
    build of r2 of shop from 2222222 by Ada <ada@example.com>, [TIME] UTC

    exit code 1
    --- stderr
    error: no log of a build of shop for r7 is kept: nothing was built for it, because its images were there already, or its log is gone (kept are the newest 20 of a stack, 30 days, 64 MiB in all); the newest are those of 2222222 (r2), 1111111 (no release)

    exit code 2
    --- stderr
    error: invalid value 'main' for '--commit <COMMIT>': write the id of a commit, or the beginning of one

    For more information, try '--help'.

    exit code 2
    --- stderr
    error: the argument '--build' cannot be used with '--follow'

    Usage: skep logs --build --config <FILE> <STACK> [SERVICE]

    For more information, try '--help'.
    "##);
}

#[test]
fn the_controller_is_asked_with_the_token_of_pushes_from_elsewhere() {
    let sandbox = built();
    let controller = Controller::start_with(&sandbox, "{}");
    let url = format!("http://127.0.0.1:{}", controller.port);
    let ask = |arguments: &[&str]| logs(&sandbox, "elsewhere.yml", arguments).replace(&url, "[CONTROLLER]");
    let mut said = vec![
        ask(&["--controller", &url, "--commit", "11111"]),
        ask(&["--controller", &url, "--release", "7"]),
        ask(&[]),
    ];
    sandbox.write("token", "another");
    said.push(ask(&["--controller", &url]));
    assert_snapshot!(said.join("\n"), @"
    exit code 0
    --- stdout
    web | #1 RUN false
    web | error: exit code: 1
    --- stderr
    build of shop from 1111111 by Ada <ada@example.com>, [TIME] UTC

    exit code 1
    --- stderr
    error: no log of a build of shop for r7 is kept: nothing was built for it, because its images were there already, or its log is gone (kept are the newest 20 of a stack, 30 days, 64 MiB in all); the newest are those of 2222222 (r2), 1111111 (no release)

    exit code 1
    --- stderr
    error: the logs of builds are kept where the controller runs, and /nowhere is not on this machine; name the controller with `--controller URL` or SKEP_CONTROLLER, and a token with SKEP_TOKEN_FILE

    exit code 1
    --- stderr
    error: the controller at [CONTROLLER] does not know this token
    ");
}
