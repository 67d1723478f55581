//! Deadlines, sizes, and what is cancelled.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use skep::build::context::Context;
use skep::build::{Builder, Error, Limits, Log, Report, Request};
use skep::engine::Engine;
use skep::engine::simulated::World;
use skep::name::RepoPath;
use tokio::sync::Notify;

use crate::sandbox::{Sandbox, dockerfile, endpoint, engine_at, eventually, in_sandbox, on, on_both, recipe};

#[tokio::test]
async fn a_file_beyond_the_limit_is_named() {
    in_sandbox("large", async |sandbox| {
        let builder = sandbox.builder(Limits { file: 100 << 20, ..Limits::default() });
        let large = vec![0; (100 << 20) + 1];
        let revision = sandbox.commit(&[("Dockerfile", &dockerfile("")), ("dump.sql", &large)]);
        let error = builder.ensure(sandbox.request(&revision, &[])).await.unwrap_err();
        insta::assert_snapshot!(error, @"`dump.sql` in the build context of `web` has 104857601 bytes, 104857600 at most are sent; is it built or downloaded? then let the Dockerfile do that, or list it in `.dockerignore`");
    })
    .await;
}

#[tokio::test]
async fn a_context_beyond_the_limit_is_refused() {
    in_sandbox("heavy", async |sandbox| {
        let builder = sandbox.builder(Limits { context: 1000, ..Limits::default() });
        let revision = sandbox.commit(&[("Dockerfile", &dockerfile(""))]);
        let error = builder.ensure(sandbox.request(&revision, &[])).await.unwrap_err();
        assert!(matches!(error, Error::ContextTooLarge { limit: 1000, .. }), "{error}");
    })
    .await;
}

