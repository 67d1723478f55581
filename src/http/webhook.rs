//! Webhooks, by which forges trigger an immediate fetch of a repository.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Path, State as Shared};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;

use super::State;
use crate::controller::Trigger;
use crate::controller::forges::Hook;
use crate::forge::{Notice, OLD_ROUTE, Pushed, Reference, Rejected};
use crate::text::one_line;

/// The most bytes of a webhook.
const MAX_BODY: usize = 1 << 20;
/// The timeout for receiving it; forges give up after ten seconds.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many secrets are tried for a repository that does not exist.
const TRIED: usize = 16;
/// The response for every invalid proof, and for unknown repositories, so that it does not reveal which repositories
/// exist. The log has the details.
const UNPROVEN: &str = "the webhook's secret or signature is missing or wrong, or its time is off by more than five minutes; set the \
                        same secret at the forge and in skep's settings. skep's log says what is wrong";

/// `POST /hooks/<repository>`, and the older form with [`OLD_ROUTE`] before the repository. A repository that does not
/// exist is refused like a wrong secret; whoever has a right one learns for which repositories that is.
pub(super) async fn receive(
    Shared(state): Shared<State>,
    Path(path): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let repository = named(&state, &path);
    let hooks: Vec<&Hook> = match state.hooks.of(repository) {
        Some(hook) => vec![hook],
        None => state.hooks.distinct().take(TRIED).collect(),
    };
    let admitted = hooks.into_iter().map(|hook| (hook, hook.forge.admits(&headers, &hook.secrets)));
    let (admitted, refused): (Vec<_>, Vec<_>) = admitted.partition(|(_, verdict)| verdict.is_ok());
    if admitted.is_empty() {
        let why = refused.first().and_then(|(_, verdict)| verdict.err()).map(|refused| refused.to_string());
        return unauthorized(repository, &why.unwrap_or_else(|| "no repository takes webhooks".into()));
    }
    let body = match tokio::time::timeout(PATIENCE, to_bytes(body, MAX_BODY)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return text(StatusCode::PAYLOAD_TOO_LARGE, "a webhook may have at most 1 MiB"),
        Err(_) => return text(StatusCode::REQUEST_TIMEOUT, "the webhook did not arrive within 10 s"),
    };
    let mut why = String::new();
    for (hook, _) in admitted {
        match hook.forge.receive(&headers, &body, &hook.secrets, now()) {
            Err(Rejected::Refused(refused)) => why = refused.to_string(),
            _ if state.hooks.of(repository).is_none() => return unknown(&state, repository, hook),
            Err(malformed) => return text(StatusCode::BAD_REQUEST, &malformed.to_string()),
            Ok(notice) => return understood(&state, repository, hook.forge.mark(&headers).as_deref(), &notice),
        }
    }
    unauthorized(repository, &why)
}

/// The repository that a path names.
fn named<'a>(state: &State, path: &'a str) -> &'a str {
    let old = path.strip_prefix(OLD_ROUTE).filter(|old| state.hooks.of(old).is_some());
    old.filter(|_| state.hooks.of(path).is_none()).unwrap_or(path)
}

fn understood(state: &State, repository: &str, mark: Option<&[u8]>, notice: &Notice) -> Response {
    let pushed = match notice {
        Notice::Pushed(pushed) => pushed,
        Notice::Ping => return text(StatusCode::OK, &format!("skep accepts webhooks for `{repository}`")),
        Notice::Other(what) => {
            return idle(&format!("{what} is not a push; configure the forge to send push events only"));
        }
    };
    match (&pushed.reference, &pushed.commit) {
        (Reference::Branch(branch), Some(_)) => looked(state, repository, mark, pushed, branch),
        (Reference::Branch(branch), None) => idle(&format!("the branch `{}` was deleted", shown(branch))),
        (Reference::Tag(tag), _) => idle(&format!("`{}` is a tag, but skep deploys branches only", shown(tag))),
    }
}

fn looked(state: &State, repository: &str, mark: Option<&[u8]>, pushed: &Pushed, branch: &str) -> Response {
    let mut deliveries = state.deliveries.lock().expect("nobody panics while holding it");
    if mark.is_some_and(|mark| !deliveries.is_new(repository, mark, now())) {
        tracing::info!(repository, "a repeated webhook was ignored");
        return idle("this webhook was already accepted");
    }
    let Pushed { project, pusher, .. } = pushed;
    tracing::info!(repository, project, branch, pusher, "received a webhook");
    (state.look)(Trigger { repository: repository.to_owned() });
    text(StatusCode::OK, "looking")
}

/// A name from outside, made safe to show.
fn shown(name: &str) -> String {
    one_line(name).chars().take(100).collect()
}

fn now() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "the assembly reads the clock: an old signature may be a replay")]
    Timestamp::now()
}

/// The response if the secret is valid but the address is wrong.
fn unknown(state: &State, repository: &str, hook: &Hook) -> Response {
    tracing::warn!(repository, "received a webhook for a repository that is not watched");
    let known = state.hooks.repositories_of(hook).join(", ");
    let repository = shown(repository);
    text(StatusCode::NOT_FOUND, &format!("skep does not watch a repository `{repository}`; this secret is for {known}"))
}

fn unauthorized(repository: &str, reason: &str) -> Response {
    tracing::warn!(repository, reason, "a webhook was refused");
    text(StatusCode::UNAUTHORIZED, UNPROVEN)
}

fn idle(reason: &str) -> Response {
    text(StatusCode::OK, &format!("nothing to do: {reason}"))
}

fn text(status: StatusCode, message: &str) -> Response {
    (status, format!("{message}\n")).into_response()
}
