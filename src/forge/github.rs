//! GitHub's webhooks and commit statuses, of github.com and of a GitHub Enterprise Server (docs.github.com: "Webhook events
//! and payloads", "Validating webhook deliveries", "REST API endpoints for commit statuses").
//!
//! The signature is an HMAC-SHA256 over the body. The older one by SHA-1, which GitHub sends as well, proves nothing here.

use jiff::Timestamp;
use reqwest::header::HeaderMap;
use secrecy::SecretString;

use super::kind::{Kind, Malformed, Notice, json, payload};
use super::proof::{Refused, digits, is_signed, text};
use super::push::Push;
use super::report::{Project, Report, Status};

const SIGNATURE: &str = "X-Hub-Signature-256";
const EVENT: &str = "X-GitHub-Event";
const HOME: &str = "https://github.com";
/// Characters in a description, at most: GitHub refuses more.
const LONGEST: usize = 140;

pub(super) struct GitHub;

impl Kind for GitHub {
    fn names(&self) -> &'static [&'static str] {
        &["github"]
    }

    fn title(&self) -> &'static str {
        "GitHub"
    }

    fn home(&self) -> Option<&'static str> {
        Some(HOME)
    }

    fn admits(&self, headers: &HeaderMap, _secrets: &[SecretString]) -> Result<(), Refused> {
        signature(headers).map(drop)
    }

    fn verify(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        secrets: &[SecretString],
        _now: Timestamp,
    ) -> Result<(), Refused> {
        if is_signed(&signature(headers)?, body, secrets) { Ok(()) } else { Err(Refused::Signature) }
    }

    fn mark(&self, headers: &HeaderMap) -> Option<Vec<u8>> {
        signature(headers).ok()
    }

    fn read(&self, headers: &HeaderMap, body: &[u8]) -> Result<Notice, Malformed> {
        match text(headers, EVENT) {
            "ping" => Ok(Notice::Ping),
            "push" => payload::<Push>(&json(headers, body))?.notice(),
            event => Ok(Notice::other(event)),
        }
    }

    fn report(&self, project: &Project, status: &Status) -> Report {
        Report {
            url: api(project, status.commit.as_str()),
            token: ("Authorization", "Bearer "),
            headers: &[("Accept", "application/vnd.github+json"), ("X-GitHub-Api-Version", "2022-11-28")],
            body: serde_json::json!({
                "state": status.state.without_running(),
                "context": status.context(),
                "target_url": status.target_url,
                "description": status.described(LONGEST),
            }),
        }
    }

    fn needs(&self) -> &'static str {
        "`Commit statuses: write`, or the scope `repo:status` of a classic one"
    }
}

fn signature(headers: &HeaderMap) -> Result<Vec<u8>, Refused> {
    let given = text(headers, SIGNATURE);
    digits(given.strip_prefix("sha256=").unwrap_or(if given.is_empty() { "" } else { "?" }))
}

/// `POST /repos/{owner}/{repo}/statuses/{sha}`. The API of github.com has a host of its own; that of a server is a folder.
fn api(project: &Project, commit: &str) -> reqwest::Url {
    let path = project.path.iter().map(String::as_str);
    let status = ["repos"].into_iter().chain(path).chain(["statuses", commit]);
    if project.base.host_str() != Some("github.com") {
        return project.api(["api", "v3"].into_iter().chain(status));
    }
    let mut url = project.api(status);
    url.set_host(Some("api.github.com")).expect("it is a host");
    url
}
