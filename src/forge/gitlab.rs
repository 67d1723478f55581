//! GitLab's webhooks and commit statuses.
//!
//! A webhook only says that something was pushed; where to fetch from is in the settings, never in what was sent.
//! (GitLab: `doc/user/project/integrations/webhook_events.md`, `doc/api/commits.md`.)

use std::time::Duration;

use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;

use super::is_one_of;
use crate::name::{CommitId, StackName};
use crate::text::one_line;

/// The header with the webhook's secret token.
pub const TOKEN: &str = "X-Gitlab-Token";
/// The header that says what happened.
pub const EVENT: &str = "X-Gitlab-Event";

/// Why a webhook is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the secret token is missing or wrong; set the same one in GitLab (Settings, Webhooks, Secret token) and in skep"
)]
pub struct Refused;

/// A branch was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BranchPushed {
    /// The project, such as `team/shop`; for the log only.
    pub project: String,
    /// The branch, without `refs/heads/`.
    pub branch: String,
    /// The commit that it is at now.
    pub after: CommitId,
}

/// Why a webhook is not understood.
#[derive(Debug, thiserror::Error)]
#[error("this is not a push event of GitLab: {0}")]
pub struct Malformed(String);

/// Checks the token of a webhook.
pub fn verify(given: Option<&[u8]>, secrets: &[SecretString]) -> Result<(), Refused> {
    if is_one_of(given.unwrap_or_default(), secrets) { Ok(()) } else { Err(Refused) }
}

/// Reads a webhook; none if it is about anything else than a branch that is there now.
pub fn trigger(event: &str, body: &[u8]) -> Result<Option<BranchPushed>, Malformed> {
    if !matches!(event, "Push Hook" | "System Hook") {
        return Ok(None);
    }
    let kind: Kind = serde_json::from_slice(body).map_err(|error| Malformed(error.to_string()))?;
    if kind.object_kind.or(kind.event_name).as_deref() != Some("push") {
        return Ok(None);
    }
    let payload: Payload = serde_json::from_slice(body).map_err(|error| Malformed(error.to_string()))?;
    let after: CommitId = payload.after.parse().map_err(|invalid| Malformed(format!("{invalid}")))?;
    let Some(branch) = payload.r#ref.strip_prefix("refs/heads/") else { return Ok(None) };
    let deleted = after.as_str().bytes().all(|digit| digit == b'0');
    let (project, branch) = (payload.project.path_with_namespace, branch.to_owned());
    Ok((!deleted).then_some(BranchPushed { project, branch, after }))
}

#[derive(Deserialize)]
struct Kind {
    object_kind: Option<String>,
    event_name: Option<String>,
}

#[derive(Deserialize)]
struct Payload {
    r#ref: String,
    after: String,
    project: Project,
}

#[derive(Deserialize)]
struct Project {
    path_with_namespace: String,
}

/// A project on a GitLab, to report to. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Reporter {
    statuses: Url,
    token: SecretString,
    client: reqwest::Client,
    pause: Duration,
}

/// What became of a commit.
#[derive(Debug, Clone)]
pub struct Status {
    /// The commit.
    pub commit: CommitId,
    /// The stack; GitLab shows the status as `skep/<stack>`.
    pub stack: StackName,
    /// How it stands.
    pub state: State,
    /// A page about it.
    pub target_url: Option<String>,
    /// One sentence; what is too long for GitLab is cut.
    pub description: String,
}

/// How a commit stands, in GitLab's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It waits for its turn.
    Pending,
    /// It is being rolled out.
    Running,
    /// It runs and is healthy.
    Success,
    /// It does not run.
    Failed,
}

/// Why GitLab could not be told.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The settings are wrong.
    #[error("`{0}` is not the address of a GitLab; write it as https://gitlab.example.com")]
    Address(String),
    /// It did not answer. A retry can help.
    #[error("GitLab does not answer: {0}")]
    Away(String),
    /// It said no.
    #[error(
        "GitLab refused the commit status (status {status}): {message}; the token needs the scope `api` and the role Developer"
    )]
    Refused {
        /// The HTTP status.
        status: u16,
        /// GitLab's own words.
        message: String,
    },
}

/// Characters in a description, at most: GitLab refuses more.
const MAX_DESCRIPTION: usize = 255;
/// How often it is tried to tell GitLab.
const ATTEMPTS: u32 = 4;

