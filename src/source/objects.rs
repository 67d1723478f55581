//! The bytes of a revision's entries, straight from Git's objects or from a folder.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use git2::{ObjectType, Oid, Repository};

use super::{Error, memory, open};
use crate::revision::EntryKind;

/// Bytes in one object of a repository, at most: an object is read into memory as a whole.
pub const MAX_OBJECT: u64 = 100 << 20;
/// Bytes in one file of a folder, at most.
const MAX_FILE: u64 = 1 << 30;

/// Access to the contents of a revision's entries. Cheap to clone; nothing is held open.
#[derive(Debug, Clone)]
pub struct Objects(Place);

#[derive(Debug, Clone)]
enum Place {
    Repository { path: PathBuf, quarantine: Option<PathBuf> },
    Folder(Arc<Files>),
}

/// The files of a folder by their ids.
#[derive(Debug, Default)]
pub(super) struct Files {
    pub(super) by_id: HashMap<String, (PathBuf, EntryKind)>,
    /// Whether ids are Git's, so that a file that is changed meanwhile is noticed.
    pub(super) are_hashed: bool,
}

/// [`Objects`] opened for a piece of work, such as one build context. Its calls block.
pub struct Reader(pub(super) Held);

pub(super) enum Held {
    Repository(Repository),
    Folder(Arc<Files>),
}

impl Objects {
    /// The objects of a bare repository, and of a push to it that is not accepted yet.
    pub fn of_repository(path: &Path, quarantine: Option<&Path>) -> Self {
        Self(Place::Repository { path: path.to_owned(), quarantine: quarantine.map(Path::to_owned) })
    }

    pub(super) fn of_folder(files: Files) -> Self {
        Self(Place::Folder(Arc::new(files)))
    }

    /// Opens them for a piece of work.
    pub fn open(&self) -> Result<Reader, Error> {
        match &self.0 {
            Place::Repository { path, quarantine } => Ok(Reader::of(opened(path, quarantine.as_deref())?)),
            Place::Folder(files) => Ok(Reader(Held::Folder(Arc::clone(files)))),
        }
    }

    /// The bytes of one entry, by [`Entry::id`](crate::revision::Entry::id). Blocks; use [`open`](Self::open) for many.
    pub fn read(&self, id: &str) -> Result<Vec<u8>, Error> {
        self.open()?.read(id)
    }

    /// The size of an entry in bytes, without reading it. Blocks.
    pub fn size(&self, id: &str) -> Result<u64, Error> {
        self.open()?.size(id)
    }
}

/// Opens a bare repository together with the objects in further folders, such as those in quarantine.
pub(super) fn opened<'a>(path: &Path, folders: impl IntoIterator<Item = &'a Path>) -> Result<Repository, Error> {
    let repository = open(path)?;
    memory::bound();
    for path in folders {
        let doing = || format!("read the pushed objects in {}", path.display());
        let path = path.to_str().ok_or_else(|| Error::Local { doing: doing(), reason: "it is not UTF-8".into() })?;
        let added = repository.odb().and_then(|odb| odb.add_disk_alternate(path));
        added.map_err(Error::local(doing()))?;
    }
    Ok(repository)
}

impl Reader {
    pub(super) fn of(repository: Repository) -> Self {
        Self(Held::Repository(repository))
    }

    /// The size of an entry in bytes, without reading it.
    pub fn size(&self, id: &str) -> Result<u64, Error> {
        match &self.0 {
            Held::Repository(repository) => {
                let header = repository.odb().and_then(|odb| odb.read_header(Oid::from_str(id)?));
                header.map(|(size, _)| size as u64).map_err(Error::local(format!("read the object {id}")))
            }
            Held::Folder(files) => {
                let (path, _) = files.find(id)?;
                let about = path.symlink_metadata().map_err(Error::disk(format!("read {}", path.display())))?;
                Ok(about.len())
            }
        }
    }

    /// The bytes of an entry: of a link, the path it points to.
    pub fn read(&self, id: &str) -> Result<Vec<u8>, Error> {
        let size = self.size(id)?;
        let limit = match &self.0 {
            Held::Repository(_) => MAX_OBJECT,
            Held::Folder(_) => MAX_FILE,
        };
        if size > limit {
            return Err(Error::TooLarge {
                what: format!("a file of {size} bytes (object {id})"),
                limit: format!("{} MiB", limit >> 20),
                help: "fetch it in the Dockerfile instead of keeping it in the repository",
            });
        }
        match &self.0 {
            Held::Repository(repository) => blob(repository, id),
            Held::Folder(files) => files.read(id),
        }
    }
}

fn blob(repository: &Repository, id: &str) -> Result<Vec<u8>, Error> {
    let blob = Oid::from_str(id).and_then(|id| repository.find_blob(id));
    blob.map(|blob| blob.content().to_vec()).map_err(Error::local(format!("read the object {id}")))
}

impl Files {
    fn find(&self, id: &str) -> Result<&(PathBuf, EntryKind), Error> {
        let gone =
            || Error::Local { doing: format!("read the object {id}"), reason: "the folder has no such file".into() };
        self.by_id.get(id).ok_or_else(gone)
    }

    /// The folder may be changed while it is read: a changed file is an error and does not get into the build.
    fn read(&self, id: &str) -> Result<Vec<u8>, Error> {
        let (path, kind) = self.find(id)?;
        let doing = format!("read {}", path.display());
        let bytes = content(path, *kind).map_err(Error::disk(doing.as_str()))?;
        if !self.are_hashed {
            return Ok(bytes);
        }
        match Oid::hash_object(ObjectType::Blob, &bytes) {
            Ok(found) if found.to_string() == id => Ok(bytes),
            _ => Err(Error::Local { doing, reason: "it changed while it was read; try again".into() }),
        }
    }
}

/// What Git stores for a file: its bytes, or the target of a link.
pub(super) fn content(path: &Path, kind: EntryKind) -> std::io::Result<Vec<u8>> {
    if kind == EntryKind::Symlink {
        return Ok(std::fs::read_link(path)?.into_os_string().into_encoded_bytes());
    }
    std::fs::read(path)
}
