//! Webhooks, Git over HTTP, health, metrics.
//!
//! This is the whole network surface. Everything but `/healthz`, `/readyz` and `/metrics` requires a secret,
//! and every connection and request is bounded in number, size and time.

mod builds;
pub mod git;
pub mod hook;
mod places;
mod ready;
pub mod serve;
mod stalled;
mod webhook;

use std::fmt;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{DefaultBodyLimit, State as Shared};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use prometheus::{Registry, TextEncoder};

pub use git::Git;
pub use ready::Readiness;
pub use serve::{Limits, serve};

use crate::build::kept::BuildLogs;
use crate::controller::Trigger;
use crate::controller::forges::Hooks;
use crate::forge::Deliveries;

/// The parts of skep that the server uses. Cheap to clone.
#[derive(Clone)]
pub struct State {
    /// The webhooks, by the repository's name in the settings.
    pub hooks: Arc<Hooks>,
    /// The webhooks that were accepted.
    pub deliveries: Arc<Mutex<Deliveries>>,
    /// The built-in Git server, if it is enabled.
    pub git: Option<Git>,
    /// The logs of builds that are kept, for those who may push.
    pub builds: Option<BuildLogs>,
    /// [`Controller::look`](crate::controller::Controller::look).
    pub look: Arc<dyn Fn(Trigger) + Send + Sync>,
    /// Whether skep can do its work.
    pub ready: Readiness,
    /// Problems of single repositories, in lines for `/readyz`; they do not affect readiness.
    pub complaints: Arc<dyn Fn() -> Vec<String> + Send + Sync>,
    /// The metrics.
    pub metrics: Registry,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("hooks", &self.hooks).field("git", &self.git).finish_non_exhaustive()
    }
}

/// The router of all routes.
pub fn router(state: State) -> Router {
    Router::new()
        .route("/hooks/{*repository}", post(webhook::receive))
        .route("/git/{*path}", any(git::answer))
        .route("/builds/{stack}", get(builds::answer))
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .fallback(unknown)
        // Each route has its own limit.
        .layer(DefaultBodyLimit::disable())
        .with_state(state)
}

async fn alive() -> &'static str {
    "ok\n"
}

async fn ready(Shared(state): Shared<State>) -> Response {
    match state.ready.state().await {
        Ok(()) => {
            let complaints = (state.complaints)();
            let lines = std::iter::once("ready".to_owned()).chain(complaints).map(|line| format!("{line}\n"));
            lines.collect::<String>().into_response()
        }
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")).into_response(),
    }
}

async fn metrics(Shared(state): Shared<State>) -> Response {
    match TextEncoder::new().encode_to_string(&state.metrics.gather()) {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

async fn unknown(uri: Uri) -> Response {
    let path: String = uri.path().chars().take(100).collect();
    let served = "webhooks at /hooks/<repository>, repositories at /git/<name>.git, logs of builds at /builds/<stack>, /healthz, /readyz and \
                  /metrics";
    (StatusCode::NOT_FOUND, format!("there is nothing at {path}; skep serves {served}\n")).into_response()
}

#[cfg(test)]
mod tests;