impl Reporter {
    /// Reports to the project `project`, such as `team/shop`, of the GitLab at `base`. It is trusted by the system's
    /// authorities, and by those whose certificates are in `authorities`, in PEM.
    pub fn new(base: &str, project: &str, token: SecretString, authorities: &[u8]) -> Result<Self, Error> {
        let wrong = || Error::Address(base.to_owned());
        let mut statuses = Url::parse(base).map_err(|_| wrong())?;
        let is_web = matches!(statuses.scheme(), "http" | "https") && statuses.username().is_empty();
        statuses
            .path_segments_mut()
            .map_err(|()| wrong())?
            .pop_if_empty()
            .extend(["api", "v4", "projects", project, "statuses"]);
        let failed = |error: reqwest::Error| Error::Away(error.to_string());
        // A redirect would take the token to another host.
        let client =
            reqwest::Client::builder().timeout(Duration::from_secs(10)).redirect(reqwest::redirect::Policy::none());
        let certificates = reqwest::Certificate::from_pem_bundle(authorities).map_err(failed)?;
        let client = client.tls_certs_merge(certificates).build().map_err(failed)?;
        if is_web { Ok(Self { statuses, token, client, pause: Duration::from_secs(1) }) } else { Err(wrong()) }
    }

    /// Tells GitLab, tries again a few times, and gives up with a line in the log: a deploy does not depend on it.
    pub async fn report(&self, status: &Status) {
        for attempt in 1..=ATTEMPTS {
            match self.send(status).await {
                Ok(()) => return,
                Err(error) if attempt == ATTEMPTS || !error.may_pass() => {
                    tracing::warn!(%error, commit = %status.commit, stack = %status.stack, "GitLab was not told");
                    return;
                }
                Err(_) => tokio::time::sleep(self.pause * 4_u32.pow(attempt - 1)).await,
            }
        }
    }

    /// `POST /projects/:id/statuses/:sha`.
    async fn send(&self, status: &Status) -> Result<(), Error> {
        let mut url = self.statuses.clone();
        url.path_segments_mut().expect("`new` has added segments to it").push(status.commit.as_str());
        let request = self.client.post(url).header("PRIVATE-TOKEN", self.token.expose_secret()).json(&body(status));
        let answer = request.send().await.map_err(|error| Error::Away(error.without_url().to_string()))?;
        let code = answer.status();
        if code.is_success() {
            return Ok(());
        }
        let message = beginning(answer).await;
        // It answers so when the status is what it should be already.
        if code == StatusCode::BAD_REQUEST && message.contains("Cannot transition status") {
            return Ok(());
        }
        Err(Error::Refused { status: code.as_u16(), message })
    }
}

impl Error {
    /// Whether the same may work a little later.
    fn may_pass(&self) -> bool {
        match self {
            Self::Away(_) => true,
            Self::Refused { status, .. } => matches!(status, 429 | 500..),
            Self::Address(_) => false,
        }
    }
}

fn body(status: &Status) -> serde_json::Value {
    serde_json::json!({
        "state": status.state,
        "name": format!("skep/{}", status.stack),
        "target_url": status.target_url,
        "description": one_line(&status.description).chars().take(MAX_DESCRIPTION).collect::<String>(),
    })
}

