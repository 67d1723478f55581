//! `.dockerignore` as Docker reads it.
//!
//! `dockerignore.jsonl` was recorded: its first line lists the files of a folder, each other line has an ignore file
//! of random patterns and what docker 28.2's classic builder left out of the tarball that it sent for that folder.
//! Not in it are backslashes, where we knowingly differ, and `!` lines with wildcards that mean files in a folder that
//! is ignored: that builder does not look there, while BuildKit and we do.

use std::collections::BTreeSet;

use serde::Deserialize;
use skep::stack::ignore::{Ignore, MAX_STEPS};

#[derive(Deserialize)]
struct Folder {
    files: Vec<String>,
}

#[derive(Deserialize)]
struct Case {
    ignore: String,
    out: BTreeSet<String>,
}

#[test]
fn what_docker_leaves_out_stays_out() {
    let mut lines = include_str!("dockerignore.jsonl").lines();
    let Folder { files } = serde_json::from_str(lines.next().unwrap()).unwrap();
    for line in lines {
        let case: Case = serde_json::from_str(line).unwrap();
        let ignore = Ignore::read(&case.ignore).unwrap();
        let mut filter = ignore.filter(MAX_STEPS);
        let out: BTreeSet<String> = files.iter().filter(|file| filter.ignores(file).unwrap()).cloned().collect();
        assert_eq!(out, case.out, "{line}");
    }
}
