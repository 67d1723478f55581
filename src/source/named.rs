//! Stack files that a person named on this machine, as a [`Revision`], for `-c FILE`.
//!
//! The root of the revision is the root of the machine's file system, so that a stack file may refer to any file that the
//! person may read. Only files that are referred to are read; links are followed, as other programs do.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::folder::{Walked, id, id_of_path, walk_into};
use super::objects::Files;
use super::read::{MAX_TEXT, MAX_TEXTS};
use super::{Error, Objects, blocking};
use crate::name::{CommitId, RepoPath, TreeId};
use crate::revision::{Entry, EntryKind, Named, Revision, Viewpoint};

/// The name that stands for standard input.
const STANDARD_INPUT: &str = "-";

/// The build contexts of stacks.
type Contexts = BTreeSet<RepoPath>;

/// Reads stack files (`-` is standard input, as a file of the working folder) and the files that `wanted` requests, and
/// lists the build contexts.
pub async fn read<W, C>(
    files: &[PathBuf],
    as_written: bool,
    wanted: W,
    contexts: C,
) -> Result<(Revision, Objects), Error>
where
    W: Fn(&Revision) -> Vec<RepoPath> + Send + 'static,
    C: Fn(&Revision) -> Contexts + Send + 'static,
{
    let files = files.to_owned();
    blocking(move || {
        let texts = texts(&files, as_written)?;
        let mut walked = Walked::default();
        let revision = texts.with(wanted, |revision| {
            for folder in outermost(contexts(revision)) {
                walk_into(&mut walked, &folder, &in_machine(&folder), &|_| true, id)?;
            }
            Ok(walked.0.clone())
        })?;
        Ok((revision, Objects::of_folder(Files { by_id: walked.1, are_hashed: true })))
    })
    .await
}

/// The same for checks of files: folders are listed, and a folder that is too large only partly.
pub async fn look<W, C>(files: &[PathBuf], wanted: W, contexts: C) -> Result<Revision, Error>
where
    W: Fn(&Revision) -> Vec<RepoPath> + Send + 'static,
    C: Fn(&Revision) -> Contexts + Send + 'static,
{
    let files = files.to_owned();
    blocking(move || texts(&files, false)?.with(wanted, |revision| Ok(listed(contexts(revision), true)))).await
}

fn texts(files: &[PathBuf], as_written: bool) -> Result<Texts, Error> {
    let viewpoint = Viewpoint {
        here: working_folder().and_then(|folder| in_root(&folder)).ok(),
        is_relative: files.iter().all(|file| file.is_relative()),
    };
    let named = Named { files: Vec::new(), as_written, viewpoint };
    let mut texts = Texts { room: MAX_TEXTS, revision: revision(named) };
    for file in files {
        texts.add_stack_file(file)?;
    }
    Ok(texts)
}

/// The entries of folders, as far as they can be listed; `deeply` includes subfolders.
fn listed(folders: Contexts, deeply: bool) -> BTreeMap<RepoPath, Entry> {
    let mut walked = Walked::default();
    for folder in outermost(folders) {
        // What cannot be listed counts as missing, which rules report.
        drop(walk_into(&mut walked, &folder, &in_machine(&folder), &|_| deeply, id_of_path));
    }
    walked.0
}

/// The existing folders, without those inside of others.
fn outermost(folders: Contexts) -> Vec<RepoPath> {
    let mut outermost: Vec<RepoPath> = Vec::new();
    for folder in folders {
        if !outermost.iter().any(|outer| outer.holds(&folder)) && in_machine(&folder).is_dir() {
            outermost.push(folder);
        }
    }
    outermost
}

fn in_machine(path: &RepoPath) -> PathBuf {
    Path::new("/").join(path.as_str())
}

/// Reads a stack file with the text that an editor has, and the files that `wanted` requests. Blocks.
pub fn read_open(
    file: &Path,
    text: Vec<u8>,
    wanted: impl Fn(&Revision) -> Vec<RepoPath>,
    contexts: impl Fn(&Revision) -> Contexts,
) -> Result<(Revision, RepoPath), Error> {
    let path = in_root(file)?;
    let named = Named { files: vec![path.clone()], as_written: false, viewpoint: Viewpoint::default() };
    let mut texts = Texts { room: MAX_TEXTS, revision: revision(named) };
    texts.add(path.clone(), text)?;
    Ok((texts.with(wanted, |revision| Ok(listed(contexts(revision), false)))?, path))
}

