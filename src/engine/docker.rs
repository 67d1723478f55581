//! A real engine, over a Unix socket or TCP.
//!
//! A client can be made while the engine is away; the API version is agreed upon with the first request, and again
//! after the engine was away, for it may come back as another. Retries are the caller's.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::upgrade::Upgraded;
use hyper::{Request, Response, StatusCode, header};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::timeout;
use url::form_urlencoded;

use super::address::{self, Address};
use super::transport::{Body, Transport, whole};
use super::{Call, Error};

/// How long a request may take, until the last byte of its answer.
const DEADLINE: Duration = Duration::from_secs(30);
/// The longest answer that is read, in bytes.
const MAX_ANSWER: usize = 64 << 20;
/// The newest API that we know; what it has beyond [`OLDEST`] is used only where a stack file asks for it.
const NEWEST: Version = Version(1, 51);
/// The oldest API that has all we need, that of Docker 20.10.
const OLDEST: Version = Version(1, 41);

/// A connection to a real engine.
#[derive(Clone, Debug)]
pub struct Client(Arc<Inner>);

/// An answer that comes in pieces, for as long as it takes.
#[derive(Debug)]
pub(super) struct Pieces {
    client: Client,
    answer: Incoming,
}

impl Pieces {
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        chunk(&mut self.answer).await.map_err(|error| self.client.away(&error))
    }
}

#[derive(Debug)]
struct Inner {
    endpoint: String,
    transport: Transport,
    version: Mutex<Option<Version>>,
}

impl Client {
    /// Returns a client for `unix:///path`, `tcp://host:port` or `http://host:port`. Nothing is sent yet.
    pub fn connect(endpoint: &str) -> Result<Self, Error> {
        Self::connected(endpoint, usize::MAX)
    }

    fn connected(endpoint: &str, idle: usize) -> Result<Self, Error> {
        let invalid = |reason| Error::Endpoint { endpoint: endpoint.to_owned(), reason };
        let transport = Transport::to(Address::parse(endpoint).map_err(invalid)?, idle);
        Ok(Self(Arc::new(Inner { endpoint: endpoint.to_owned(), transport, version: Mutex::new(None) })))
    }

    /// As [`connect`](Self::connect), with a new connection for each request: for a program that asks a few things, in
    /// front of whatever answers them.
    pub fn connect_for_few(endpoint: &str) -> Result<Self, Error> {
        Self::connected(endpoint, 0)
    }

    /// Where the engine is looked for.
    pub fn endpoint(&self) -> &str {
        &self.0.endpoint
    }

    /// The version that is spoken.
    pub(super) async fn spoken(&self) -> Result<(u32, u32), Error> {
        self.version().await.map(|Version(major, minor)| (major, minor))
    }

    pub(super) async fn call(&self, call: Call) -> Result<Bytes, Error> {
        let outcome = Box::pin(self.exchange(&call)).await;
        self.agreed_anew(outcome).await
    }

    /// Sends a request and passes on the answer piece by piece.
    pub(super) async fn pieces(
        &self,
        call: &Call,
        mut take: impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let exchange = async {
            let mut pieces = self.opened(call, json(call)).await?;
            while let Some(piece) = pieces.next().await? {
                take(&piece)?;
            }
            Ok(())
        };
        let outcome = Box::pin(self.in_time(exchange)).await;
        self.agreed_anew(outcome).await
    }

    /// Has the version agreed upon again with the next request, where another engine may answer it.
    async fn agreed_anew<T>(&self, outcome: Result<T, Error>) -> Result<T, Error> {
        if outcome.as_ref().is_err_and(may_be_another_engine) {
            *self.0.version.lock().await = None;
        }
        outcome
    }

    /// Sends a request whose answer takes as long as it takes.
    pub(super) async fn open(&self, call: &Call) -> Result<Pieces, Error> {
        let outcome = self.opened(call, json(call)).await;
        self.agreed_anew(outcome).await
    }

