//! Reports the state of commits to a forge: the only part of `forge` that sends requests.

use std::time::Duration;

use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::Forge;
use crate::name::{CommitId, StackName};
use crate::text::one_line;

/// The attempts of a report.
const ATTEMPTS: u32 = 4;

/// A repository on a forge, from the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// The address of the forge.
    pub(super) base: Url,
    /// The parts of the repository's path there, such as `team` and `shop`.
    pub(super) path: Vec<String>,
}

/// The state of a commit.
#[derive(Debug, Clone)]
pub struct Status {
    /// The commit.
    pub commit: CommitId,
    /// The stack; forges show the status as `skep/<stack>`.
    pub stack: StackName,
    /// The state.
    pub state: State,
    /// A page about it.
    pub target_url: Option<String>,
    /// One sentence, shortened to fit the forge's limit.
    pub description: String,
}

/// The state of a commit. Each kind of forge has its own words for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It waits for a slot.
    Pending,
    /// It is being rolled out.
    Running,
    /// It runs and is healthy.
    Success,
    /// It does not run.
    Failed,
}

impl State {
    /// Its word where running is not told apart from pending: in the API of GitHub, and in Gitea's, which follows that.
    pub(super) fn without_running(self) -> &'static str {
        match self {
            Self::Pending | Self::Running => "pending",
            Self::Success => "success",
            Self::Failed => "failure",
        }
    }
}

/// A request to make, to which the sender adds the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The URL.
    pub url: Url,
    /// The header for the token, and what is before the token in it.
    pub token: (&'static str, &'static str),
    /// Other headers.
    pub headers: &'static [(&'static str, &'static str)],
    /// The body, sent as JSON.
    pub body: Value,
}

/// Why a report failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The settings are wrong.
    #[error("`{address}` is not the address of a {forge}; write it as https://forge.example.com")]
    Address {
        /// What the settings say.
        address: String,
        /// What it should be.
        forge: &'static str,
    },
    /// The settings are wrong.
    #[error("`{0}` is not the path of a repository on a forge; write `project` as team/shop")]
    Project(String),
    /// The forge did not respond. A retry can help.
    #[error("{forge} does not answer: {reason}")]
    Away {
        /// Which.
        forge: &'static str,
        /// Why.
        reason: String,
    },
    /// The forge refused.
    #[error("{forge} refused the commit status (status {status}): {message}; the token needs {needs}")]
    Refused {
        /// Which.
        forge: &'static str,
        /// The HTTP status.
        status: u16,
        /// The forge's message.
        message: String,
        /// The required permissions of a token.
        needs: &'static str,
    },
}

impl Project {
    /// The repository `path`, such as `team/shop`, of the forge at `base`.
    pub fn new(forge: Forge, base: &str, path: &str) -> Result<Self, Error> {
        let wrong = || Error::Address { address: base.to_owned(), forge: forge.title() };
        let url = Url::parse(base).map_err(|_| wrong())?;
        if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() || url.query().is_some() {
            return Err(wrong());
        }
        let parts: Vec<String> = path.trim_matches('/').split('/').map(str::to_owned).collect();
        // `Url` resolves `.` and `..` in what is put together from it.
        let is_name = |part: &String| !part.is_empty() && !part.chars().all(|c| c == '.');
        let is_path = parts.len() >= 2 && parts.iter().all(is_name);
        if is_path { Ok(Self { base: url, path: parts }) } else { Err(Error::Project(path.to_owned())) }
    }

    /// The address of the forge with these parts after it.
    pub(super) fn api<'a>(&'a self, parts: impl IntoIterator<Item = &'a str>) -> Url {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .expect("`new` takes only http and https, which have segments")
            .pop_if_empty()
            .extend(parts);
        url
    }
}

impl Status {
    /// The name of the status on forges.
    pub(super) fn context(&self) -> String {
        format!("skep/{}", self.stack)
    }

    /// The description in one line of at most so many characters.
    pub(super) fn described(&self, longest: usize) -> String {
        one_line(&self.description).chars().take(longest).collect()
    }
}

/// Reports the states of a repository's commits. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Reporter {
    forge: Forge,
    project: Project,
    token: SecretString,
    client: reqwest::Client,
    pause: Duration,
}