#[tokio::test]
async fn an_object_that_git_has_lost_can_be_tried_again() {
    on_both("lost", async |sandbox| {
        let builder = sandbox.builder(Limits::default());
        let mut request = sandbox.request(&sandbox.commit(&[("Dockerfile", &dockerfile(""))]), &[]);
        request.context.files.get_mut("busybox").unwrap().id = "1".repeat(40);
        let error = builder.ensure(request).await.unwrap_err();
        assert!(
            matches!(&error, Error::Unreadable { path, .. } if path == "busybox") && error.is_transient(),
            "{error}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_build_ends_at_its_deadline_in_the_engine_too() {
    in_sandbox("slow", async |sandbox| {
        let builder = sandbox.builder(Limits { build: Duration::from_secs(4), ..Limits::default() });
        let seconds = format!("61{}", std::process::id());
        let run = format!("RUN [\"/bin/busybox\", \"sleep\", \"{seconds}\"]");
        let revision = sandbox.commit(&[("Dockerfile", &dockerfile(&run))]);
        let (ended, ()) = tokio::join!(
            builder.ensure(sandbox.request(&revision, &[])),
            eventually("the step runs", async || sleepers(&seconds) == 1)
        );
        let error = ended.unwrap_err();
        insta::assert_snapshot!(error, @"the build of `web` took longer than 4 s");
        assert!(error.log().iter().any(|line| line.contains("sleep")), "{:?}", error.log());
        eventually("the step is gone", async || sleepers(&seconds) == 0).await;
    })
    .await;
}

/// How many processes on this machine sleep for exactly so long.
fn sleepers(seconds: &str) -> usize {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let commands = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    commands.filter(|command| command.ends_with(format!("sleep\0{seconds}\0").as_bytes())).count()
}

#[tokio::test]
async fn a_test_ends_at_its_deadline() {
    in_sandbox("tarry", async |sandbox| {
        let builder = sandbox.builder(Limits { test: Duration::from_secs(2), ..Limits::default() });
        let revision = sandbox.commit(&[("Dockerfile", &dockerfile(""))]);
        let test = ["/bin/busybox", "sh", "-c", "echo waiting; exec /bin/busybox sleep 600"];
        let error = builder.ensure(sandbox.request(&revision, &test)).await.unwrap_err();
        insta::assert_snapshot!(error, @"the test of `web` took longer than 2 s");
        assert_eq!(error.log(), ["waiting"]);
        assert_eq!(sandbox.containers().await, Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn whoever_gives_up_leaves_no_container() {
    in_sandbox("given-up", async |sandbox| {
        let builder = sandbox.builder(Limits::default());
        let revision = sandbox.commit(&[("Dockerfile", &dockerfile(""))]);
        let mut request =
            sandbox.request(&revision, &["/bin/busybox", "sh", "-c", "echo waiting; exec /bin/busybox sleep 600"]);
        let seen = Arc::new(Notify::new());
        let notify = seen.clone();
        request.log = Arc::new(move |report| {
            if report == Report::Line("waiting") {
                notify.notify_one();
            }
        });
        tokio::select! {
            ended = builder.ensure(request) => panic!("{ended:?}"),
            () = seen.notified() => {}
        }
        eventually("the container is gone", async || sandbox.containers().await.is_empty()).await;
    })
    .await;
}

#[tokio::test]
async fn no_more_builds_run_at_once_than_allowed() {
    on_both("queue", async |sandbox| {
        let builder = sandbox.builder(Limits { at_once: 1, ..Limits::default() });
        let lines = Arc::new(Mutex::new(Vec::new()));
        let request = |value: &'static str| {
            let file = dockerfile(&format!("ENV QUEUED={value}"));
            let lines = lines.clone();
            let log: Log = Arc::new(move |_| lines.lock().unwrap().push(value));
            Request { log, ..sandbox.request(&sandbox.commit(&[("Dockerfile", &file)]), &["/bin/busybox", "true"]) }
        };
        let (one, two) = tokio::join!(builder.ensure(request("one")), builder.ensure(request("two")));
        assert!(one.unwrap().built && two.unwrap().built);
        lines.lock().unwrap().dedup();
        assert_eq!(lines.lock().unwrap().len(), 2, "the lines of one, then those of the other");
    })
    .await;
}

#[tokio::test]
async fn bad_input_is_refused_before_anything_is_built() {
    in_sandbox("bad", async |sandbox| {
        let revision = sandbox.commit(&[("web/main.c", b"int main;")]);
        let error = Context::of(&revision, &recipe(&[])).unwrap_err();
        insta::assert_snapshot!(error, @"`web` cannot be built without a Dockerfile, and `Dockerfile` is not in the repository; is it committed?");
        insta::assert_snapshot!(RepoPath::root().join("../other").unwrap_err(), @"`../other` is not a path in this repository: it leads out of the repository");
    })
    .await;
}

#[tokio::test]
async fn a_simulated_engine_without_buildkit_builds_as_it_can() {
    let world = World::new();
    world.lose_buildkit();
    on(Engine::Simulated(world), "lost-kit", async |sandbox| {
        let builder = sandbox.builder(Limits::default());
        builds_without_buildkit(&sandbox, &builder).await;
    })
    .await;
}

#[tokio::test]
async fn an_engine_without_buildkit_builds_as_it_can() {
    // A build with BuildKit is refused as an engine without it does; the rest is the real engine's.
    in_sandbox("classic", async |sandbox| {
        let Some(socket) = endpoint().strip_prefix("unix://").map(str::to_owned) else { return };
        let proxy = crate::sandbox::without_buildkit(socket).await;
        let builder = Builder::new(engine_at(&proxy), None, Limits::default());
        builds_without_buildkit(&sandbox, &builder).await;
    })
    .await;
}

async fn builds_without_buildkit(sandbox: &Sandbox, builder: &Builder) {
    let run = "RUN [\"/bin/busybox\", \"echo\", \"built the old way\"]";
    let revision = sandbox.commit(&[("Dockerfile", &dockerfile(run))]);
    let request = sandbox.request(&revision, &["/bin/busybox", "true"]);
    assert!(builder.ensure(request).await.unwrap().built);
    assert!(sandbox.log().contains("its classic builder is used"), "{}", sandbox.log());
    assert!(sandbox.log().contains("built the old way"), "{}", sandbox.log());
}
