//! Gitea's and Forgejo's webhooks and commit statuses (docs.gitea.com: "Webhooks"; `routers/api/v1/repo/status.go`).
//!
//! The signature is an HMAC-SHA256 over the body. Gitea sends the headers of Gogs and GitHub beside its own, and Forgejo
//! sends Gitea's beside its own, so only Gitea's are read.

use jiff::Timestamp;
use reqwest::header::HeaderMap;
use secrecy::SecretString;

use super::kind::{Kind, Malformed, Notice, json, payload};
use super::proof::{Refused, digits, is_signed, text};
use super::push::Push;
use super::report::{Project, Report, Status};

const SIGNATURE: &str = "X-Gitea-Signature";
const EVENT: &str = "X-Gitea-Event";
/// Characters in a description: Gitea has no limit, its page has.
const LONGEST: usize = 255;

pub(super) struct Gitea;

impl Kind for Gitea {
    fn names(&self) -> &'static [&'static str] {
        &["gitea", "forgejo"]
    }

    fn title(&self) -> &'static str {
        "Gitea"
    }

    fn admits(&self, headers: &HeaderMap, _secrets: &[SecretString]) -> Result<(), Refused> {
        digits(text(headers, SIGNATURE)).map(drop)
    }

    fn verify(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        secrets: &[SecretString],
        _now: Timestamp,
    ) -> Result<(), Refused> {
        let signature = digits(text(headers, SIGNATURE))?;
        if is_signed(&signature, body, secrets) { Ok(()) } else { Err(Refused::Signature) }
    }

    fn mark(&self, headers: &HeaderMap) -> Option<Vec<u8>> {
        digits(text(headers, SIGNATURE)).ok()
    }

    fn read(&self, headers: &HeaderMap, body: &[u8]) -> Result<Notice, Malformed> {
        match text(headers, EVENT) {
            "push" => payload::<Push>(&json(headers, body))?.notice(),
            event => Ok(Notice::other(event)),
        }
    }

    fn report(&self, project: &Project, status: &Status) -> Report {
        let path = project.path.iter().map(String::as_str);
        let parts = ["api", "v1", "repos"].into_iter().chain(path).chain(["statuses", status.commit.as_str()]);
        Report {
            url: project.api(parts),
            token: ("Authorization", "token "),
            headers: &[],
            body: serde_json::json!({
                "state": status.state.without_running(),
                "context": status.context(),
                "target_url": status.target_url.as_deref().unwrap_or_default(),
                "description": status.described(LONGEST),
            }),
        }
    }

    fn needs(&self) -> &'static str {
        "the scope `write:repository`, and its user the right to write to the repository"
    }
}
