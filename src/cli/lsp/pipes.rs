//! The protocol over standard input and output.
//!
//! Replaces the transport of `lsp-server`, which allocates whatever length a message announces. Here the length is checked
//! first.

use std::io::{self, BufRead, Cursor, Read as _};
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};
use lsp_server::{Connection, Message};

/// The most bytes of one message.
const MAX_MESSAGE: u64 = 64 << 20;
/// The most bytes in the headers of one message.
const MAX_HEADERS: u64 = 8 << 10;

/// The threads that read and write; each ends with its pipe or with the connection.
pub(super) struct Threads {
    reader: JoinHandle<io::Result<()>>,
    writer: JoinHandle<io::Result<()>>,
}

/// Connects to the editor.
pub(super) fn connect() -> (Connection, Threads) {
    let (sender, outgoing) = bounded(0);
    let (incoming, receiver) = bounded(0);
    let threads =
        Threads { reader: thread::spawn(move || read(&incoming)), writer: thread::spawn(move || write(&outgoing)) };
    (Connection { sender, receiver }, threads)
}

impl Threads {
    /// Waits for both threads; returns the error of either.
    pub(super) fn join(self) -> io::Result<()> {
        let ended = |thread: JoinHandle<_>| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        ended(self.reader).and(ended(self.writer))
    }
}

fn read(incoming: &Sender<Message>) -> io::Result<()> {
    let mut input = io::stdin().lock();
    while let Some(message) = next(&mut input)? {
        let is_last = matches!(&message, Message::Notification(told) if told.method == "exit");
        if incoming.send(message).is_err() || is_last {
            break;
        }
    }
    Ok(())
}

fn write(outgoing: &Receiver<Message>) -> io::Result<()> {
    let mut output = io::stdout().lock();
    outgoing.iter().try_for_each(|message| message.write(&mut output))
}

/// The next message; `None` at the end.
fn next(input: &mut impl BufRead) -> io::Result<Option<Message>> {
    let Some(length) = length(input)? else { return Ok(None) };
    let head = Cursor::new(format!("Content-Length: {length}\r\n\r\n"));
    Message::read(&mut head.chain(input.take(length)))
}

/// Reads the headers of a message and returns its length.
fn length(input: &mut impl BufRead) -> io::Result<Option<u64>> {
    let mut head = input.take(MAX_HEADERS);
    let mut length = None;
    loop {
        let mut line = String::new();
        if head.read_line(&mut line)? == 0 && head.limit() > 0 {
            return Ok(None);
        }
        if !line.ends_with('\n') {
            return Err(refused(format!("the headers of a message are longer than {} KiB", MAX_HEADERS >> 10)));
        }
        match line.trim_end().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = Some(within_limit(value.trim())?);
            }
            Some(_) => {}
            None if line.trim_end().is_empty() => break,
            None => return Err(refused(format!("a header of a message is `{}`, without a colon", shown(&line)))),
        }
    }
    length.map(Some).ok_or_else(|| refused("a message has no `Content-Length`".to_owned()))
}

fn within_limit(value: &str) -> io::Result<u64> {
    let length =
        value.parse().map_err(|_| refused(format!("`Content-Length: {}` is not a number of bytes", shown(value))))?;
    if length > MAX_MESSAGE {
        let limit = MAX_MESSAGE >> 20;
        return Err(refused(format!(
            "a message of {length} bytes is larger than the limit of {limit} MiB; close the file"
        )));
    }
    Ok(length)
}

fn shown(text: &str) -> String {
    text.trim_end().chars().take(60).flat_map(char::escape_debug).collect()
}

fn refused(reason: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(input: &str) -> String {
        match next(&mut input.as_bytes()) {
            Ok(Some(Message::Notification(told))) => told.method,
            Ok(other) => format!("{other:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_message_is_read_by_its_length() {
        assert_eq!(told("content-length: 17\r\nContent-Type: x\r\n\r\n{\"method\":\"exit\"}{"), "exit");
        assert_eq!(told(""), "None");
    }

    #[test]
    fn no_message_makes_room_for_more_than_the_limit() {
        let endless = "x".repeat(9000);
        let inputs = [
            "Content-Length: 4000000000000\r\n\r\n",
            "Content-Length: 67108865\r\n\r\n",
            "Content-Length: 99999999999999999999\r\n\r\n",
            "Content-Length: -1\r\n\r\n",
            "Content-Length: \u{1b}[2J\r\n\r\n",
            "Content-Type: x\r\n\r\n{}",
            "GET / HTTP/1.1\r\n\r\n",
            &endless,
        ];
        let told: Vec<String> = inputs.into_iter().map(told).collect();
        insta::assert_snapshot!(told.join("\n"), @r"
        a message of 4000000000000 bytes is larger than the limit of 64 MiB; close the file
        a message of 67108865 bytes is larger than the limit of 64 MiB; close the file
        `Content-Length: 99999999999999999999` is not a number of bytes
        `Content-Length: -1` is not a number of bytes
        `Content-Length: \u{1b}[2J` is not a number of bytes
        a message has no `Content-Length`
        a header of a message is `GET / HTTP/1.1`, without a colon
        the headers of a message are longer than 8 KiB
        ");
    }
}