impl Reporter {
    /// Reports to a repository of a forge. It is trusted by the system's authorities, and by those whose certificates are
    /// in `authorities`, in PEM.
    pub fn new(forge: Forge, project: Project, token: SecretString, authorities: &[u8]) -> Result<Self, Error> {
        let failed = |error: reqwest::Error| Error::Away { forge: forge.title(), reason: error.to_string() };
        // A redirect would take the token to another host.
        let client =
            reqwest::Client::builder().timeout(Duration::from_secs(10)).redirect(reqwest::redirect::Policy::none());
        let certificates = reqwest::Certificate::from_pem_bundle(authorities).map_err(failed)?;
        // GitHub refuses requests that do not say who makes them.
        let client = client.user_agent("skep").tls_certs_merge(certificates).build().map_err(failed)?;
        Ok(Self { forge, project, token, client, pause: Duration::from_secs(1) })
    }

    /// Reports to the forge with a few retries, and then gives up with a line in the log: deploys do not depend on it.
    pub async fn report(&self, status: &Status) {
        for attempt in 1..=ATTEMPTS {
            match self.send(status).await {
                Ok(()) => return,
                Err(error) if attempt == ATTEMPTS || !error.may_pass() => {
                    tracing::warn!(%error, commit = %status.commit, stack = %status.stack, "a commit status was not reported");
                    return;
                }
                Err(_) => tokio::time::sleep(self.pause * 4_u32.pow(attempt - 1)).await,
            }
        }
    }

