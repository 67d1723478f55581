//! An imitation of GitLab: it takes commit statuses, as `doc/api/commits.md` describes them, and nothing else. A GitLab
//! cannot be had here.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::post;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::web::RUNTIME;

type Statuses = Arc<Mutex<Vec<(String, Value)>>>;

/// Takes commit statuses until it is dropped.
pub(crate) struct GitLab {
    pub(crate) url: String,
    statuses: Statuses,
    server: JoinHandle<()>,
}

impl GitLab {
    pub(crate) fn start() -> Self {
        let statuses = Statuses::default();
        let router = Router::new()
            .route("/api/v4/projects/{project}/statuses/{commit}", post(take))
            .with_state(statuses.clone());
        let listener = RUNTIME.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = RUNTIME.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, statuses, server }
    }

    /// What it was told about a commit: `state name: description`, in order.
    pub(crate) fn told(&self, commit: &str) -> Vec<String> {
        let statuses = self.statuses.lock().unwrap();
        let text = |status: &Value, key: &str| status[key].as_str().unwrap_or_default().to_owned();
        let line = |status: &Value| {
            format!("{} {}: {}", text(status, "state"), text(status, "name"), text(status, "description"))
        };
        statuses.iter().filter(|(about, _)| about == commit).map(|(_, status)| line(status)).collect()
    }
}

async fn take(
    State(statuses): State<Statuses>,
    Path((_project, commit)): Path<(String, String)>,
    body: axum::Json<Value>,
) -> &'static str {
    statuses.lock().unwrap().push((commit, body.0));
    "{}"
}

impl Drop for GitLab {
    fn drop(&mut self) {
        self.server.abort();
    }
}
