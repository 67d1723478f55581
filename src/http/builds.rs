//! The logs of builds that are kept: `/builds/<stack>`, for those who may push.

use axum::extract::{Path, Query, Request, State as Shared};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::State;
use super::git::{client_of, refusal, unauthorized};
use crate::build::kept::{Error, Wanted};
use crate::name::StackName;
use crate::release::ReleaseId;

/// What a log is read as: a line of JSON for each of its lines.
const NDJSON: &str = "application/x-ndjson; charset=utf-8";

/// Which log is meant; the newest one if nothing is said.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    release: Option<u64>,
    commit: Option<String>,
}

impl Asked {
    fn wanted(self) -> Result<Wanted, &'static str> {
        let is_id = |commit: &String| commit.len() <= 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
        match (self.release, self.commit) {
            (Some(release), _) => Ok(Wanted::Release(ReleaseId(release))),
            (None, Some(commit)) if !is_id(&commit) => Err("`commit` is the id of a commit, or the beginning of one"),
            (None, Some(commit)) => Ok(Wanted::Commit(commit)),
            (None, None) => Ok(Wanted::Newest),
        }
    }
}

/// Answers with a log, as far as it is written.
pub(super) async fn answer(
    Shared(state): Shared<State>,
    Path(stack): Path<String>,
    asked: Result<Query<Asked>, axum::extract::rejection::QueryRejection>,
    request: Request,
) -> Response {
    let (Some(git), Some(logs)) = (state.git, state.builds) else {
        return refusal(StatusCode::NOT_FOUND, "no logs of builds are kept here");
    };
    if let Err(refused) = git.user(request.headers()) {
        refused.log(&client_of(&request), request.uri().path());
        return unauthorized();
    }
    let stack: StackName = match stack.parse() {
        Ok(stack) => stack,
        Err(invalid) => return refusal(StatusCode::NOT_FOUND, &invalid.to_string()),
    };
    let asked = asked.map_err(|error| error.body_text());
    let wanted = match asked.and_then(|Query(asked)| asked.wanted().map_err(str::to_owned)) {
        Ok(wanted) => wanted,
        Err(wrong) => return refusal(StatusCode::BAD_REQUEST, &wrong),
    };
    let read = tokio::task::spawn_blocking(move || logs.read(&stack, &wanted)).await;
    match read {
        Ok(Ok(log)) => ([(header::CONTENT_TYPE, NDJSON)], log).into_response(),
        Ok(Err(error @ Error::NotKept { .. })) => refusal(StatusCode::NOT_FOUND, &error.to_string()),
        Ok(Err(Error::Disk(error))) => {
            tracing::warn!(%error, "the log of a build cannot be read");
            refusal(StatusCode::INTERNAL_SERVER_ERROR, "the log of a build cannot be read; skep's own log says why")
        }
        Err(_) => refusal(StatusCode::INTERNAL_SERVER_ERROR, "skep itself failed; its log says why"),
    }
}
