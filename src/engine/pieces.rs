//! Answers that come in pieces, and their lines.

use bytes::Bytes;
use tokio::sync::mpsc;

use super::{Error, docker};

/// An answer that comes in pieces.
#[derive(Debug)]
pub struct Pieces(Source);

#[derive(Debug)]
enum Source {
    Docker(docker::Pieces),
    Once(Option<Bytes>),
    Events(mpsc::UnboundedReceiver<Bytes>),
}

impl Pieces {
    /// An answer that already exists.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Source::Once(Some(Bytes::copy_from_slice(bytes))))
    }

    pub(super) fn from_docker(pieces: docker::Pieces) -> Self {
        Self(Source::Docker(pieces))
    }

    /// What a simulated engine tells of what happens to it.
    pub(super) fn from_events(events: mpsc::UnboundedReceiver<Bytes>) -> Self {
        Self(Source::Events(events))
    }

    /// The next piece; none when the answer has ended.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        match &mut self.0 {
            Source::Docker(pieces) => pieces.next().await,
            Source::Once(piece) => Ok(piece.take()),
            Source::Events(events) => Ok(events.recv().await),
        }
    }

    /// The answer line by line. A line of more than `max` bytes ends it.
    pub fn lines(self, max: usize) -> Lines {
        Lines { pieces: self, buffer: Vec::new(), searched: 0, max }
    }
}

/// The lines of an answer: most of what comes in pieces is a JSON value in each.
#[derive(Debug)]
pub struct Lines {
    pieces: Pieces,
    buffer: Vec<u8>,
    /// How many bytes of the buffer are known to hold no end of a line.
    searched: usize,
    max: usize,
}

impl Lines {
    /// The next line with its end, if it has one; none when the answer has ended.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        loop {
            if let Some(end) = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n') {
                let line = self.buffer.drain(..=self.searched + end).collect();
                self.searched = 0;
                return Ok(Some(line));
            }
            self.searched = self.buffer.len();
            if self.buffer.len() > self.max {
                return Ok(None);
            }
            match self.pieces.next().await? {
                Some(piece) => self.buffer.extend_from_slice(&piece),
                None if self.buffer.is_empty() => return Ok(None),
                None => {
                    self.searched = 0;
                    return Ok(Some(std::mem::take(&mut self.buffer)));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_end_with_the_answer_or_when_one_is_too_long() {
        let mut lines = Pieces::of(b"one\r\n\ntwo").lines(5);
        for line in [&b"one\r\n"[..], b"\n", b"two"] {
            assert_eq!(lines.next().await.unwrap().as_deref(), Some(line));
        }
        assert_eq!(lines.next().await.unwrap(), None);
        assert_eq!(Pieces::of(b"far too long").lines(5).next().await.unwrap(), None);
    }
}
