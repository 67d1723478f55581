//! A context as the tar stream that the engine reads, made file by file from Git's objects.
//!
//! Times, owners and the order are fixed, so that the same context is the same bytes. One file at a time is in
//! memory, and nothing is written to disk.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::{self, BufWriter, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;
use tar::{EntryType, Header};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{Error, Limits, Request};
use crate::revision::{Entry, EntryKind};

/// Gives the content of an entry, unless it has more than this many bytes. Called off the async threads.
pub type Objects = Arc<dyn Fn(&Entry, u64) -> Result<Vec<u8>, ReadError> + Send + Sync>;

/// Why there is no content of an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It has this many bytes, more than were allowed.
    #[error("it has {0} bytes")]
    TooLarge(u64),
    /// Git says why not.
    #[error("{0}")]
    Failed(String),
}

/// The bytes that are handed over at once.
const PIECE: usize = 64 * 1024;

/// The stream, and whether all of the context went into it: when it did not, the stream ends in an error.
pub(super) fn stream(
    request: Arc<Request>,
    limits: Limits,
) -> (impl Stream<Item = io::Result<Bytes>> + Send + 'static, JoinHandle<Result<(), Error>>) {
    let (sender, receiver) = mpsc::channel(4);
    let written = tokio::task::spawn_blocking(move || {
        let result = write(&request, &limits, Pipe { sender: sender.clone() });
        if let Err(error) = &result {
            // When nobody reads any more, nobody has to know.
            drop(sender.blocking_send(Err(io::Error::other(error.to_string()))));
        }
        result
    });
    let stream = futures_util::stream::unfold(receiver, async |mut receiver: mpsc::Receiver<_>| {
        receiver.recv().await.map(|piece| (piece, receiver))
    });
    (stream, written)
}

/// The writing end of the stream, in a thread that may block.
struct Pipe {
    sender: mpsc::Sender<io::Result<Bytes>>,
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let piece = &bytes[..bytes.len().min(PIECE)];
        let sent = self.sender.blocking_send(Ok(Bytes::copy_from_slice(piece)));
        sent.map(|()| piece.len()).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write(request: &Request, limits: &Limits, out: impl Write) -> Result<(), Error> {
    let mut tar = tar::Builder::new(BufWriter::with_capacity(PIECE, out));
    let mut folders = BTreeSet::new();
    let mut left = limits.context;
    for (path, entry) in &request.context.files {
        let content = content(request, limits, path, entry)?;
        let too_large = || Error::ContextTooLarge { service: request.recipe.service.clone(), limit: limits.context };
        left = left.checked_sub(content.len() as u64).ok_or_else(too_large)?;
        let added = add_folders(&mut tar, &mut folders, path).and_then(|()| add(&mut tar, path, entry.kind, &content));
        if !sent(request, path, added)? {
            return Ok(());
        }
    }
    let finished = tar.into_inner().and_then(|mut out| out.flush());
    sent(request, "", finished).map(|_| ())
}

/// Whether it was sent; not when the engine has stopped reading, which then has its own reason to tell.
fn sent(request: &Request, path: &str, result: io::Result<()>) -> Result<bool, Error> {
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(unreadable(request, path, error.to_string())),
    }
}

fn content(request: &Request, limits: &Limits, path: &str, entry: &Entry) -> Result<Vec<u8>, Error> {
    let service = request.recipe.service.clone();
    let size = match (request.objects)(entry, limits.file) {
        Ok(content) if content.len() as u64 <= limits.file => return Ok(content),
        Ok(content) => content.len() as u64,
        Err(ReadError::TooLarge(size)) => size,
        Err(ReadError::Failed(reason)) => return Err(unreadable(request, path, reason)),
    };
    Err(Error::FileTooLarge { service, path: path.to_owned(), size, limit: limits.file })
}

fn unreadable(request: &Request, path: &str, reason: String) -> Error {
    Error::Unreadable { service: request.recipe.service.clone(), path: path.to_owned(), reason }
}

/// Adds the folders above a path that are not there yet, so that their mode is not the engine's to choose.
fn add_folders(tar: &mut tar::Builder<impl Write>, there: &mut BTreeSet<String>, path: &str) -> io::Result<()> {
    for (end, _) in path.match_indices('/') {
        if there.insert(path[..end].to_owned()) {
            let mut header = header(EntryType::Directory, 0o755, 0);
            tar.append_data(&mut header, format!("{}/", &path[..end]), io::empty())?;
        }
    }
    Ok(())
}

