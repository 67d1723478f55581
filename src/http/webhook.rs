//! Webhooks: somebody says "look at this repository now".

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Path, State as Shared};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use jiff::Timestamp;

use super::State;
use crate::controller::Trigger;
use crate::forge::gitlab;
use crate::forge::signature::{self, Signature};

/// Bytes in a webhook, at most.
const MAX_BODY: usize = 1 << 20;
/// How long it may take to arrive; GitLab itself gives up after ten seconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// `POST /hooks/gitlab/<repository>`. A repository that is not there is refused like a wrong token, so that nobody
/// learns which there are; who has a right secret learns that it is not there. A request with a signature must be rightly signed; a token does not stand in for it.
pub(super) async fn from_gitlab(
    Shared(state): Shared<State>,
    Path(repository): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let known = state.hooks.get(&repository);
    // Who knows a secret may learn which repositories there are.
    let secrets = known.or_else(|| state.hooks.values().next()).map(Vec::as_slice).unwrap_or_default();
    let signed = headers.contains_key(signature::SIGNATURE);
    if !signed && let Err(refused) = gitlab::verify(headers.get(gitlab::TOKEN).map(HeaderValue::as_bytes), secrets) {
        return unauthorized(&repository, &refused.to_string());
    }
    if !signed && known.is_none() {
        return unknown(&state, &repository);
    }
    let body = match tokio::time::timeout(PATIENCE, to_bytes(body, MAX_BODY)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return text(StatusCode::PAYLOAD_TOO_LARGE, "a webhook has 1 MiB at most"),
        Err(_) => return text(StatusCode::REQUEST_TIMEOUT, "the webhook did not arrive within 10 s"),
    };
    if signed && let Err(refused) = signature::verify(&signature_of(&headers), &body, secrets, now()) {
        return unauthorized(&repository, &refused.to_string());
    }
    if known.is_none() {
        return unknown(&state, &repository);
    }
    understood(&state, repository, &headers, &body)
}

fn understood(state: &State, repository: String, headers: &HeaderMap, body: &[u8]) -> Response {
    match gitlab::trigger(header(headers, gitlab::EVENT), body) {
        Ok(Some(pushed)) => {
            tracing::info!(repository, project = pushed.project, branch = pushed.branch, "a webhook came");
            (state.look)(Trigger { repository });
            text(StatusCode::OK, "looking")
        }
        Ok(None) => text(StatusCode::OK, "nothing to do: this is not about a branch that was pushed"),
        Err(malformed) => text(StatusCode::BAD_REQUEST, &malformed.to_string()),
    }
}

fn signature_of(headers: &HeaderMap) -> Signature<'_> {
    Signature {
        id: header(headers, signature::ID),
        timestamp: header(headers, signature::TIMESTAMP),
        signatures: header(headers, signature::SIGNATURE),
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn now() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "the assembly reads the clock: an old signature may be a replay")]
    Timestamp::now()
}

/// The secret is right, and the address is not.
fn unknown(state: &State, repository: &str) -> Response {
    let mut names: Vec<&str> = state.hooks.keys().map(String::as_str).collect();
    names.sort_unstable();
    tracing::warn!(repository, "a webhook came for a repository that is not watched");
    let known = names.join(", ");
    text(StatusCode::NOT_FOUND, &format!("skep does not watch a repository `{repository}`; the settings name {known}"))
}

fn unauthorized(repository: &str, reason: &str) -> Response {
    tracing::warn!(repository, reason, "a webhook was refused");
    text(StatusCode::UNAUTHORIZED, reason)
}

fn text(status: StatusCode, message: &str) -> Response {
    (status, format!("{message}\n")).into_response()
}