    /// As [`open`](Self::open), with a body of another kind than JSON, which takes as long as it takes, too.
    pub(super) async fn upload(&self, call: &Call, body: Body) -> Result<Pieces, Error> {
        let outcome = self.opened(call, body).await;
        self.agreed_anew(outcome).await
    }

    /// Sends a request after which the connection speaks another protocol.
    pub(super) async fn hijack(&self, call: &Call) -> Result<Upgraded, Error> {
        let exchange = async {
            let answer = self.send(call, json(call)).await?;
            let status = answer.status();
            if status != StatusCode::SWITCHING_PROTOCOLS {
                return Err(refused(call, status.as_u16(), &self.read(call, answer.into_body()).await?));
            }
            hyper::upgrade::on(answer).await.map_err(|error| self.away(&error))
        };
        let outcome = Box::pin(self.in_time(exchange)).await;
        self.agreed_anew(outcome).await
    }

    async fn opened(&self, call: &Call, body: Body) -> Result<Pieces, Error> {
        let answer = self.send(call, body).await?;
        let status = answer.status();
        if !status.is_success() {
            return Err(refused(call, status.as_u16(), &self.read(call, answer.into_body()).await?));
        }
        Ok(Pieces { client: self.clone(), answer: answer.into_body() })
    }

    async fn exchange(&self, call: &Call) -> Result<Bytes, Error> {
        let exchange = async {
            let answer = self.send(call, json(call)).await?;
            let status = answer.status();
            let body = self.read(call, answer.into_body()).await?;
            if status.is_success() { Ok(body) } else { Err(refused(call, status.as_u16(), &body)) }
        };
        self.in_time(exchange).await
    }

    async fn in_time<T>(&self, exchange: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let late = |_| Error::Away {
            endpoint: self.0.endpoint.clone(),
            reason: format!("no answer within {} s", DEADLINE.as_secs()),
        };
        timeout(DEADLINE, exchange).await.map_err(late)?
    }

    /// Sends a request, and logs it: the method, the path and the status. The query has arguments of builds, headers have
    /// logins, and bodies have secrets, so none of them is ever logged.
    async fn send(&self, call: &Call, body: Body) -> Result<Response<Incoming>, Error> {
        let version = self.version().await?;
        let mut request = Request::builder().method(call.method);
        if let Some(auth) = &call.registry_auth {
            request = request.header("X-Registry-Auth", auth);
        }
        if call.body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        let path = format!("/v{version}{}{}", call.path, query(call));
        let sent = self.0.transport.send(request, &path, body).await.map_err(|error| self.away(&*error));
        match &sent {
            Ok(answer) => tracing::debug!(%call, status = answer.status().as_u16(), "asked the Docker engine"),
            Err(error) => tracing::debug!(%call, %error, "asked the Docker engine"),
        }
        sent
    }

    /// The version that both sides know, asked for once.
    async fn version(&self) -> Result<Version, Error> {
        let mut known = self.0.version.lock().await;
        if let Some(version) = *known {
            return Ok(version);
        }
        let ping = Call::get("/_ping");
        let asked = async {
            let sent = self.0.transport.send(Request::builder(), &ping.path, whole(Bytes::new()));
            sent.await.map_err(|error| self.away(&*error))
        };
        let answer = self.in_time(asked).await?;
        if !answer.status().is_success() {
            let status = answer.status().as_u16();
            return Err(self.unlike(refused(&ping, status, &self.read(&ping, answer.into_body()).await?)));
        }
        let theirs = answer.headers().get("api-version").and_then(|version| version.to_str().ok());
        let version = agreed(theirs).map_err(|reason| Error::Strange { call: ping.to_string(), reason })?;
        *known = Some(version);
        Ok(version)
    }

    /// What it means that a ping was refused, where that says more than the refusal.
    fn unlike(&self, refused: Error) -> Error {
        match refused {
            // Go's server says so to whoever speaks HTTP to it (net/http `server.go`).
            Error::Refused { message, .. } if message.contains("HTTP request to an HTTPS server") => {
                let endpoint = self.0.endpoint.clone();
                let host = endpoint.split_once("://").map_or("", |(_, host)| host);
                Error::Endpoint { reason: address::no_tls(host), endpoint }
            }
            refused => refused,
        }
    }

