//! HTTP to an engine, over a Unix socket or TCP: the only place that opens connections to one. Nothing is encrypted, so
//! nothing is read that encryption needs: to read the system's certificates takes longer than most commands.

use std::error::Error as StdError;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt as _};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::http::request::Builder;
use hyper::{Response, Uri, header};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyperlocal::UnixConnector;

use super::address::Address;

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(5);

/// How many connections are kept for later requests, at most: each has buffers, at both of its ends.
const IDLE: usize = 16;
/// The bytes that are read at once. Left to itself the buffer of a connection grows with the longest list that came over it, and
/// stays so.
const READ_BUFFER: usize = 16 << 10;

/// The body of a request.
pub(super) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// A body that already exists; it may be empty.
pub(super) fn whole(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

/// A body that is sent as it comes.
pub(super) fn streamed(bytes: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Body {
    StreamBody::new(bytes.map_ok(Frame::data)).boxed_unsync()
}

/// Where requests go. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) enum Transport {
    Socket { path: PathBuf, http: Client<UnixConnector, Body> },
    Network { address: String, http: Client<HttpConnector, Body> },
}

impl Transport {
    /// To an address, with so many connections kept for later requests.
    pub(super) fn to(address: Address, idle: usize) -> Self {
        match address {
            Address::Socket(path) => Self::Socket { path, http: pool(idle).build(UnixConnector) },
            Address::Network(address) => {
                let mut connector = HttpConnector::new();
                connector.set_connect_timeout(Some(CONNECT));
                Self::Network { address, http: pool(idle).build(connector) }
            }
        }
    }

    /// Sends a request for a path with its query.
    pub(super) async fn send(
        &self,
        request: Builder,
        path: &str,
        body: Body,
    ) -> Result<Response<Incoming>, Box<dyn StdError + Send + Sync>> {
        let request = request.uri(self.uri(path)?).header(header::ACCEPT, "application/json");
        match self {
            // The address of a socket is nothing that a host is called.
            Self::Socket { http, .. } => Ok(http.request(request.header(header::HOST, "docker").body(body)?).await?),
            Self::Network { http, .. } => Ok(http.request(request.body(body)?).await?),
        }
    }

    fn uri(&self, path: &str) -> Result<Uri, hyper::http::uri::InvalidUri> {
        match self {
            Self::Socket { path: socket, .. } => Ok(on_socket(socket, path)),
            Self::Network { address, .. } => format!("http://{address}{path}").parse(),
        }
    }
}

fn on_socket(socket: &Path, path: &str) -> Uri {
    hyperlocal::Uri::new(socket, path).into()
}

fn pool(idle: usize) -> legacy::Builder {
    let mut builder = Client::builder(TokioExecutor::new());
    builder.pool_timer(TokioTimer::new()).pool_max_idle_per_host(idle.min(IDLE));
    builder.http1_read_buf_exact_size(READ_BUFFER);
    builder
}
