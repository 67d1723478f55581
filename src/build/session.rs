//! The session of a build: BuildKit asks the client that wants an image for the logins to registries of base images.
//!
//! The client opens a connection that becomes gRPC with the engine as its client (moby/buildkit `session`). Of all that can
//! be offered there, skep offers logins; a context is sent as a tarball with the build itself.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::{BufMut as _, Bytes, BytesMut};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use prost::Message as _;
use secrecy::ExposeSecret as _;
use tokio::task::JoinHandle;

use super::buildkit::{CredentialsRequest, CredentialsResponse};
use crate::engine::{Call, Engine, Error};
use crate::registry::{HUB_LOGIN, Login, Logins};

/// The methods that are offered, which the engine wants to know in advance.
const OFFERED: [&str; 1] = ["/moby.filesync.v1.Auth/Credentials"];
/// What BuildKit calls Docker Hub when it asks for the login to it.
const HUB_HOST: &str = "registry-1.docker.io";
/// The longest question that is read, in bytes.
const MAX_QUESTION: usize = 64 << 10;
/// What comes before each message: whether it is compressed, and its length.
const PREFIX: usize = 5;

/// Why there is no answer, as gRPC numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    InvalidArgument = 3,
    Unimplemented = 12,
    Unavailable = 14,
}

/// A session, which ends when it is dropped.
#[derive(Debug)]
pub(super) struct Session(JoinHandle<()>);

