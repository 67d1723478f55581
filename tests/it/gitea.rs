//! A real Gitea: a push to it is heard of by webhook, and it is told the state of the commit.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::cli::serve::Controller;
use crate::harness::repository::Repository;
use crate::harness::sandbox::Sandbox;

/// What `scripts/gitea.sh` builds.
const FOLDER: &str = "skep/gitea-v1.26.0";
/// How long anything may take on a busy machine, and how often it is looked at.
const PATIENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(100);
const PASSWORD: &str = "correct horse";

/// Where it is; a test without it says so and is skipped, but not in CI.
#[expect(clippy::print_stderr, reason = "a test says what it skips")]
fn built() -> Option<PathBuf> {
    let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(|| home.join(".cache"), PathBuf::from);
    let found = Some(cache.join(FOLDER)).filter(|folder| folder.join("gitea").is_file());
    let is_needed = std::env::var_os("CI").is_some() && cfg!(target_os = "linux");
    assert!(found.is_some() || !is_needed, "there is no Gitea: run scripts/gitea.sh build");
    if found.is_none() {
        eprintln!("SKIPPED, THERE IS NO GITEA: run scripts/gitea.sh build");
    }
    found
}

/// A Gitea on loopback with the user `ada`, gone when it is dropped.
struct Gitea {
    process: Child,
    url: String,
    token: String,
    client: reqwest::Client,
}

impl Gitea {
    fn start(built: &Path, sandbox: &Sandbox) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let url = format!("http://127.0.0.1:{port}");
        let work = sandbox.path().join("gitea");
        sandbox.write("gitea/app.ini", &settings(&work, built, port));
        let gitea = |arguments: &[&str]| {
            let mut command = Command::new(built.join("gitea"));
            command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", &work).env("GITEA_WORK_DIR", &work);
            command
                .arg("--config")
                .arg(work.join("app.ini"))
                .args(arguments)
                .stdin(Stdio::null())
                .stderr(Stdio::null());
            command
        };
        assert!(gitea(&["migrate"]).stdout(Stdio::null()).status().unwrap().success());
        let ada = ["admin", "user", "create", "--username", "ada", "--email", "ada@example.com", "--admin"];
        let with = ["--password", PASSWORD, "--must-change-password=false", "--access-token"];
        let said = gitea(&[&ada[..], &with].concat()).output().unwrap().stdout;
        let token = String::from_utf8(said).unwrap().split_whitespace().last().unwrap().to_owned();
        let process = gitea(&["web"]).stdout(Stdio::null()).spawn().unwrap();
        let started = Self { process, url, token, client: reqwest::Client::new() };
        wait_until("Gitea listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        started
    }

    /// Calls its API as `ada`.
    fn call(&self, sandbox: &Sandbox, path: &str, body: Option<&Value>) -> Value {
        let url = format!("{}/api/v1{path}", self.url);
        let request = match body {
            Some(body) => self.client.post(url).json(body),
            None => self.client.get(url),
        };
        sandbox.runtime.block_on(async {
            let answer = request.header("Authorization", format!("token {}", self.token)).send().await.unwrap();
            let (status, text) = (answer.status(), answer.text().await.unwrap());
            assert!(status.is_success(), "{path}: {status} {text}");
            serde_json::from_str(&text).unwrap_or_default()
        })
    }

    fn push(&self, shop: &Repository) {
        let url = format!("{}/ada/shop.git", self.url.replace("http://", &format!("http://ada:{}@", self.token)));
        let mut push = Command::new("git");
        push.arg("-C").arg(&shop.path).args(["push", "--quiet", &url, "main"]).env("GIT_TERMINAL_PROMPT", "0");
        assert!(push.status().unwrap().success());
    }

    /// What skep has told it of a commit, in order, once that has ended.
    fn told(&self, sandbox: &Sandbox, commit: &str) -> String {
        let mut told = String::new();
        wait_until("the outcome of a commit is reported", || {
            let statuses = self.call(sandbox, &format!("/repos/ada/shop/commits/{commit}/statuses?sort=oldest"), None);
            let text = |status: &Value, key: &str| status[key].as_str().unwrap_or_default().to_owned();
            let line = |status: &Value| {
                format!("{} {}: {}", text(status, "status"), text(status, "context"), text(status, "description"))
            };
            let lines: Vec<String> = statuses.as_array().unwrap().iter().map(line).collect();
            told = lines.join("\n");
            lines.last().is_some_and(|last| !last.starts_with("pending"))
        });
        told
    }
}

