//! The logs of builds, on the disk: one file for each time that a stack was built for a commit.
//!
//! A file has a line of JSON for each [`Record`]: a header, the lines of the log, and an end. It gets its name when it
//! has its first line, and grows by whole lines, so that it can be read while the build goes on; a file without an end
//! is incomplete. The name contains the start of the build, the commit, and the release made of it. Losing a log does
//! no harm: a full disk ends the log but not the build.

mod bounds;
mod open;
#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use bounds::{BOUNDS, Bounds};
pub use open::OpenLog;

use crate::name::{CommitId, ServiceName, StackName};
use crate::release::ReleaseId;
use bounds::{Kept, excess};

/// The suffix of the names of logs.
const SUFFIX: &str = ".jsonl";

/// The folder that holds the logs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct BuildLogs {
    root: PathBuf,
    bounds: Bounds,
}

/// A line of the file of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Record {
    /// The header, in the first line.
    Build {
        /// The stack.
        stack: StackName,
        /// The repository of the commit.
        repository: String,
        /// The commit.
        commit: CommitId,
        /// The author of the commit.
        author: String,
        /// When the build began.
        at: Timestamp,
    },
    /// A line of the builder or of the test of an image.
    Line {
        /// When.
        at: Timestamp,
        /// Of which service.
        service: ServiceName,
        /// What.
        text: String,
    },
    /// Lines were left out here.
    LeftOut {
        /// The number of lines.
        lines: u64,
    },
    /// The end of the log.
    End {
        /// When.
        at: Timestamp,
        /// The release that was made of the build; `None` if there is none.
        release: Option<ReleaseId>,
    },
}

/// Selects a log of a stack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Wanted {
    /// The log of the newest build.
    #[default]
    Newest,
    /// The log of the build for this release.
    Release(ReleaseId),
    /// The log of the newest build of the commit whose id has this prefix.
    Commit(String),
}

/// A log, by its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildLog {
    begun: Timestamp,
    commit: CommitId,
    release: Option<ReleaseId>,
    path: PathBuf,
}

/// Why a log cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It does not exist.
    #[error("no log of a build of {stack}{} is kept: {}", shown(wanted), explained(wanted, kept))]
    NotKept {
        /// The stack.
        stack: StackName,
        /// The requested log.
        wanted: Wanted,
        /// The existing logs, newest first.
        kept: Vec<BuildLog>,
    },
    /// It cannot be read.
    #[error("the log of a build cannot be read: {0}")]
    Disk(#[from] io::Error),
}

/// The most existing logs that an error names.
const NAMED: usize = 5;

fn shown(wanted: &Wanted) -> String {
    match wanted {
        Wanted::Newest => String::new(),
        Wanted::Release(release) => format!(" for {release}"),
        Wanted::Commit(commit) => format!(" for the commit {commit}"),
    }
}

fn explained(wanted: &Wanted, kept: &[BuildLog]) -> String {
    let why = match wanted {
        Wanted::Newest => "nothing was built for it",
        Wanted::Release(_) | Wanted::Commit(_) => "nothing was built for it, because its images were there already",
    };
    let named: Vec<String> = kept.iter().take(NAMED).map(ToString::to_string).collect();
    let others =
        if named.is_empty() { String::new() } else { format!("; the newest are those of {}", named.join(", ")) };
    format!("{why}, or its log is gone ({BOUNDS}){others}")
}

/// The commit, and the release made of it.
impl fmt::Display for BuildLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.release {
            Some(release) => write!(f, "{} ({release})", self.commit.short()),
            None => write!(f, "{} (no release)", self.commit.short()),
        }
    }
}

impl BuildLogs {
    /// The logs below the folder for skep's own data.
    pub fn below(data: &Path) -> Self {
        Self { root: data.join("build-logs"), bounds: BOUNDS }
    }

    /// Whether this machine has any.
    pub fn is_here(&self) -> bool {
        self.root.is_dir()
    }

    /// Starts the log of a build; `None` unless the record is a header.
    pub fn begin(&self, build: &Record) -> io::Result<Option<OpenLog>> {
        let Record::Build { stack, commit, at, .. } = build else { return Ok(None) };
        let folder = self.folder(stack);
        // Others on this machine are not to read what a build writes.
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let log = BuildLog::new(&folder, *at, commit.clone(), None);
        OpenLog::create(log, build).map(Some)
    }

