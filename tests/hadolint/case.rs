//! The cases: many Dockerfiles in a few files.
//!
//! A case begins with `=== name` and ends where the next one begins. `=== name (bytes)` is a case with bytes that no editor
//! shows: `\x0d` in it is that byte, and the line end before the next case is not part of it. The folder of the file says
//! which `hadolint.yaml` counts.

use std::path::{Path, PathBuf};
use std::{env, fs};

/// A Dockerfile.
pub(crate) struct Case {
    /// What it shows.
    pub(crate) name: String,
    /// The folder of its settings.
    pub(crate) settings: PathBuf,
    pub(crate) text: Vec<u8>,
}

/// Every case, in the order of the files.
pub(crate) fn all() -> Vec<Case> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hadolint/cases");
    if let Some(folder) = elsewhere() {
        return entries(&folder).into_iter().filter_map(|path| of_folder(&path, &cases.join("default"))).collect();
    }
    let files = entries(&cases).into_iter().flat_map(|folder| entries(&folder));
    files.filter(|file| file.extension().is_some_and(|end| end == "txt")).flat_map(|file| of_file(&file)).collect()
}

/// The folder of other cases that the person at the keyboard asks for: each is a folder with a `Dockerfile`.
pub(crate) fn elsewhere() -> Option<PathBuf> {
    env::var_os("HADOLINT_CASES").map(PathBuf::from)
}

fn of_folder(folder: &Path, settings: &Path) -> Option<Case> {
    let text = fs::read(folder.join("Dockerfile")).ok()?;
    let name = folder.file_name()?.to_string_lossy().into_owned();
    Some(Case { name, settings: settings.to_owned(), text })
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn of_file(file: &Path) -> Vec<Case> {
    let text = fs::read_to_string(file).unwrap();
    let sections = format!("\n{text}");
    sections.split("\n=== ").skip(1).map(|section| of_section(file.parent().unwrap(), section)).collect()
}

fn of_section(settings: &Path, section: &str) -> Case {
    let (name, text) = section.split_once('\n').unwrap_or((section, ""));
    let (name, text) = match name.strip_suffix(" (bytes)") {
        Some(name) => (name, bytes(text)),
        None if text.is_empty() => (name, Vec::new()),
        None => (name, format!("{}\n", text.trim_end_matches('\n')).into_bytes()),
    };
    Case { name: name.to_owned(), settings: settings.to_owned(), text }
}

/// The text with the bytes that `\x..` stands for.
fn bytes(text: &str) -> Vec<u8> {
    let mut parts = text.trim_end_matches('\n').split("\\x");
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend(&part.as_bytes()[2..]);
    }
    bytes
}
