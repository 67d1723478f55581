//! A simulated swarm on a Unix socket, for what speaks to an engine itself.

use std::convert::Infallible;
use std::io;
use std::path::Path;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{self, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt as _, stream};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncRead;

use super::World;
use super::requests::{Answer, Request};

/// The longest body of a request, in bytes: a context of a build is the largest.
const MAX_BODY: usize = 64 << 20;

/// The API that it speaks: the oldest that skep works with, so that nothing newer is taken for granted.
const API_VERSION: &str = "1.41";

/// Listens on a socket at `path`, which must not exist yet, and answers while the future that it returns is polled.
/// Within a Tokio runtime.
pub fn serve(world: World, path: &Path) -> io::Result<impl Future<Output = io::Result<()>> + Send + use<>> {
    let listener = tokio::net::UnixListener::bind(path)?;
    let router = Router::new().fallback(answer).with_state(world);
    Ok(async move { axum::serve(listener, router).await })
}

async fn answer(State(world): State<World>, mut received: extract::Request) -> Response {
    let headers =
        [("Api-Version", API_VERSION), ("Ostype", "linux"), (header::CONTENT_TYPE.as_str(), "application/json")];
    let upgrade = hyper::upgrade::on(&mut received);
    let Ok(request) = read(received).await else { return StatusCode::BAD_REQUEST.into_response() };
    if request.path == "/events" {
        let lines = stream::unfold(world.listen(), |mut events| async move { Some((events.recv().await?, events)) });
        return (headers, Body::from_stream(lines.map(Ok::<_, Infallible>))).into_response();
    }
    match world.answer(&request) {
        Some(Answer { status: 200..=299, .. }) if request.path == "/session" => {
            tokio::spawn(async {
                if let Ok(connection) = upgrade.await {
                    ignore(TokioIo::new(connection)).await;
                }
            });
            let upgraded = [(header::CONNECTION, "Upgrade"), (header::UPGRADE, "h2c")];
            (StatusCode::SWITCHING_PROTOCOLS, upgraded).into_response()
        }
        Some(answer) => {
            let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, headers, answer.body).into_response()
        }
        // A connection cannot be refused from in here; this is the nearest that a client retries upon.
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// A request as it came over the wire.
async fn read(received: extract::Request) -> Result<Request, axum::Error> {
    let (parts, body) = received.into_parts();
    let body = to_bytes(body, MAX_BODY).await?;
    let header = |name| parts.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).map(str::to_owned);
    let is_tarball = parts.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/x-tar");
    Ok(Request {
        method: parts.method.to_string(),
        path: without_version(parts.uri.path()).to_owned(),
        query: Query::try_from_uri(&parts.uri).map(|Query(query)| query).unwrap_or_default(),
        body: serde_json::from_slice(&body).ok().filter(|_| !is_tarball),
        registry_auth: header("X-Registry-Auth"),
        over_socket: true,
        tarball: if is_tarball { body } else { Bytes::new() },
    })
}

/// Reads and forgets what comes, until the other end goes.
pub(super) async fn ignore(mut connection: impl AsyncRead + Unpin) {
    // A connection that breaks has ended, too.
    drop(tokio::io::copy(&mut connection, &mut tokio::io::sink()).await);
}

/// The path after `/v1.41`.
fn without_version(path: &str) -> &str {
    let versioned = path.strip_prefix("/v1.").and_then(|rest| rest.find('/').map(|at| &rest[at..]));
    versioned.unwrap_or(path)
}