impl Drop for Gitea {
    fn drop(&mut self) {
        let _outcome = self.process.kill();
        let _outcome = self.process.wait();
    }
}

fn settings(work: &Path, built: &Path, port: u16) -> String {
    let (work, built) = (work.display(), built.display());
    format!(
        "WORK_PATH = {work}\nI_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true\n\
         [server]\nHTTP_ADDR = 127.0.0.1\nHTTP_PORT = {port}\nROOT_URL = http://127.0.0.1:{port}/\nOFFLINE_MODE = true\n\
         DISABLE_SSH = true\nSTATIC_ROOT_PATH = {built}\n\
         [database]\nDB_TYPE = sqlite3\nPATH = {work}/gitea.db\n\
         [repository]\nROOT = {work}/repositories\n\
         [security]\nINSTALL_LOCK = true\nPASSWORD_COMPLEXITY = off\n\
         [webhook]\nALLOWED_HOST_LIST = loopback\n\
         [actions]\nENABLED = false\n[cron]\nENABLED = false\n[log]\nLEVEL = Error\n"
    )
}

fn wait_until(what: &str, is_so: impl FnMut() -> bool) {
    let (mut is_so, end) = (is_so, Instant::now() + PATIENCE);
    while !is_so() {
        assert!(Instant::now() < end, "{what}: not within {} s", PATIENCE.as_secs());
        std::thread::park_timeout(PAUSE);
    }
}

fn stack(image: &str, rest: &str) -> String {
    format!(
        "x-skep: {{ stable: 1ms }}\nservices: {{ web: {{ image: {image}, healthcheck: {{ test: [CMD, check] }}{rest} }} }}\n"
    )
}

#[test]
fn a_push_to_a_real_gitea_is_heard_of_and_its_commit_gets_a_status() {
    let Some(built) = built() else { return };
    let sandbox = Sandbox::new();
    let gitea = Gitea::start(&built, &sandbox);
    gitea.call(&sandbox, "/user/repos", Some(&json!({ "name": "shop", "private": true, "default_branch": "main" })));
    let mut shop = Repository::new(&sandbox.path().join("shop.git"));
    shop.files.insert("stack.yml".into(), stack("app:1", ""));
    let opened = shop.commit("Open the shop");
    gitea.push(&shop);

    sandbox.write("gitea.token", &gitea.token);
    sandbox.write("hook", "s3cret of the hook");
    let folder = sandbox.path().display();
    let skep = Controller::start_with(
        &sandbox,
        &format!(
            "forges:\n  gitea: {{ url: '{url}', token_file: {folder}/gitea.token, webhook_secret_files: [{folder}/hook] }}\n\
             repositories:\n  shop: {{ url: '{url}/ada/shop.git', username: ada, password_file: {folder}/gitea.token, poll_seconds: 86400 }}\n",
            url = gitea.url
        ),
    );
    assert_snapshot!(gitea.told(&sandbox, opened.as_str()), @"
    pending skep/shop: skep checks it
    pending skep/shop: skep builds and deploys
    success skep/shop: shop r1 is deployed
    ");

    // From here on only a webhook can make skep look.
    let config = json!({ "url": format!("http://127.0.0.1:{}/hooks/shop", skep.port), "content_type": "json", "secret": "s3cret of the hook" });
    let hook = json!({ "type": "gitea", "active": true, "events": ["push"], "config": config });
    gitea.call(&sandbox, "/repos/ada/shop/hooks", Some(&hook));
    shop.files.insert("stack.yml".into(), stack("app:2", ""));
    let improved = shop.commit("Sell more");
    gitea.push(&shop);
    assert_snapshot!(gitea.told(&sandbox, improved.as_str()), @"
    pending skep/shop: skep checks it
    pending skep/shop: skep builds and deploys
    success skep/shop: shop r2 is deployed
    ");
    shop.files.insert("stack.yml".into(), stack("app:2", ", networks: [front]"));
    let broken = shop.commit("Break it");
    gitea.push(&shop);
    assert_snapshot!(gitea.told(&sandbox, broken.as_str()), @"
    pending skep/shop: skep checks it
    failure skep/shop: rejected: stack.yml:2:82: error[SK1003]: there is no network `front` in this file
    ");
}
