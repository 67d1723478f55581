//! Controllers as processes, over the simulated swarm and with real Git.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use insta::assert_snapshot;

use skep::engine::simulated::Behaviour;
use skep::engine::{Call, Engine};
use skep::release::Instance;
use skep::store::Store;

use crate::harness::repository::Repository;
use crate::harness::sandbox::Sandbox;

pub(crate) struct Controller {
    process: Child,
    pub(crate) port: u16,
    runtime: PathBuf,
}

/// `skep serve` on the data folder that all of a sandbox share, and its port.
fn serve(sandbox: &Sandbox, name: &str, scope: &str) -> (Command, u16) {
    sandbox.write("token", "s3cret");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut skep = Command::new(env!("CARGO_BIN_EXE_skep"));
    skep.arg("serve").env_clear().env("PATH", "/usr/bin:/bin").env("DOCKER_HOST", sandbox.host());
    skep.env("SKEP_DATA", sandbox.path().join("data")).env("SKEP_DATA_ROOT", sandbox.path().join("volumes"));
    skep.env("SKEP_RUNTIME", sandbox.path().join(name)).env("SKEP_TOKEN_FILE", sandbox.path().join("token"));
    skep.env("SKEP_LISTEN", format!("127.0.0.1:{port}")).env("SKEP_SCOPE", scope);
    skep.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    (skep, port)
}

impl Controller {
    /// Starts one of this scope, and waits until it is ready.
    fn start(sandbox: &Sandbox, name: &str, scope: &str) -> Self {
        Self::begin(sandbox, name, serve(sandbox, name, scope))
    }

    /// Starts one with these settings.
    pub(crate) fn start_with(sandbox: &Sandbox, settings: &str) -> Self {
        sandbox.write("skep.yml", settings);
        let (mut skep, port) = serve(sandbox, "run", "");
        skep.arg("--config").arg(sandbox.path().join("skep.yml"));
        Self::begin(sandbox, "run", (skep, port))
    }

    fn begin(sandbox: &Sandbox, name: &str, (mut skep, port): (Command, u16)) -> Self {
        let controller = Self { process: skep.spawn().unwrap(), port, runtime: sandbox.path().join(name) };
        controller.wait_for("200");
        controller
    }

    /// The answer to `/readyz`, if there is one.
    fn readiness(&self) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    /// Waits for an answer with this status; its text.
    fn wait_for(&self, status: &str) -> String {
        let end = Instant::now() + Duration::from_mins(1);
        loop {
            let answer = self.readiness().unwrap_or_default();
            if answer.split(' ').nth(1) == Some(status) {
                return answer.split("\r\n\r\n").nth(1).unwrap_or_default().to_owned();
            }
            assert!(Instant::now() < end, "{answer}");
            std::thread::yield_now();
        }
    }

    /// The only folder that it has made in its runtime folder.
    fn private(&self) -> PathBuf {
        let made: Vec<_> = std::fs::read_dir(&self.runtime).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(made.len(), 1, "{made:?}");
        made[0].clone()
    }

    /// What the pusher reads of a push of a branch that is not deployed.
    fn push(&self, work: &Path, branch: &str) -> String {
        self.push_all(work, &[&format!("HEAD:{branch}")])
    }

