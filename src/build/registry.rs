//! The registry that built images are pushed to, and is asked for what it has.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use bollard::auth::DockerCredentials;
use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::errors::{OciDistributionError, OciErrorCode};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference};
use secrecy::{ExposeSecret as _, SecretString};

use super::Error;

/// How long the registry may take to answer a question.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// The registry of a name that has none.
const HUB: &str = "docker.io";

/// What the engine says when a registry does not let it in.
const DENIED: [&str; 3] = ["unauthorized", "denied", "no basic auth credentials"];
/// What the engine says when a registry cannot be reached, or fails.
const AWAY: [&str; 6] = [
    "connection refused",
    "connection reset",
    "no such host",
    "i/o timeout",
    "deadline exceeded",
    "received unexpected HTTP status: 5",
];

/// Where built images are pushed.
#[derive(Debug, Clone)]
pub struct Registry {
    /// What names of images begin with, such as `registry.example.com/team`.
    pub prefix: String,
    /// Whether it speaks plain HTTP. The engine has its own setting for that.
    pub insecure: bool,
    /// A user and its password or token.
    pub credentials: Option<(String, SecretString)>,
}

impl Registry {
    /// Its host and port.
    pub fn host(&self) -> &str {
        self.prefix.split('/').next().filter(|first| is_host(first)).unwrap_or(HUB)
    }

    /// The credentials as Swarm keeps them with a service, so that its nodes can pull: the value of `X-Registry-Auth`.
    pub fn auth_header(&self) -> Option<String> {
        let (user, password) = self.credentials.as_ref()?;
        let account = serde_json::json!({
            "username": user,
            "password": password.expose_secret(),
            "serveraddress": self.host(),
        });
        Some(URL_SAFE.encode(account.to_string()))
    }

    /// The credentials as the engine wants them.
    pub(super) fn for_engine(&self) -> Option<DockerCredentials> {
        let (user, password) = self.credentials.as_ref()?;
        Some(DockerCredentials {
            username: Some(user.clone()),
            password: Some(password.expose_secret().to_owned()),
            serveraddress: Some(self.host().to_owned()),
            ..DockerCredentials::default()
        })
    }

    /// A client to ask it with.
    pub(super) fn client(&self) -> Client {
        let insecure = if self.insecure { vec![self.host().to_owned()] } else { Vec::new() };
        Client::new(ClientConfig {
            protocol: ClientProtocol::HttpsExcept(insecure),
            connect_timeout: Some(PATIENCE / 3),
            read_timeout: Some(PATIENCE),
            ..ClientConfig::default()
        })
    }

    /// The digest of an image, if the registry has it.
    pub(super) async fn digest(&self, client: &Client, image: &str) -> Result<Option<String>, Error> {
        let reference: Reference = image.parse().map_err(|_| Error::NotAnImage(image.to_owned()))?;
        let auth = self.credentials.as_ref().map_or(RegistryAuth::Anonymous, |(user, password)| {
            RegistryAuth::Basic(user.clone(), password.expose_secret().to_owned())
        });
        let answer = tokio::time::timeout(PATIENCE, client.fetch_manifest_digest(&reference, &auth)).await;
        match answer {
            Err(_) => Err(self.away("no answer in time".into())),
            Ok(Ok(digest)) => Ok(Some(digest)),
            Ok(Err(error)) if is_missing(&error) => Ok(None),
            Ok(Err(error)) => Err(self.refusal(image, error)),
        }
    }

    /// What a refused upload means, in the engine's words about it.
    pub(super) fn upload_refused(&self, image: &str, reason: String) -> Error {
        let says = |words: &[&str]| words.iter().any(|word| reason.contains(word));
        if says(&DENIED) {
            self.unauthorized(image)
        } else if says(&AWAY) {
            self.away(reason)
        } else {
            Error::Registry { registry: self.host().to_owned(), image: image.to_owned(), reason }
        }
    }

    fn refusal(&self, image: &str, error: OciDistributionError) -> Error {
        use OciDistributionError as Oci;
        match error {
            Oci::UnauthorizedError { .. }
            | Oci::AuthenticationFailure(_)
            | Oci::ServerError { code: 401 | 403, .. } => self.unauthorized(image),
            Oci::RequestError(error) => self.away(innermost(&error)),
            Oci::ServerError { code: 500.., message, .. } => self.away(message),
            error => {
                Error::Registry { registry: self.host().to_owned(), image: image.to_owned(), reason: error.to_string() }
            }
        }
    }

    fn unauthorized(&self, image: &str) -> Error {
        let who = self.credentials.as_ref().map_or("us without a user".to_owned(), |(user, _)| format!("`{user}`"));
        Error::Unauthorized { registry: self.host().to_owned(), who, image: image.to_owned() }
    }

    fn away(&self, reason: String) -> Error {
        Error::RegistryAway { registry: self.host().to_owned(), reason }
    }
}

/// The registry that a name of an image means, as Docker's `distribution/reference` reads it.
pub fn host(image: &str) -> &str {
    match image.split_once('/') {
        Some((first, _)) if is_host(first) => first,
        _ => HUB,
    }
}

fn is_host(first: &str) -> bool {
    first.contains(['.', ':']) || first == "localhost"
}

fn is_missing(error: &OciDistributionError) -> bool {
    use OciErrorCode::{ManifestUnknown, NameUnknown, NotFound};
    match error {
        OciDistributionError::ImageManifestNotFoundError(_) | OciDistributionError::ServerError { code: 404, .. } => {
            true
        }
        OciDistributionError::RegistryError { envelope, .. } => {
            envelope.errors.iter().any(|error| matches!(error.code, ManifestUnknown | NameUnknown | NotFound))
        }
        _ => false,
    }
}

/// What the connection itself said: the outer errors only say that there was a request.
pub(super) fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_an_image_is_dockers() {
        let hosts = ["redis:7", "team/app", "localhost/app", "r.example.com:5000/a/b", "127.0.0.1:5000/x"].map(host);
        let prefix =
            |prefix: &str| Registry { prefix: prefix.into(), insecure: false, credentials: None }.host().to_owned();
        assert_eq!(
            ["r.example.com", "localhost:5000/a", "team"].map(prefix),
            ["r.example.com", "localhost:5000", "docker.io"]
        );
        assert_eq!(hosts, ["docker.io", "docker.io", "localhost", "r.example.com:5000", "127.0.0.1:5000"]);
    }

    #[test]
    fn a_refused_upload_says_what_to_do() {
        let registry = Registry {
            prefix: "r.example.com/team".into(),
            insecure: false,
            credentials: Some(("ci".into(), "hunter2".into())),
        };
        let shown = ["denied: requested access", "dial tcp: connection refused", "manifest invalid"]
            .map(|reason| registry.upload_refused("r.example.com/team/shop/web", reason.into()).to_string());
        insta::assert_snapshot!(shown.join("\n"), @r"
        the registry r.example.com refuses `ci` access to r.example.com/team/shop/web; check the user, its password and its rights there
        the registry r.example.com does not answer: dial tcp: connection refused
        the registry r.example.com cannot take or give r.example.com/team/shop/web: manifest invalid
        ");
        assert!(!format!("{registry:?}").contains("hunter2"));
    }
}
