//! Connections: how many, how long, and their end.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

/// Connections at a time; more wait.
const CONNECTIONS: usize = 512;
/// How long a client may take to send a request's headers.
const HEADERS: Duration = Duration::from_secs(20);
/// Bytes in a request's headers after which no more are awaited.
const MAX_HEADERS: usize = 64 << 10;
/// How long requests may go on after the server is told to stop.
const FAREWELL: Duration = Duration::from_secs(10);

/// Serves until `shutdown` is done; then takes no more connections, and gives those that are busy a little time.
pub async fn serve(listener: TcpListener, router: Router, shutdown: impl Future<Output = ()>) {
    let (stopping, stop) = watch::channel(false);
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    tokio::pin!(shutdown);
    loop {
        let stream = tokio::select! {
            () = &mut shutdown => break,
            stream = accepted(&listener, &places) => stream,
        };
        tokio::spawn(attend(stream, router.clone(), stop.clone()));
    }
    drop((listener, stop));
    stopping.send_replace(true);
    if tokio::time::timeout(FAREWELL, stopping.closed()).await.is_err() {
        tracing::warn!("some requests were cut off");
    }
}

type Place = tokio::sync::OwnedSemaphorePermit;

async fn accepted(listener: &TcpListener, places: &Arc<Semaphore>) -> (TcpStream, Place) {
    let place = Arc::clone(places).acquire_owned().await.expect("it is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, place),
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn attend((stream, place): (TcpStream, Place), router: Router, mut stop: watch::Receiver<bool>) {
    let mut settings = http1::Builder::new();
    settings.timer(TokioTimer::new()).header_read_timeout(HEADERS).max_buf_size(MAX_HEADERS);
    let connection = settings.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    tokio::pin!(connection);
    let ended: Result<(), hyper::Error> = tokio::select! {
        ended = &mut connection => ended,
        _ = stop.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    drop(place);
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