/// The first bytes of an answer, which may be a page.
async fn beginning(mut answer: reqwest::Response) -> String {
    let first = answer.chunk().await.ok().flatten().unwrap_or_default();
    String::from_utf8_lossy(&first[..first.len().min(300)]).into_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::Router;
    use axum::extract::{Request, State as Shared};
    use proptest::prelude::*;

    use super::*;

    const AFTER: &str = "da1560886d4f094c3e6c9ef40349f7d38b5d27d7";

    fn push(r#ref: &str, after: &str) -> Vec<u8> {
        let project = serde_json::json!({ "path_with_namespace": "team/shop", "git_http_url": "http://evil.example" });
        serde_json::json!({ "object_kind": "push", "ref": r#ref, "after": after, "project": project })
            .to_string()
            .into()
    }

    #[test]
    fn a_pushed_branch_is_a_trigger_and_nothing_else_is() {
        let pushed = trigger("Push Hook", &push("refs/heads/a/b", AFTER)).unwrap().unwrap();
        assert_eq!((pushed.project.as_str(), pushed.branch.as_str()), ("team/shop", "a/b"));
        let ignored = [
            ("Tag Push Hook", push("refs/tags/v1", AFTER)),
            ("Push Hook", push("refs/heads/gone", &"0".repeat(40))),
            ("Push Hook", push("refs/tags/v1", AFTER)),
            ("Merge Request Hook", b"anything".to_vec()),
            ("System Hook", br#"{"event_name": "project_create"}"#.to_vec()),
        ];
        assert!(ignored.iter().all(|(event, body)| matches!(trigger(event, body), Ok(None))));
    }

    #[test]
    fn what_is_not_understood_has_a_reason() {
        let reason = |body: &[u8]| trigger("Push Hook", body).unwrap_err().to_string();
        insta::assert_snapshot!(reason(b"{"), @"this is not a push event of GitLab: EOF while parsing an object at line 1 column 1");
        insta::assert_snapshot!(reason(&push("refs/heads/main", "HEAD")), @"this is not a push event of GitLab: `HEAD` is not a commit id: expected 40 hexadecimal digits");
    }

    proptest! {
        #[test]
        fn reading_a_webhook_is_total(event in "(Push Hook|System Hook|.*)", body in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(trigger(&event, &body));
        }
    }

    /// A GitLab that answers with these statuses, one after the other, and keeps what it was asked.
    async fn gitlab(answers: &[u16]) -> (Reporter, Arc<Mutex<Vec<String>>>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let answers = Arc::new(Mutex::new(answers.iter().rev().copied().collect::<Vec<_>>()));
        let app = Router::new().fallback(answer).with_state((Arc::clone(&asked), answers));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let reporter =
            Reporter { pause: Duration::ZERO, ..Reporter::new(&base, "team/shop", "t0ken".into(), b"").unwrap() };
        (reporter, asked)
    }

    type Shop = (Arc<Mutex<Vec<String>>>, Arc<Mutex<Vec<u16>>>);

    async fn answer(Shared((asked, answers)): Shared<Shop>, request: Request) -> (StatusCode, &'static str) {
        let line = format!("{} {} {:?}", request.method(), request.uri(), request.headers()["private-token"]);
        let body = axum::body::to_bytes(request.into_body(), 10_000).await.unwrap();
        asked.lock().unwrap().push(format!("{line}\n{}", String::from_utf8_lossy(&body)));
        let code = answers.lock().unwrap().pop().unwrap_or(201);
        (StatusCode::from_u16(code).unwrap(), "no")
    }

    fn status(description: &str) -> Status {
        Status {
            commit: AFTER.parse().unwrap(),
            stack: "shop".parse().unwrap(),
            state: State::Success,
            target_url: None,
            description: description.to_owned(),
        }
    }

    #[tokio::test]
    async fn gitlab_is_told_and_told_again_when_it_was_away() {
        let (reporter, asked) = gitlab(&[503, 429]).await;
        reporter.report(&status("r3 is healthy")).await;
        let asked = asked.lock().unwrap();
        assert_eq!(asked.len(), 3);
        insta::assert_snapshot!(asked[0], @r#"
        POST /api/v4/projects/team%2Fshop/statuses/da1560886d4f094c3e6c9ef40349f7d38b5d27d7 "t0ken"
        {"state":"success","name":"skep/shop","target_url":null,"description":"r3 is healthy"}
        "#);
    }

    #[tokio::test]
    async fn a_refusal_is_not_repeated() {
        let (reporter, asked) = gitlab(&[403]).await;
        let error = reporter.send(&status(&"é".repeat(300))).await.unwrap_err();
        insta::assert_snapshot!(error, @"GitLab refused the commit status (status 403): no; the token needs the scope `api` and the role Developer");
        assert!(!error.may_pass());
        assert_eq!(asked.lock().unwrap()[0].matches('é').count(), 255);
    }

    #[test]
    fn a_reporter_does_not_show_its_token() {
        let reporter = Reporter::new("https://gitlab.example.com/git/", "team/shop", "t0ken".into(), b"").unwrap();
        assert!(!format!("{reporter:?}").contains("t0ken"));
        assert_eq!(reporter.statuses.path(), "/git/api/v4/projects/team%2Fshop/statuses");
        assert!(Reporter::new("ftp://gitlab.example.com", "a/b", "t".into(), b"").is_err());
    }
}
