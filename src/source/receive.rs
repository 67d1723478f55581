//! Receives the body of a request completely before Git reads it.
//!
//! A client that is slow or disconnects costs a connection and a file, but no process and none of the places for
//! pushes. A compressed body is unpacked here, so that the limit applies to the bytes that Git reads, and Git never
//! gets an incomplete body.

use std::fs::File;
use std::io::{self, Seek as _, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use flate2::write::GzDecoder;
use futures_util::{Stream, StreamExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::blocking;

/// How long a client may take to send all of it.
const UPLOAD: Duration = Duration::from_mins(30);
/// Bytes that have to arrive in each minute.
const LEAST: usize = 256 << 10;
/// Bytes that are read after the limit was reached, so that the client gets the reason for the refusal.
const MAX_REST: usize = 1 << 30;

/// A complete body. Its file has no name, and counts against the limit until both are dropped.
#[derive(Debug)]
pub struct Received {
    pub(super) file: File,
    pub(super) room: Vec<OwnedSemaphorePermit>,
}

/// Why a body was refused, for the user of the client.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It is too large.
    #[error(
        "what was sent is larger than the limit of {mib} MiB; keep large files out of the repository, or raise `max_push` in skep's settings"
    )]
    TooLarge {
        /// The limit, rounded up.
        mib: u64,
    },
    /// It arrived too slowly.
    #[error(
        "what was sent came too slowly: {} KiB have to arrive in each minute, and all of it in {} minutes; push over a faster connection, or in several pushes",
        LEAST >> 10,
        UPLOAD.as_secs() / 60
    )]
    TooSlow,
    /// The client disconnected.
    #[error("what was sent did not arrive whole; try again")]
    Cut,
    /// It is compressed in an unknown format, or incomplete.
    #[error("what was sent cannot be unpacked; try again, and look for a proxy that changes requests")]
    Encoding,
    /// Other pushes use all of the space.
    #[error("skep is receiving too many large pushes at once; push again in a moment")]
    Busy,
    /// It could not be stored.
    #[error("skep could not keep what was sent; its log says why")]
    Disk(#[source] io::Error),
}

/// The folder for bodies, and its limits.
#[derive(Debug, Clone)]
pub(super) struct Room {
    /// In KiB, for all bodies that are being received or read.
    free: Arc<Semaphore>,
    /// How long a client may take to send [`LEAST`] bytes.
    minute: Duration,
}

impl Room {
    /// Space for this many bytes.
    pub(super) fn of(bytes: u64) -> Self {
        let kib = usize::try_from(bytes >> 10).unwrap_or(usize::MAX);
        Self { free: Arc::new(Semaphore::new(kib.min(Semaphore::MAX_PERMITS))), minute: Duration::from_mins(1) }
    }

    /// Receives a body of up to `limit` unpacked bytes into a file in `folder`.
    pub(super) async fn receive<B, E>(
        &self,
        body: B,
        encoding: Option<&str>,
        limit: u64,
        folder: &Path,
    ) -> Result<Received, Refused>
    where
        B: Stream<Item = Result<Bytes, E>> + Send,
    {
        let is_packed = match encoding {
            None | Some("identity") => false,
            Some("gzip" | "x-gzip") => true,
            Some(_) => return Err(Refused::Encoding),
        };
        let folder = folder.to_owned();
        let file = blocking(move || tempfile::tempfile_in(folder)).await.map_err(Refused::Disk)?;
        let spool = Spool { file, size: 0, limit, room: self.clone(), held: Vec::new() };
        let sink = if is_packed { Sink::Packed(Box::new(GzDecoder::new(spool))) } else { Sink::Plain(spool) };
        let sink =
            tokio::time::timeout(UPLOAD, arrived(body, sink, self.minute)).await.map_err(|_| Refused::TooSlow)??;
        blocking(move || sink.finish()).await.map_err(reason)
    }
}

/// Reads a body to its end. A body that is refused meanwhile is still read, up to a limit.
async fn arrived<B, E>(body: B, mut sink: Sink, minute: Duration) -> Result<Sink, Refused>
where
    B: Stream<Item = Result<Bytes, E>>,
{
    tokio::pin!(body);
    loop {
        let mut some = 0;
        let enough = async {
            while some < LEAST {
                let Some(next) = body.next().await else { return Ok((sink, true)) };
                let bytes = next.map_err(|_| Refused::Cut)?;
                some += bytes.len();
                sink = blocking(move || sink.taken(&bytes)).await;
            }
            Ok((sink, false))
        };
        let ended;
        (sink, ended) = tokio::time::timeout(minute, enough).await.map_err(|_| Refused::TooSlow)??;
        if ended || matches!(sink, Sink::Refused(_, 0)) {
            return Ok(sink);
        }
    }
}

/// The destination of a body.
enum Sink {
    Plain(Spool),
    Packed(Box<GzDecoder<Spool>>),
    /// None, because it was refused; the number of bytes that are still read.
    Refused(Refused, usize),
}

impl Sink {
    fn taken(mut self, bytes: &[u8]) -> Self {
        let taken = match &mut self {
            Self::Plain(spool) => spool.write_all(bytes),
            Self::Packed(decoder) => decoder.write_all(bytes),
            Self::Refused(_, rest) => {
                *rest = rest.saturating_sub(bytes.len());
                Ok(())
            }
        };
        match taken {
            Ok(()) => self,
            Err(error) => Self::Refused(reason(error), MAX_REST),
        }
    }

