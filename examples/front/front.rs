//! A front for a service in a swarm whose kernel has no IPVS.
//!
//! There, the virtual IP of a service and the ports published through the routing mesh lead nowhere. `front SERVICE PORT`
//! listens on port 8080, asks Docker's DNS for the addresses of the service's tasks (`tasks.SERVICE`), and passes each
//! request to one of them; if that one does not answer, to the next. It holds an answer back until it is whole, so a task
//! that dies in the middle is not noticed. For small requests without a body, and for demonstrations; use Traefik for
//! the rest.
//!
//! Compiled like `examples/hello/hello.rs`.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const PORT: u16 = 8080;
/// Where Docker answers for names, in every container.
const RESOLVER: (Ipv4Addr, u16) = (Ipv4Addr::new(127, 0, 0, 11), 53);
/// How long one task may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a task is looked for that answers.
const DEADLINE: Duration = Duration::from_secs(10);
const LONGEST_REQUEST: u64 = 8 * 1024;
const LONGEST_ANSWER: u64 = 1024 * 1024;

/// Counts requests, so that they go to the tasks in turn.
static TURN: AtomicUsize = AtomicUsize::new(0);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match &arguments[..] {
        [check] if check == "--check" => TcpStream::connect((Ipv4Addr::LOCALHOST, PORT)).map(drop),
        [service, port] => serve(service, port),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "usage: front SERVICE PORT | front --check")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("front: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(service: &str, port: &str) -> io::Result<()> {
    let port: u16 = port.parse().map_err(io::Error::other)?;
    let name = format!("tasks.{service}");
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT))?;
    println!("front: passes requests to {name}, port {port}");
    for stream in listener.incoming().flatten() {
        let name = name.clone();
        thread::spawn(move || {
            if let Err(error) = pass(stream, &name, port) {
                eprintln!("front: {error}");
            }
        });
    }
    Ok(())
}

/// Passes one request on, and its answer back.
fn pass(mut client: TcpStream, name: &str, port: u16) -> io::Result<()> {
    client.set_read_timeout(Some(PATIENCE))?;
    client.set_write_timeout(Some(PATIENCE))?;
    let request = read_request(&client)?;
    if request.is_empty() {
        return Ok(());
    }
    let start = Instant::now();
    while start.elapsed() < DEADLINE {
        if let Some(answer) = ask_each(&request, name, port) {
            return client.write_all(&answer);
        }
        thread::sleep(Duration::from_millis(100));
    }
    client.write_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

/// The head of a request, made to ask for one answer only; empty from one who only wanted to know whether we listen.
fn read_request(client: &TcpStream) -> io::Result<Vec<u8>> {
    let mut request = Vec::new();
    for line in BufReader::new(client.take(LONGEST_REQUEST)).lines() {
        let line = line?;
        if line.is_empty() {
            request.extend(b"Connection: close\r\n\r\n");
            return Ok(request);
        }
        if !line.to_ascii_lowercase().starts_with("connection:") {
            request.extend(format!("{line}\r\n").bytes());
        }
    }
    if request.is_empty() { Ok(request) } else { Err(io::Error::other("a request without an end")) }
}

/// The answer of the first task that gives one. The list of tasks is asked for each time, and is Docker's to keep.
fn ask_each(request: &[u8], name: &str, port: u16) -> Option<Vec<u8>> {
    let mut tasks = addresses(name).unwrap_or_default();
    tasks.sort_unstable();
    let turn = TURN.fetch_add(1, Ordering::Relaxed) % tasks.len().max(1);
    tasks.rotate_left(turn);
    tasks.into_iter().find_map(|task| ask(request, (task, port).into()).ok())
}

fn ask(request: &[u8], task: SocketAddr) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&task, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(request)?;
    let mut answer = Vec::new();
    stream.take(LONGEST_ANSWER).read_to_end(&mut answer)?;
    if is_whole(&answer) { Ok(answer) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// Whether an answer has as much of a body as its head says.
fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    length.is_none_or(|length| length.trim().parse().is_ok_and(|length: usize| body.len() >= length))
}

/// The IPv4 addresses of a name (RFC 1035). The C library cannot be asked: linked statically it finds no resolver.
fn addresses(name: &str) -> io::Result<Vec<Ipv4Addr>> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.connect(RESOLVER)?;
    socket.send(&question(name))?;
    let mut packet = [0; 4096];
    let length = socket.recv(&mut packet)?;
    Ok(answers(&packet[..length]).unwrap_or_default())
}

/// One question for the addresses of a name.
fn question(name: &str) -> Vec<u8> {
    // Id 1, recursion desired, one question, no answers.
    let mut packet = vec![0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        packet.push(u8::try_from(label.len()).unwrap_or(0));
        packet.extend(label.bytes());
    }
    // The root, type A, class IN.
    packet.extend([0, 0, 1, 0, 1]);
    packet
}

/// The addresses in an answer; none if it is cut off.
fn answers(packet: &[u8]) -> Option<Vec<Ipv4Addr>> {
    let count = u16::from_be_bytes([*packet.get(6)?, *packet.get(7)?]);
    // Behind the head stands the question: a name, a type and a class.
    let mut at = after_name(packet, 12)? + 4;
    let mut found = Vec::new();
    for _ in 0..count {
        at = after_name(packet, at)?;
        let record = packet.get(at..at + 10)?;
        let data = packet.get(at + 10..at + 10 + usize::from(u16::from_be_bytes([record[8], record[9]])))?;
        if let (&[0, 1], &[a, b, c, d]) = (&record[..2], data) {
            found.push(Ipv4Addr::new(a, b, c, d));
        }
        at += 10 + data.len();
    }
    Some(found)
}

/// The place behind a name: labels up to an empty one, or a pointer to the rest of it.
fn after_name(packet: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *packet.get(at)? {
            0 => return Some(at + 1),
            pointer if pointer >= 0xc0 => return Some(at + 2),
            length => at += usize::from(length) + 1,
        }
    }
}
