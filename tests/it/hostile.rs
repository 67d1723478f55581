//! What anybody who may push can do to the others: the real router and the real controller on a runtime of one worker.

use std::sync::Arc;

use skep::build::{Builder, Limits};
use skep::config::Settings;
use skep::controller::clock::Clock;
use skep::controller::cluster::Cluster;
use skep::controller::deploy::Deployer;
use skep::controller::prepare::Preparer;
use skep::controller::workers::Workers;
use skep::controller::{Controller, Metrics, Push, RefUpdate};
use skep::engine::Engine;
use skep::engine::simulated::World;
use skep::http;
use skep::lease::Lease;
use skep::probe::Prober;
use skep::source::server::{self, Server};
use skep::store::Store;
use skep::swarm::Swarm;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::harness::repository::Repository;
use crate::harness::sandbox::Sandbox;

async fn controller(sandbox: &Sandbox) -> Controller {
    let world = World::new();
    let (engine, metrics) = (Engine::Simulated(world.clone()), Metrics::new());
    let cluster = Cluster {
        swarm: Swarm::new(engine.clone()),
        store: Store::new(engine.clone()),
        prober: Prober::new(engine),
        clock: Clock::Simulated(world),
    };
    let settings = Arc::new(Settings::default());
    let builder = Builder::connect(&sandbox.host(), None, Limits::default()).await.unwrap();
    let workers = Workers::new(cluster.clone(), Lease::of_controller(), metrics.clone(), 1);
    let preparer = Preparer::new(builder, settings.clone(), metrics.clone());
    let server = Server::new(server::Settings {
        root: sandbox.path().join("git"),
        runtime: sandbox.path().join("run"),
        push_hook: vec!["/bin/true".into()],
        branch_hook: vec!["/bin/true".into()],
        max_push: server::Settings::MAX_PUSH,
        patience: server::Settings::PATIENCE,
    });
    Controller::new(
        settings,
        Deployer { preparer, cluster, workers, lease: Lease::of_controller() },
        server.unwrap(),
        metrics,
    )
}

fn router() -> axum::Router {
    http::router(http::State {
        hooks: Arc::default(),
        deliveries: Arc::default(),
        git: None,
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
        let controller = controller(&sandbox).await;
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