    async fn send(&self, status: &Status) -> Result<(), Error> {
        let Report { url, token: (header, scheme), headers, body } = self.forge.report(&self.project, status);
        let mut request = self.client.post(url).header(header, format!("{scheme}{}", self.token.expose_secret()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let forge = self.forge.title();
        let away = |error: reqwest::Error| Error::Away { forge, reason: error.without_url().to_string() };
        let answer = request.json(&body).send().await.map_err(away)?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let message = beginning(answer).await;
        if self.forge.kind().is_known_already(status.as_u16(), &message) {
            return Ok(());
        }
        Err(Error::Refused { forge, status: status.as_u16(), message, needs: self.forge.kind().needs() })
    }
}

impl Error {
    /// Whether a retry may succeed.
    fn may_pass(&self) -> bool {
        match self {
            Self::Away { .. } => true,
            Self::Refused { status, .. } => {
                *status == StatusCode::TOO_MANY_REQUESTS.as_u16()
                    || *status >= StatusCode::INTERNAL_SERVER_ERROR.as_u16()
            }
            Self::Address { .. } | Self::Project(_) => false,
        }
    }
}

/// The first bytes of an answer, which may be a page.
async fn beginning(mut answer: reqwest::Response) -> String {
    let first = answer.chunk().await.ok().flatten().unwrap_or_default();
    one_line(&String::from_utf8_lossy(&first[..first.len().min(300)])).into_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::Router;
    use axum::extract::{Request, State as Shared};

    use super::*;

    const COMMIT: &str = "da1560886d4f094c3e6c9ef40349f7d38b5d27d7";

    /// A forge that answers with these statuses, one after the other, and keeps what it was asked.
    async fn forge(forge: Forge, answers: &[u16]) -> (Reporter, Arc<Mutex<Vec<String>>>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let answers = Arc::new(Mutex::new(answers.iter().rev().copied().collect::<Vec<_>>()));
        let app = Router::new().fallback(answer).with_state((Arc::clone(&asked), answers));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let project = Project::new(forge, &base, "team/shop").unwrap();
        let reporter =
            Reporter { pause: Duration::ZERO, ..Reporter::new(forge, project, "t0ken".into(), b"").unwrap() };
        (reporter, asked)
    }

    type Shop = (Arc<Mutex<Vec<String>>>, Arc<Mutex<Vec<u16>>>);

    async fn answer(Shared((asked, answers)): Shared<Shop>, request: Request) -> (StatusCode, &'static str) {
        let token = ["private-token", "authorization"].iter().find_map(|name| request.headers().get(*name).cloned());
        let line = format!("{} {} {:?}", request.method(), request.uri(), token.unwrap());
        let body = axum::body::to_bytes(request.into_body(), 10_000).await.unwrap();
        asked.lock().unwrap().push(format!("{line}\n{}", String::from_utf8_lossy(&body)));
        let code = answers.lock().unwrap().pop().unwrap_or(201);
        (StatusCode::from_u16(code).unwrap(), "no")
    }

    fn status(description: &str) -> Status {
        Status {
            commit: COMMIT.parse().unwrap(),
            stack: "shop".parse().unwrap(),
            state: State::Success,
            target_url: None,
            description: description.to_owned(),
        }
    }

    #[tokio::test]
    async fn a_forge_is_told_and_told_again_when_it_was_away() {
        let (reporter, asked) = forge(Forge::GitLab, &[503, 429]).await;
        reporter.report(&status("r3 is healthy")).await;
        let asked = asked.lock().unwrap();
        assert_eq!(asked.len(), 3);
        insta::assert_snapshot!(asked[0], @r#"
        POST /api/v4/projects/team%2Fshop/statuses/da1560886d4f094c3e6c9ef40349f7d38b5d27d7 "t0ken"
        {"state":"success","name":"skep/shop","target_url":null,"description":"r3 is healthy"}
        "#);
    }

    #[tokio::test]
    async fn every_kind_is_told_in_its_own_words() {
        let mut told = Vec::new();
        for kind in Forge::ALL {
            let (reporter, asked) = forge(*kind, &[]).await;
            reporter.send(&status("r3 is healthy")).await.unwrap();
            told.push(asked.lock().unwrap()[0].clone());
        }
        insta::assert_snapshot!(told.join("\n"), @r#"
        POST /api/v4/projects/team%2Fshop/statuses/da1560886d4f094c3e6c9ef40349f7d38b5d27d7 "t0ken"
        {"state":"success","name":"skep/shop","target_url":null,"description":"r3 is healthy"}
        POST /api/v3/repos/team/shop/statuses/da1560886d4f094c3e6c9ef40349f7d38b5d27d7 "Bearer t0ken"
        {"state":"success","context":"skep/shop","target_url":null,"description":"r3 is healthy"}
        POST /api/v1/repos/team/shop/statuses/da1560886d4f094c3e6c9ef40349f7d38b5d27d7 "token t0ken"
        {"state":"success","context":"skep/shop","target_url":"","description":"r3 is healthy"}
        "#);
    }

    #[tokio::test]
    async fn a_refusal_is_not_repeated_and_says_what_the_token_needs() {
        let mut refusals = Vec::new();
        for kind in Forge::ALL {
            let (reporter, asked) = forge(*kind, &[403]).await;
            let error = reporter.send(&status(&"é".repeat(300))).await.unwrap_err();
            assert!(!error.may_pass());
            refusals.push(format!("{error} ({} characters)", asked.lock().unwrap()[0].matches('é').count()));
        }
        insta::assert_snapshot!(refusals.join("\n"), @"
        GitLab refused the commit status (status 403): no; the token needs the scope `api` and the role Developer (255 characters)
        GitHub refused the commit status (status 403): no; the token needs `Commit statuses: write`, or the scope `repo:status` of a classic one (140 characters)
        Gitea refused the commit status (status 403): no; the token needs the scope `write:repository`, and its user the right to write to the repository (255 characters)
        ");
    }

    #[tokio::test]
    async fn a_state_that_a_commit_has_already_is_no_error() {
        let (reporter, _) = forge(Forge::GitHub, &[400]).await;
        assert!(reporter.send(&status("")).await.is_err());
        assert!(Forge::GitLab.kind().is_known_already(400, "Cannot transition status via :run from :running"));
    }

    #[test]
    fn an_address_is_one_of_a_forge_and_a_path_one_of_a_repository() {
        let project = Project::new(Forge::GitLab, "https://gitlab.example.com/git/", "team/shop").unwrap();
        let reporter = Reporter::new(Forge::GitLab, project, "t0ken".into(), b"").unwrap();
        assert!(!format!("{reporter:?}").contains("t0ken"));
        let url = Forge::GitLab.report(&reporter.project, &status("")).url;
        assert!(url.path().starts_with("/git/api/v4/projects/team%2Fshop/statuses/"), "{url}");
        let wrong = |base: &str, path: &str| Project::new(Forge::Gitea, base, path).unwrap_err().to_string();
        insta::assert_snapshot!([
            wrong("ftp://x.example.com", "a/b"),
            wrong("https://me:it@x.example.com", "a/b"),
            wrong("https://x.example.com", "shop"),
            wrong("https://x.example.com", "../shop"),
            wrong("https://x.example.com", "a//b"),
        ].join("\n"), @"
        `ftp://x.example.com` is not the address of a Gitea; write it as https://forge.example.com
        `https://me:it@x.example.com` is not the address of a Gitea; write it as https://forge.example.com
        `shop` is not the path of a repository on a forge; write `project` as team/shop
        `../shop` is not the path of a repository on a forge; write `project` as team/shop
        `a//b` is not the path of a repository on a forge; write `project` as team/shop
        ");
    }
}
