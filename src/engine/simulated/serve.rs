//! A simulated swarm on a Unix socket, for what speaks to an engine itself.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::path::Path;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt as _, stream};

use super::World;
use super::requests::Request;

/// The API that it speaks: the oldest that skep works with, so that nothing newer is taken for granted.
const API_VERSION: &str = "1.41";

/// Listens on a socket at `path`, which must not exist yet, and answers while the future that it returns is polled.
/// Within a Tokio runtime.
pub fn serve(world: World, path: &Path) -> io::Result<impl Future<Output = io::Result<()>> + Send + use<>> {
    let listener = tokio::net::UnixListener::bind(path)?;
    let router = Router::new().fallback(answer).with_state(world);
    Ok(async move { axum::serve(listener, router).await })
}

async fn answer(
    State(world): State<World>,
    method: Method,
    uri: Uri,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let request = Request {
        method: method.to_string(),
        path: without_version(uri.path()).to_owned(),
        query,
        body: serde_json::from_slice(&body).ok(),
        registry_auth: headers.get("X-Registry-Auth").and_then(|value| value.to_str().ok()).map(str::to_owned),
        over_socket: true,
    };
    let headers =
        [("Api-Version", API_VERSION), ("Ostype", "linux"), (header::CONTENT_TYPE.as_str(), "application/json")];
    if request.path == "/events" {
        let lines = stream::unfold(world.listen(), |mut events| async move { Some((events.recv().await?, events)) });
        return (headers, Body::from_stream(lines.map(Ok::<_, Infallible>))).into_response();
    }
    match world.answer(&request) {
        Some(answer) => {
            let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, headers, answer.body).into_response()
        }
        // A connection cannot be refused from in here; this is the nearest that a client retries upon.
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// The path after `/v1.41`.
fn without_version(path: &str) -> &str {
    let versioned = path.strip_prefix("/v1.").and_then(|rest| rest.find('/').map(|at| &rest[at..]));
    versioned.unwrap_or(path)
}
