//! The client of the registry that built images are pushed to.

use std::time::Duration;

use oci_client::client::{Certificate, CertificateEncoding, ClientConfig, ClientProtocol};
use oci_client::errors::{OciDistributionError, OciErrorCode};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference};
use secrecy::ExposeSecret as _;

use super::{Error, Login, Logins};
use crate::health::RegistryAnswer;
use crate::name::{HUB, ImageReference, RegistryHost};

/// The timeout of a request.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The registry for built images.
#[derive(Debug, Clone)]
pub struct Registry {
    /// The prefix of image names, such as `registry.example.com/team`.
    pub prefix: String,
    /// Whether it speaks plain HTTP. The engine has its own setting for that.
    pub insecure: bool,
    /// Certificates of its authorities beside the system's, in PEM; may be empty.
    pub authorities: Vec<u8>,
    /// The login to it.
    pub login: Option<Login>,
}

impl Registry {
    /// Its host and port.
    pub fn host(&self) -> RegistryHost {
        RegistryHost::of_prefix(&self.prefix)
    }

    /// The login, for images of this registry and no other.
    pub fn logins(&self) -> Logins {
        let mut logins = Logins::default();
        if let Some(login) = &self.login {
            logins.insert(self.host(), login.clone());
        }
        logins
    }

    /// A client for it.
    pub fn client(&self) -> Client {
        let insecure = if self.insecure { vec![self.host().to_string()] } else { Vec::new() };
        Client::new(ClientConfig {
            protocol: ClientProtocol::HttpsExcept(insecure),
            extra_root_certificates: certificates(&self.authorities),
            connect_timeout: Some(PATIENCE / 3),
            read_timeout: Some(PATIENCE),
            ..ClientConfig::default()
        })
    }

    /// The digest of an image, if the registry has it.
    pub async fn digest(&self, client: &Client, image: &str) -> Result<Option<String>, Error> {
        let reference = reference(image)?;
        let auth = self.login.as_ref().map_or(RegistryAuth::Anonymous, |login| {
            RegistryAuth::Basic(login.username.clone(), login.password.expose_secret().to_owned())
        });
        let answer = tokio::time::timeout(PATIENCE, client.fetch_manifest_digest(&reference, &auth)).await;
        match answer {
            Err(_) => Err(self.away("no answer in time".into())),
            Ok(Ok(digest)) => Ok(Some(digest)),
            Ok(Err(error)) if is_missing(&error) => Ok(None),
            Ok(Err(error)) => Err(self.refusal(image, error)),
        }
    }

    /// The error for a refused upload, from the engine's message.
    pub fn upload_refused(&self, image: &str, reason: String) -> Error {
        match RegistryAnswer::read(&reason) {
            Some(RegistryAnswer::Denied { .. }) => self.unauthorized(image),
            Some(RegistryAnswer::Away { reason }) => self.away(reason),
            _ => Error::Refused { registry: self.host().to_string(), image: image.to_owned(), reason },
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
                Error::Refused { registry: self.host().to_string(), image: image.to_owned(), reason: error.to_string() }
            }
        }
    }

    fn unauthorized(&self, image: &str) -> Error {
        let who =
            self.login.as_ref().map_or_else(|| "us without a user".to_owned(), |login| format!("`{}`", login.username));
        Error::Unauthorized { registry: self.host().to_string(), who, image: image.to_owned() }
    }

    fn away(&self, reason: String) -> Error {
        let reason = if speaks_plainly(&reason) { format!("{PLAIN} ({reason})") } else { reason };
        Error::Away { registry: self.host().to_string(), reason }
    }
}

/// An image name for the registry client, whose own parser would use 7 MiB for a regular expression.
fn reference(image: &str) -> Result<Reference, Error> {
    let image = ImageReference::parse(image).map_err(|_| Error::NotAnImage(image.to_owned()))?;
    let host = image.registry().to_string();
    let official = if host == HUB && !image.path.contains('/') { "library/" } else { "" };
    let path = format!("{official}{}", image.path);
    Ok(match (image.digest, image.tag) {
        (Some(digest), _) => Reference::with_digest(host, path, digest.to_owned()),
        (None, tag) => Reference::with_tag(host, path, tag.unwrap_or("latest").to_owned()),
    })
}

/// The remedy for a registry without TLS.
const PLAIN: &str = "it speaks plain HTTP; set `registry.insecure: true` in skep's settings, and name it in `insecure-registries` of \
                     each engine";

/// Whether an error means that the server does not speak TLS, by the messages of Go, OpenSSL and rustls.
fn speaks_plainly(reason: &str) -> bool {
    ["server gave HTTP response to HTTPS client", "wrong version number", "InvalidContentType"]
        .iter()
        .any(|words| reason.contains(words))
}

/// The certificates in a PEM file, one each.
fn certificates(pem: &[u8]) -> Vec<Certificate> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    let text = String::from_utf8_lossy(pem);
    let each = text.split(BEGIN).skip(1);
    each.map(|rest| Certificate { encoding: CertificateEncoding::Pem, data: format!("{BEGIN}{rest}").into() }).collect()
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

/// The innermost error, since the outer ones only say that a request failed.
pub fn innermost(error: &dyn std::error::Error) -> String {
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
    fn an_image_is_what_the_client_of_registries_takes_it_for() {
        let digest = format!("r.example.com/web@sha256:{}", "a".repeat(64));
        let images = [
            "r.example.com/team/shop/web:key",
            "localhost:5000/web:1",
            "docker.io/team/web:1",
            "team/web:1",
            "redis:7",
            "redis",
            &digest,
        ];
        for image in images {
            assert_eq!(reference(image).unwrap(), image.parse().unwrap(), "{image}");
        }
    }

    #[test]
    fn a_refused_upload_says_what_to_do() {
        let login = Login::new(&RegistryHost::of_prefix("r.example.com"), "ci", "hunter2");
        let registry = Registry {
            prefix: "r.example.com/team".into(),
            insecure: false,
            authorities: Vec::new(),
            login: Some(login),
        };
        let plain = "http: server gave HTTP response to HTTPS client";
        let shown = ["denied: requested access", "dial tcp: connection refused", "manifest invalid", plain]
            .map(|reason| registry.upload_refused("r.example.com/team/shop/web", reason.into()).to_string());
        insta::assert_snapshot!(shown.join("\n"), @"
        the registry r.example.com refuses `ci` access to r.example.com/team/shop/web; check the user, its password and its rights there
        the registry r.example.com does not answer: dial tcp: connection refused
        the registry r.example.com cannot take or give r.example.com/team/shop/web: manifest invalid
        the registry r.example.com does not answer: it speaks plain HTTP; set `registry.insecure: true` in skep's settings, and name it in `insecure-registries` of each engine (http: server gave HTTP response to HTTPS client)
        ");
        assert!(!format!("{registry:?}").contains("hunter2"));
    }
}
