//! Git over HTTP: `/git/<repository>.git/…`, by `git clone` and `git push`.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, RawQuery, Request, State as Shared};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures_util::stream;
use secrecy::SecretString;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::State;
use super::serve::Client;
use crate::forge::is_one_of;
use crate::source::Error;
use crate::source::serve::{self, Answer, Refused, Service};
use crate::source::server::{RepositoryName, Server};

/// The built-in Git server and its tokens. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Git {
    server: Server,
    tokens: Arc<[SecretString]>,
    pushes: Arc<Semaphore>,
    fetches: Arc<Semaphore>,
}

/// The most concurrent pushes, including the deploys that they wait for.
const PUSHES: usize = 16;
/// The most concurrent fetches.
const FETCHES: usize = 8;
/// How long a request waits for a slot.
const PATIENCE: Duration = Duration::from_secs(30);

impl Git {
    /// Serves the repositories of `server` to clients with one of the tokens.
    pub fn new(server: Server, tokens: Vec<SecretString>) -> Self {
        let (pushes, fetches) = (Arc::new(Semaphore::new(PUSHES)), Arc::new(Semaphore::new(FETCHES)));
        Self { server, tokens: tokens.into(), pushes, fetches }
    }

    /// Waits for a slot, which is held until Git is done.
    async fn turn(&self, service: Service) -> Option<OwnedSemaphorePermit> {
        let turns = if service == Service::ReceivePack { &self.pushes } else { &self.fetches };
        tokio::time::timeout(PATIENCE, Arc::clone(turns).acquire_owned()).await.ok()?.ok()
    }

    /// The user of a request with a valid token.
    pub(super) fn user(&self, headers: &HeaderMap) -> Result<String, NoUser> {
        // Git asks without credentials first.
        let header = headers.get(header::AUTHORIZATION).ok_or(NoUser::Anonymous)?;
        let (user, token) = basic(header.to_str().unwrap_or_default()).ok_or(NoUser::NotBasic)?;
        let user = readable(&user);
        if is_one_of(&token, &self.tokens) { Ok(user) } else { Err(NoUser::WrongToken(user)) }
    }
}

/// The user and the password of basic authentication.
fn basic(header: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    let (scheme, encoded) = header.split_once(' ')?;
    let decoded = BASE64_STANDARD.decode(encoded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    Some((decoded[..colon].to_vec(), decoded[colon + 1..].to_vec()))
}

/// Why a request has no user.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoUser {
    Anonymous,
    NotBasic,
    /// The password is not a token.
    WrongToken(String),
}

impl NoUser {
    /// Logs a refusal and its reason. A client without credentials is asked for them, as Git expects, rather than refused.
    pub(super) fn log(&self, client: &str, path: &str) {
        let path: String = path.chars().take(100).collect();
        match self {
            Self::Anonymous => {}
            Self::NotBasic => tracing::warn!(client, path, "login refused: not basic authentication"),
            Self::WrongToken(user) => tracing::warn!(client, user, path, "login refused: wrong token"),
        }
    }
}

/// A user's name, made safe for the log and the environment.
fn readable(user: &[u8]) -> String {
    let name: String = String::from_utf8_lossy(user).chars().filter(|c| !c.is_control()).take(100).collect();
    if name.is_empty() { "git".to_owned() } else { name }
}

/// Answers a Git client.
pub(super) async fn answer(
    Shared(state): Shared<State>,
    Path(path): Path<String>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Response {
    let Some(git) = state.git else {
        return refusal(StatusCode::NOT_FOUND, "the built-in Git server is switched off in skep's settings");
    };
    let client = client_of(&request);
    let user = match git.user(request.headers()) {
        Ok(user) => user,
        Err(refused) => {
            refused.log(&client, &path);
            return unauthorized();
        }
    };
    let Some((service, name)) = Service::asked(request.method().as_str(), &path, query.as_deref().unwrap_or_default())
    else {
        return refusal(StatusCode::NOT_FOUND, "there is nothing here; a repository is at /git/<name>.git");
    };
    match name.parse::<RepositoryName>() {
        Ok(repository) => served(&git, described(repository, service, user, request.headers()), request).await,
        Err(invalid) => refusal(StatusCode::NOT_FOUND, &invalid.to_string()),
    }
}

/// Where a request comes from.
pub(super) fn client_of(request: &Request) -> String {
    request.extensions().get::<Client>().map_or_else(|| "unknown".to_owned(), |client| client.0.to_string())
}

fn described(repository: RepositoryName, service: Service, user: String, headers: &HeaderMap) -> serve::Request {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    serve::Request {
        repository,
        service,
        user,
        content_type: text(header::CONTENT_TYPE.as_str()),
        content_encoding: text(header::CONTENT_ENCODING.as_str()),
        protocol: text("git-protocol"),
    }
}

async fn served(git: &Git, asked: serve::Request, request: Request) -> Response {
    if asked.service == Service::RefsToPush
        && let Err(error) = git.server.create(&asked.repository).await
    {
        return match error {
            Error::Full => refusal(StatusCode::INSUFFICIENT_STORAGE, &error.to_string()),
            error => failure(&error),
        };
    }
    if !git.server.has(&asked.repository) {
        let message = format!("there is no repository `{}` yet; the first push creates it", asked.repository);
        return refusal(StatusCode::NOT_FOUND, &message);
    }
    let body = match git.server.receive(&asked, request.into_body().into_data_stream()).await {
        Ok(body) => body,
        Err(refused) => {
            if let Refused::Disk(error) = &refused {
                tracing::error!(%error, "what a Git client sent could not be kept");
            }
            return response(Answer::refusal(asked.service, &refused.to_string()));
        }
    };
    let Some(turn) = git.turn(asked.service).await else { return busy(asked.service) };
    match git.server.serve(asked, body, turn).await {
        Ok(answer) => response(answer),
        Err(error) => failure(&error),
    }
}

/// Git shows plain responses only when it asks for the refs.
fn busy(service: Service) -> Response {
    let message = "skep is handling its maximum of concurrent pushes or fetches; try again in a moment";
    match service {
        Service::RefsToFetch | Service::RefsToPush => refusal(StatusCode::SERVICE_UNAVAILABLE, message),
        Service::UploadPack | Service::ReceivePack => response(Answer::refusal(service, message)),
    }
}

fn response(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let body = stream::unfold(answer.body, async |mut body| {
        let bytes = body.recv().await?;
        Some((Ok::<_, std::convert::Infallible>(bytes), body))
    });
    let response = answer
        .headers
        .into_iter()
        .fold(Response::builder().status(status), |response, (name, value)| response.header(name, value));
    response.body(Body::from_stream(body)).unwrap_or_else(|_| StatusCode::BAD_GATEWAY.into_response())
}

fn failure(error: &Error) -> Response {
    tracing::error!(%error, "a Git client could not be served");
    refusal(StatusCode::INTERNAL_SERVER_ERROR, "skep could not serve this; its log says why")
}

/// Git shows a text of this type to its user, as `remote:`.
pub(super) fn refusal(status: StatusCode, message: &str) -> Response {
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], format!("{message}\n")).into_response()
}

pub(super) fn unauthorized() -> Response {
    let message = "skep requires a token: use any user name, and the token as the password";
    let mut response = refusal(StatusCode::UNAUTHORIZED, message);
    let challenge = axum::http::HeaderValue::from_static("Basic realm=\"skep\", charset=\"UTF-8\"");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    response
}
