use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse as _;
use axum::routing::get;
use tokio::net::TcpListener;

use super::*;
use crate::engine::simulated::World;
use crate::engine::{Call, Engine};
use crate::stack::check::{Expect, HttpProbe};

/// A server that has a page, moves it, leads away, hangs, and never ends. Its port.
async fn server() -> u16 {
    let moved = |to: &'static str| move || async move { (StatusCode::FOUND, [(header::LOCATION, to)]) };
    let endless = || async {
        axum::body::Body::from_stream(futures_util::stream::repeat_with(|| {
            Ok::<_, std::io::Error>(vec![b'a'; 64 << 10])
        }))
    };
    let hangs = || async {
        std::future::pending::<()>().await;
        StatusCode::OK.into_response()
    };
    let router = Router::new()
        .route("/health", get(|| async { "all is well\n" }))
        .route("/broken", get(|| async { (StatusCode::SERVICE_UNAVAILABLE, "no database") }))
        .route("/moved", get(moved("/health")))
        .route("/away", get(moved("http://elsewhere.invalid/")))
        .route("/circle", get(moved("/circle")))
        .route("/endless", get(endless))
        .route("/hangs", get(hangs));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, router).await });
    port
}

fn nobody() -> Subject {
    Subject { name: "shop_web".into(), tasks: BTreeSet::new() }
}

async fn asked(probe: Probe) -> Reply {
    // The servers of these tests are on this machine.
    asked_by(Prober::new(Engine::Simulated(World::new())).unbarred(), probe).await
}

async fn asked_by(prober: Prober, probe: Probe) -> Reply {
    let check = Check { timeout: Nanos(500_000_000), ..Check::new(probe) };
    prober.ask(&check, &nobody()).await
}

async fn got(url: String, expect: Expect) -> Reply {
    asked(Probe::Http(HttpProbe { url, expect, body: None })).await
}

fn answer(status: u16, location: Option<&str>, body: &str) -> Reply {
    Reply::Http { status, location: location.map(str::to_owned), body: body.to_owned() }
}

#[tokio::test]
async fn an_answer_is_told_as_it_is_and_followed_on_the_same_host() {
    let at = format!("http://127.0.0.1:{}", server().await);
    let got = |path: &str, expect| got(format!("{at}{path}"), expect);
    assert_eq!(got("/health", Expect::default()).await, answer(200, None, "all is well\n"));
    assert_eq!(got("/broken", Expect::default()).await, answer(503, None, "no database"));
    assert_eq!(got("/moved", Expect::default()).await, answer(200, None, "all is well\n"));
    assert_eq!(got("/moved", Expect::Status(302)).await, answer(302, Some("/health"), ""));
    assert_eq!(got("/away", Expect::default()).await, answer(302, Some("http://elsewhere.invalid/"), ""));
    assert_eq!(got("/circle", Expect::default()).await, Reply::Nothing("more than 5 redirects".into()));
}

#[tokio::test]
async fn what_does_not_end_is_cut_off() {
    let at = format!("http://127.0.0.1:{}", server().await);
    assert_eq!(got(format!("{at}/hangs"), Expect::default()).await, Reply::Nothing("no answer within 500ms".into()));
    let Reply::Http { status: 200, body, .. } = got(format!("{at}/endless"), Expect::default()).await else {
        panic!("it answers");
    };
    assert_eq!(body.len(), 256 << 10);
}

#[tokio::test]
async fn who_does_not_listen_and_who_is_not_known_is_told() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = free.local_addr().unwrap().port();
    assert_eq!(asked(Probe::Tcp(format!("127.0.0.1:{port}"))).await, Reply::Connected);
    drop(free);
    let refused = Reply::Nothing("Connection refused (os error 111)".into());
    assert_eq!(asked(Probe::Tcp(format!("127.0.0.1:{port}"))).await, refused);
    assert_eq!(got(format!("http://127.0.0.1:{port}/"), Expect::default()).await, refused);
    assert_eq!(asked(Probe::Tcp("db.invalid:5432".into())).await, Reply::NoSuchHost("db.invalid".into()));
    assert_eq!(got("http://web.invalid/".into(), Expect::default()).await, Reply::NoSuchHost("web.invalid".into()));
}

#[tokio::test]
async fn nobody_is_asked_on_skeps_own_machine_whatever_it_is_called() {
    let port = server().await;
    let strict = Prober::new(Engine::Simulated(World::new()));
    let page = |url: String| Probe::Http(HttpProbe { url, expect: Expect::default(), body: None });
    for host in ["127.0.0.1", "localhost", "2130706433", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "169.254.169.254"] {
        let reply = asked_by(strict.clone(), page(format!("http://{host}:{port}/health"))).await;
        assert!(matches!(reply, Reply::Barred(..)), "{host}: {reply:?}");
    }
    for host in ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"] {
        let reply = asked_by(strict.clone(), Probe::Tcp(format!("{host}:{port}"))).await;
        assert!(matches!(reply, Reply::Barred(..)), "{host}: {reply:?}");
    }
}

#[tokio::test]
async fn a_host_with_one_barred_address_among_others_is_not_asked() {
    fn only_some(address: IpAddr) -> Option<&'static str> {
        (address == IpAddr::from([127, 0, 0, 1])).then_some("barred here")
    }
    let port = server().await;
    let prober = Prober { engine: Engine::Simulated(World::new()), barred: only_some };
    let reply = asked_by(prober, Probe::Tcp(format!("localhost:{port}"))).await;
    assert_eq!(reply, Reply::Barred([127, 0, 0, 1].into(), "barred here"));
}

#[tokio::test]
async fn a_command_is_run_in_a_task_of_the_service_and_nowhere_else() {
    let world = World::with_nodes(2);
    let spec = serde_json::json!({
        "Name": "shop_web", "TaskTemplate": { "ContainerSpec": { "Image": "a" } }, "Mode": { "Replicated": { "Replicas": 2 } },
    });
    let engine = Engine::Simulated(world.clone());
    engine.call(Call::post("/services/create", spec)).await.unwrap();
    world.advance(Duration::from_secs(2));
    let tasks: Vec<serde_json::Value> = engine.json(Call::get("/tasks")).await.unwrap();
    let on = |node: &str| {
        tasks.iter().filter(|task| task["NodeID"] == node).map(|task| task["ID"].as_str().unwrap().to_owned()).collect()
    };
    let prober = Prober::new(engine);
    let run = async |words: &[&str], tasks: BTreeSet<String>| {
        let check = Check::new(Probe::Command(words.iter().map(ToString::to_string).collect()));
        prober.ask(&check, &Subject { name: "shop_web".into(), tasks }).await
    };
    let exit = |code, output: &str| Reply::Exit { code, output: output.into() };
    assert_eq!(run(&["true"], on("node-1")).await, exit(0, ""));
    assert_eq!(run(&["sh", "-c", "echo no; exit 3"], on("node-1")).await, exit(3, "no"));
    assert_eq!(run(&["true"], on("node-2")).await, Reply::NoContainer);
}
