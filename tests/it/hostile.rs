//! What anybody who may push can do to the others: the real router and the real controller on a runtime of one worker.

use std::sync::Arc;

use skep::config::Settings;
use skep::controller::clock::Clock;
use skep::controller::{Metrics, Push, RefUpdate};
use skep::engine::simulated::World;
use skep::http;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::harness::controller::controller;
use crate::harness::repository::Repository;
use crate::harness::sandbox::Sandbox;

fn router() -> axum::Router {
    http::router(http::State {
        hooks: Arc::default(),
        deliveries: Arc::default(),
        git: None,
        builds: None,
        look: Arc::new(|_| {}),
        ready: http::Readiness::new(async || Ok(())),
        complaints: Arc::new(Vec::new),
        metrics: Metrics::new().registry().clone(),
    })
}

/// What `/healthz` answers.
async fn health(address: std::net::SocketAddr) -> String {
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(b"GET /healthz HTTP/1.1\r\nHost: skep\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    answer
}

#[test]
fn skep_answers_while_it_checks_what_takes_long() {
    let sandbox = Sandbox::of(World::new());
    let mut repository = Repository::new(&sandbox.path().join("git/shop.git"));
    let script = "$(cd a; echo `b` $c) \\\n".repeat(15_000);
    repository.files.insert("stack.yml".into(), "services: { a: { build: . } }\n".into());
    repository.files.insert("Dockerfile".into(), format!("FROM a:1\nRUN x {script} | cat\nNONSENSE\n"));
    let commit = repository.commit("take long");
    // The sandbox's runtime has one worker, which whoever computes on it keeps from everybody else.
    sandbox.runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(http::serve(listener, router(), http::Limits::default(), std::future::pending()));
        let clock = Clock::Simulated(sandbox.world.clone());
        let controller = controller(&sandbox, Settings::default(), clock).await;
        let (sender, mut lines) = mpsc::channel(256);
        let update = RefUpdate { name: "refs/heads/main".into(), old: None, new: Some(commit) };
        let push = Push {
            repository: "shop".into(),
            user: "mallory".into(),
            updates: vec![update],
            options: Vec::new(),
            quarantine: None,
        };
        let pushed = tokio::spawn(async move { controller.push(push, sender).await });
        assert!(lines.recv().await.unwrap().starts_with("checking "));
        assert!(health(address).await.ends_with("ok\n"));
        assert!(lines.try_recv().is_err(), "it is still being checked");
        assert!(!pushed.await.unwrap(), "it is refused");
    });
}
