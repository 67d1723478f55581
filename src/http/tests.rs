//! The router without a socket, and the real Git client against a real server.
//!
//! There is no controller: a listener at the hook's socket takes its place and answers as each test says.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::sync::{Notify, mpsc, watch};
use tower::ServiceExt;

use super::*;
use crate::controller::Push;
use crate::controller::forges::Hook;
use crate::forge::Forge;
use crate::name::CommitId;
use crate::source::server::{RepositoryName, Settings, branches, keep_objects, move_branch, pin, unpin};
use crate::source::{self, Mirror, Server};

const TOKEN: &str = "s3cret";

/// A server on loopback with a folder of its own, and the pushes that its controller was asked about.
struct Sandbox {
    folder: TempDir,
    address: SocketAddr,
    pushes: Arc<Mutex<Vec<Push>>>,
}

impl Sandbox {
    /// A server whose controller takes everything.
    async fn open() -> Self {
        Self::with(Settings::MAX_PUSH, async |_, _| true).await
    }

    /// A server whose controller decides so.
    async fn with<F, V>(max_push: u64, decide: F) -> Self
    where
        F: Fn(Push, mpsc::Sender<String>) -> V + Clone + Send + 'static,
        V: Future<Output = bool> + Send + 'static,
    {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(folder.path(), max_push);
        let pushes = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&pushes);
        let server = Server::new(settings).unwrap();
        let asked = move |push: Push, lines| {
            seen.lock().unwrap().push(push.clone());
            decide(push, lines)
        };
        let listener = hook::bind(&server.socket()).unwrap();
        tokio::spawn(hook::listen(listener, asked, watch::channel(false).1));
        let git = Git::new(server, vec!["old".into(), TOKEN.into()]);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = router(State { git: Some(git), ..state() });
        tokio::spawn(serve(listener, router, Limits::default(), std::future::pending()));
        Self { folder, address, pushes }
    }

    fn url(&self, name: &str) -> String {
        url(self.address, TOKEN, name)
    }

    fn bare(&self, name: &str) -> PathBuf {
        self.folder.path().join("git").join(format!("{name}.git"))
    }

    async fn branches(&self, name: &str) -> BTreeMap<String, CommitId> {
        branches(&self.bare(name)).await.unwrap().into_iter().collect()
    }

    /// A work tree with one commit.
    async fn work_tree(&self) -> PathBuf {
        let path = self.folder.path().join("work");
        std::fs::create_dir_all(&path).unwrap();
        ok(&git(&path, &["init", "-q", "-b", "main"]).await);
        commit(&path, "stack.yml", "services: {}\n").await;
        path
    }
}

fn url(address: SocketAddr, token: &str, name: &str) -> String {
    format!("http://ada:{token}@{address}/git/{name}.git")
}

fn settings(folder: &Path, max_push: u64) -> Settings {
    let this = std::env::current_exe().unwrap().display().to_string();
    let hook = |module: &str| format!("'{this}' --exact cli::{module}::tests::as_the_hook --ignored --nocapture -q");
    // Git reads what the second hook says, but not what the test runner does.
    let quiet = format!("exec {} 3>&1 >&2", hook("branch_hook"));
    let shell = |script: String| vec!["sh".to_owned(), "-c".to_owned(), script];
    Settings {
        root: folder.join("git"),
        runtime: folder.join("run"),
        push_hook: shell(format!("exec {}", hook("push_hook"))),
        branch_hook: shell(quiet),
        max_push,
        patience: Settings::PATIENCE,
    }
}

fn state() -> State {
    State {
        hooks: Arc::new(hooks()),
        deliveries: Arc::default(),
        git: None,
        builds: None,
        look: Arc::new(|_| {}),
        ready: Readiness::new(async || Ok(())),
        complaints: Arc::new(Vec::new),
        metrics: Registry::new(),
    }
}

/// Repositories of three forges.
fn hooks() -> Hooks {
    let hook = |forge, secret: &str| Hook { forge, secrets: vec![secret.into()] };
    let hooks = Hooks::default().with("team/shop", hook(Forge::GitLab, "hook"));
    hooks.with("blog", hook(Forge::GitHub, "of the blog")).with("wiki", hook(Forge::Gitea, "of the wiki"))
}

async fn git(folder: &Path, arguments: &[&str]) -> Output {
    client(folder, arguments).output().await.unwrap()
}