fn revision(named: Named) -> Revision {
    let (commit, tree) = ids(&BTreeMap::new());
    Revision {
        commit,
        tree,
        author: String::new(),
        subject: String::new(),
        entries: BTreeMap::new(),
        texts: BTreeMap::new(),
        named: Some(named),
    }
}

/// The files that have been read so far.
struct Texts {
    /// Bytes that may still be read.
    room: u64,
    revision: Revision,
}

impl Texts {
    fn add_stack_file(&mut self, file: &Path) -> Result<(), Error> {
        let (path, text) = if file == Path::new(STANDARD_INPUT) {
            (working_folder()?.join("standard input"), standard_input()?)
        } else {
            let path = std::path::absolute(file).map_err(Error::disk(format!("find {}", file.display())))?;
            (path, std::fs::read(file).map_err(Error::disk(format!("read {}", file.display())))?)
        };
        let path = in_root(&path)?;
        self.add(path.clone(), text)?;
        self.revision.subject = format!("file {}", file.display());
        self.revision.named.iter_mut().for_each(|named| named.files.push(path.clone()));
        Ok(())
    }

    /// Reads the requested files until none is requested, and lists the others. Rules report missing files at the place
    /// that refers to them.
    fn with(
        mut self,
        wanted: impl Fn(&Revision) -> Vec<RepoPath>,
        list: impl FnOnce(&Revision) -> Result<BTreeMap<RepoPath, Entry>, Error>,
    ) -> Result<Revision, Error> {
        self.read(wanted)?;
        // The builder asks for files by the ids of the list.
        let listed = list(&self.revision)?;
        self.revision.entries.extend(listed);
        let (commit, tree) = ids(&self.revision.entries);
        Ok(Revision { commit, tree, ..self.revision })
    }

    fn read(&mut self, wanted: impl Fn(&Revision) -> Vec<RepoPath>) -> Result<(), Error> {
        let mut tried = BTreeSet::new();
        loop {
            let paths = wanted(&self.revision).into_iter().filter(|path| !tried.contains(path));
            let paths: Vec<RepoPath> = paths.collect();
            if paths.is_empty() {
                return Ok(());
            }
            for path in paths {
                if let Some(text) = content(&path)? {
                    self.add(path.clone(), text)?;
                }
                tried.insert(path);
            }
        }
    }

    fn add(&mut self, path: RepoPath, text: Vec<u8>) -> Result<(), Error> {
        let size = text.len() as u64;
        let left = self.room.checked_sub(size).filter(|_| size <= MAX_TEXT);
        self.room = left.ok_or_else(|| Error::TooLarge {
            what: format!("the file /{path} ({size} bytes)"),
            limit: format!("{} MiB", MAX_TEXT >> 20),
            help: "a stack file and what it names are small",
        })?;
        let id = hex::encode(Sha256::digest(&text));
        self.revision.entries.insert(path.clone(), Entry { kind: EntryKind::File, id });
        self.revision.texts.insert(path, text.into());
        Ok(())
    }
}

/// Ids that are equal for equal files. They are not Git's, because the files may be outside of any repository.
fn ids(entries: &BTreeMap<RepoPath, Entry>) -> (CommitId, TreeId) {
    let lines = entries.iter().map(|(path, entry)| format!("{} {path}\n", entry.id));
    let id = hex::encode(Sha256::digest(lines.collect::<String>()));
    let valid = "64 digits are an id";
    (id.parse().expect(valid), id.parse().expect(valid))
}

/// The contents of a file; `None` if there is no file of this name.
fn content(path: &RepoPath) -> Result<Option<Vec<u8>>, Error> {
    let file = Path::new("/").join(path.as_str());
    let doing = format!("read {}", file.display());
    let about = match file.metadata() {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        about => about.map_err(Error::disk(doing.as_str()))?,
    };
    if !about.is_file() {
        return Ok(None);
    }
    Ok(Some(std::fs::read(&file).map_err(Error::disk(doing))?))
}

fn standard_input() -> Result<Vec<u8>, Error> {
    let mut text = Vec::new();
    let input = std::io::stdin().lock().take(MAX_TEXT + 1).read_to_end(&mut text);
    input.map_err(Error::disk("read standard input"))?;
    Ok(text)
}

fn working_folder() -> Result<PathBuf, Error> {
    std::env::current_dir().map_err(Error::disk("find the working folder"))
}

/// The path below the root of the machine's file system.
fn in_root(path: &Path) -> Result<RepoPath, Error> {
    let unfit = || Error::Local { doing: format!("read {}", path.display()), reason: "its path is not UTF-8".into() };
    let text = path.to_str().ok_or_else(unfit)?;
    RepoPath::root().join(&format!("./{text}")).map_err(|_| unfit())
}
