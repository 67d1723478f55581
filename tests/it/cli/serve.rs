//! Controllers as processes, over the simulated swarm and with real Git.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use insta::assert_snapshot;

use crate::harness::sandbox::Sandbox;

struct Controller {
    process: Child,
    port: u16,
    runtime: PathBuf,
}

impl Controller {
    /// Starts one on the data folder that all of a sandbox share, and waits until it is ready.
    fn start(sandbox: &Sandbox, name: &str) -> Self {
        sandbox.write("token", "s3cret");
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let runtime = sandbox.path().join(name);
        let mut skep = Command::new(env!("CARGO_BIN_EXE_skep"));
        skep.arg("serve").env_clear().env("PATH", "/usr/bin:/bin").env("DOCKER_HOST", sandbox.host());
        skep.env("SKEP_DATA", sandbox.path().join("data")).env("SKEP_DATA_ROOT", sandbox.path().join("volumes"));
        skep.env("SKEP_RUNTIME", &runtime).env("SKEP_TOKEN_FILE", sandbox.path().join("token"));
        skep.env("SKEP_LISTEN", format!("127.0.0.1:{port}"));
        let process = skep.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let controller = Self { process, port, runtime };
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
        let url = format!("http://ada:s3cret@127.0.0.1:{}/git/shop.git", self.port);
        let said = git(work, &["push", &url, &format!("HEAD:{branch}")]);
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
    let (one, mut two) = (Controller::start(&sandbox, "one"), Controller::start(&sandbox, "two"));
    assert_snapshot!(one.push(&work, "a"), @"nothing is deployed by this push: skep deploys the branch main (or master)");
    assert_snapshot!(two.push(&work, "b"), @"nothing is deployed by this push: skep deploys the branch main (or master)");
    two.kill();
    assert_snapshot!(one.push(&work, "c"), @"nothing is deployed by this push: skep deploys the branch main (or master)");
    assert_eq!(one.wait_for("200"), "ready\n");
}

#[test]
fn a_controller_that_its_hook_cannot_reach_is_not_ready() {
    let sandbox = Sandbox::new();
    let work = work_tree(&sandbox);
    let one = Controller::start(&sandbox, "one");
    let private = one.private();
    let shown = |text: String| text.replace(&private.display().to_string(), "PRIVATE");
    std::fs::remove_file(private.join("hook.sock")).unwrap();
    assert_snapshot!(shown(one.wait_for("503")), @"Git's hook cannot reach skep at PRIVATE/hook.sock, so that no push is taken; restart skep");
    assert_snapshot!(one.push(&work, "a"), @"skep is restarting; push again in a moment");
    // Git would take a push without a hook.
    std::fs::remove_file(private.join("hooks/pre-receive")).unwrap();
    assert_snapshot!(one.push(&work, "a"), @"skep could not serve this; its log says why");
    assert!(!sandbox.path().join("data/git/shop.git/refs/heads/a").exists());
}

#[test]
fn what_a_killed_controller_leaves_in_its_runtime_folder_is_removed_by_the_next() {
    let sandbox = Sandbox::new();
    let mut first = Controller::start(&sandbox, "run");
    first.kill();
    let left = first.private();
    let second = Controller::start(&sandbox, "run");
    assert_ne!(second.private(), left);
    let third = Controller::start(&sandbox, "run");
    assert!(second.wait_for("200") == "ready\n" && third.wait_for("200") == "ready\n");
}