    async fn read(&self, call: &Call, mut answer: Incoming) -> Result<Bytes, Error> {
        let mut body = BytesMut::new();
        while let Some(chunk) = chunk(&mut answer).await.map_err(|error| self.away(&error))? {
            if body.len() + chunk.len() > MAX_ANSWER {
                let reason = format!("it is longer than {} MiB", MAX_ANSWER >> 20);
                return Err(Error::Strange { call: call.to_string(), reason });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }

    /// What is told is the innermost cause: the errors around it only say that there was one.
    fn away(&self, error: &(dyn std::error::Error + 'static)) -> Error {
        let mut innermost = error;
        while let Some(source) = innermost.source() {
            innermost = source;
        }
        Error::Away { endpoint: self.0.endpoint.clone(), reason: innermost.to_string() }
    }
}

/// The body of a request as JSON; nothing if it has none.
fn json(call: &Call) -> Body {
    whole(call.body.as_ref().map(|body| Bytes::from(body.to_string())).unwrap_or_default())
}

/// The next bytes of an answer; none at its end.
async fn chunk(answer: &mut Incoming) -> Result<Option<Bytes>, hyper::Error> {
    while let Some(frame) = answer.frame().await {
        if let Ok(data) = frame?.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

/// The query with its question mark; nothing if there is none.
fn query(call: &Call) -> String {
    if call.query.is_empty() {
        return String::new();
    }
    let encoded = form_urlencoded::Serializer::new(String::new()).extend_pairs(&call.query).finish();
    format!("?{encoded}")
}

/// The engine that answers next may not be the one that the version was agreed upon with: it was away, or it says
/// itself that it does not speak that version (any longer).
fn may_be_another_engine(error: &Error) -> bool {
    match error {
        Error::Away { .. } => true,
        Error::Refused { message, .. } => message.contains("client version"),
        _ => false,
    }
}

pub(super) fn refused(call: &Call, status: u16, body: &[u8]) -> Error {
    #[derive(Deserialize)]
    struct Message {
        message: String,
    }
    let message = serde_json::from_slice(body).map_or_else(
        |_| String::from_utf8_lossy(body).trim().chars().take(500).collect(),
        |Message { message }| message,
    );
    Error::Refused { call: call.to_string(), status, message }
}

/// A version of the API, such as 1.41.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version(u32, u32);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// The newest version that we and the engine know; an engine accepts all from its oldest to its newest.
fn agreed(theirs: Option<&str>) -> Result<Version, String> {
    let parsed = theirs
        .and_then(|text| text.split_once('.'))
        .and_then(|(major, minor)| Some(Version(major.parse().ok()?, minor.parse().ok()?)));
    match parsed {
        None => Err("it does not say which API it speaks; is this a Docker engine?".into()),
        Some(version) if version < OLDEST => {
            Err(format!("it speaks API {version}, and skep needs {OLDEST} (Docker 20.10) or newer"))
        }
        Some(version) => Ok(version.min(NEWEST)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

    use axum::http::{StatusCode, Uri};

    use super::*;

    #[test]
    fn the_version_is_the_newest_that_both_know() {
        let shown = ["1.41", "1.44", "1.99", "1.9", "2"].map(|theirs| match agreed(Some(theirs)) {
            Ok(version) => version.to_string(),
            Err(reason) => reason,
        });
        insta::assert_snapshot!(shown.join("\n"), @r"
        1.41
        1.44
        1.51
        it speaks API 1.9, and skep needs 1.41 (Docker 20.10) or newer
        it does not say which API it speaks; is this a Docker engine?
        ");
    }

    #[test]
    fn an_address_is_checked_before_anything_is_sent() {
        let error = Client::connect("docker.sock").unwrap_err();
        assert!(!error.is_transient());
        insta::assert_snapshot!(error, @"`docker.sock` is not the address of a Docker engine: write unix:///path or tcp://host:port");
    }

    #[tokio::test]
    async fn an_engine_that_is_not_there_is_away() {
        let client = Client::connect("unix:///nonexistent/docker.sock").unwrap();
        let error = client.call(Call::get("/info")).await.unwrap_err();
        assert!(error.is_transient());
        insta::assert_snapshot!(error, @"the Docker engine at unix:///nonexistent/docker.sock does not answer: No such file or directory (os error 2)");
    }

    /// A client of an engine that answers so.
    async fn client_of(router: axum::Router) -> Client {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = Client::connect(&format!("tcp://{}", listener.local_addr().unwrap())).unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        client
    }

    #[tokio::test]
    async fn an_engine_that_wants_tls_is_named_with_the_way_around() {
        const SAYS: &str = "Client sent an HTTP request to an HTTPS server.\n";
        let client = client_of(axum::Router::new().fallback(async || (StatusCode::BAD_REQUEST, SAYS))).await;
        let error = client.call(Call::get("/info")).await.unwrap_err().to_string();
        insta::assert_snapshot!(error.replace(client.endpoint(), "tcp://127.0.0.1:2376"), @"`tcp://127.0.0.1:2376` is not the address of a Docker engine: TLS is not supported; forward the socket with `ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock 127.0.0.1`, and write unix:///tmp/docker.sock");
    }

    #[tokio::test]
    async fn no_log_has_what_is_secret_in_a_request() {
        let client = client_of(axum::Router::new().fallback(async || ([("api-version", "1.41")], "{}"))).await;
        let log = Arc::new(std::sync::Mutex::new(Vec::new()));
        let writer = log.clone();
        let logging = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .without_time()
            .with_writer(move || Sink(writer.clone()))
            .finish();
        let call = Call::post("/build", serde_json::json!({ "body": "hunter2" })).with("buildargs", "hunter2");
        let call = Call { registry_auth: Some("hunter2".into()), ..call }.with_header("X-Registry-Config", "hunter2");
        {
            let _here = tracing::subscriber::set_default(logging);
            client.call(call).await.unwrap();
        }
        let log = String::from_utf8(log.lock().unwrap().clone()).unwrap();
        assert!(!log.contains("hunter2"), "{log}");
        let ours: Vec<_> = log.lines().filter(|line| line.contains("skep::engine")).collect();
        insta::assert_snapshot!(ours.join("\n"), @"DEBUG skep::engine::docker: asked the Docker engine call=POST /build status=200");
    }

    struct Sink(Arc<std::sync::Mutex<Vec<u8>>>);

    impl std::io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn the_version_is_agreed_upon_again_when_the_engine_was_upgraded() {
        let pings = Arc::new(AtomicU32::new(0));
        let answer = move |uri: Uri| {
            let newest = |body| (StatusCode::OK, [("api-version", "1.52")], body);
            let answer = match uri.path() {
                "/_ping" if pings.fetch_add(1, Relaxed) == 0 => (StatusCode::OK, [("api-version", "1.41")], ""),
                "/_ping" => newest(""),
                "/v1.51/info" => newest("{}"),
                _ => (
                    StatusCode::BAD_REQUEST,
                    [("api-version", "1.52")],
                    r#"{"message":"client version 1.41 is too old"}"#,
                ),
            };
            std::future::ready(answer)
        };
        let client = client_of(axum::Router::new().fallback(answer)).await;
        let refused = client.call(Call::get("/info")).await.unwrap_err();
        insta::assert_snapshot!(refused, @"the Docker engine refused GET /info: client version 1.41 is too old (status 400)");
        assert_eq!(client.call(Call::get("/info")).await.unwrap(), "{}");
    }

    #[test]
    fn the_engines_own_words_are_kept() {
        let call = Call::delete("/networks/n");
        insta::assert_snapshot!(refused(&call, 400, br#"{"message":"network n is in use"}"#), @"the Docker engine refused DELETE /networks/n: network n is in use (status 400)");
        insta::assert_snapshot!(refused(&call, 502, b"<html>bad gateway"), @"the Docker engine refused DELETE /networks/n: <html>bad gateway (status 502)");
    }
}