    /// Removes logs beyond the limits, the oldest first. A log that cannot be removed stays until the next time.
    pub fn sweep(&self, now: Timestamp) {
        let mut logs: Vec<(BuildLog, Kept)> = Vec::new();
        for (name, folder) in folders(&self.root) {
            let kept = in_folder(&folder).into_iter().filter_map(|log| {
                let bytes = fs::metadata(&log.path).ok()?.len();
                let kept = Kept { stack: name.clone(), begun: log.begun, bytes };
                Some((log, kept))
            });
            logs.extend(kept);
        }
        let kept: Vec<&Kept> = logs.iter().map(|(_, kept)| kept).collect();
        for nth in excess(&kept, now, &self.bounds) {
            drop(fs::remove_file(&logs[nth].0.path));
        }
        // A folder that still contains a log stays.
        for (_, folder) in folders(&self.root) {
            let files = fs::read_dir(&folder).into_iter().flatten().flatten().map(|file| file.path());
            let halves = files.filter(|path| path.extension().is_some_and(|extension| extension == open::FRESH));
            halves.for_each(|path| drop(fs::remove_file(path)));
            drop(fs::remove_dir(folder));
        }
    }

    /// Finds a log of a stack.
    pub fn find(&self, stack: &StackName, wanted: &Wanted) -> Result<BuildLog, Error> {
        let kept = in_folder(&self.folder(stack));
        let is_wanted = |log: &&BuildLog| match wanted {
            Wanted::Newest => true,
            Wanted::Release(release) => log.release == Some(*release),
            Wanted::Commit(commit) => log.commit.as_str().starts_with(commit.as_str()),
        };
        let found = kept.iter().find(is_wanted).cloned();
        found.ok_or_else(|| Error::NotKept { stack: stack.clone(), wanted: wanted.clone(), kept })
    }

    /// Reads a log as far as it is written: lines of JSON, each a [`Record`].
    pub fn read(&self, stack: &StackName, wanted: &Wanted) -> Result<String, Error> {
        for _ in 0..2 {
            let log = self.find(stack, wanted)?;
            match fs::read(&log.path) {
                Ok(bytes) => return Ok(whole_lines(&bytes)),
                // It was renamed or removed between the two steps.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::NotKept { stack: stack.clone(), wanted: wanted.clone(), kept: Vec::new() })
    }

    fn folder(&self, stack: &StackName) -> PathBuf {
        self.root.join(stack.as_str())
    }
}

impl BuildLog {
    fn new(folder: &Path, begun: Timestamp, commit: CommitId, release: Option<ReleaseId>) -> Self {
        let of_release = release.map(|release| format!("-{release}")).unwrap_or_default();
        let name = format!("{:015}-{commit}{of_release}{SUFFIX}", begun.as_millisecond());
        Self { begun, commit, release, path: folder.join(name) }
    }

    /// The log with this file name, if it is a log.
    fn of(path: &Path) -> Option<Self> {
        let mut parts = path.file_name()?.to_str()?.strip_suffix(SUFFIX)?.split('-');
        let begun = Timestamp::from_millisecond(parts.next()?.parse().ok()?).ok()?;
        let commit = parts.next()?.parse().ok()?;
        let release = match parts.next() {
            Some(release) => Some(ReleaseId(release.strip_prefix('r')?.parse().ok()?)),
            None => None,
        };
        Some(Self { begun, commit, release, path: path.to_owned() })
    }
}

/// The logs in a folder, newest first.
fn in_folder(folder: &Path) -> Vec<BuildLog> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut logs: Vec<BuildLog> = files.filter_map(|file| BuildLog::of(&file.path())).collect();
    logs.sort_by(|one, other| (other.begun, &other.path).cmp(&(one.begun, &one.path)));
    logs
}

/// The folders in a folder, with their names.
fn folders(root: &Path) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path());
    let folders = entries.filter(|path| path.is_dir());
    folders.filter_map(|path| Some((path.file_name()?.to_str()?.to_owned(), path))).collect()
}

/// The complete lines: the last one may be partly written.
fn whole_lines(bytes: &[u8]) -> String {
    let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}
