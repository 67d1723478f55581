use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use insta::assert_snapshot;

use crate::harness::sandbox::Sandbox;

/// A bare repository that has only the hook, and a work tree that pushes to it, with real Git.
struct Team {
    sandbox: Sandbox,
}

const GOOD: &str = "services:\n  web:\n    image: nginx:1.27\n    healthcheck: { test: [CMD, check] }\n";
const BAD: &str = "services:\n  web:\n    image: nginx:1.27\n    networks: [front]\n";

impl Team {
    fn new() -> Self {
        let team = Self { sandbox: Sandbox::new() };
        team.git(".", &["init", "--quiet", "--bare", "--initial-branch=main", "server.git"]);
        team.git(".", &["init", "--quiet", "--initial-branch=main", "work"]);
        team.git("work", &["remote", "add", "origin", "../server.git"]);
        team.sandbox.run(&["hook", "install", "server.git"]);
        team
    }

    fn path(&self, path: &str) -> PathBuf {
        self.sandbox.path().join(path)
    }

    fn git(&self, folder: &str, arguments: &[&str]) -> String {
        self.git_with(folder, arguments, &[])
    }

    /// What Git says, and whether it was content.
    fn git_with(&self, folder: &str, arguments: &[&str], variables: &[(&str, &str)]) -> String {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "advice.detachedHead=false"]);
        git.args(arguments).current_dir(self.path(folder)).env_clear();
        git.env("PATH", "/usr/bin:/bin").env("HOME", self.sandbox.path()).env("GIT_CONFIG_NOSYSTEM", "1");
        let output = git.envs(variables.iter().copied()).output().unwrap();
        format!(
            "{}\n{}{}",
            output.status.success(),
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
    }

    fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path("work").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn commit(&self, path: &str, text: impl AsRef<[u8]>) {
        self.write(path, text);
        self.commit_all();
    }

    fn commit_all(&self) {
        self.git("work", &["add", "--all"]);
        assert!(self.git("work", &["commit", "--quiet", "--message", "x"]).starts_with("true"));
    }

    /// What the hook says to a push, and whether the push was taken.
    fn push(&self, what: &[&str]) -> String {
        self.push_with(what, &[])
    }

    fn push_with(&self, what: &[&str], variables: &[(&str, &str)]) -> String {
        let said = self.git_with("work", &[&["push", "--quiet", "origin"], what].concat(), variables);
        let remote = said.lines().filter_map(|line| line.strip_prefix("remote: ")).map(str::trim_end);
        let lines: Vec<&str> = remote.collect();
        let taken = if said.starts_with("true") { "taken" } else { "refused" };
        format!("{taken}\n{}", lines.join("\n"))
    }
}

