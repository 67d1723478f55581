//! Input that nobody should send: a clear answer, nothing half done, bounded memory.

use std::io::Read as _;

use insta::assert_snapshot;

use crate::harness::repository::Repository;
use crate::harness::stacks::quiet;
use crate::harness::{IMAGE, Lab, swarm};

/// The memory that the controller may ever have needed, in MiB.
const MEMORY: u64 = 200;

/// Pushes what `write` writes, to a new repository; what the pusher reads. Nothing may have been made.
fn refusal(name: &str, write: impl FnOnce(&Repository) -> &Repository) -> Option<String> {
    let lab = Lab::open()?;
    let shop = lab.repository(name);
    write(&shop);
    let push = shop.commit("Try it").push();
    assert!(!push.accepted, "{}", push.output);
    assert_eq!((swarm::everything(&shop.name), shop.deployed()), (String::new(), None));
    assert!(lab.peak_memory() < MEMORY, "{} MiB", lab.peak_memory());
    Some(push.told())
}

#[test]
fn a_repository_without_a_stack_file_is_refused() {
    let Some(told) = refusal("none", |shop| shop.write("README.md", "# Shop\n")) else { return };
    assert_snapshot!(told, @"
    checking COMMIT Try it
    .:1:1: error[SK1002]: there is no stack file, so there is nothing to deploy
      help: add `stack.yml`, `docker-stack.yml`, `compose.yaml` or `docker-compose.yml` at the top, or `stacks/<name>/stack.yml`
    the push is refused, nothing was changed
    (refused)
    ");
}

#[test]
fn an_empty_stack_file_is_refused() {
    let Some(told) = refusal("empty", |shop| shop.write("stack.yml", "")) else { return };
    assert_snapshot!(told, @"
    checking COMMIT Try it
    stack.yml:1:1: error[SK1001]: the file is empty
    the push is refused, nothing was changed
    (refused)
    ");
}

#[test]
fn an_empty_commit_is_refused() {
    let Some(told) = refusal("nothing", |shop| shop) else { return };
    assert_snapshot!(told, @"
    checking COMMIT Try it
    .:1:1: error[SK1002]: there is no stack file, so there is nothing to deploy
      help: add `stack.yml`, `docker-stack.yml`, `compose.yaml` or `docker-compose.yml` at the top, or `stacks/<name>/stack.yml`
    the push is refused, nothing was changed
    (refused)
    ");
}

#[test]
fn a_yaml_bomb_is_refused() {
    let doubled: Vec<_> = (1..40).map(|n| format!("x-{n}: &a{n} [*a{0}, *a{0}]\n", n - 1)).collect();
    let doubled = doubled.concat();
    let bomb = format!("x-0: &a0 [lol, lol]\n{doubled}services: {{ web: {{ image: \"{IMAGE}\", command: *a39 }} }}\n");
    let Some(told) = refusal("bomb", |shop| shop.write("stack.yml", bomb)) else { return };
    assert_snapshot!(told, @"
    checking COMMIT Try it
    stack.yml:14:12: error[SK1001]: the file has more than 100000 values once its aliases are expanded
      14 | x-13: &a13 [*a12, *a12]
         |            ^^^^^^^^^^^^
    the push is refused, nothing was changed
    (refused)
    ");
}

#[test]
fn a_stack_file_of_100_mb_is_refused() {
    let Some(told) = refusal("huge", |shop| shop.write_zeros("stack.yml", 100 << 20)) else { return };
    assert_snapshot!(told, @"
    error: the file stack.yml (104857600 bytes) is larger than the limit of 1 MiB; skep reads stack files, Dockerfiles and what they name, and these are small; take it out of the repository, or do not name it there
    (refused)
    ");
}

#[test]
fn an_env_file_of_100_mb_is_refused() {
    let told = refusal("huge-env", |shop| {
        shop.write("stack.yml", format!("services: {{ web: {{ image: \"{IMAGE}\", env_file: big.env }} }}\n"));
        shop.write_zeros("big.env", 100 << 20)
    });
    let Some(told) = told else { return };
    assert_snapshot!(told, @"
    error: the file big.env (104857600 bytes) is larger than the limit of 1 MiB; skep reads stack files, Dockerfiles and what they name, and these are small; take it out of the repository, or do not name it there
    (refused)
    ");
}

#[test]
fn a_config_of_100_mb_is_refused() {
    let told = refusal("huge-config", |shop| {
        let service = format!("services: {{ web: {{ image: \"{IMAGE}\", configs: [big] }} }}\n");
        shop.write("stack.yml", format!("{service}configs: {{ big: {{ file: big.txt }} }}\n"));
        shop.write_zeros("big.txt", 100 << 20)
    });
    let Some(told) = told else { return };
    assert_snapshot!(told, @"
    error: the file big.txt (104857600 bytes) is larger than the limit of 1 MiB; skep reads stack files, Dockerfiles and what they name, and these are small; take it out of the repository, or do not name it there
    (refused)
    ");
}

#[test]
fn a_push_over_the_limit_is_refused() {
    let Some(lab) = Lab::open() else { return };
    let shop = lab.repository("limit");
    let mut noise = vec![0; 100 << 20];
    std::fs::File::open("/dev/urandom").unwrap().read_exact(&mut noise).unwrap();
    let push = shop.write("stack.yml", quiet("1000")).write("video.mp4", noise).commit("Keep a video").push();
    assert!(!push.accepted);
    let reason = push.output.lines().find(|line| line.contains("limit")).map(str::to_owned);
    assert_snapshot!(reason.unwrap_or(push.output), @"remote: what was sent is larger than the limit of 48 MiB; keep large files out of the repository, or raise `max_push` in skep's settings");
    assert_eq!((swarm::everything(&shop.name), shop.deployed()), (String::new(), None));
    assert!(lab.peak_memory() < MEMORY, "{} MiB", lab.peak_memory());
    let kept = crate::harness::command::output("du", &["-sm", lab.bare(&shop.name).to_str().unwrap()]);
    assert!(kept.starts_with("1\t"), "what was refused is not kept: {kept}");
}

#[test]
fn a_file_that_is_large_only_when_it_is_unpacked_is_refused() {
    let Some(told) = refusal("unpacked", |shop| shop.write_zeros("zeros", 150 << 20)) else { return };
    assert_snapshot!(told, @"
    the push has a file or another object of 150 MiB, more than the limit of 100 MiB; take it out of the commits, and fetch it in the Dockerfile instead
    (refused)
    ");
}

const OUTSIDE: &str = "services:
  web:
    build: ../other
    env_file: ../../etc/passwd
    configs: [a, b]
configs:
  a: { file: /etc/passwd }
  b: { file: conf/../../secret }
";

#[test]
fn a_path_that_leads_out_of_the_repository_is_refused() {
    let Some(told) = refusal("outside", |shop| shop.write("stack.yml", OUTSIDE)) else { return };
    assert_snapshot!(told, @"
    checking COMMIT Try it
    stack.yml:3:12: error[SK1001]: `build`: `../other` is not a path in this repository: it leads out of the repository
      3 |     build: ../other
        |            ^^^^^^^^
      help: refer to a file of this repository
    stack.yml:4:15: error[SK1001]: `env_file`: `../../etc/passwd` is not a path in this repository: it leads out of the repository
      4 |     env_file: ../../etc/passwd
        |               ^^^^^^^^^^^^^^^^
      help: refer to a file of this repository
    stack.yml:7:14: error[SK1001]: `file`: `/etc/passwd` is not a path in this repository: it is absolute; write it relative to the file
      7 |   a: { file: /etc/passwd }
        |              ^^^^^^^^^^^
      help: refer to a file of this repository
    stack.yml:8:14: error[SK1001]: `file`: `conf/../../secret` is not a path in this repository: it leads out of the repository
      8 |   b: { file: conf/../../secret }
        |              ^^^^^^^^^^^^^^^^^
      help: refer to a file of this repository
    the push is refused, nothing was changed
    (refused)
    ");
}

const LINKED: &str = "services:
  web:
    build: ./context
    env_file: app.env
    configs: [a]
configs:
  a: { file: conf/page }
";

#[test]
fn a_symbolic_link_is_not_followed() {
    let told = refusal("linked", |shop| {
        shop.write("stack.yml", LINKED).link("context", "/etc").link("app.env", "/etc/passwd").link("conf", "../..")
    });
    let Some(told) = told else { return };
    assert_snapshot!(told, @"
    checking COMMIT Try it
    stack.yml:3:12: error[SK1008]: the build context `context` is a symbolic link, or reached through one
      3 |     build: ./context
        |            ^^^^^^^^^
      help: commit a copy of the target file
    stack.yml:4:15: error[SK1008]: the env_file `app.env` is a symbolic link, or reached through one
      4 |     env_file: app.env
        |               ^^^^^^^
      help: commit a copy of the target file
    stack.yml:7:14: error[SK1008]: the config's file `conf/page` is a symbolic link, or reached through one
      7 |   a: { file: conf/page }
        |              ^^^^^^^^^
      help: commit a copy of the target file
    the push is refused, nothing was changed
    (refused)
    ");
}

#[test]
fn a_link_inside_a_context_is_not_read_from_the_host() {
    let Some(lab) = Lab::open() else { return };
    let shop = lab.repository("inner-link");
    shop.write("Dockerfile", format!("FROM {IMAGE}\nCOPY . /page\n")).link("passwd", "/etc/passwd");
    let stack = "x-skep: { stable: 1s }\nservices:\n  web:\n    build: .\n    stop_signal: SIGKILL\n    command: [sleep, \"1000\"]\n";
    assert!(shop.write("stack.yml", stack).commit("Open").push().accepted);
    let container = swarm::containers(&format!("{}_web", shop.name)).remove(0);
    let link = crate::harness::command::output("docker", &["exec", &container, "readlink", "/page/passwd"]);
    assert_eq!(link, "/etc/passwd\n", "a link is copied as a link");
}

#[test]
fn a_stack_name_that_is_too_long_is_refused() {
    let Some(told) = refusal(&"long-".repeat(8), |shop| shop.write("stack.yml", quiet("1000"))) else { return };
    assert_snapshot!(told, @"
    checking COMMIT Try it
    error: `skep-e2e-long-long-long-long-long-long-long-long-` is not a stack name: it has 49 characters; at most 40 are allowed
    (refused)
    ");
}

#[test]
fn a_stack_name_with_a_dot_is_refused() {
    let Some(told) = refusal("dot", |shop| shop.write("stacks/shop.v2/stack.yml", quiet("1000"))) else { return };
    assert_snapshot!(told, @"
    checking COMMIT Try it
    .:1:1: error[SK1002]: there is no stack file, so there is nothing to deploy
      help: add `stack.yml`, `docker-stack.yml`, `compose.yaml` or `docker-compose.yml` at the top, or `stacks/<name>/stack.yml`
    stacks/shop.v2/stack.yml:1:1: error[SK1013]: `shop.v2` is not a stack name: `.` is not allowed, only lower-case letters, digits, `-` and `_`
      help: rename the folder, or list the file in `skep.yml`
    the push is refused, nothing was changed
    (refused)
    ");
}

#[test]
fn a_name_in_the_file_with_a_dot_is_refused() {
    let named = format!("name: shop.v2\n{}", quiet("1000"));
    let Some(told) = refusal("dotted", |shop| shop.write("stack.yml", named)) else { return };
    assert_snapshot!(told, @"
    checking COMMIT Try it
    error: `shop.v2` is not a stack name: `.` is not allowed, only lower-case letters, digits, `-` and `_`
    (refused)
    ");
}

/// Two stacks of one repository cannot have the same name: a folder of `stacks/` names its stack, whatever the file in
/// it says, and the file at the top counts only where there is no such folder.
#[test]
fn a_stack_file_at_the_top_gives_way_to_a_folder_of_its_name() {
    let Some(lab) = Lab::open() else { return };
    let shop = lab.repository("twice");
    shop.write(&format!("stacks/{}/stack.yml", shop.name), quiet("1000"));
    shop.write("stack.yml", format!("name: {}\n{}", shop.name, quiet("2000")));
    assert!(shop.commit("Say it twice").push().accepted);
    assert_eq!(swarm::arguments(&format!("{}_web", shop.name)), "sleep 1000");
}

#[test]
fn a_stack_belongs_to_the_repository_that_made_it() {
    let Some(lab) = Lab::open() else { return };
    let (shop, thief) = (lab.repository("owned"), lab.repository("thief"));
    assert!(shop.write("stack.yml", quiet("1000")).commit("Open").push().accepted);
    let before = swarm::everything(&shop.name);
    let named = format!("name: {}\n{}", shop.name, quiet("2000"));
    let push = thief.write("stack.yml", named).commit("Take it over").push();
    assert_snapshot!(push.told(), @"
    checking COMMIT Take it over
    skep-e2e-owned was not deployed: the stack `skep-e2e-owned` belongs to the repository `skep-e2e-owned` (pushed to skep); give this one another name, or take it over with `git push -o adopt`
    (refused)
    ");
    assert_eq!(swarm::everything(&shop.name), before);
}

#[test]
fn a_branch_that_is_not_deployed_is_kept_and_changes_nothing() {
    let Some(lab) = Lab::open() else { return };
    let shop = lab.repository("feature");
    let push = shop.write("stack.yml", quiet("1000")).commit("Try it").push_with(&["main:feature"]);
    assert_snapshot!(push.told(), @"nothing is deployed by this push: skep deploys the branch main (or master)");
    assert!(push.accepted);
    assert_eq!((swarm::everything(&shop.name), shop.deployed()), (String::new(), None));
}

#[test]
fn the_deployed_branch_cannot_be_deleted() {
    let Some(lab) = Lab::open() else { return };
    let shop = lab.repository("deleted");
    assert!(shop.write("stack.yml", quiet("1000")).commit("Open").push().accepted);
    let before = swarm::everything(&shop.name);
    let push = shop.push_with(&[":main"]);
    assert_snapshot!(push.told(), @"
    error: `refs/heads/main` names what runs and is not deleted; to take a stack away, use `skep remove`; to deploy another branch, push it and delete this one at once
    (refused)
    ");
    assert_eq!((swarm::everything(&shop.name), shop.deployed()), (before, Some(shop.head())));
}

#[test]
fn an_unknown_push_option_is_refused() {
    let Some(lab) = Lab::open() else { return };
    let shop = lab.repository("option");
    let push = shop.write("stack.yml", quiet("1000")).commit("Open").push_option("fast");
    assert_snapshot!(push.told(), @"
    error: there is no push option `fast`; there are `async`, `retry`, `confirm-removal`, `adopt`, `force`
    (refused)
    ");
    assert_eq!(swarm::everything(&shop.name), "");
}

#[test]
fn a_push_with_a_wrong_token_is_refused() {
    let Some(lab) = Lab::open() else { return };
    let shop = lab.repository("token");
    shop.write("stack.yml", quiet("1000")).commit("Open");
    for token in ["wrong", ""] {
        let push = shop.push_as(token);
        assert!(!push.accepted);
        assert!(
            push.output.contains("Authentication failed") || push.output.contains("could not read Password"),
            "{}",
            push.output
        );
    }
    assert!(!lab.bare(&shop.name).exists(), "nothing is made for strangers");
}
