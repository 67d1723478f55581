//! Which registries the login to another one reaches, seen on the wire: a registry that records who asks, and the real
//! engine.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use skep::health::RegistryAnswer;
use skep::name::RegistryHost;
use skep::plan::Subject;
use skep::registry::Login;
use skep::stack::{Service, Stack};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::bed::{Bed, with_web};

/// How long the node may take to ask.
const PATIENCE: Duration = Duration::from_mins(1);

/// A registry that lets nobody in or fails, and keeps the `Authorization` of each request.
#[derive(Clone)]
struct Stranger {
    host: String,
    asked: Arc<Mutex<Vec<String>>>,
    fails: bool,
}

impl Stranger {
    async fn denying() -> Self {
        Self::start(false).await
    }

    async fn failing() -> Self {
        Self::start(true).await
    }

    async fn start(fails: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let stranger = Self { host, asked: Arc::default(), fails };
        let server = stranger.clone();
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(server.clone().answer(connection));
            }
        });
        stranger
    }

    /// Asks for a login by each way in turn: Basic at first, then a token from this very registry.
    async fn answer(self, mut connection: TcpStream) {
        let mut lines = BufReader::new(&mut connection).lines();
        let mut path = String::new();
        let mut authorization = "nobody".to_owned();
        while let Ok(Some(line)) = lines.next_line().await {
            match line.split_once(": ") {
                _ if line.is_empty() => break,
                Some((name, value)) if name.eq_ignore_ascii_case("authorization") => authorization = value.to_owned(),
                None => path = line,
                _ => {}
            }
        }
        let nth = {
            let mut asked = self.asked.lock().unwrap();
            asked.push(authorization);
            asked.len()
        };
        let challenge = if nth % 2 == 0 {
            "Basic realm=\"stranger\"".to_owned()
        } else {
            format!("Bearer realm=\"http://{}/token\",service=\"stranger\"", self.host)
        };
        let head = if self.fails {
            "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned()
        } else if path.contains("/token") {
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\nConnection: close\r\n\r\n{\"token\":\"t\"}".to_owned()
        } else {
            format!(
                "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: {challenge}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
        };
        drop(connection.write_all(head.as_bytes()).await);
    }

    /// Waits until it was asked more often than this; what it was sent.
    async fn asked_more_than(&self, times: usize) -> Vec<String> {
        let until = tokio::time::Instant::now() + PATIENCE;
        loop {
            let asked = self.asked.lock().unwrap().clone();
            if asked.len() > times {
                return asked;
            }
            assert!(tokio::time::Instant::now() < until, "nobody asked the registry");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

#[tokio::test]
async fn a_strange_registry_is_never_sent_the_login_to_another_one() {
    let Some(mut bed) = Bed::docker("a_strange_registry_is_asked") else { return };
    let (home, stranger) = (Stranger::denying().await, Stranger::denying().await);
    let registry = RegistryHost::of_prefix(&home.host);
    bed.swarm.logins.insert(registry.clone(), Login::new(&registry, "skep", "hunter2"));
    let (at_home, abroad) = (with_image_of(&bed, &home), with_image_of(&bed, &stranger));

    // A service that has the login, for its registry, is moved to a stranger's.
    bed.create(&at_home, Subject::Service("web".parse().unwrap())).await.unwrap();
    let sent = home.asked_more_than(1).await;
    assert!(sent.iter().any(|it| it.starts_with("Basic ")), "its own registry is sent the login: {sent:?}");
    bed.update(&abroad, "web", &bed.observe().await).await.unwrap();
    let pulled = stranger.asked_more_than(1).await;
    let task = bed.until_task("refused", skep::plan::observed::Task::has_no_image).await;
    let known = bed.swarm.evidence(&task).await;
    assert!(matches!(known.registry, Some(RegistryAnswer::Denied { .. })), "{known:?}");
    let sent = stranger.asked_more_than(pulled.len()).await;
    assert!(sent.iter().all(|it| it == "nobody" || it == "Bearer t"), "{sent:?}");
}

#[tokio::test]
async fn a_registry_that_fails_is_told_as_that_and_not_as_a_missing_image() {
    let Some(bed) = Bed::docker("a_failing_registry_is_told") else { return };
    let registry = Stranger::failing().await;
    bed.create(&with_image_of(&bed, &registry), Subject::Service("web".parse().unwrap())).await.unwrap();
    let task = bed.until_task("refused", skep::plan::observed::Task::has_no_image).await;
    let known = bed.swarm.evidence(&task).await.registry;
    assert!(known.as_ref().is_some_and(RegistryAnswer::is_away), "{known:?}");
}

/// A stack whose service `web` runs an image of this registry.
fn with_image_of(bed: &Bed, registry: &Stranger) -> Stack {
    let image = format!("{}/x:1", registry.host);
    with_web(bed, Service { image: image.clone(), image_as_written: image, ..Service::default() })
}