fn client(folder: &Path, arguments: &[&str]) -> Command {
    #[expect(clippy::disallowed_methods, reason = "the client under test is the real one")]
    let mut command = Command::new("git");
    let settings = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"];
    command
        .args(settings)
        .args(arguments)
        .current_dir(folder)
        .env("HOME", "/nonexistent")
        .env("GIT_TERMINAL_PROMPT", "0");
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("LC_ALL", "C").stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// What a successful command said on both of its outputs.
#[track_caller]
fn ok(output: &Output) -> String {
    let said = said(output);
    assert!(output.status.success(), "{said}");
    said
}

#[track_caller]
fn refused(output: &Output) -> String {
    let said = said(output);
    assert!(!output.status.success(), "{said}");
    said
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

async fn commit(work: &Path, file: &str, text: &str) -> CommitId {
    std::fs::write(work.join(file), text).unwrap();
    ok(&git(work, &["add", "."]).await);
    ok(&git(work, &["commit", "-q", "-m", &format!("Change {file}")]).await);
    ok(&git(work, &["rev-parse", "HEAD"]).await).trim().parse().unwrap()
}

/// What is left of pushes in a repository.
fn quarantines(bare: &Path) -> usize {
    let names = std::fs::read_dir(bare.join("objects")).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().contains("tmp_objdir")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_makes_no_repository_where_there_are_very_many() {
    let sandbox = Sandbox::open().await;
    let work = sandbox.work_tree().await;
    ok(&git(&work, &["push", &sandbox.url("shop"), "main"]).await);
    for nth in 1..1_000 {
        std::fs::create_dir(sandbox.bare(&format!("r{nth}"))).unwrap();
    }
    let told = refused(&git(&work, &["push", &sandbox.url("another"), "main"]).await);
    let words = "remote: skep keeps 1000 repositories already; push to one of them, or delete one that is not needed";
    assert!(told.contains(words), "{told}");
    assert!(!sandbox.bare("another").exists());
    commit(&work, "stack.yml", "services: { web: { image: app } }\n").await;
    ok(&git(&work, &["push", &sandbox.url("shop"), "main"]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_push_makes_the_repository_and_a_clone_gets_it_back() {
    let sandbox = Sandbox::with(Settings::MAX_PUSH, async |_, lines: mpsc::Sender<String>| {
        lines.send("web: 2 of 2 are healthy".into()).await.is_ok()
    })
    .await;
    let work = sandbox.work_tree().await;
    let missing = refused(&git(&work, &["clone", &sandbox.url("team/shop"), "copy"]).await);
    assert!(missing.contains("remote: there is no repository `team/shop` yet; the first push creates it"), "{missing}");

    let told = ok(&git(&work, &["push", "-o", "async", &sandbox.url("team/shop"), "main:trunk"]).await);
    assert!(told.contains("remote: web: 2 of 2 are healthy"), "{told}");
    ok(&git(sandbox.folder.path(), &["clone", "-q", &sandbox.url("team/shop"), "copy"]).await);
    assert_eq!(std::fs::read_to_string(sandbox.folder.path().join("copy/stack.yml")).unwrap(), "services: {}\n");

    let pushes = sandbox.pushes.lock().unwrap();
    let push = &pushes[0];
    assert_eq!((push.repository.as_str(), push.user.as_str()), ("team/shop", "ada"));
    assert_eq!(push.options, ["async"]);
    assert_eq!((push.updates[0].name.as_str(), &push.updates[0].old), ("refs/heads/trunk", &None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_is_read_before_it_is_accepted_and_a_refused_one_leaves_nothing() {
    let (read, mut revisions) = mpsc::channel(1);
    let folder = Arc::new(Mutex::new(PathBuf::new()));
    let root = Arc::clone(&folder);
    let sandbox = Sandbox::with(Settings::MAX_PUSH, move |push: Push, lines: mpsc::Sender<String>| {
        let (read, bare) = (read.clone(), root.lock().unwrap().join("git/shop.git"));
        async move {
            let new = push.updates[0].new.clone().unwrap();
            let revision = source::read(&bare, &new, push.quarantine.as_deref(), |_| vec![]).await.unwrap();
            let refused = revision.subject.contains("broken");
            read.send(revision).await.unwrap();
            lines.send("error[SK1003]: it is broken".into()).await.unwrap();
            !refused
        }
    })
    .await;
    sandbox.folder.path().clone_into(&mut folder.lock().unwrap());
    let work = sandbox.work_tree().await;
    ok(&git(&work, &["push", &sandbox.url("shop"), "main"]).await);
    let first = revisions.recv().await.unwrap();
    assert_eq!((first.subject.as_str(), first.author.as_str()), ("Change stack.yml", "Ada <ada@example.com>"));

    let second = commit(&work, "broken", "no").await;
    let told = refused(&git(&work, &["push", &sandbox.url("shop"), "main"]).await);
    assert!(told.contains("remote: error[SK1003]: it is broken"), "{told}");
    assert!(told.contains("[remote rejected] main -> main (pre-receive hook declined)"), "{told}");
    assert_eq!(revisions.recv().await.unwrap().commit, second);
    assert_eq!(sandbox.branches("shop").await["main"], first.commit);
    assert_eq!(quarantines(&sandbox.bare("shop")), 0);
    assert!(source::read(&sandbox.bare("shop"), &second, None, |_| vec![]).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_gets_nowhere() {
    let sandbox = Sandbox::open().await;
    let work = sandbox.work_tree().await;
    for token in ["wrong", "", "s3cre"] {
        let told = refused(&git(&work, &["push", &url(sandbox.address, token, "shop"), "main"]).await);
        assert!(told.contains("Authentication failed") || told.contains("could not read Password"), "{told}");
    }
    assert!(!sandbox.bare("shop").exists());
    assert!(sandbox.pushes.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_giant_push_is_refused_and_says_so() {
    let sandbox = Sandbox::with(100_000, async |_, _| true).await;
    let work = sandbox.work_tree().await;
    ok(&git(&work, &["push", &sandbox.url("shop"), "main"]).await);
    std::fs::write(work.join("noise"), noise(3_000_000)).unwrap();
    ok(&git(&work, &["add", "."]).await);
    ok(&git(&work, &["commit", "-q", "-m", "Grow"]).await);
    let told = refused(&git(&work, &["push", &sandbox.url("shop"), "main"]).await);
    assert!(
        told.contains(
            "remote: what was sent is larger than the limit of 1 MiB; keep large files out of the repository"
        ),
        "{told}"
    );
    assert_eq!((sandbox.pushes.lock().unwrap().len(), quarantines(&sandbox.bare("shop"))), (1, 0));
}

/// Bytes that do not compress: a linear congruential generator.
fn noise(count: usize) -> Vec<u8> {
    let step = |state: &mut u64| {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Some((*state >> 56) as u8)
    };
    std::iter::repeat_n((), count).scan(42, |state, ()| step(state)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn chunked_and_compressed_requests_are_understood() {
    let sandbox = Sandbox::open().await;
    let work = sandbox.work_tree().await;
    std::fs::write(work.join("noise"), noise(300_000)).unwrap();
    for number in 0..40 {
        commit(&work, "number", &number.to_string()).await;
        ok(&git(&work, &["branch", &format!("b{number}")]).await);
    }
    let traced = async |arguments: &[&str]| {
        let output = client(&work, arguments).env("GIT_TRACE_CURL", "1").output().await.unwrap();
        ok(&output).to_lowercase()
    };
    let pushed = traced(&["-c", "http.postBuffer=1000", "push", "--all", &sandbox.url("shop")]).await;
    assert!(pushed.contains("transfer-encoding: chunked"), "{pushed}");
    assert_eq!(sandbox.branches("shop").await.len(), 41);
    let cloned = traced(&["clone", &sandbox.url("shop"), "../copy"]).await;
    assert!(cloned.contains("content-encoding: gzip"), "{cloned}");
    assert_eq!(std::fs::read(sandbox.folder.path().join("copy/noise")).unwrap().len(), 300_000);
}

#[tokio::test]
async fn a_client_that_asks_before_it_sends_is_told_to_go_on() {
    let sandbox = Sandbox::open().await;
    let work = sandbox.work_tree().await;
    ok(&git(&work, &["push", &sandbox.url("shop"), "main"]).await);
    let mut stream = TcpStream::connect(sandbox.address).await.unwrap();
    let token = BASE64_STANDARD.encode(format!("ada:{TOKEN}"));
    let request = format!(
        "POST /git/shop.git/git-receive-pack HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {token}\r\n\
         Content-Type: application/x-git-receive-pack-request\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut lines = BufReader::new(&mut stream).lines();
    assert_eq!(lines.next_line().await.unwrap().unwrap(), "HTTP/1.1 100 Continue");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_does_not_stop_the_deploy() {
    let (begun, lost) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let seen = (Arc::clone(&begun), Arc::clone(&lost));
    let sandbox = Sandbox::with(Settings::MAX_PUSH, move |_, lines: mpsc::Sender<String>| {
        let (begun, lost) = seen.clone();
        async move {
            begun.notify_one();
            lost.notified().await;
            for number in 0..2000 {
                drop(lines.send(format!("{number}: nobody reads this line, and it must not matter")).await);
            }
            true
        }
    })
    .await;
    let work = sandbox.work_tree().await;
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let through = url(proxy.local_addr().unwrap(), TOKEN, "shop");
    let server = sandbox.address;
    let wire = tokio::spawn(async move {
        let mut pipes = tokio::task::JoinSet::new();
        loop {
            let (mut client, _) = proxy.accept().await.unwrap();
            pipes.spawn(async move {
                let mut server = TcpStream::connect(server).await.unwrap();
                drop(tokio::io::copy_bidirectional(&mut client, &mut server).await);
            });
        }
    });
    let client = tokio::spawn(async move { git(&work, &["push", &through, "main"]).await });
    begun.notified().await;
    wire.abort();
    refused(&client.await.unwrap());
    lost.notify_one();
    let moved = async {
        while !sandbox.branches("shop").await.contains_key("main") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), moved).await.expect("Git moves the branch");
}

/// Keeps what is pushed, and moves the branch as the controller does if `moves`.
async fn sandbox_that_keeps(moves: bool) -> Sandbox {
    let folder = Arc::new(Mutex::new(PathBuf::new()));
    let root = Arc::clone(&folder);
    let sandbox = Sandbox::with(Settings::MAX_PUSH, move |push: Push, _| {
        let bare = root.lock().unwrap().join("git/shop.git");
        async move {
            keep_objects(&bare, &push.quarantine.unwrap()).await.unwrap();
            let update = &push.updates[0];
            if moves && update.name == "refs/heads/main" {
                move_branch(&bare, &update.name, update.old.as_ref(), update.new.as_ref().unwrap()).await.unwrap();
            }
            true
        }
    })
    .await;
    sandbox.folder.path().clone_into(&mut folder.lock().unwrap());
    sandbox
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_that_skep_has_moved_already_is_a_success() {
    let sandbox = sandbox_that_keeps(true).await;
    let work = sandbox.work_tree().await;
    for file in ["one", "two"] {
        let new = commit(&work, file, "x").await;
        let told = ok(&git(&work, &["push", &sandbox.url("shop"), "main"]).await);
        assert!(told.contains("main -> main"), "{told}");
        assert_eq!(sandbox.branches("shop").await["main"], new);
    }
    ok(&git(&work, &["push", &sandbox.url("shop"), "main:feature"]).await);
    assert!(sandbox.branches("shop").await.contains_key("feature"), "Git moves the others");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_is_not_moved_for_a_pusher_who_does_not_wait() {
    let sandbox = sandbox_that_keeps(false).await;
    let work = sandbox.work_tree().await;
    ok(&git(&work, &["push", "-o", "async", &sandbox.url("shop"), "main"]).await);
    assert_eq!(sandbox.branches("shop").await, BTreeMap::new());
    // Who waits has the verdict of the controller, and where that moves nothing, Git does.
    ok(&git(&work, &["push", &sandbox.url("shop"), "main"]).await);
    assert!(sandbox.branches("shop").await.contains_key("main"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_is_moved_from_where_the_pusher_saw_it_or_forward() {
    let sandbox = sandbox_that_keeps(true).await;
    let work = sandbox.work_tree().await;
    let first = commit(&work, "first", "x").await;
    ok(&git(&work, &["push", &sandbox.url("shop"), "main"]).await);
    ok(&git(&work, &["checkout", "-q", "-b", "other", "HEAD~1"]).await);
    let other = commit(&work, "other", "x").await;
    let bare = sandbox.bare("shop");
    ok(&git(&work, &["push", &sandbox.url("shop"), "other"]).await);
    let aside = move_branch(&bare, "refs/heads/main", None, &other).await.unwrap_err().to_string();
    assert_eq!(aside, format!("refs/heads/main is at {first}, not at nowhere; somebody else moved it"));
    move_branch(&bare, "refs/heads/main", Some(&first), &other).await.unwrap();
    // A file that a full disk left empty is no branch any more.
    std::fs::write(bare.join("refs/heads/main"), "").unwrap();
    move_branch(&bare, "refs/heads/main", Some(&first), &other).await.unwrap();
    assert_eq!(sandbox.branches("shop").await["main"], other);
}

#[tokio::test(flavor = "multi_thread")]
async fn pushes_at_the_same_time_do_not_disturb_each_other() {
    let sandbox = Sandbox::open().await;
    let work = sandbox.work_tree().await;
    let url = sandbox.url("shop");
    let pushes = (0..6).map(|number| {
        let (work, url) = (work.clone(), url.clone());
        async move { git(&work, &["push", &url, &format!("main:b{number}")]).await }
    });
    for output in futures_util::future::join_all(pushes).await {
        ok(&output);
    }
    assert_eq!(sandbox.branches("shop").await.len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_ref_is_shown_to_the_controller_except_those_of_skep() {
    let sandbox = Sandbox::open().await;
    let work = sandbox.work_tree().await;
    let odd = "refs/heads/fête/$(id)'x\"+,@x";
    ok(&git(&work, &["push", &sandbox.url("shop"), &format!("HEAD:{odd}"), "HEAD:refs/tags/v1"]).await);
    ok(&git(&work, &["push", &sandbox.url("shop"), ":refs/tags/v1"]).await);
    let told = refused(&git(&work, &["push", &sandbox.url("shop"), "HEAD:refs/skep/pushed/x"]).await);
    assert!(told.contains("deny updating a hidden ref"), "{told}");
    let pushes = sandbox.pushes.lock().unwrap();
    let names: Vec<&str> = pushes[0].updates.iter().map(|update| update.name.as_str()).collect();
    assert_eq!(names, [odd, "refs/tags/v1"]);
    assert_eq!(pushes[1].updates[0].new, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_ref_stands_in_for_what_is_pushed_later() {
    let sandbox = Sandbox::open().await;
    let (work, url) = (sandbox.work_tree().await, sandbox.url("shop"));
    let first = ok(&git(&work, &["rev-parse", "HEAD"]).await).trim().to_owned();
    let itself = format!("refs/replace/{first}");
    ok(&git(&work, &["push", &url, &format!("{first}:{itself}"), "main:b1"]).await);
    let second = commit(&work, "stack.yml", "services: { web: {} }\n").await;
    ok(&git(&work, &["push", &url, "main:b1"]).await);
    assert_eq!(sandbox.branches("shop").await.get("b1"), Some(&second));
    ok(&git(&work, &["push", &url, &format!(":{itself}")]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_survives_a_push_that_is_cut_off() {
    let folder = Arc::new(Mutex::new(PathBuf::new()));
    let root = Arc::clone(&folder);
    let sandbox = Sandbox::with(Settings::MAX_PUSH, move |push: Push, _| {
        let bare = root.lock().unwrap().join("git/shop.git");
        async move {
            keep_objects(&bare, &push.quarantine.unwrap()).await.unwrap();
            pin(&bare, &push.updates[0].new.clone().unwrap()).await.unwrap();
            false
        }
    })
    .await;
    sandbox.folder.path().clone_into(&mut folder.lock().unwrap());
    let work = sandbox.work_tree().await;
    let new = commit(&work, "more", "x").await;
    refused(&git(&work, &["push", &sandbox.url("shop"), "main"]).await);
    let bare = sandbox.bare("shop");
    assert!(packs(&bare).is_empty());
    // A small push is unpacked, a large one stays a pack.
    ok(&git(&bare, &["config", "receive.unpackLimit", "1"]).await);
    refused(&git(&work, &["push", &sandbox.url("shop"), "main"]).await);
    assert!(packs(&bare).iter().any(|name| Path::new(name).extension().is_some_and(|end| end == "idx")));
    ok(&git(&bare, &["gc", "-q", "--prune=now"]).await);
    ok(&git(&bare, &["fsck", "--strict"]).await);
    assert_eq!(source::read(&bare, &new, None, |_| vec![]).await.unwrap().commit, new);

    move_branch(&bare, "refs/heads/main", None, &new).await.unwrap();
    move_branch(&bare, "refs/heads/main", None, &new).await.unwrap();
    unpin(&bare, &new).await.unwrap();
    unpin(&bare, &new).await.unwrap();
    assert_eq!(sandbox.branches("shop").await.len(), 1);
    assert!(ok(&git(&bare, &["for-each-ref", "refs/skep"]).await).is_empty());
}

fn packs(bare: &Path) -> Vec<String> {
    let names = std::fs::read_dir(bare.join("objects/pack")).unwrap().map(|entry| entry.unwrap().file_name());
    names.map(|name| name.to_string_lossy().into_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_is_fetched_over_http() {
    let sandbox = Sandbox::open().await;
    let work = sandbox.work_tree().await;
    ok(&git(&work, &["push", &sandbox.url("shop"), "main"]).await);
    let at = sandbox.folder.path().join("mirror");
    let mirror = Mirror::open(&at, &sandbox.url("shop"), None).unwrap();
    let fetched = mirror.fetch("main").await.unwrap();
    assert_eq!(sandbox.branches("shop").await["main"], fetched);

    let failure = async |url: String| {
        let mirror = Mirror::open(&at, &url, None).unwrap();
        mirror.fetch("main").await.unwrap_err().to_string().replace(&sandbox.address.to_string(), "host")
    };
    insta::assert_snapshot!(failure(url(sandbox.address, "wrong", "shop")).await, @"http://host/git/shop.git refuses the credentials (the token is not accepted); give skep a token that may read this repository, and see that it has not expired");
    insta::assert_snapshot!(failure(url(sandbox.address, TOKEN, "other")).await, @"there is no repository at http://host/git/other.git, or the token may not see it; check the address and the token");
}

#[test]
fn a_repository_has_a_plain_name() {
    let good = ["shop", "team/shop", "a-b_c/0"];
    let bad = ["", "/", "a/", "../a", "a/../b", "a/b/c", "Shop", "a.b", "-a", "a b", "tmp\0"];
    assert!(good.iter().all(|name| name.parse::<RepositoryName>().is_ok()));
    assert!(bad.iter().all(|name| name.parse::<RepositoryName>().is_err()));
}

/// The status and the text that a request is answered with.
async fn answer(state: State, request: Request<Body>) -> (u16, String) {
    let response = router(state).oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8_lossy(&body).trim().to_owned())
}

fn webhook(repository: &str, token: &str, body: impl Into<Body>) -> Request<Body> {
    let request = Request::post(format!("/hooks/{repository}"));
    request.header("x-gitlab-token", token).header("x-gitlab-event", "Push Hook").body(body.into()).unwrap()
}

#[tokio::test]
async fn a_webhook_makes_skep_look() {
    let looks = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&looks);
    let state = State { look: Arc::new(move |trigger| seen.lock().unwrap().push(trigger)), ..state() };
    let body = r#"{"object_kind": "push", "ref": "refs/heads/main", "before": "x",
        "after": "da1560886d4f094c3e6c9ef40349f7d38b5d27d7", "project": {"path_with_namespace": "evil/other"}}"#;
    assert_eq!(answer(state.clone(), webhook("team/shop", "hook", body)).await, (200, "looking".into()));
    assert_eq!(*looks.lock().unwrap(), [Trigger { repository: "team/shop".into() }]);

    let malformed = answer(state.clone(), webhook("team/shop", "hook", "{")).await;
    assert_eq!(malformed.0, 400);
    let large = answer(state.clone(), webhook("team/shop", "hook", vec![b' '; (1 << 20) + 1])).await;
    assert_eq!(large, (413, "a webhook may have at most 1 MiB".into()));
    assert_eq!(looks.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_webhook_without_the_token_is_refused_before_it_is_read() {
    let unread = || {
        Body::from_stream(futures_util::stream::poll_fn(|_| -> std::task::Poll<Option<Result<String, String>>> {
            panic!("the body was read")
        }))
    };
    for (repository, token) in [("team/shop", "wrong"), ("team/shop", ""), ("other", "wrong"), ("other", "")] {
        assert_eq!(answer(state(), webhook(repository, token, unread())).await.0, 401);
    }
    for repository in ["team/shop", "gitlab/team/shop", "blog", "wiki", "other"] {
        let without = Request::post(format!("/hooks/{repository}")).body(unread()).unwrap();
        assert_eq!(answer(state(), without).await.0, 401);
    }
    // Whoever knows the secret has a wrong address, and learns nothing of other people's repositories.
    let other = answer(state(), webhook("other", "hook", "{}")).await;
    assert_eq!(other, (404, "skep does not watch a repository `other`; this secret is for team/shop".into()));
    // A right token does not help against a wrong signature.
    let mut forged = webhook("team/shop", "hook", "{}");
    forged.headers_mut().insert("webhook-signature", "v1,AAAA".parse().unwrap());
    assert_eq!(answer(state(), forged).await.0, 401);
}

/// A push as GitHub sends it, signed.
fn signed(repository: &str, secret: &str, event: &str, body: &str) -> Request<Body> {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(body);
    let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
    let request = Request::post(format!("/hooks/{repository}")).header("x-github-event", event);
    request.header("x-hub-signature-256", signature).body(body.to_owned().into()).unwrap()
}

#[tokio::test]
async fn a_webhook_is_of_the_forge_that_the_settings_say_and_is_taken_once() {
    let looks = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&looks);
    let state = State { look: Arc::new(move |trigger| seen.lock().unwrap().push(trigger)), ..state() };
    let push = |full_name: &str, after: &str| {
        format!(r#"{{"ref": "{full_name}", "after": "{after}", "repository": {{"full_name": "team/blog"}}}}"#)
    };
    let after = "da1560886d4f094c3e6c9ef40349f7d38b5d27d7";
    let main = push("refs/heads/main", after);
    let secret = "of the blog";
    let sent = [
        ("a push", signed("blog", secret, "push", &main)),
        ("the same again", signed("blog", secret, "push", &main)),
        ("a ping", signed("blog", secret, "ping", "{}")),
        ("an issue", signed("blog", secret, "issues", "{}")),
        ("a tag", signed("blog", secret, "push", &push("refs/tags/v1", after))),
        ("a deleted branch", signed("blog", secret, "push", &push("refs/heads/old", &"0".repeat(40)))),
        ("by the secret of another repository", signed("blog", "of the wiki", "push", &main)),
        ("to a Gitea", signed("wiki", "of the wiki", "push", &main)),
        ("to nobody", signed("nobody", secret, "push", &main)),
        ("by the old route", webhook("gitlab/team/shop", "hook", r#"{"object_kind": "build"}"#)),
    ];
    let mut shown = Vec::new();
    for (what, request) in sent {
        let (status, text) = answer(state.clone(), request).await;
        shown.push(format!("{what}: {status} {}", text.chars().take(90).collect::<String>()));
    }
    insta::assert_snapshot!(shown.join("\n"), @"
    a push: 200 looking
    the same again: 200 nothing to do: this webhook was already accepted
    a ping: 200 skep accepts webhooks for `blog`
    an issue: 200 nothing to do: the event `issues` is not a push; configure the forge to send push events o
    a tag: 200 nothing to do: `v1` is a tag, but skep deploys branches only
    a deleted branch: 200 nothing to do: the branch `old` was deleted
    by the secret of another repository: 401 the webhook's secret or signature is missing or wrong, or its time is off by more than fiv
    to a Gitea: 401 the webhook's secret or signature is missing or wrong, or its time is off by more than fiv
    to nobody: 404 skep does not watch a repository `nobody`; this secret is for blog
    by the old route: 200 nothing to do: the event `build` is not a push; configure the forge to send push events on
    ");
    assert_eq!(*looks.lock().unwrap(), [Trigger { repository: "blog".into() }]);
}

#[tokio::test]
async fn health_metrics_and_what_is_not_there() {
    let get = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    let state = State { ready: Readiness::new(async || Err("the engine is away".into())), ..state() };
    let deploys = prometheus::IntCounter::new("skep_deploys_total", "Deploys.").unwrap();
    state.metrics.register(Box::new(deploys)).unwrap();
    let sick = State {
        ready: Readiness::new(async || Ok(())),
        complaints: Arc::new(|| vec!["repository shop: failing".into()]),
        ..state.clone()
    };
    assert_eq!(answer(sick, get("/readyz")).await, (200, "ready\nrepository shop: failing".into()));
    assert_eq!(answer(state.clone(), get("/healthz")).await, (200, "ok".into()));
    assert_eq!(answer(state.clone(), get("/readyz")).await, (503, "the engine is away".into()));
    assert!(answer(state.clone(), get("/metrics")).await.1.ends_with("skep_deploys_total 0"));
    insta::assert_snapshot!(answer(state.clone(), get("/wp-admin")).await.1, @"there is nothing at /wp-admin; skep serves webhooks at /hooks/<repository>, repositories at /git/<name>.git, logs of builds at /builds/<stack>, /healthz, /readyz and /metrics");
    insta::assert_snapshot!(answer(state, get("/git/shop.git/info/refs?service=git-upload-pack")).await.1, @"the built-in Git server is switched off in skep's settings");
}

#[tokio::test]
async fn headers_have_a_limit() {
    let sandbox = Sandbox::open().await;
    let mut stream = TcpStream::connect(sandbox.address).await.unwrap();
    let endless = format!("GET / HTTP/1.1\r\nHost: x\r\nX-Large: {}", "x".repeat(200_000));
    // The server may close the connection before it has taken all of it.
    drop(stream.write_all(endless.as_bytes()).await);
    let mut lines = BufReader::new(&mut stream).lines();
    assert_eq!(lines.next_line().await.unwrap().unwrap(), "HTTP/1.1 431 Request Header Fields Too Large");
}

/// A server with few places and little patience, over a router with an endless answer at `/endless`.
async fn impatient(limits: Limits) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let endless = get(async || {
        Body::from_stream(futures_util::stream::repeat(Ok::<_, std::convert::Infallible>("x".repeat(1 << 20))))
    });
    let router = router(state()).route("/endless", endless);
    tokio::spawn(serve(listener, router, limits, std::future::pending()));
    address
}

/// A connection that has sent this.
async fn sent(address: SocketAddr, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

/// All that comes until the connection ends, with a deadline.
async fn read_to_end(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    let end = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut text);
    drop(tokio::time::timeout(Duration::from_secs(30), end).await.expect("the connection ends"));
    String::from_utf8_lossy(&text).into_owned()
}

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_do_nothing_keep_nobody_out() {
    let brief = Duration::from_secs(1);
    let limits = Limits { connections: 16, per_address: 12, reserved: 2, brief, ..Limits::default() };
    let address = impatient(limits).await;
    let mut idle = Vec::new();
    for request in ["GET /endless HTTP/1.1\r\nHost: x\r\n\r\n", "GET /healthz HTTP/1.1\r\nHo", ""].repeat(4) {
        idle.push(sent(address, request).await);
    }
    // This machine still learns that skep lives, and nothing else.
    let healthy = async || read_to_end(sent(address, HEALTH).await).await.starts_with("HTTP/1.1 200 OK");
    while !healthy().await {}
    assert!(healthy().await);
    let metrics = read_to_end(sent(address, &HEALTH.replace("healthz", "metrics")).await).await;
    assert!(metrics.starts_with("HTTP/1.1 503") && metrics.contains("as many connections as it takes"), "{metrics}");
    // Who holds a reserved place gives it to the next one, or gives it back soon.
    let silent = [sent(address, "").await, sent(address, "GET").await];
    assert!(healthy().await && healthy().await);
    for silent in silent {
        assert_eq!(read_to_end(silent).await, "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_without_a_place_is_told_so() {
    let address = impatient(Limits { connections: 1, reserved: 0, ..Limits::default() }).await;
    let _held = sent(address, "").await;
    insta::assert_snapshot!(read_to_end(sent(address, "").await).await.replace('\r', ""), @"
    HTTP/1.1 503 Service Unavailable
    Content-Type: text/plain; charset=utf-8
    Content-Length: 99
    Retry-After: 5
    Connection: close

    skep has as many connections as it takes, of all clients or of this address; try again in a moment
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_makes_no_progress_ends() {
    let short = Duration::from_millis(300);
    let limits = Limits {
        headers: short,
        stalled: short,
        age: Duration::from_secs(2),
        connections: 1,
        reserved: 0,
        ..Limits::default()
    };
    let address = impatient(limits).await;
    let place_again = async || {
        let free = async { while !read_to_end(sent(address, HEALTH).await).await.starts_with("HTTP/1.1 200 OK") {} };
        tokio::time::timeout(Duration::from_secs(30), free).await.expect("the place is given back");
    };
    for request in [
        "",
        "GET / HTTP/1.1\r\nHos",
        "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /endless HTTP/1.1\r\nHost: x\r\n\r\n",
    ] {
        let held = sent(address, request).await;
        place_again().await;
        drop(held);
    }
    // One that asks and asks is closed when it is old.
    let mut busy = TcpStream::connect(address).await.unwrap();
    let (mut from, mut to) = busy.split();
    let asking = async { while to.write_all(HEALTH.replace("Connection: close\r\n", "").as_bytes()).await.is_ok() {} };
    let reading = async { tokio::io::copy(&mut from, &mut tokio::io::sink()).await };
    let both = async { tokio::join!(asking, reading) };
    drop(tokio::time::timeout(Duration::from_secs(30), both).await.expect("it is closed"));
    place_again().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_uploads_do_not_close_the_push_to_others() {
    let sandbox = Sandbox::open().await;
    let work = sandbox.work_tree().await;
    ok(&git(&work, &["push", &sandbox.url("shop"), "main"]).await);
    let token = BASE64_STANDARD.encode(format!("ada:{TOKEN}"));
    let request = format!(
        "POST /git/shop.git/git-receive-pack HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {token}\r\n\
         Content-Type: application/x-git-receive-pack-request\r\nContent-Length: 1000000\r\n\r\n0000PACK"
    );
    let mut slow = Vec::new();
    for _ in 0..40 {
        slow.push(sent(sandbox.address, &request).await);
    }
    commit(&work, "more", "x").await;
    ok(&git(&work, &["push", &sandbox.url("shop"), "main"]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_becomes_too_much_is_refused_before_git_sees_it() {
    let sandbox = Sandbox::open().await;
    let work = sandbox.work_tree().await;
    ok(&git(&work, &["push", &sandbox.url("shop"), "main"]).await);
    std::fs::File::create(work.join("zeros")).unwrap().set_len(101 << 20).unwrap();
    ok(&git(&work, &["add", "."]).await);
    ok(&git(&work, &["commit", "-q", "-m", "Grow"]).await);
    let told = refused(&git(&work, &["push", &sandbox.url("shop"), "main"]).await);
    let said: Vec<&str> = told.lines().filter_map(|line| line.strip_prefix("remote: ")).map(str::trim_end).collect();
    insta::assert_snapshot!(said.join("\n"), @"the push has a file or another object of 101 MiB, more than the limit of 100 MiB; take it out of the commits, and fetch it in the Dockerfile instead");
    assert_eq!((sandbox.pushes.lock().unwrap().len(), quarantines(&sandbox.bare("shop"))), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_refs_is_refused_by_its_number() {
    use std::io::Write as _;

    let sandbox = Sandbox::open().await;
    let work = sandbox.work_tree().await;
    ok(&git(&work, &["push", &sandbox.url("shop"), "main"]).await);
    let server = Server::new(settings(sandbox.folder.path(), 4 << 20)).unwrap();
    let state = State { git: Some(Git::new(server, vec![TOKEN.into()])), ..state() };
    let command = format!("0034{} refs/heads/x", "1".repeat(35));
    let asked = async |count: usize| {
        let mut body = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        body.write_all(command.repeat(count).as_bytes()).unwrap();
        let body = body.finish().unwrap();
        assert!(body.len() < 100_000, "{}", body.len());
        let token = BASE64_STANDARD.encode(format!("ada:{TOKEN}"));
        let request = Request::post("/git/shop.git/git-receive-pack").header("authorization", format!("Basic {token}"));
        let request = request.header("content-type", "application/x-git-receive-pack-request");
        let request = request.header("content-encoding", "gzip").body(Body::from(body)).unwrap();
        answer(state.clone(), request).await.1.replace('\u{3}', "<3>")
    };
    insta::assert_snapshot!(asked(10_001).await, @"
    0042<3>the push moves more than 10000 refs; push fewer refs at once
    0000
    ");
    insta::assert_snapshot!(asked(90_000).await, @"
    0085<3>what was sent is larger than the limit of 4 MiB; keep large files out of the repository, or raise `max_push` in skep's settings
    0000
    ");
}

#[tokio::test]
async fn a_server_that_is_told_to_stop_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(serve(listener, router(state()), Limits::default(), async { drop(stopped.await) }));
    let idle = TcpStream::connect(address).await.unwrap();
    stop.send(()).unwrap();
    server.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
    drop(idle);
}

#[tokio::test]
async fn logs_of_builds_are_for_those_who_may_push() {
    let folder = tempfile::tempdir().unwrap();
    let logs = BuildLogs::below(folder.path());
    let build = crate::build::kept::Record::Build {
        stack: "shop".parse().unwrap(),
        repository: "shop".into(),
        commit: "1".repeat(40).parse().unwrap(),
        author: "Ada".into(),
        at: jiff::Timestamp::UNIX_EPOCH,
    };
    logs.begin(&build).unwrap().unwrap().end(jiff::Timestamp::UNIX_EPOCH, None).unwrap();
    let git = Git::new(Server::new(settings(folder.path(), Settings::MAX_PUSH)).unwrap(), vec![TOKEN.into()]);
    let router = router(State { git: Some(git), builds: Some(logs), ..state() });
    let asked = async |path: &str, token: Option<&str>| {
        let mut request = Request::get(path);
        if let Some(token) = token {
            request =
                request.header("authorization", format!("Basic {}", BASE64_STANDARD.encode(format!("x:{token}"))));
        }
        let answer = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let status = answer.status();
        let body = axum::body::to_bytes(answer.into_body(), 10_000).await.unwrap();
        format!("{} {}", status.as_u16(), String::from_utf8_lossy(&body).trim_end())
    };
    let told = [
        asked("/builds/shop", None).await,
        asked("/builds/shop", Some("wrong")).await,
        asked("/builds/shop", Some(TOKEN)).await,
        asked("/builds/shop?commit=222", Some(TOKEN)).await,
        asked("/builds/shop?commit=main", Some(TOKEN)).await,
        asked("/builds/shop?release=x", Some(TOKEN)).await,
        asked("/builds/..%2Fgit", Some(TOKEN)).await,
    ];
    insta::assert_snapshot!(told.join("\n"), @r#"
    401 skep requires a token: use any user name, and the token as the password
    401 skep requires a token: use any user name, and the token as the password
    200 {"kind":"build","stack":"shop","repository":"shop","commit":"1111111111111111111111111111111111111111","author":"Ada","at":"1970-01-01T00:00:00Z"}
    {"kind":"end","at":"1970-01-01T00:00:00Z","release":null}
    404 no log of a build of shop for the commit 222 is kept: nothing was built for it, because its images were there already, or its log is gone (kept are the newest 20 of a stack, 30 days, 64 MiB in all); the newest are those of 1111111 (no release)
    400 `commit` is the id of a commit, or the beginning of one
    400 Failed to deserialize query string: release: invalid digit found in string
    404 `../git` is not a stack name: `.` is not allowed, only lower-case letters, digits, `-` and `_`
    "#);
}
