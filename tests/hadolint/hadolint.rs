//! The real hadolint: one process for all cases that have the same settings.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::{env, fs};

use super::Said;
use super::case::{self, Case};

/// The version that `scripts/linters.sh` installs.
const VERSION: &str = "2.15.1";

/// The program that the script installed; none, and a loud word about it, where it is not.
fn find() -> Option<PathBuf> {
    let home = PathBuf::from(env::var_os("HOME").unwrap_or_default());
    let cache = env::var_os("XDG_CACHE_HOME").map_or_else(|| home.join(".cache"), PathBuf::from).join("skep");
    let found = Some(cache.join(format!("hadolint-{VERSION}/hadolint"))).filter(|file| file.is_file());
    assert!(found.is_some() || env::var_os("CI").is_none(), "there is no hadolint: run scripts/linters.sh install");
    if found.is_none() {
        eprintln!("SKIPPED, THERE IS NO HADOLINT: run scripts/linters.sh install");
    }
    found
}

/// One thing that it says.
struct Diagnostic {
    case: String,
    rule: String,
    line: usize,
    level: String,
}

/// All that it says about all cases, once for all tests; nothing where it is not.
static FINDINGS: LazyLock<Option<Vec<Diagnostic>>> = LazyLock::new(|| find().map(|hadolint| findings(&hadolint)));

/// What it says about each case.
pub(crate) fn said() -> Option<BTreeMap<&'static str, Said>> {
    let mut said: BTreeMap<&str, Said> = BTreeMap::new();
    for Diagnostic { case, rule, line, .. } in FINDINGS.as_ref()? {
        said.entry(case).or_default().insert((rule.clone(), *line));
    }
    Some(said)
}

/// The severity of each rule that it found somewhere.
pub(crate) fn levels() -> Option<BTreeMap<&'static str, &'static str>> {
    let findings = FINDINGS.as_ref()?;
    Some(findings.iter().map(|finding| (finding.rule.as_str(), finding.level.as_str())).collect())
}

fn findings(hadolint: &Path) -> Vec<Diagnostic> {
    let cases = case::all();
    let settings: BTreeSet<&Path> = cases.iter().map(|case| case.settings.as_path()).collect();
    let with = |folder: &Path| cases.iter().filter(|case| case.settings == folder).collect::<Vec<_>>();
    settings.into_iter().flat_map(|folder| run(hadolint, folder, &with(folder))).collect()
}

/// The cases are files of a folder of their own, named by number.
fn run(hadolint: &Path, settings: &Path, cases: &[&Case]) -> Vec<Diagnostic> {
    let folder = tempfile::tempdir().unwrap();
    for (number, case) in cases.iter().enumerate() {
        fs::write(folder.path().join(number.to_string()), &case.text).unwrap();
    }
    let output = Command::new(hadolint)
        .args(["--format", "json", "--no-fail", "--config"])
        .arg(settings.join("hadolint.yaml"))
        .args((0..cases.len()).map(|number| number.to_string()))
        .current_dir(folder.path())
        .env("LANG", "C.UTF-8")
        .output()
        .unwrap();
    assert!(output.status.success(), "hadolint: {}", String::from_utf8_lossy(&output.stderr));
    let findings: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    findings.iter().map(|finding| read(finding, cases)).collect()
}

fn read(finding: &serde_json::Value, cases: &[&Case]) -> Diagnostic {
    let text = |key: &str| finding[key].as_str().unwrap().to_owned();
    let case = cases[text("file").parse::<usize>().unwrap()].name.clone();
    let line = usize::try_from(finding["line"].as_u64().unwrap()).unwrap();
    Diagnostic { case, rule: text("code"), line, level: text("level") }
}
