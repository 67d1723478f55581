//! The Docker API: one request at a time, over a socket or TCP, or simulated in memory.
//!
//! All that is asked of an engine goes through here: one parser of addresses, one pool of connections, one agreement on the
//! version, one error with one answer to whether a retry can help, and one place that logs requests. No client library is
//! beside it: bollard 0.21 loses health checks on read, fails whole lists on a value that it does not know, logs logins and
//! arguments of builds, and brings 34 crates with a second TLS library; what builds need beyond plain requests is a
//! streamed body and a connection that changes its protocol.
//!
//! Bodies are JSON as the API has it; only [`crate::swarm`], [`crate::store`], [`crate::probe`] and [`crate::build`] know
//! what they mean. Every answer is bounded, and every request has a deadline but those whose answer is a stream.

mod address;
pub mod container_output;
pub mod docker;
mod list;
mod pieces;
pub mod simulated;
mod transport;

use std::fmt;
use std::io;

use bytes::Bytes;
use futures_util::Stream;
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};

pub use self::pieces::{Lines, Pieces};

/// The label of the configs that are skep's own memory, and belong to no stack.
pub const RECORD_LABEL: &str = "skep.record";

/// An engine to send requests to. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Engine {
    /// A real one.
    Docker(docker::Client),
    /// One in memory, with a clock that the test sets.
    Simulated(simulated::World),
}

/// A request, without the API version in its path.
#[derive(Clone, Debug)]
pub struct Call {
    /// `GET`, `POST` or `DELETE`.
    pub method: &'static str,
    /// Such as `/services/create`.
    pub path: String,
    /// The query, not yet encoded.
    pub query: Vec<(&'static str, String)>,
    /// Registry credentials for `X-Registry-Auth`, already encoded.
    pub registry_auth: Option<String>,
    /// More headers, such as those of a request that changes the protocol.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Option<Value>,
}

/// A connection that speaks another protocol than HTTP from now on.
pub trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

impl Call {
    /// Reads what is at `path`.
    pub fn get(path: impl Into<String>) -> Self {
        Self {
            method: "GET",
            path: path.into(),
            query: Vec::new(),
            registry_auth: None,
            headers: Vec::new(),
            body: None,
        }
    }

    /// Sends `body` to `path`.
    pub fn post(path: impl Into<String>, body: Value) -> Self {
        Self { method: "POST", body: Some(body), ..Self::get(path) }
    }

    /// Sends nothing to `path` but the request.
    pub fn act(path: impl Into<String>) -> Self {
        Self { method: "POST", ..Self::get(path) }
    }

    /// Removes what is at `path`.
    pub fn delete(path: impl Into<String>) -> Self {
        Self { method: "DELETE", ..Self::get(path) }
    }

