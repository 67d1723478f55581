//! The connection to the engine, and what its errors mean.

use bollard::auth::DockerCredentials;
use bollard::errors::Error as EngineError;
use bollard::{API_DEFAULT_VERSION, BollardRequest, Docker};
use secrecy::ExposeSecret as _;

use super::Error;
use crate::registry::{Login, PATIENCE, innermost};

/// A connection to the engine at `unix://…` or `tcp://…`, which must answer; in the API version of both.
pub(super) async fn connect(endpoint: &str) -> Result<Docker, Error> {
    let timeout = PATIENCE.as_secs();
    let docker = match endpoint.split_once("://") {
        Some(("unix", _)) => Docker::connect_with_unix(endpoint, timeout, API_DEFAULT_VERSION),
        Some(("tcp" | "http", _)) => Docker::connect_with_http(endpoint, timeout, API_DEFAULT_VERSION),
        _ => return Err(Error::Endpoint(endpoint.to_owned())),
    };
    let away = |reason| error(endpoint, "tell its version", reason);
    let docker = docker.map_err(away)?.with_request_modifier(with_url_safe_credentials);
    let negotiated = tokio::time::timeout(PATIENCE, docker.negotiate_version()).await;
    negotiated.unwrap_or(Err(EngineError::RequestTimeoutError)).map_err(away)
}

/// Writes credentials in the alphabet that the engine reads: bollard 0.21 uses the one with `+` and `/`, and the
/// engine then acts as if there were none.
fn with_url_safe_credentials(mut request: BollardRequest) -> BollardRequest {
    for name in ["x-registry-auth", "x-registry-config"] {
        let value = request.headers().get(name).and_then(|value| value.to_str().ok());
        if let Some(Ok(value)) = value.map(|value| value.replace('+', "-").replace('/', "_").parse()) {
            request.headers_mut().insert(name, value);
        }
    }
    request
}

/// A login as the engine expects it.
pub(super) fn credentials(login: &Login) -> DockerCredentials {
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    DockerCredentials {
        username: text(&login.username),
        password: text(login.password.expose_secret()),
        identitytoken: login.identity.as_ref().map(|token| token.expose_secret().to_owned()),
        serveraddress: text(&login.server),
        ..DockerCredentials::default()
    }
}

/// What an error of the engine means, when it was asked to do `what`.
pub(super) fn error(endpoint: &str, what: &'static str, error: EngineError) -> Error {
    match error {
        EngineError::DockerResponseServerError { message: reason, .. }
        | EngineError::DockerStreamError { error: reason } => Error::Refused { what, reason },
        EngineError::RequestTimeoutError => away(endpoint, "no answer in time".to_owned()),
        error => away(endpoint, innermost(&error)),
    }
}

pub(super) fn away(endpoint: &str, reason: String) -> Error {
    Error::EngineAway { endpoint: endpoint.to_owned(), reason }
}