impl Session {
    /// Opens the session with this id; none if the engine knows no sessions.
    pub(super) async fn open(engine: &Engine, id: &str, logins: Logins) -> Result<Option<Self>, Error> {
        let call = Call::act("/session")
            .with_header("Connection", "Upgrade")
            .with_header("Upgrade", "h2c")
            .with_header("X-Docker-Expose-Session-Uuid", id);
        let call =
            OFFERED.iter().fold(call, |call, method| call.with_header("X-Docker-Expose-Session-Grpc-Method", *method));
        let connection = match engine.hijack(call).await {
            Ok(connection) => TokioIo::new(connection),
            // The build itself tells what an engine without sessions lacks.
            Err(Error::Refused { status: 400..=499, .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let logins = Arc::new(logins);
        let answer = service_fn(move |request| {
            let logins = logins.clone();
            async move { Ok::<_, Infallible>(answer(request, &logins).await) }
        });
        let mut settings = http2::Builder::new(TokioExecutor::new());
        settings.timer(TokioTimer::new());
        let served = settings.serve_connection(connection, answer);
        Ok(Some(Self(tokio::spawn(async move {
            if let Err(error) = served.await {
                tracing::debug!(%error, "the session of a build ended early");
            }
        }))))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.0.abort();
    }
}

type Body = UnsyncBoxBody<Bytes, Infallible>;

async fn answer(request: hyper::Request<Incoming>, logins: &Logins) -> hyper::Response<Body> {
    let method = request.uri().path().to_owned();
    let outcome = match Limited::new(request.into_body(), MAX_QUESTION).collect().await {
        Ok(question) => reply(&method, &question.to_bytes(), logins),
        Err(_) => Err(Status::InvalidArgument),
    };
    let mut headers = HeaderMap::new();
    let (code, body) = match outcome {
        Ok(message) => (0, Full::new(framed(&message)).boxed_unsync()),
        Err(status) => (status as u16, Empty::new().boxed_unsync()),
    };
    headers.insert("grpc-status", code.into());
    let mut response = hyper::Response::new(body.with_trailers(std::future::ready(Some(Ok(headers)))).boxed_unsync());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}

/// The message that answers a call of a method.
fn reply(method: &str, question: &[u8], logins: &Logins) -> Result<Vec<u8>, Status> {
    match method {
        "/moby.filesync.v1.Auth/Credentials" => {
            let message = question.get(PREFIX..).ok_or(Status::InvalidArgument)?;
            let CredentialsRequest { host } =
                CredentialsRequest::decode(message).map_err(|_| Status::InvalidArgument)?;
            Ok(credentials(&host, logins).encode_to_vec())
        }
        // Tokens for the engine are not made here: it takes the login, and asks for a token itself.
        "/moby.filesync.v1.Auth/GetTokenAuthority" | "/moby.filesync.v1.Auth/VerifyTokenAuthority" => {
            Err(Status::Unavailable)
        }
        // `SERVING`. The engine asks every few seconds, and ends a session that does not answer.
        "/grpc.health.v1.Health/Check" => Ok(vec![0x08, 1]),
        _ => Err(Status::Unimplemented),
    }
}

/// The login to a registry; an empty one, which is nobody's, where none is known.
fn credentials(host: &str, logins: &Logins) -> CredentialsResponse {
    let server = if host == HUB_HOST { HUB_LOGIN } else { host };
    match logins.all().find(|login| login.server == server) {
        None => CredentialsResponse::default(),
        Some(Login { identity: Some(token), .. }) => {
            CredentialsResponse { username: String::new(), secret: token.expose_secret().to_owned() }
        }
        Some(Login { username, password, .. }) => {
            CredentialsResponse { username: username.clone(), secret: password.expose_secret().to_owned() }
        }
    }
}

fn framed(message: &[u8]) -> Bytes {
    let mut bytes = BytesMut::with_capacity(PREFIX + message.len());
    bytes.put_u8(0);
    bytes.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    bytes.put_slice(message);
    bytes.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::RegistryHost;

    fn logins() -> Logins {
        let mut logins = Logins::default();
        for prefix in ["r.example.com:5000/team", "team"] {
            let registry = RegistryHost::of_prefix(prefix);
            logins.insert(registry.clone(), Login::new(&registry, format!("ci@{registry}"), "hunter2"));
        }
        logins
    }

    fn asked(method: &str, host: &str) -> Result<CredentialsResponse, Status> {
        let question = framed(&CredentialsRequest { host: host.to_owned() }.encode_to_vec());
        let answer = reply(method, &question, &logins())?;
        Ok(CredentialsResponse::decode(answer.as_slice()).unwrap())
    }

    #[test]
    fn a_login_goes_to_its_own_registry_and_to_no_other() {
        let user = |host| asked(OFFERED[0], host).unwrap().username;
        let hosts = ["r.example.com:5000", "registry-1.docker.io", "r.example.com", "evil.com", ""];
        insta::assert_snapshot!(hosts.map(|host| format!("{host}: {}", user(host))).join("\n"), @r"
        r.example.com:5000: ci@r.example.com:5000
        registry-1.docker.io: ci@docker.io
        r.example.com: 
        evil.com: 
        :
        ");
        assert_eq!(asked(OFFERED[0], "r.example.com:5000").unwrap().secret, "hunter2");
    }

    #[test]
    fn what_is_not_offered_is_refused_as_grpc_does() {
        assert_eq!(asked("/moby.filesync.v1.Auth/GetTokenAuthority", "x"), Err(Status::Unavailable));
        assert_eq!(asked("/moby.filesync.v1.FileSync/DiffCopy", "x"), Err(Status::Unimplemented));
        assert_eq!(reply(OFFERED[0], b"", &logins()), Err(Status::InvalidArgument));
        assert_eq!(reply(OFFERED[0], b"\0\0\0\0\x02\x0a\x09", &logins()), Err(Status::InvalidArgument));
        assert_eq!(reply("/grpc.health.v1.Health/Check", b"\0\0\0\0\0", &logins()), Ok(vec![8, 1]));
    }

    #[tokio::test]
    async fn a_session_answers_over_the_connection() {
        use hyper::client::conn::http2 as client;

        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let logins = logins();
        let server = tokio::spawn(http2::Builder::new(TokioExecutor::new()).serve_connection(
            TokioIo::new(ours),
            service_fn(move |request| {
                let logins = logins.clone();
                async move { Ok::<_, Infallible>(answer(request, &logins).await) }
            }),
        ));
        let (mut sender, connection) =
            client::handshake::<_, _, Full<Bytes>>(TokioExecutor::new(), TokioIo::new(theirs)).await.unwrap();
        let client = tokio::spawn(connection);
        let question = framed(&CredentialsRequest { host: "r.example.com:5000".into() }.encode_to_vec());
        let request =
            hyper::Request::post(format!("http://localhost{}", OFFERED[0])).body(Full::new(question)).unwrap();
        let answer = sender.send_request(request).await.unwrap().into_body().collect().await.unwrap();
        assert_eq!(answer.trailers().unwrap()["grpc-status"], "0");
        let message = CredentialsResponse::decode(&answer.to_bytes()[PREFIX..]).unwrap();
        assert_eq!((message.username.as_str(), message.secret.as_str()), ("ci@r.example.com:5000", "hunter2"));
        drop(sender);
        client.abort();
        server.abort();
    }
}
