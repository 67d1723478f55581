//! The smallest web service that can be replaced without one failed request.
//!
//! `hello` serves its version on port 8080; `hello --check` asks a running one whether it is well, because an image
//! made `FROM scratch` has no shell for a health check. Told to stop, it goes on serving until Swarm has told the other
//! nodes that this task is leaving, then ends what it began, and exits.
//!
//! rustc --edition 2024 -O -C panic=abort -C strip=symbols -C target-feature=+crt-static \
//!       --target x86_64-unknown-linux-gnu hello.rs

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const VERSION: &str = "1";
const PORT: u16 = 8080;
/// How long new requests are still answered after SIGTERM: others learn within 2 s that a task leaves.
const DRAIN: Duration = Duration::from_secs(3);
/// How long one request may take, and so how long the last one is waited for.
const PATIENCE: Duration = Duration::from_secs(4);
const LONGEST_REQUEST: u64 = 8 * 1024;

static STOPPING: AtomicBool = AtomicBool::new(false);
static OPEN: AtomicUsize = AtomicUsize::new(0);

fn main() -> ExitCode {
    let outcome = if std::env::args().nth(1).as_deref() == Some("--check") { check() } else { serve() };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hello: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Serves until SIGTERM, and a little longer.
fn serve() -> io::Result<()> {
    stop_on_sigterm();
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT))?;
    println!("hello: version {VERSION} listens on port {PORT}");
    thread::spawn(move || accept(&listener));
    wait(Duration::MAX, || STOPPING.load(Ordering::SeqCst));
    println!("hello: version {VERSION} was told to stop, and drains");
    wait(DRAIN, || false);
    wait(PATIENCE, || OPEN.load(Ordering::SeqCst) == 0);
    Ok(())
}

fn accept(listener: &TcpListener) {
    for stream in listener.incoming().flatten() {
        OPEN.fetch_add(1, Ordering::SeqCst);
        thread::spawn(move || {
            if let Err(error) = answer(stream) {
                eprintln!("hello: {error}");
            }
            OPEN.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

/// Answers one request, and closes the connection.
fn answer(mut stream: TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let request = read_request_line(&stream)?;
    let (status, body) = match request.split(' ').nth(1) {
        Some("/") => ("200 OK", format!("hello, this is version {VERSION}\n")),
        Some("/health") => ("200 OK", "ok\n".to_owned()),
        _ => ("404 Not Found", "there is only / and /health\n".to_owned()),
    };
    let length = body.len();
    write!(stream, "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n")?;
    write!(stream, "Connection: close\r\n\r\n{body}")
}

/// Reads the head of a request, up to its empty line; the first line of it.
fn read_request_line(stream: &TcpStream) -> io::Result<String> {
    let mut lines = BufReader::new(stream.take(LONGEST_REQUEST)).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    for line in lines {
        if line?.is_empty() {
            return Ok(first);
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "a request without an end"))
}

/// Asks the server in this container.
fn check() -> io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, PORT)), PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(LONGEST_REQUEST).read_to_string(&mut answer)?;
    if answer.starts_with("HTTP/1.1 200 ") { Ok(()) } else { Err(io::Error::other("it does not answer 200")) }
}

/// Waits until something is so, at most for a while.
fn wait(at_most: Duration, so: impl Fn() -> bool) {
    let start = Instant::now();
    while !so() && start.elapsed() < at_most {
        thread::sleep(Duration::from_millis(20));
    }
}

/// Makes SIGTERM set [`STOPPING`]. As process 1 of its container it would otherwise not hear the signal at all.
fn stop_on_sigterm() {
    const SIGTERM: i32 = 15;
    unsafe extern "C" {
        fn signal(number: i32, handler: extern "C" fn(i32)) -> usize;
    }
    extern "C" fn on_signal(_: i32) {
        STOPPING.store(true, Ordering::SeqCst);
    }
    // SAFETY: `signal` is the C library's, with this signature; the handler only stores into an atomic, which is
    // allowed in a signal handler.
    unsafe { signal(SIGTERM, on_signal) };
}