    /// Adds a parameter to the query.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "most values are numbers and literals")]
    pub fn with(mut self, key: &'static str, value: impl ToString) -> Self {
        self.query.push((key, value.to_string()));
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Keeps only what carries one of `values` under `key`, as the API's `filters` parameter says it.
    #[must_use]
    pub fn filtered(self, key: &str, values: &[&str]) -> Self {
        self.with("filters", serde_json::json!({ key: values }))
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// What can go wrong with a request.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address of the engine is not one. A retry does not help.
    #[error("`{endpoint}` is not the address of a Docker engine: {reason}")]
    Endpoint {
        /// The address as given.
        endpoint: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The engine could not be reached, or did not respond in time. A retry can help.
    #[error("the Docker engine at {endpoint} does not answer: {reason}")]
    Away {
        /// Where it was looked for.
        endpoint: String,
        /// What the connection said.
        reason: String,
    },
    /// The engine said no.
    #[error("the Docker engine refused {call}: {message} (status {status})")]
    Refused {
        /// Such as `POST /services/create`.
        call: String,
        /// The HTTP status.
        status: u16,
        /// The engine's own words.
        message: String,
    },
    /// The engine's answer is not what the API promises.
    #[error("the Docker engine's answer to {call} is not understood: {reason}")]
    Strange {
        /// Such as `GET /services`.
        call: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Error {
    /// Whether the same request may succeed a little later: the engine is away, its swarm has no leader just now, or it
    /// failed without saying what would be wrong with the request.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Away { .. } | Self::Refused { status: 502..=504, .. } => true,
            Self::Refused { message, .. } if is_about_leaders(message) => true,
            Self::Refused { status: 500, message, .. } => !is_about_the_request(message),
            Self::Refused { .. } | Self::Endpoint { .. } | Self::Strange { .. } => false,
        }
    }
}

/// What managers say of each other.
fn is_about_leaders(message: &str) -> bool {
    ["does not have a leader", "deadline exceeded"].iter().any(|words| message.contains(words))
}

/// Whether an engine that failed says what is wrong with the request. The engine passes most of swarmkit's answers on as
/// status 500 (moby `daemon/cluster`), so that the words have to be looked at: the gRPC codes of a refusal, and what the
/// engine itself says.
fn is_about_the_request(message: &str) -> bool {
    const CODES: [&str; 7] = [
        "InvalidArgument",
        "NotFound",
        "AlreadyExists",
        "PermissionDenied",
        "FailedPrecondition",
        "OutOfRange",
        "Unimplemented",
    ];
    const WORDS: [&str; 7] =
        ["not found", "already exists", "in use", "invalid", "not allowed", "not supported", "active endpoints"];
    let code = message.split_once("code = ").map(|(_, rest)| rest);
    code.is_some_and(|rest| CODES.iter().any(|code| rest.starts_with(code)))
        || WORDS.iter().any(|words| message.contains(words))
}

impl Engine {
    /// Sends a request and reads the answer as JSON. Fields that are `null`, as Go writes an empty list or map, are
    /// left out, so that a default can stand in for them.
    pub async fn json<T: DeserializeOwned>(&self, call: Call) -> Result<T, Error> {
        let shown = call.to_string();
        let strange = |error: serde_json::Error| Error::Strange { call: shown.clone(), reason: error.to_string() };
        let body = self.call(call).await?;
        let mut value: Value = serde_json::from_slice(&body).map_err(strange)?;
        leave_out_nulls(&mut value);
        serde_json::from_value(value).map_err(strange)
    }

    /// Sends a request and reads the answer, a list, as [`json`](Self::json) reads one: an element at a time, so that no
    /// more of it is in memory than what `keep` returns.
    pub async fn list<T: DeserializeOwned, K>(
        &self,
        call: Call,
        mut keep: impl FnMut(T) -> Option<K>,
    ) -> Result<Vec<K>, Error> {
        let strange = |reason: String| Error::Strange { call: call.to_string(), reason };
        let (mut elements, mut kept) = (list::Elements::default(), Vec::new());
        let mut read = |element: &[u8]| -> Result<(), String> {
            let mut value: Value = serde_json::from_slice(element).map_err(|error| error.to_string())?;
            leave_out_nulls(&mut value);
            kept.extend(keep(serde_json::from_value(value).map_err(|error| error.to_string())?));
            Ok(())
        };
        let mut take = |piece: &[u8]| -> Result<(), Error> { elements.take(piece, &mut read).map_err(strange) };
        match self {
            Self::Docker(client) => client.pieces(&call, take).await?,
            Self::Simulated(world) => take(&world.call(&call)?)?,
        }
        elements.end().map_err(strange)?;
        Ok(kept)
    }

    /// The version of the API that is spoken with it, such as 1.41.
    pub async fn version(&self) -> Result<(u32, u32), Error> {
        match self {
            Self::Docker(client) => client.spoken().await,
            Self::Simulated(_) => Ok((1, 41)),
        }
    }

    /// Sends a request; the body of a successful answer.
    pub async fn call(&self, call: Call) -> Result<Bytes, Error> {
        match self {
            Self::Docker(client) => client.call(call).await,
            Self::Simulated(world) => world.call(&call),
        }
    }

    /// Sends a request whose answer comes in pieces, and takes as long as it takes.
    pub async fn stream(&self, call: Call) -> Result<Pieces, Error> {
        match self {
            Self::Docker(client) => Ok(Pieces::from_docker(client.open(&call).await?)),
            Self::Simulated(world) if call.path == "/events" => Ok(Pieces::from_events(world.listen())),
            Self::Simulated(world) => Ok(Pieces::of(&world.call(&call)?)),
        }
    }

    /// Sends a request with a tarball as its body; the answer comes in pieces, and takes as long as it takes.
    pub async fn upload(
        &self,
        call: Call,
        tarball: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    ) -> Result<Pieces, Error> {
        let call = call.with_header("Content-Type", "application/x-tar");
        match self {
            Self::Docker(client) => Ok(Pieces::from_docker(client.upload(&call, transport::streamed(tarball)).await?)),
            Self::Simulated(world) => Ok(Pieces::of(&world.upload(&call, tarball).await?)),
        }
    }

    /// Sends a request after which the connection speaks another protocol.
    pub async fn hijack(&self, call: Call) -> Result<Box<dyn Connection>, Error> {
        match self {
            Self::Docker(client) => Ok(Box::new(TokioIo::new(client.hijack(&call).await?))),
            Self::Simulated(world) => Ok(Box::new(world.hijack(&call)?)),
        }
    }
}

pub(crate) fn leave_out_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(leave_out_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(leave_out_nulls),
        _ => {}
    }
}
