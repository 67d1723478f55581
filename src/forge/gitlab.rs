//! GitLab's webhooks and commit statuses (`doc/user/project/integrations/webhook_events.md`, `doc/api/commits.md`).
//!
//! A webhook has either a secret token, or a signature by a signing token ([`signature`]). One with a signature must be
//! rightly signed: a token does not stand in for it.

use jiff::Timestamp;
use reqwest::header::{HeaderMap, HeaderValue};
use secrecy::SecretString;
use serde::Deserialize;

use super::kind::{Kind, Malformed, Notice, payload};
use super::proof::{Refused, is_one_of, text};
use super::report::{Project, Report, State, Status};
use super::signature::{self, Signature};

/// What was once between `/hooks/` and the repository. It goes on working.
pub const OLD_ROUTE: &str = "gitlab/";

const TOKEN: &str = "X-Gitlab-Token";
const EVENT: &str = "X-Gitlab-Event";
/// Characters in a description, at most: GitLab refuses more.
const LONGEST: usize = 255;

pub(super) struct GitLab;

impl Kind for GitLab {
    fn names(&self) -> &'static [&'static str] {
        &["gitlab"]
    }

    fn title(&self) -> &'static str {
        "GitLab"
    }

    fn home(&self) -> Option<&'static str> {
        Some("https://gitlab.com")
    }

    fn admits(&self, headers: &HeaderMap, secrets: &[SecretString]) -> Result<(), Refused> {
        let token = headers.get(TOKEN).map(HeaderValue::as_bytes).unwrap_or_default();
        let may_be = Signature::of(headers).is_some() || is_one_of(token, secrets);
        if may_be { Ok(()) } else { Err(Refused::Token) }
    }

    fn verify(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        secrets: &[SecretString],
        now: Timestamp,
    ) -> Result<(), Refused> {
        Signature::of(headers).map_or(Ok(()), |given| signature::verify(&given, body, secrets, now))
    }

    fn mark(&self, headers: &HeaderMap) -> Option<Vec<u8>> {
        Signature::of(headers).map(|given| given.id().as_bytes().to_vec())
    }

    fn read(&self, headers: &HeaderMap, body: &[u8]) -> Result<Notice, Malformed> {
        let event = text(headers, EVENT);
        if !matches!(event, "Push Hook" | "Tag Push Hook" | "System Hook") {
            return Ok(Notice::other(event));
        }
        let named: Named = payload(body)?;
        match named.object_kind.or(named.event_name).as_deref() {
            Some("push" | "tag_push") => {}
            other => return Ok(Notice::other(other.unwrap_or(event))),
        }
        let push: Push = payload(body)?;
        let pusher = push.user_username.or(push.user_name).unwrap_or_default();
        Notice::pushed(push.project.path_with_namespace, &push.r#ref, &push.after, pusher)
    }

    fn report(&self, project: &Project, status: &Status) -> Report {
        let path = project.path.join("/");
        let state = match status.state {
            State::Pending => "pending",
            State::Running => "running",
            State::Success => "success",
            State::Failed => "failed",
        };
        Report {
            url: project.api(["api", "v4", "projects", &path, "statuses", status.commit.as_str()]),
            token: ("PRIVATE-TOKEN", ""),
            headers: &[],
            body: serde_json::json!({
                "state": state,
                "name": status.context(),
                "target_url": status.target_url,
                "description": status.described(LONGEST),
            }),
        }
    }

    fn is_known_already(&self, status: u16, answer: &str) -> bool {
        status == 400 && answer.contains("Cannot transition status")
    }

    fn needs(&self) -> &'static str {
        "the scope `api` and the role Developer"
    }
}

/// What is read first: every event has one of these, and only a push has the rest.
#[derive(Deserialize)]
struct Named {
    object_kind: Option<String>,
    event_name: Option<String>,
}

#[derive(Deserialize)]
struct Push {
    r#ref: String,
    after: String,
    project: PushedProject,
    user_username: Option<String>,
    user_name: Option<String>,
}

#[derive(Deserialize)]
struct PushedProject {
    path_with_namespace: String,
}