    fn finish(self) -> io::Result<Received> {
        let mut spool = match self {
            Self::Plain(spool) => spool,
            Self::Packed(decoder) => decoder.finish()?,
            Self::Refused(reason, _) => return Err(io::Error::other(reason)),
        };
        spool.file.rewind().map_err(disk)?;
        Ok(Received { file: spool.file, room: spool.held })
    }
}

/// A file that grows up to a limit, as long as there is space.
struct Spool {
    file: File,
    size: u64,
    limit: u64,
    room: Room,
    held: Vec<OwnedSemaphorePermit>,
}

/// The steps in which space is reserved, in KiB.
const STEP: u32 = 1 << 10;

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.size += bytes.len() as u64;
        if self.size > self.limit {
            return Err(io::Error::other(Refused::TooLarge { mib: self.limit.div_ceil(1 << 20) }));
        }
        // The first step is free, so that large pushes do not block small ones.
        while self.size >> 10 >= (self.held.len() as u64 + 1) * u64::from(STEP) {
            let step = Arc::clone(&self.room.free).try_acquire_many_owned(STEP);
            self.held.push(step.map_err(|_| io::Error::other(Refused::Busy))?);
        }
        self.file.write_all(bytes).map_err(disk)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn disk(error: io::Error) -> io::Error {
    io::Error::other(Refused::Disk(error))
}

/// All errors that are not ours come from unpacking.
fn reason(error: io::Error) -> Refused {
    error.downcast::<Refused>().unwrap_or(Refused::Encoding)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use futures_util::stream;

    use super::*;

    type Piece = Result<Bytes, &'static str>;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// What becomes of a body with a limit of 1 MiB, with room for 2 MiB.
    async fn told(encoding: Option<&str>, pieces: impl Stream<Item = Piece> + Send) -> String {
        let folder = tempfile::tempdir().unwrap();
        match Room::of(2 << 20).receive(pieces, encoding, 1 << 20, folder.path()).await {
            Ok(mut received) => {
                let mut text = String::new();
                received.file.read_to_string(&mut text).unwrap();
                format!("{} bytes", text.len())
            }
            Err(refused) => refused.to_string(),
        }
    }

    fn pieces(bytes: &[u8]) -> impl Stream<Item = Piece> + Send + use<> {
        stream::iter(bytes.chunks(1000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect::<Vec<_>>())
    }

    #[tokio::test]
    async fn a_body_arrives_whole_or_not_at_all() {
        let bomb = packed(&vec![b'x'; 64 << 20]);
        assert!(bomb.len() < 100_000);
        let small = packed(&[b'x'; 5000]);
        let cut = stream::iter([Ok(Bytes::from_static(b"00")), Err("reset by peer")]);
        let told = [
            told(None, pieces(&[b'x'; 5000])).await,
            told(Some("gzip"), pieces(&small)).await,
            told(Some("gzip"), pieces(&bomb)).await,
            told(None, pieces(&vec![b'x'; (1 << 20) + 1])).await,
            told(None, cut).await,
            told(Some("gzip"), pieces(&small[..small.len() - 9])).await,
            told(Some("gzip"), pieces(b"PACK")).await,
            told(Some("br"), pieces(b"x")).await,
        ];
        insta::assert_snapshot!(told.join("\n"), @"
        5000 bytes
        5000 bytes
        what was sent is larger than the limit of 1 MiB; keep large files out of the repository, or raise `max_push` in skep's settings
        what was sent is larger than the limit of 1 MiB; keep large files out of the repository, or raise `max_push` in skep's settings
        what was sent did not arrive whole; try again
        what was sent cannot be unpacked; try again, and look for a proxy that changes requests
        what was sent cannot be unpacked; try again, and look for a proxy that changes requests
        what was sent cannot be unpacked; try again, and look for a proxy that changes requests
        ");
    }

    #[tokio::test]
    async fn large_bodies_share_the_disk_and_small_ones_always_fit() {
        let folder = tempfile::tempdir().unwrap();
        let room = Room::of(2 << 20);
        let large = vec![b'x'; 5 << 19];
        let receive = async |bytes: &[u8]| room.receive(pieces(bytes), None, 4 << 20, folder.path()).await;
        let first = receive(&large).await.unwrap();
        assert!(matches!(receive(&large).await, Err(Refused::Busy)));
        assert!(receive(b"small").await.is_ok());
        drop(first);
        assert!(receive(&large).await.is_ok());
    }

    #[tokio::test]
    async fn a_body_that_trickles_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let room = Room { minute: Duration::from_millis(100), ..Room::of(2 << 20) };
        let trickle = stream::repeat(Bytes::from_static(&[b'x'; 100])).then(|bytes| async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            Ok::<_, &str>(bytes)
        });
        let refused = room.receive(trickle, None, 1 << 30, folder.path()).await.unwrap_err();
        insta::assert_snapshot!(refused, @"what was sent came too slowly: 256 KiB have to arrive in each minute, and all of it in 30 minutes; push over a faster connection, or in several pushes");
        let silent = stream::pending::<Piece>();
        assert!(matches!(room.receive(silent, None, 1 << 30, folder.path()).await, Err(Refused::TooSlow)));
    }
}