#[test]
fn a_push_with_an_error_is_refused_with_the_line() {
    let team = Team::new();
    team.commit("stack.yml", BAD);
    assert_snapshot!(team.push(&["main"]), @"
    refused
    stack.yml:4:16: error[SK1003]: there is no network `front` in this file
      4 |     networks: [front]
        |                ^^^^^
      help: define it under `networks:` at the top of the file
    stack.yml:2:3: info[SK3001]: nothing checks whether `web` is healthy
      2 |   web:
        |   ^^^
      help: add a `healthcheck:` that fails until the service is ready
    refused: 1 error and 1 remark
    ");
    assert!(
        team.git("server.git", &["rev-parse", "--verify", "--quiet", "main"]).starts_with("false"),
        "nothing is stored"
    );
    team.commit("stack.yml", GOOD);
    assert_snapshot!(team.push(&["main"]), @"taken");
}

#[test]
fn gitlab_shows_the_lines_that_are_for_people() {
    let team = Team::new();
    team.commit("stack.yml", BAD);
    let said = team.push_with(&["main"], &[("GL_ID", "user-1")]);
    assert!(said.lines().skip(1).all(|line| line.starts_with("GL-HOOK-ERR: ")), "{said}");
    assert!(said.starts_with("refused"), "{said}");
}

#[test]
fn only_what_the_push_changes_is_looked_at() {
    let team = Team::new();
    fs::remove_file(team.path("server.git/hooks/pre-receive")).unwrap();
    team.commit("old/Dockerfile", "FROM a:1\nEXPOSE 80800\n");
    assert!(team.push(&["main"]).starts_with("taken"));
    team.sandbox.run(&["hook", "install", "server.git"]);
    team.commit("new/Dockerfile", "FROM scratch\n");
    assert!(team.push(&["main"]).starts_with("taken"));
    team.commit("new/Dockerfile", "FROM a:1\nEXPOSE 80801\n");
    assert_snapshot!(team.push(&["main"]), @"
    refused
    new/Dockerfile:2:8: error[DL3011]: `80801` is not a port
      2 | EXPOSE 80801
        |        ^^^^^
      help: a port is a number from 0 to 65535, optionally followed by `/tcp`, `/udp` or `/sctp`
    refused: 1 error
    ");
}

#[test]
fn branches_come_and_go_and_are_forced() {
    let team = Team::new();
    team.commit("stack.yml", GOOD);
    assert!(team.push(&["main"]).starts_with("taken"));
    team.git("work", &["switch", "--quiet", "--create", "side"]);
    assert!(team.push(&["side"]).starts_with("taken"), "a new branch with nothing new in it");
    team.commit("stack.yml", BAD);
    assert!(team.push(&["side"]).starts_with("refused"));
    assert!(team.push(&["side:other"]).starts_with("refused"), "a new branch");
    team.git("work", &["tag", "--annotate", "--message", "x", "v1"]);
    assert!(team.push(&["v1"]).starts_with("refused"), "a tag");
    team.git("work", &["reset", "--quiet", "--hard", "main"]);
    team.commit("notes", "x");
    assert!(team.push(&["side"]).starts_with("taken"));
    team.git("work", &["reset", "--quiet", "--hard", "main"]);
    team.commit("stack.yml", BAD);
    assert!(team.push(&["--force", "side"]).starts_with("refused"), "forced");
    team.git("work", &["reset", "--quiet", "--hard", "main"]);
    team.commit("more", "x");
    assert!(team.push(&["--force", "side"]).starts_with("taken"), "forced");
    assert!(team.push(&["--delete", "side"]).starts_with("taken"), "deleted");
}

#[test]
fn who_merges_what_is_there_is_not_asked_again() {
    let team = Team::new();
    fs::remove_file(team.path("server.git/hooks/pre-receive")).unwrap();
    team.commit("stack.yml", GOOD);
    team.git("work", &["branch", "side"]);
    team.commit("Dockerfile", "FROM a:1\nEXPOSE 80800\n");
    team.push(&["main", "side"]);
    team.sandbox.run(&["hook", "install", "server.git"]);
    team.git("work", &["switch", "--quiet", "side"]);
    team.commit("notes", "x");
    team.git("work", &["merge", "--quiet", "--no-edit", "main"]);
    assert!(team.push(&["side"]).starts_with("taken"));
    team.commit("two/Dockerfile", "FROM a:1\nEXPOSE 80800\n");
    assert!(team.push(&["side"]).starts_with("refused"));
}

#[test]
fn a_stack_file_whose_file_is_taken_away_is_looked_at() {
    let team = Team::new();
    team.write("a.env", "A=1\n");
    team.commit("stack.yml", GOOD.replace("    healthcheck", "    env_file: a.env\n    healthcheck"));
    assert!(team.push(&["main"]).starts_with("taken"));
    fs::remove_file(team.path("work/a.env")).unwrap();
    team.commit_all();
    assert_snapshot!(team.push(&["main"]), @"
    refused
    stack.yml:4:15: error[SK1007]: the env_file `a.env` is not in the repository
      4 |     env_file: a.env
        |               ^^^^^
      help: is it committed, and is the path relative to the stack file?
    refused: 1 error
    ");
}

#[test]
fn a_stack_file_whose_config_becomes_a_link_is_looked_at() {
    let team = Team::new();
    team.write("site.conf", "a");
    team.commit("stack.yml", format!("{GOOD}    configs: [site]\nconfigs: {{ site: {{ file: site.conf }} }}\n"));
    assert!(team.push(&["main"]).starts_with("taken"));
    fs::remove_file(team.path("work/site.conf")).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", team.path("work/site.conf")).unwrap();
    team.commit_all();
    let said = team.push(&["main"]);
    assert!(said.starts_with("refused") && said.contains("SK1008"), "{said}");
}

#[test]
fn a_stack_file_whose_include_is_taken_away_is_looked_at() {
    let team = Team::new();
    team.write("db.yml", GOOD.replace("web", "db"));
    team.commit("stack.yml", format!("include: [db.yml]\n{GOOD}"));
    assert!(team.push(&["main"]).starts_with("taken"));
    fs::remove_file(team.path("work/db.yml")).unwrap();
    team.commit_all();
    let said = team.push(&["main"]);
    assert!(said.starts_with("refused\nstack.yml:1:11: error"), "{said}");
}

#[test]
fn a_dockerfile_whose_file_is_taken_away_is_looked_at_for_that_alone() {
    let team = Team::new();
    fs::remove_file(team.path("server.git/hooks/pre-receive")).unwrap();
    team.write("web/run.sh", "x");
    team.write("web/src/main.js", "x");
    team.write("web/Dockerfile", "FROM a:1\nCOPY run.sh gone.sh /\nCOPY src /src\nEXPOSE 80800\n");
    team.commit("stack.yml", GOOD);
    assert!(team.push(&["main"]).starts_with("taken"));
    team.sandbox.run(&["hook", "install", "server.git"]);
    fs::remove_file(team.path("work/web/run.sh")).unwrap();
    fs::remove_dir_all(team.path("work/web/src")).unwrap();
    team.commit_all();
    assert_snapshot!(team.push(&["main"]), @"
    refused
    web/Dockerfile:2:6: error[SK5002]: `run.sh` is not in the build context
      2 | COPY run.sh gone.sh /
        |      ^^^^^^
      help: the context is the folder `web`: was the file committed there?
    web/Dockerfile:3:6: error[SK5002]: `src` is not in the build context
      3 | COPY src /src
        |      ^^^
      help: the context is the folder `web`: was the file committed there?
    refused: 2 errors
    ");
    team.write("web/run.sh", "x");
    team.commit("web/src/other.js", "x");
    assert!(team.push(&["main"]).starts_with("taken"), "what was missing before is nobody's doing");
}

#[test]
fn a_dockerfile_that_nobody_can_look_at_is_told() {
    let team = Team::new();
    team.write("Dockerfile", vec![b'#'; (1 << 20) + 1]);
    team.commit("stack.yml", GOOD);
    assert_snapshot!(team.push(&["main"]), @"
    taken
    Dockerfile:1:1: warning[SK0004]: the Dockerfile was not looked at: it is larger than what is read, 1 MiB
      help: bring what is in it into the image as a file
    ");
    team.commit("stack.yml", "services:\n  web: { build: . }\n");
    assert_snapshot!(team.push(&["main"]), @"
    refused
    stack.yml:2:17: error[SK1015]: the Dockerfile `Dockerfile` was not read: it is too large
      2 |   web: { build: . }
        |                 ^
      help: make it smaller, or put it in the image or a volume
    stack.yml:2:3: info[SK3001]: nothing checks whether `web` is healthy
      2 |   web: { build: . }
        |   ^^^
      help: add a `healthcheck:` that fails until the service is ready
    refused: 1 error and 1 remark
    ");
    team.commit("Dockerfile", "FROM a:1\n");
    assert!(team.push(&["main"]).starts_with("taken"));
    team.commit("Dockerfile", vec![b'#'; (1 << 20) + 1]);
    assert_snapshot!(team.push(&["main"]), @"
    refused
    stack.yml:2:17: error[SK1015]: the Dockerfile `Dockerfile` was not read: it is too large
      2 |   web: { build: . }
        |                 ^
      help: make it smaller, or put it in the image or a volume
    stack.yml:2:3: info[SK3001]: nothing checks whether `web` is healthy
      2 |   web: { build: . }
        |   ^^^
      help: add a `healthcheck:` that fails until the service is ready
    refused: 1 error and 1 remark
    ");
}

#[test]
fn settings_of_the_push_count_but_not_for_what_must_hold() {
    let team = Team::new();
    team.write("skep-lint.yaml", "rules: { DL3011: off, SK1003: off }\nno-fail: true\n");
    team.write("Dockerfile", "FROM a:1\nEXPOSE 80800\n");
    team.commit("stack.yml", GOOD);
    assert!(team.push(&["main"]).starts_with("taken"));
    team.commit("stack.yml", BAD);
    assert!(team.push(&["main"]).starts_with("refused"));
    team.write("stack.yml", GOOD);
    team.commit("skep-lint.yaml", "rulez: {}\n");
    assert_snapshot!(team.push(&["main"]), @"
    refused
    skep-lint.yaml:1:1: error[SK0001]: there is no setting `rulez`
      1 | rulez: {}
        | ^^^^^
      help: did you mean `rules`?
    refused: 1 error
    ");
}

#[test]
fn no_file_is_too_large_or_too_strange() {
    let team = Team::new();
    team.write("large/Dockerfile", vec![b'x'; 100 << 20]);
    team.write("binary/Dockerfile", (0..=255_u8).cycle().take(100_000).collect::<Vec<u8>>());
    team.write("name\twith\ttabs", "x");
    for number in 0..3000 {
        team.write(&format!("many/{number}"), "x");
    }
    team.commit("stack.yml", GOOD);
    let said = team.push(&["main"]);
    assert!(said.starts_with("refused\nbinary/Dockerfile:"), "{said}");
    assert!(said.lines().count() < 40, "a screenful:\n{said}");
    fs::remove_dir_all(team.path("work/binary")).unwrap();
    team.commit_all();
    assert_snapshot!(team.push(&["main"]), @"
    taken
    large/Dockerfile:1:1: warning[SK0004]: the Dockerfile was not looked at: it is larger than what is read, 1 MiB
      help: bring what is in it into the image as a file
    ");
}

#[test]
fn the_update_hook_refuses_one_ref() {
    let team = Team::new();
    fs::remove_file(team.path("server.git/hooks/pre-receive")).unwrap();
    let hook = team.path("server.git/hooks/update");
    fs::write(&hook, format!("#!/bin/sh\nexec {} hook update \"$@\"\n", env!("CARGO_BIN_EXE_skep"))).unwrap();
    Command::new("chmod").arg("755").arg(&hook).status().unwrap();
    team.commit("stack.yml", BAD);
    assert!(team.push(&["main"]).starts_with("refused"));
    team.commit("stack.yml", GOOD);
    assert!(team.push(&["main"]).starts_with("taken"));
}

#[test]
fn a_tree_that_cannot_be_listed_is_refused_at_once() {
    let team = Team::new();
    team.commit("0/x", "x");
    let id = |said: String| said.lines().nth(1).unwrap().to_owned();
    let mut tree = id(team.git("work", &["rev-parse", "HEAD^{tree}"]));
    for _ in 0..30 {
        let lines = format!("040000 tree {tree}\ta\n040000 tree {tree}\tb\n");
        fs::write(team.path("lines"), lines).unwrap();
        let mut mktree = Command::new("git");
        mktree.arg("mktree").current_dir(team.path("work")).stdin(fs::File::open(team.path("lines")).unwrap());
        tree = String::from_utf8(mktree.output().unwrap().stdout).unwrap().trim().to_owned();
    }
    let commit = id(team.git("work", &["commit-tree", &tree, "-m", "x"]));
    assert_snapshot!(team.push(&[&format!("{commit}:refs/heads/main")]), @"
    refused
    error: the tree is larger than the limit of 200000 files and folders; take out what the stacks do not need, such as installed dependencies
    ");
}

#[test]
fn a_commit_is_checked_as_it_is_staged() {
    let team = Team::new();
    assert_snapshot!(team.sandbox.run(&["hook", "install", "work"]), @"
    exit code 0
    --- stderr
    installed [SANDBOX]/work/.git/hooks/pre-commit
    ");
    team.write("stack.yml", BAD);
    team.git("work", &["add", "--all"]);
    team.write("stack.yml", GOOD);
    let said = team.git("work", &["commit", "--message", "x"]);
    assert!(said.starts_with("false") && said.contains("SK1003"), "{said}");
    team.git("work", &["add", "--all"]);
    assert!(team.git("work", &["commit", "--message", "x"]).starts_with("true"));
}

#[test]
fn a_commit_is_checked_whichever_way_its_files_are_named() {
    let team = Team::new();
    team.commit("stack.yml", GOOD);
    team.git("work", &["worktree", "add", "--quiet", "../linked"]);
    team.sandbox.run(&["hook", "install", "work"]);
    let ways: [&[&str]; 5] = [
        &["commit", "--all"],
        &["commit", "stack.yml"],
        &["commit", "--only", "stack.yml"],
        &["commit", "--include", "stack.yml"],
        &["--git-dir=.git", "--work-tree=.", "commit", "--all"],
    ];
    for way in ways {
        let commit = || team.git("work", &[way, &["--message", "x"]].concat());
        team.write("stack.yml", BAD);
        let said = commit();
        assert!(said.starts_with("false") && said.contains("SK1003"), "{way:?}: {said}");
        team.write("stack.yml", format!("{GOOD}# {way:?}\n"));
        let said = commit();
        assert!(said.starts_with("true"), "{way:?}: {said}");
    }
    fs::write(team.path("linked/stack.yml"), BAD).unwrap();
    let said = team.git("linked", &["commit", "--all", "--message", "x"]);
    assert!(said.starts_with("false") && said.contains("SK1003"), "{said}");
    // What is not part of the commit is not asked about.
    team.write("notes", "x");
    team.git("work", &["add", "notes"]);
    team.write("stack.yml", BAD);
    let said = team.git("work", &["commit", "notes", "--message", "x"]);
    assert!(said.starts_with("true"), "{said}");
}

#[test]
fn the_hook_goes_where_each_server_looks_for_it() {
    let sandbox = Sandbox::new();
    let install = |path: &str| sandbox.run(&["hook", "install", path]);
    let has = |path: &str| Path::exists(&sandbox.path().join(path));
    let folder = |path: &str| fs::create_dir_all(sandbox.path().join(path)).unwrap();
    folder("gitlab.git/custom_hooks");
    folder("gitea.git/hooks/pre-receive.d");
    folder("all/pre-receive.d");
    folder("empty");
    install("gitlab.git");
    install("gitea.git");
    install("all/pre-receive.d");
    assert!(has("gitlab.git/custom_hooks/pre-receive.d/skep") && has("gitea.git/hooks/pre-receive.d/skep"));
    assert!(has("all/pre-receive.d/skep"));
    assert_snapshot!(install("gitlab.git/custom_hooks"), @"
    exit code 0
    --- stderr
    gitlab.git/custom_hooks/pre-receive.d/skep already exists
    ");
    assert_snapshot!(install("empty"), @"
    exit code 2
    --- stderr
    error: empty is not a repository; give a bare repository, a work tree, or a `pre-receive.d`
    ");
}

#[test]
fn a_hook_of_somebody_else_stays() {
    let team = Team::new();
    let hook = team.path("server.git/hooks/pre-receive");
    fs::write(&hook, "#!/bin/sh\nexit 0\n").unwrap();
    assert_snapshot!(team.sandbox.run(&["hook", "install", "server.git"]), @"
    exit code 1
    --- stderr
    error: server.git/hooks/pre-receive is another hook and was not changed
    hint: make it run `skep hook pre-receive` with its own standard input, and exit with that exit code
    ");
    assert_eq!(fs::read_to_string(&hook).unwrap(), "#!/bin/sh\nexit 0\n");
}
