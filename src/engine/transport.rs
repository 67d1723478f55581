//! HTTP to an engine, over a Unix socket or TCP. Nothing is encrypted, so nothing is read that encryption needs: to read
//! the system's certificates takes longer than most commands.

use std::error::Error as StdError;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::http::request::Builder;
use hyper::{Response, Uri, header};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyperlocal::UnixConnector;
use url::Url;

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(5);

/// How many connections are kept for later requests, at most: each has buffers, at both of its ends.
const IDLE: usize = 16;
/// The bytes that are read at once. Left to itself the buffer of a connection grows with the longest list that came over it, and
/// stays so.
const READ_BUFFER: usize = 16 << 10;

/// Where requests go. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) enum Transport {
    Socket { path: PathBuf, http: Client<UnixConnector, Full<Bytes>> },
    Network { address: String, http: Client<HttpConnector, Full<Bytes>> },
}

impl Transport {
    /// To `unix:///path`, `tcp://host:port` or `http://host:port`, with so many connections kept for later requests; or
    /// what is wrong with that address.
    pub(super) fn new(endpoint: &str, idle: usize) -> Result<Self, String> {
        match endpoint.split_once("://") {
            Some(("unix", path)) if path.starts_with('/') => {
                Ok(Self::Socket { path: path.into(), http: pool(idle).build(UnixConnector) })
            }
            Some(("unix", _)) => {
                Err("the path of the socket must be absolute, as in unix:///var/run/docker.sock".into())
            }
            Some(("tcp" | "http", address)) => Self::over_tcp(address.trim_end_matches('/'), idle),
            Some(("ssh", host)) => Err(format!(
                "ssh is not supported; forward the socket with `ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock {host}`, and \
                 write unix:///tmp/docker.sock"
            )),
            _ => Err("write unix:///path or tcp://host:port".into()),
        }
    }

    fn over_tcp(address: &str, idle: usize) -> Result<Self, String> {
        Url::parse(&format!("http://{address}")).map_err(|error| error.to_string())?;
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT));
        Ok(Self::Network { address: address.to_owned(), http: pool(idle).build(connector) })
    }

    /// Sends a request for a path with its query.
    pub(super) async fn send(
        &self,
        request: Builder,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<Response<Incoming>, Box<dyn StdError + Send + Sync>> {
        let mut request = request.uri(self.uri(path)?).header(header::ACCEPT, "application/json");
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = Full::new(body.unwrap_or_default());
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