fn add(tar: &mut tar::Builder<impl Write>, path: &str, kind: EntryKind, content: &[u8]) -> io::Result<()> {
    let mode = match kind {
        EntryKind::Symlink => {
            let mut header = header(EntryType::Symlink, 0o777, 0);
            return tar.append_link(&mut header, path, Path::new(OsStr::from_bytes(content)));
        }
        EntryKind::Executable => 0o755,
        EntryKind::File | EntryKind::Submodule => 0o644,
    };
    tar.append_data(&mut header(EntryType::Regular, mode, content.len() as u64), path, content)
}

fn header(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::build::context::Context;
    use crate::stack::recipe::Recipe;

    /// A request for files whose id is their content.
    fn request(files: &[(&str, EntryKind, &str)]) -> Request {
        let entry = |kind, id: &str| Entry { kind, id: id.to_owned() };
        Request {
            stack: "shop".parse().unwrap(),
            recipe: Recipe {
                service: "web".parse().unwrap(),
                context: "web".parse().unwrap(),
                dockerfile: "web/Dockerfile".parse().unwrap(),
                args: BTreeMap::new(),
                target: None,
                test: Vec::new(),
            },
            context: Context {
                files: files.iter().map(|(path, kind, text)| ((*path).to_owned(), entry(*kind, text))).collect(),
                dockerfile: "Dockerfile".into(),
                notes: Vec::new(),
            },
            key: "key".into(),
            pull: false,
            objects: Arc::new(|entry, _| match entry.id.as_str() {
                "gone" => Err(ReadError::Failed("object not found".into())),
                id => Ok(id.as_bytes().to_vec()),
            }),
            log: Arc::new(|_| {}),
        }
    }

    fn refused(files: &[(&str, EntryKind, &str)]) -> String {
        let limits = Limits { file: 8, context: 10, ..Limits::default() };
        write(&request(files), &limits, io::sink()).unwrap_err().to_string()
    }

    #[test]
    fn a_context_is_a_tarball_with_fixed_modes_and_times() {
        let long = "d/".repeat(80) + "file";
        let files = [
            ("Dockerfile", EntryKind::File, "FROM scratch"),
            ("bin/run", EntryKind::Executable, "#!"),
            ("bin/link", EntryKind::Symlink, "/etc/passwd"),
            (&long, EntryKind::File, "long"),
        ];
        let mut bytes = Vec::new();
        write(&request(&files), &Limits::default(), &mut bytes).unwrap();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let entries = archive.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            let (header, path) =
                (entry.header(), entry.path().unwrap().display().to_string().replace(&"d/".repeat(79), "…"));
            let link = entry.link_name().unwrap().map(|link| format!(" -> {}", link.display())).unwrap_or_default();
            assert_eq!((header.mtime().unwrap(), header.uid().unwrap()), (0, 0));
            format!("{:o} {} {path}{link}", header.mode().unwrap(), header.size().unwrap())
        });
        let entries: Vec<String> = entries.filter(|line| !line.contains(" d/")).collect();
        insta::assert_snapshot!(entries.join("\n"), @r"
        644 12 Dockerfile
        755 0 bin/
        777 0 bin/link -> /etc/passwd
        755 2 bin/run
        755 0 …
        755 0 …d/
        644 4 …d/file
        ");
    }

    #[test]
    fn what_is_too_large_or_gone_is_named() {
        let file = EntryKind::File;
        insta::assert_snapshot!(refused(&[("a", file, "ok"), ("b", file, "123456789")]), @"`b` in the build context of `web` has 9 bytes, 8 at most are sent; is it built or downloaded? then let the Dockerfile do that, or list it in `.dockerignore`");
        insta::assert_snapshot!(refused(&[("a", file, "123456"), ("b", file, "123456")]), @"the build context of `web` has more than 10 bytes; list in `.dockerignore` what the build does not need");
        insta::assert_snapshot!(refused(&[("a", file, "gone")]), @"`a` in the build context of `web` could not be read: object not found");
    }
}
