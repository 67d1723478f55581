//! A case: a stack file, and in comments at its top whatever else it takes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// A stack file and what it is deployed with.
///
/// The comments at the top may say `env: NAME=value`, `args: …` (for both programs), `stack: NAME`, `api: 1.41`,
/// `stdin` (the file is given as `-c -`), `docker: refuses`, `skep: refuses|accepts|differs` and
/// `unwritten: PATH…` (what Docker writes again and skep does not). In a folder of the case's name lie the files that
/// it refers to, and in `<name>.state.json` what is in the swarm already.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) text: Vec<u8>,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) args: Vec<String>,
    pub(crate) stack: String,
    pub(crate) api: String,
    pub(crate) stdin: bool,
    pub(crate) folder: Option<PathBuf>,
    pub(crate) state: Value,
    pub(crate) docker_refuses: bool,
    pub(crate) skep: Expected,
    pub(crate) unwritten: Vec<String>,
}

/// What skep makes of a case, beside Docker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// The same, be it that both refuse it.
    Same,
    /// It refuses what Docker accepts.
    Refuses,
    /// It accepts what Docker refuses.
    Accepts,
    /// It sends something else.
    Differs,
}

/// Every case in a folder, by name.
pub(crate) fn all(folder: &Path) -> Vec<Case> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yml"));
    files.sort();
    files.iter().map(|file| read(file)).collect()
}

fn read(file: &Path) -> Case {
    let text = std::fs::read(file).unwrap();
    let beside = file.with_extension("");
    let state = file.with_extension("state.json");
    let state = std::fs::read(state).map_or(Value::Null, |text| serde_json::from_slice(&text).unwrap());
    let mut case = Case {
        name: beside.file_name().unwrap().to_str().unwrap().to_owned(),
        env: BTreeMap::new(),
        args: Vec::new(),
        stack: "shop".to_owned(),
        api: "1.48".to_owned(),
        stdin: false,
        folder: Some(beside).filter(|folder| folder.is_dir()),
        state,
        docker_refuses: false,
        skep: Expected::Same,
        unwritten: Vec::new(),
        text: text.clone(),
    };
    let text = String::from_utf8_lossy(&text).into_owned();
    for comment in text.lines().map_while(|line| line.trim_start_matches('\u{feff}').strip_prefix("# ")) {
        case.note(comment);
    }
    case
}

impl Case {
    /// Whether skep does something else than Docker, although Docker accepts it.
    pub(crate) fn differs(&self) -> bool {
        matches!(self.skep, Expected::Refuses | Expected::Differs) || !self.unwritten.is_empty()
    }

    fn note(&mut self, comment: &str) {
        let (key, value) = comment.split_once(": ").unwrap_or((comment, ""));
        match key {
            "env" => {
                let (name, value) = value.split_once('=').unwrap();
                self.env.insert(name.to_owned(), value.to_owned());
            }
            "args" => self.args.extend(value.split(' ').map(str::to_owned)),
            "stack" => value.clone_into(&mut self.stack),
            "api" => value.clone_into(&mut self.api),
            "stdin" => self.stdin = true,
            "docker" => self.docker_refuses = value == "refuses",
            "unwritten" => self.unwritten.extend(value.split(' ').map(str::to_owned)),
            "skep" => {
                self.skep = match value {
                    "refuses" => Expected::Refuses,
                    "accepts" => Expected::Accepts,
                    _ => Expected::Differs,
                }
            }
            _ => {}
        }
    }
}