    /// What the pusher reads of a push of these.
    fn push_all(&self, work: &Path, what: &[&str]) -> String {
        let url = format!("http://ada:s3cret@127.0.0.1:{}/git/shop.git", self.port);
        let said = git(work, &[&["push", &url], what].concat());
        let remote = said.lines().filter_map(|line| line.strip_prefix("remote: ")).map(str::trim_end);
        remote.collect::<Vec<_>>().join("\n")
    }

    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        self.kill();
    }
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut git = Command::new("git");
    git.args(["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]).args(arguments).current_dir(folder);
    git.env("HOME", "/nonexistent").env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_TERMINAL_PROMPT", "0");
    let output = git.output().unwrap();
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn work_tree(sandbox: &Sandbox) -> PathBuf {
    sandbox.write("work/notes", "x");
    let work = sandbox.path().join("work");
    for arguments in [&["init", "-q"][..], &["add", "."], &["commit", "-q", "-m", "x"]] {
        git(&work, arguments);
    }
    work
}

#[test]
fn controllers_that_share_their_data_answer_their_own_hooks() {
    let sandbox = Sandbox::new();
    let work = work_tree(&sandbox);
    let (one, mut two) = (Controller::start(&sandbox, "one", "a"), Controller::start(&sandbox, "two", "b"));
    assert_snapshot!(one.push(&work, "a"), @"nothing is deployed by this push: skep deploys the branch main (or master)");
    assert_snapshot!(two.push(&work, "b"), @"nothing is deployed by this push: skep deploys the branch main (or master)");
    two.kill();
    assert_snapshot!(one.push(&work, "c"), @"nothing is deployed by this push: skep deploys the branch main (or master)");
    assert_eq!(one.wait_for("200"), "ready\n");
}

#[test]
fn a_branch_that_is_not_deployed_is_looked_at_and_taken() {
    let sandbox = Sandbox::new();
    sandbox.write("work/stack.yml", "services:\n  web: { image: \"nginx:${TAG}\", scael: 2 }\n");
    let work = work_tree(&sandbox);
    let one = Controller::start(&sandbox, "one", "a");
    assert_snapshot!(one.push(&work, "try-it"), @"
    nothing is deployed by this push: skep deploys the branch main (or master)
    note: `try-it` could not be deployed as it is: 2 errors
    note: stack.yml:2:17: error[SK2020]: the variable TAG (line 2) is not set
    note: stack.yml:2:33: error[SK1001]: a service has no key `scael`
    ");
}

#[test]
fn a_controller_that_its_hook_cannot_reach_is_not_ready() {
    let sandbox = Sandbox::new();
    let work = work_tree(&sandbox);
    let one = Controller::start(&sandbox, "one", "");
    let private = one.private();
    let shown = |text: String| text.replace(&private.display().to_string(), "PRIVATE");
    std::fs::remove_file(private.join("hook.sock")).unwrap();
    assert_snapshot!(shown(one.wait_for("503")), @"Git's hook cannot reach skep at PRIVATE/hook.sock, so no push is accepted; restart skep");
    assert_snapshot!(one.push(&work, "a"), @"skep is restarting; push again in a moment");
    // Git would take a push without a hook.
    std::fs::remove_file(private.join("hooks/pre-receive")).unwrap();
    assert_snapshot!(one.push(&work, "a"), @"skep could not serve this; its log says why");
    assert!(!sandbox.path().join("data/git/shop.git/refs/heads/a").exists());
}

#[test]
fn what_a_killed_controller_leaves_in_its_runtime_folder_is_removed_by_the_next() {
    let sandbox = Sandbox::new();
    let mut first = Controller::start(&sandbox, "run", "a");
    first.kill();
    let left = first.private();
    let second = Controller::start(&sandbox, "run", "a");
    assert_ne!(second.private(), left);
    let third = Controller::start(&sandbox, "run", "b");
    assert!(second.wait_for("200") == "ready\n" && third.wait_for("200") == "ready\n");
}

#[test]
fn a_second_controller_says_which_one_there_is_and_stops() {
    let sandbox = Sandbox::new();
    let mut first = Controller::start(&sandbox, "one", "");
    let shown = |text: String, pid: u32| {
        let time = regex::Regex::new(r"since [-0-9]+ [:0-9]+").unwrap();
        time.replace(&text, "since TIME").replace(&format!("process {pid} "), "process PID ")
    };
    let second = || {
        let output = serve(&sandbox, "two", "").0.stderr(Stdio::piped()).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        let error = text.lines().find(|line| line.starts_with("error")).unwrap_or(&text).to_owned();
        format!("{:?} {error}", output.status.code())
    };
    assert_snapshot!(shown(second(), first.process.id()), @"Some(1) error: another controller of skep runs in this swarm: the process PID on node-1, since TIME; two would undo each other's work. Stop one of them, or give each a scope of its own (SKEP_SCOPE; docs/operations.md)");
    assert_eq!(first.wait_for("200"), "ready\n", "the first goes on");
    // One that was killed leaves its record, and is in nobody's way.
    first.kill();
    let third = Controller::start(&sandbox, "three", "");
    assert_snapshot!(shown(second(), third.process.id()), @"Some(1) error: another controller of skep runs in this swarm: the process PID on node-1, since TIME; two would undo each other's work. Stop one of them, or give each a scope of its own (SKEP_SCOPE; docs/operations.md)");
}

#[test]
fn a_controller_whose_place_was_taken_stops() {
    let sandbox = Sandbox::new();
    let mut first = Controller::start(&sandbox, "one", "");
    let store = Store::new(Engine::Simulated(sandbox.world.clone()));
    let taken = sandbox.runtime.block_on(async {
        let there = store.controller().await.unwrap().unwrap();
        let other = Instance { run: "another".into(), ..there.said.clone() };
        store.change_registration(there, &other).await.unwrap()
    });
    assert!(taken);
    assert_eq!(first.process.wait().unwrap().code(), Some(1));
    let left = sandbox.runtime.block_on(store.controller()).unwrap().unwrap();
    assert_eq!(left.said.run, "another", "it leaves the record of the other");
}

/// Stable words for ids of commits and times.
fn stable(text: &str) -> String {
    let words = [
        (r"\b[0-9a-f]{7}\b", "COMMIT"),
        (r"\b[0-9]+ looks? (has|have) failed", "LOOKS have failed"),
        (r"\b[0-9]+ (s|min|h)\b", "TIME"),
        (r"tried again (now|in TIME)", "tried again in TIME"),
        (r" +(\n|$)", "$1"),
    ];
    words
        .iter()
        .fold(text.to_owned(), |text, (from, to)| regex::Regex::new(from).unwrap().replace_all(&text, *to).into_owned())
}

const SICK: &str = "services: { web: { image: app:1, networks: [front] } }\n";
const WELL: &str =
    "x-skep: { stable: 1ms }\nservices: { web: { image: app:1, healthcheck: { test: [CMD, check] } } }\n";

#[test]
fn every_watched_repository_says_how_it_is_and_is_looked_at_when_somebody_asks() {
    let sandbox = Sandbox::new();
    let settings = "repositories:\n  shop: { url: SANDBOX/shop.git, poll_seconds: 3600 }\n  \
                    old: { url: 'ssh://git:s3cret@gitlab.example.com/old.git' }\n  typo: { url: /srv/typo, brunch: main }\n";
    let controller = Controller::start_with(&sandbox, &settings.replace("SANDBOX", sandbox.path().to_str().unwrap()));
    assert_snapshot!(stable(&sandbox.run(&["sync"])), @"
    exit code 1
    --- stdout
    old: failing, ssh://gitlab.example.com/old.git main, not fetched yet
      cannot fetch from ssh://gitlab.example.com/old.git: ssh is not supported yet; use the https address and a token (correct the settings, and start skep again)

    shop: failing, [SANDBOX]/shop.git main, not fetched yet
      there is no repository at [SANDBOX]/shop.git, or the token may not see it; check the address and the token (LOOKS have failed in TIME; tried again in TIME)

    typo: failing, /srv/typo main, not fetched yet
      the settings of the repository `typo` are not understood: there is no setting `brunch`; did you mean `branch`? (correct the settings, and start skep again)
    ");
    let mut shop = Repository::new(&sandbox.path().join("shop.git"));
    assert_snapshot!(stable(&sandbox.run(&["sync", "shop"])), @"
    exit code 1
    --- stdout
    shop: failing, [SANDBOX]/shop.git main, not fetched yet
      [SANDBOX]/shop.git has no branch `main`; push it, or name another branch in the settings (LOOKS have failed in TIME; tried again in TIME)
    ");
    shop.files.insert("stack.yml".into(), SICK.into());
    shop.commit("Open the shop");
    assert_snapshot!(stable(&sandbox.run(&["sync", "shop"])), @"
    exit code 1
    --- stdout
    shop: refused, [SANDBOX]/shop.git main at COMMIT, fetched TIME ago
      stack.yml:1:45: error[SK1003]: there is no network `front` in this file
        1 | services: { web: { image: app:1, networks: [front] } }
          |                                             ^^^^^
        help: define it under `networks:` at the top of the file
    ");
    assert_snapshot!(controller.wait_for("200"), @"
    ready
    repository old: failing
    repository shop: refused
    repository typo: failing
    ");
    shop.files.insert("stack.yml".into(), WELL.into());
    shop.commit("Mend it");
    assert_snapshot!(stable(&sandbox.run(&["sync", "shop"])), @"
    exit code 0
    --- stdout
    shop: up to date, [SANDBOX]/shop.git main at COMMIT, fetched TIME ago
    ");
    assert_snapshot!(stable(&sandbox.run(&["status"])), @"
    exit code 0
    --- stdout
    STACK  STATE    RELEASE  TASKS  SINCE  REMARK
    shop   healthy  r1       1/1    TIME

    REPOSITORY  BRANCH  STATE       COMMIT   FETCHED  REMARK
    old         main    failing     -        -        cannot fetch from ssh://gitlab.example.com/old.git: ssh is not supported yet; use the https address and a token (correct the settings, and start skep again)
    shop        main    up to date  COMMIT  TIME
    typo        main    failing     -        -        the settings of the repository `typo` are not understood: there is no setting `brunch`; did you mean `branch`? (correct the settings, and start skep again)
    ");
    assert_snapshot!(sandbox.run(&["sync", "shoq"]), @"
    exit code 1
    --- stderr
    error: skep does not watch a repository `shoq`; it watches old, shop, typo
    ");
    assert_snapshot!(controller.wait_for("200"), @"
    ready
    repository old: failing
    repository typo: failing
    ");
}

/// A work tree with a stack that has a secret.
fn work_with_secret(sandbox: &Sandbox) -> PathBuf {
    let stack = "x-skep: { stable: 1ms }\nservices:\n  web:\n    image: app:1\n    secrets: [key]\n    \
                 healthcheck: { test: [CMD, check] }\nsecrets: { key: { file: ./key.txt } }\n";
    sandbox.write("work/stack.yml", stack);
    sandbox.write("work/key.txt", "hush\n");
    work_tree(sandbox)
}

/// How the stack is, without what differs from run to run.
fn status(sandbox: &Sandbox) -> String {
    stable(&sandbox.run(&["status", "shop"]))
}

#[test]
fn what_was_removed_by_hand_is_deployed_again_from_what_skep_has() {
    let sandbox = Sandbox::new();
    let one = Controller::start(&sandbox, "one", "");
    let said = one.push(&work_with_secret(&sandbox), "main");
    assert!(said.ends_with("shop r1 is deployed"), "{said}");
    // As `docker stack rm` does it.
    let engine = Engine::Simulated(sandbox.world.clone());
    sandbox.runtime.block_on(async {
        for kind in ["services", "secrets"] {
            let listed: Vec<serde_json::Value> = engine.json(Call::get(format!("/{kind}"))).await.unwrap();
            let is_of_shop = |it: &&serde_json::Value| it.to_string().contains("shop_");
            for id in listed.iter().filter(is_of_shop).filter_map(|it| it["ID"].as_str().or(it["Id"].as_str())) {
                engine.call(Call::delete(format!("/{kind}/{id}"))).await.unwrap();
            }
        }
    });
    let heal = sandbox.run(&["heal", "shop"]);
    assert!(heal.contains("`skep deploy --again STACK` creates it again"), "{heal}");
    assert_snapshot!(sandbox.run(&["deploy", "--again", "shop"]), @"
    exit code 0
    --- stderr
    skep deploys `shop` again
    shop r2 is deployed
    ");
    let status = status(&sandbox);
    assert!(status.contains("1/1 running") && !status.contains("differs"), "{status}");
    assert_snapshot!(sandbox.run(&["deploy", "--again", "inn"]), @"
    exit code 1
    --- stderr
    error: skep has no record of a stack `inn`, and no controller has a repository of that name; `skep status` lists the stacks that skep has
    ");
}

#[test]
fn a_repository_deploys_one_branch_and_the_others_come_and_go() {
    let sandbox = Sandbox::new();
    let one = Controller::start(&sandbox, "one", "");
    let work = work_with_secret(&sandbox);
    let has = |branch: &str| sandbox.path().join("data/git/shop.git/refs/heads").join(branch).exists();
    let said = one.push(&work, "main");
    assert!(said.ends_with("shop r1 is deployed"), "{said}");
    assert_snapshot!(one.push(&work, "master"), @"nothing is deployed by this push: this repository deploys the branch main");
    assert!(has("master"));
    one.push_all(&work, &[":master"]);
    assert!(has("main") && !has("master"), "a branch that is not deployed can go");
    assert_snapshot!(one.push_all(&work, &[":main"]), @"error: `refs/heads/main` names what runs and is not deleted; to take a stack away, use `skep remove`; to deploy another branch, push it and delete this one at once");
    assert!(has("main"));
    let said = one.push_all(&work, &["HEAD:master", ":main"]);
    assert!(said.ends_with("shop r1 already runs: nothing to do"), "{said}");
    assert!(has("master") && !has("main"), "one takes the place of the other");
    assert_snapshot!(one.push(&work, "main"), @"nothing is deployed by this push: this repository deploys the branch master");
}

#[test]
fn where_the_branch_is_not_what_runs_both_status_and_the_next_push_say_so() {
    let sandbox = Sandbox::new();
    let one = Controller::start(&sandbox, "one", "");
    let work = work_with_secret(&sandbox);
    one.push(&work, "main");
    let commit = |image: &str| {
        let file = std::fs::read_to_string(work.join("stack.yml")).unwrap();
        let image = regex::Regex::new("image: .*").unwrap().replace(&file, format!("image: {image}")).into_owned();
        std::fs::write(work.join("stack.yml"), image).unwrap();
        git(&work, &["commit", "-q", "-a", "-m", "x"]);
    };
    commit("app:2");
    one.push(&work, "main");
    sandbox.run(&["rollback", "shop"]);
    assert_snapshot!(status(&sandbox), @"
    exit code 0
    --- stdout
    shop: r3 (COMMIT), from shop
      web                  1/1 running
      note: COMMIT runs since `skep rollback`, although `main` is at COMMIT (r2) or a later commit; `skep deploy --again shop` deploys that commit again
    ");
    commit("app:3");
    let said = one.push(&work, "main");
    let note = said.lines().find(|line| line.starts_with("note: ")).unwrap_or(&said);
    assert_snapshot!(stable(note), @"note: COMMIT runs since `skep rollback`, although `main` is at COMMIT (r2) or a later commit; this deploy goes on from there");
    let status = status(&sandbox);
    assert!(!status.contains("rollback"), "{status}");
}

/// What a command says once it says this.
fn wait_until(sandbox: &Sandbox, arguments: &[&str], words: &str) -> String {
    let end = Instant::now() + Duration::from_mins(1);
    loop {
        let said = sandbox.run(arguments);
        if said.contains(words) {
            return said;
        }
        assert!(Instant::now() < end, "{said}");
        std::thread::yield_now();
    }
}

#[test]
fn after_a_removal_and_a_lost_mirror_a_new_commit_is_deployed_and_the_old_one_is_not() {
    let sandbox = Sandbox::new();
    let settings = "repositories: { shop: { url: SANDBOX/shop.git, poll_seconds: 3600 } }\n";
    let settings = settings.replace("SANDBOX", sandbox.path().to_str().unwrap());
    let mut shop = Repository::new(&sandbox.path().join("shop.git"));
    shop.files.insert("stack.yml".into(), WELL.into());
    shop.commit("Open the shop");
    let restarted = |controller: Controller| {
        drop(controller);
        std::fs::remove_dir_all(sandbox.path().join("data/mirrors")).unwrap();
        Controller::start_with(&sandbox, &settings)
    };
    let first = Controller::start_with(&sandbox, &settings);
    wait_until(&sandbox, &["status", "--repositories"], "up to date");
    sandbox.run(&["remove", "--yes", "shop"]);
    let second = restarted(first);
    assert_snapshot!(stable(&wait_until(&sandbox, &["status", "--repositories"], "failed")), @"
    exit code 0
    --- stdout
    shop: failed, [SANDBOX]/shop.git main at COMMIT, fetched TIME ago
      shop was not deployed: the stack `shop` was removed, as r2; nothing is deployed until something new is pushed
    ");
    shop.files.insert("stack.yml".into(), WELL.replace("app:1", "app:2"));
    shop.commit("Open it again");
    let _third = restarted(second);
    wait_until(&sandbox, &["status", "--repositories"], "up to date");
    assert!(status(&sandbox).contains("1/1 running"));
}

#[test]
fn without_a_socket_for_hooks_nothing_is_started() {
    let sandbox = Sandbox::new();
    let long = sandbox.path().join("r".repeat(120));
    let (mut skep, _) = serve(&sandbox, "run", "");
    let output = skep.env("SKEP_RUNTIME", &long).stderr(Stdio::piped()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let error = said.lines().find(|line| line.starts_with("error: ")).unwrap_or(&said);
    let (before, after) = error.split_once(&long.display().to_string()).unwrap();
    let (_, after) = after.split_once("; ").unwrap();
    assert_snapshot!(format!("{before}[RUNTIME]/…; {after} (exit code {})", output.status.code().unwrap()), @"error: cannot open the hook's socket [RUNTIME]/…; SKEP_RUNTIME names a folder with a short path for it: path must be shorter than SUN_LEN (exit code 1)");
    assert!(sandbox.world.calls().is_empty(), "nothing was written: {:?}", sandbox.world.calls());
}

#[test]
fn a_controller_that_is_told_to_stop_leaves_a_rollout_to_the_next_one() {
    let sandbox = Sandbox::new();
    sandbox.write("work/stack.yml", "x-skep: { stable: 0s }\nservices:\n  web: { image: \"app:1\" }\n");
    sandbox.world.script("app:1", Behaviour::NeverHealthy);
    let work = work_tree(&sandbox);
    let mut one = Controller::start(&sandbox, "one", "");
    let said = std::thread::scope(|scope| {
        let push = scope.spawn(|| one.push(&work, "main"));
        wait_until(&sandbox, &["ps", "shop"], "web.1");
        let id = one.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        push.join().unwrap()
    });
    assert_eq!(one.process.wait().unwrap().code(), Some(0));
    let said: Vec<_> = said.lines().filter(|line| !line.starts_with("checking ")).collect();
    // How far it came depends on the machine.
    assert_eq!(said[0], "shop r1 rolls out");
    assert_snapshot!(said.last().unwrap(), @"skep is restarting; what it has begun of this push goes on when it is back: `skep status` shows it, and `git fetch` when the branch has moved. If neither does, push again");
    let history = sandbox.run(&["history", "shop"]);
    assert!(history.contains("rolling") && !history.contains("r2"), "{history}");

    sandbox.world.script("app:1", Behaviour::Healthy);
    let _two = Controller::start(&sandbox, "two", "");
    wait_until(&sandbox, &["history", "shop"], "promoted");
}
