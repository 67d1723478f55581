//! Temporary folders, which tell whose they are.

use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::command::attempt;

const PREFIX: &str = "skep-e2e-";

/// A folder that goes when it is dropped. Its name has the id of this process in it, so that the next run of the tests
/// finds what this one leaves if it is killed.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        let prefix = format!("{PREFIX}{}-", std::process::id());
        Self(tempfile::Builder::new().prefix(&prefix).tempdir().unwrap())
    }
}

impl Deref for Folder {
    type Target = Path;

    fn deref(&self) -> &Path {
        self.0.path()
    }
}

/// Ends the processes and removes the folders of runs that were killed.
pub(crate) fn sweep() {
    for folder in fs::read_dir(std::env::temp_dir())
        .unwrap()
        .flatten()
        .filter(|entry| is_left(&entry.file_name().to_string_lossy()))
    {
        for process in processes_of(&folder.path()) {
            attempt("kill", &["-KILL", &process]);
        }
        drop(fs::remove_dir_all(folder.path()));
    }
}

fn is_left(name: &str) -> bool {
    let owner = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next());
    owner.is_some_and(|id| id.parse::<u32>().is_ok() && !Path::new("/proc").join(id).exists())
}

/// The processes that were started with something in this folder.
fn processes_of(folder: &Path) -> Vec<String> {
    let inside = format!("{}/", folder.display());
    let concerns = |process: &PathBuf| {
        fs::read(process.join("cmdline")).is_ok_and(|line| String::from_utf8_lossy(&line).contains(&inside))
    };
    let all = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    all.filter(concerns).map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
}
