//! The real `ShellCheck` over the scripts of the cases. hadolint shows only some of what it says about an instruction.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use skep::lint::dockerfile::Dockerfile;
use skep::lint::shellcheck::{Answer, Question, questions};

use super::Said;
use super::case::Case;
use super::ours::{IDS, line};

/// The version that `scripts/linters.sh` installs.
const VERSION: &str = "0.11.0";

/// The program that the script installed; none, and a loud word about it, where it is not.
fn find() -> Option<PathBuf> {
    let home = PathBuf::from(env::var_os("HOME").unwrap_or_default());
    let cache = env::var_os("XDG_CACHE_HOME").map_or_else(|| home.join(".cache"), PathBuf::from).join("skep");
    let found = Some(cache.join(format!("shellcheck-{VERSION}/shellcheck"))).filter(|file| file.is_file());
    let is_needed = env::var_os("CI").is_some() && cfg!(all(target_os = "linux", target_arch = "x86_64"));
    assert!(found.is_some() || !is_needed, "there is no ShellCheck: run scripts/linters.sh install");
    if found.is_none() {
        eprintln!("SKIPPED, THERE IS NO SHELLCHECK: run scripts/linters.sh install");
    }
    found
}

/// What it says about each case, of what skep has rules for: the line that it stands in.
pub(crate) fn said(cases: &[Case]) -> Option<BTreeMap<&str, Said>> {
    let shellcheck = find()?;
    let asked: Vec<(&Case, Question)> = cases.iter().flat_map(|case| all(case).map(move |one| (case, one))).collect();
    let shells: BTreeSet<&str> = asked.iter().map(|(_, question)| question.shell).collect();
    let mut said: BTreeMap<&str, Said> = cases.iter().map(|case| (case.name.as_str(), Said::new())).collect();
    for shell in shells {
        let of_shell: Vec<_> = asked.iter().filter(|(_, question)| question.shell == shell).collect();
        let texts: Vec<&str> = of_shell.iter().map(|(_, question)| question.text.as_str()).collect();
        for ((case, question), answer) in of_shell.iter().zip(run(&shellcheck, shell, &texts)) {
            let known = question.places(&answer).into_iter().filter(|(id, _)| IDS.contains(id));
            let lines = known.map(|(id, span)| (id.to_owned(), line(&case.text, span.start)));
            said.entry(&case.name).or_default().extend(lines);
        }
    }
    Some(said)
}

fn all(case: &Case) -> impl Iterator<Item = Question> {
    questions(&"Dockerfile".parse().unwrap(), &case.text, &Dockerfile::parse(&case.text)).into_iter()
}

/// What it says about each text: the scripts are files of a folder of their own, named by number.
fn run(shellcheck: &Path, shell: &str, texts: &[&str]) -> Vec<Answer> {
    let folder = tempfile::tempdir().unwrap();
    for (number, text) in texts.iter().enumerate() {
        fs::write(folder.path().join(number.to_string()), text).unwrap();
    }
    let output = Command::new(shellcheck)
        .args(["--norc", "--format", "json1", "--shell", shell])
        .args((0..texts.len()).map(|number| number.to_string()))
        .current_dir(folder.path())
        .env("LANG", "C.UTF-8")
        .output()
        .unwrap();
    assert!(output.status.code().is_some_and(|code| code < 2), "{}", String::from_utf8_lossy(&output.stderr));
    let mut json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut answers = vec![Vec::new(); texts.len()];
    for comment in json["comments"].as_array_mut().unwrap().drain(..) {
        let number: usize = comment["file"].as_str().unwrap().parse().unwrap();
        answers[number].push(comment);
    }
    answers
        .into_iter()
        .map(|comments| Answer::read(serde_json::json!({ "comments": comments }).to_string().as_bytes()).unwrap())
        .collect()
}
