//! Serves connections, with limits on number, duration and inactivity.
//!
//! Idle clients must not lock out others. A connection ends when its client does not send the headers of a request
//! in time, when it reads nothing of a response for a while, and, between two requests, when it is old. One address gets
//! only a share of all slots. A client without a slot is refused at once, but `skep healthcheck`,
//! which connects from this machine, has reserved slots: otherwise Swarm would restart a skep that is only busy.

use std::collections::VecDeque;
use std::future::Future;
use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::http::StatusCode;
use axum::routing::get;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::places::{Place, Places};
use super::stalled::Stalling;

/// The limits of connections.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The most connections.
    pub connections: usize,
    /// The most connections from one address; a reverse proxy is one address.
    pub per_address: usize,
    /// Further connections from this machine, which are only told whether skep lives; a new one takes the place of the
    /// oldest.
    pub reserved: usize,
    /// How long a connection in such a place lasts at most.
    pub brief: Duration,
    /// How long a client may take to send a request's headers.
    pub headers: Duration,
    /// How long a client may read nothing of a response.
    pub stalled: Duration,
    /// The age at which a connection is closed, after the request that is being answered.
    pub age: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            per_address: 128,
            reserved: 8,
            brief: Duration::from_secs(5),
            headers: Duration::from_secs(20),
            stalled: Duration::from_secs(30),
            age: Duration::from_mins(5),
        }
    }
}

/// The most bytes in the headers of a request.
const MAX_HEADERS: usize = 64 << 10;
/// How long requests may continue after the server is told to stop.
const FAREWELL: Duration = Duration::from_secs(10);
/// How long the process waits after the last response, so that it arrives.
const LINGER: Duration = Duration::from_secs(1);
/// The interval of log entries about too many connections.
const OFTEN: Duration = Duration::from_mins(1);
/// The response for a client without a slot.
const BUSY: &str =
    "skep has as many connections as it takes, of all clients or of this address; try again in a moment\n";

/// The address of the client, or of the proxy in front.
#[derive(Debug, Clone, Copy)]
pub(super) struct Client(pub(super) IpAddr);

/// Serves until `shutdown` completes; then accepts no more connections, and gives busy ones a little time.
pub async fn serve(listener: TcpListener, router: Router, limits: Limits, shutdown: impl Future<Output = ()>) {
    let (stopping, stop) = watch::channel(false);
    let places = Places::of(limits);
    let brief = brief();
    let (mut guests, mut told) = (VecDeque::new(), None);
    tokio::pin!(shutdown);
    loop {
        let (stream, address) = tokio::select! {
            () = &mut shutdown => break,
            accepted = accepted(&listener) => accepted,
        };
        match places.take(address.ip()) {
            Some(place) if place.is_reserved() => {
                if guests.len() >= limits.reserved
                    && let Some(oldest) = guests.pop_front()
                {
                    AbortHandle::abort(&oldest);
                }
                let connection = attend(stream, place, brief.clone(), limits, stop.clone());
                guests.push_back(tokio::spawn(tokio::time::timeout(limits.brief, connection)).abort_handle());
            }
            Some(place) => {
                let router = router.clone().layer(Extension(Client(address.ip())));
                drop(tokio::spawn(attend(stream, place, router, limits, stop.clone())));
            }
            None => {
                refuse(stream);
                warn(&mut told, address.ip());
            }
        }
    }
    drop((listener, stop));
    stopping.send_replace(true);
    if stopping.is_closed() {
        return;
    }
    if tokio::time::timeout(FAREWELL, stopping.closed()).await.is_err() {
        tracing::warn!("some requests were cut off");
    }
    // What was written last is still on its way. With the process goes the network of its container, and the client
    // would read of a broken connection in place of the last words.
    tokio::time::sleep(LINGER).await;
}

/// The routes for reserved slots.
fn brief() -> Router {
    Router::new().route("/healthz", get(super::alive)).fallback(async || (StatusCode::SERVICE_UNAVAILABLE, BUSY))
}

async fn accepted(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Says so without waiting: what is written to a new connection fits in its buffer, or nobody reads it.
fn refuse(stream: TcpStream) {
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n\
         Retry-After: 5\r\nConnection: close\r\n\r\n{BUSY}",
        BUSY.len()
    );
    drop(stream.into_std().and_then(|mut stream| stream.write(answer.as_bytes())));
}

fn warn(told: &mut Option<tokio::time::Instant>, address: IpAddr) {
    if told.is_none_or(|when| when.elapsed() >= OFTEN) {
        *told = Some(tokio::time::Instant::now());
        tracing::warn!(%address, "connections are refused: there are too many, of all clients or of one address");
    }
}

/// Serves one connection until it ends: by itself, or after the request that is being answered when it is old or the server
/// stops.
///
/// `hyper_util::server::graceful` is not used for the second: what it returns can no longer be told to end for another reason,
/// so a connection could not have an age, and inside it is the same channel as `stop`.
async fn attend(stream: TcpStream, place: Place, router: Router, limits: Limits, mut stop: watch::Receiver<bool>) {
    let mut settings = http1::Builder::new();
    settings.timer(TokioTimer::new()).header_read_timeout(limits.headers).max_buf_size(MAX_HEADERS);
    let stream = TokioIo::new(Stalling::new(stream, limits.stalled));
    let connection = settings.serve_connection(stream, TowerToHyperService::new(router));
    tokio::pin!(connection);
    let leaving = async {
        // The connection ends in both cases.
        drop(tokio::time::timeout(limits.age, stop.changed()).await);
    };
    let ended: Result<(), hyper::Error> = tokio::select! {
        ended = &mut connection => ended,
        () = leaving => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    drop((place, stop));
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
