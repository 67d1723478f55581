//! `skep hook`: the rules as a hook of any Git server and of a work tree.
//!
//! The hook reads pushed objects before Git accepts them, and checks only changed files. Errors refuse the push. The
//! settings of the pushed tree apply, except that they cannot suppress errors that prevent a deploy.

mod install;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::{Common, input, output, trouble};
use crate::config;
use crate::diagnostic::render::{SCREENFUL, Texts, remote, summary};
use crate::diagnostic::{Diagnostic, Severity};
use crate::lint::settings::Written;
use crate::lint::{self, Settings};
use crate::name::RepoPath;
use crate::revision::Revision;
use crate::source::pushed::{self, Pushed, Receiving, Staging};

/// `skep hook`
#[derive(Debug, Args)]
#[command(disable_help_subcommand = true)]
pub(super) struct Hook {
    #[command(subcommand)]
    which: Which,
}

#[derive(Debug, Subcommand)]
enum Which {
    /// Check a push (run by Git, with the refs on standard input)
    PreReceive,
    /// Check one ref of a push (run by Git)
    Update {
        /// The ref
        name: String,
        /// Its old id
        old: String,
        /// Its new id
        new: String,
    },
    /// Check the staged changes (run by Git)
    PreCommit,
    /// Install the hook in a bare repository, a `pre-receive.d` of GitLab or Gitea, or a work tree
    Install(install::Install),
}

/// The most bytes that the hook reads from standard input: enough for a hundred thousand refs.
const MAX_INPUT: u64 = 32 << 20;

/// How long checking all refs of a push may take, since Git and the pusher wait for the hook.
const PATIENCE: Duration = Duration::from_mins(1);

/// An update of a ref.
struct Update {
    name: String,
    old: Option<String>,
    new: Option<String>,
}

/// The findings, and the texts that they refer to.
#[derive(Default)]
struct Outcome {
    findings: Vec<Diagnostic>,
    texts: Texts,
    refused: bool,
    /// The reason why nothing was checked, if so.
    unseen: Option<&'static str>,
}

/// The note for repositories that skep cannot read. The hook accepts pushes that it cannot check.
const SHA_256: &str = "note: skep does not read repositories with SHA-256 ids yet: nothing was checked";

impl Hook {
    /// Exit code 0: accepted; 1: refused; 2: the check could not run.
    pub(super) fn run(&self, _common: &Common) -> ExitCode {
        let outcome = match &self.which {
            Which::Install(install) => return install.run(),
            Which::PreReceive => updates().and_then(|updates| pushes(&updates)),
            Which::Update { name, old, new } => pushes(&[Update::of(name, old, new)]),
            Which::PreCommit => staged(),
        };
        match outcome {
            Ok(outcome) => outcome.tell(),
            Err(error) => {
                trouble::tell(&error);
                ExitCode::from(2)
            }
        }
    }
}

impl Update {
    /// Git writes zeros for a ref that does not exist.
    fn of(name: &str, old: &str, new: &str) -> Self {
        let there = |id: &str| id.bytes().any(|digit| digit != b'0').then(|| id.to_owned());
        Self { name: name.to_owned(), old: there(old), new: there(new) }
    }

    /// Whether the ids are SHA-256.
    fn is_sha_256(&self) -> bool {
        let is_long = |id: &Option<String>| id.as_ref().is_some_and(|id| id.len() == 64);
        is_long(&self.old) || is_long(&self.new)
    }

    /// Whether the ref is a branch or tag, which may be deployed.
    fn counts(&self) -> bool {
        ["refs/heads/", "refs/tags/"].iter().any(|folder| self.name.starts_with(folder))
    }
}

/// Parses Git's input to the hook: `old new ref` on each line.
fn updates() -> anyhow::Result<Vec<Update>> {
    let input = input::whole(std::io::stdin(), MAX_INPUT).context("push fewer refs at once")?;
    let input = String::from_utf8_lossy(&input);
    let update = |line: &str| {
        let mut words = line.splitn(3, ' ');
        match (words.next(), words.next(), words.next()) {
            (Some(old), Some(new), Some(name)) => Ok(Update::of(name, old, new)),
            _ => anyhow::bail!("`{line}` on standard input is not `OLD NEW REF`; Git runs this command, as its hook"),
        }
    };
    input.lines().map(update).collect()
}

fn pushes(updates: &[Update]) -> anyhow::Result<Outcome> {
    if updates.iter().any(Update::is_sha_256) {
        return Ok(Outcome { unseen: Some(SHA_256), ..Outcome::default() });
    }
    pushes_within(PATIENCE, updates)
}

#[expect(clippy::disallowed_methods, reason = "a limit of real time")]
fn pushes_within(patience: Duration, updates: &[Update]) -> anyhow::Result<Outcome> {
    let (begun, receiving) = (Instant::now(), receiving());
    let mut outcome = Outcome::default();
    let mut seen = BTreeSet::new();
    let counted: Vec<&Update> = updates.iter().filter(|update| update.counts()).collect();
    for (nth, update) in counted.iter().enumerate() {
        let Some(new) = &update.new else { continue };
        anyhow::ensure!(
            begun.elapsed() < patience,
            "{nth} of {} refs could be checked within {} s: push fewer refs at once",
            counted.len(),
            patience.as_secs()
        );
        if seen.insert((update.old.as_deref(), new.as_str()))
            && let Some(pushed) = receiving.read(update.old.as_deref(), new, wanted)?
        {
            outcome.add(&pushed);
        }
    }
    Ok(outcome)
}

/// The places of the push's objects, which Git passes in the environment.
fn receiving() -> Receiving {
    let folders = |name| config::variable(name).map(|value| value.split(':').map(PathBuf::from).collect::<Vec<_>>());
    let objects = ["GIT_QUARANTINE_PATH", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"];
    let mut objects: Vec<PathBuf> =
        objects.into_iter().filter_map(folders).flatten().filter(|path| path.is_dir()).collect();
    objects.dedup();
    Receiving { repository: config::variable("GIT_DIR").map_or_else(|| ".".into(), PathBuf::from), objects }
}

/// The index of the commit, which Git passes in the environment.
fn staging() -> Staging {
    let path = |name| config::variable(name).map(PathBuf::from);
    Staging { repository: path("GIT_DIR"), index: path("GIT_INDEX_FILE") }
}

fn staged() -> anyhow::Result<Outcome> {
    let mut outcome = Outcome::default();
    let folder = PathBuf::from(".");
    match pushed::staged(&folder, &staging(), wanted) {
        Ok(pushed) => pushed.iter().for_each(|pushed| outcome.add(pushed)),
        Err(_) if pushed::is_sha_256(&folder) => outcome.unseen = Some(SHA_256),
        Err(error) => return Err(error.into()),
    }
    Ok(outcome)
}

/// The changed stack files with all files that they name, changed other Compose files and Dockerfiles, and, if a file was
/// deleted, all Dockerfiles, which may copy it.
fn wanted(revision: &Revision, changed: &BTreeSet<RepoPath>) -> Vec<RepoPath> {
    let mut wanted = revision.wanted();
    let mut others = lint::wanted_among(revision, &BTreeMap::new(), &|path| changed.contains(path));
    if changed.iter().all(|path| revision.readable(path).is_ok()) {
        others.retain(|path| !lint::is_dockerfile(path));
    }
    wanted.extend(others);
    let is_one = |path: &&RepoPath| lint::is_dockerfile(path) && revision.readable(path).is_ok();
    wanted.extend(changed.iter().filter(is_one).cloned());
    wanted
}

impl Outcome {
    fn add(&mut self, Pushed { revision, changed }: &Pushed) {
        let variables = BTreeMap::new();
        let settings = Written::of(revision).settings;
        let touched = lint::touched(revision, &variables, changed, &settings);
        let mut findings = lint::findings(revision, &variables, &Settings::default());
        findings.retain(|finding| touched.concerns(finding));
        touched.heed(&mut findings);
        findings.extend_from_slice(touched.unread());
        findings.retain(|finding| !self.findings.contains(finding));
        self.refused |= findings.iter().any(|finding| refuses(finding, &settings));
        self.texts.extend(revision.texts.iter().map(|(path, text)| (path.clone(), text.clone())));
        self.findings.extend(findings);
    }

    fn tell(&self) -> ExitCode {
        let say = printer();
        self.unseen.iter().for_each(|why| say(why));
        if self.refused {
            for line in remote(&self.findings, &self.texts, SCREENFUL) {
                say(&line);
            }
            say(&format!("refused: {}", summary(&self.findings)));
            return ExitCode::FAILURE;
        }
        let (unread, others): (Vec<_>, Vec<_>) = self.findings.iter().cloned().partition(lint::is_unread);
        for line in remote(&unread, &self.texts, SCREENFUL) {
            say(&line);
        }
        if others.iter().any(|finding| finding.severity >= Severity::Warning) {
            say(&format!("{}: `skep lint` shows them", summary(&others)));
        }
        ExitCode::SUCCESS
    }
}

/// Whether a finding refuses a push.
fn refuses(finding: &Diagnostic, settings: &Settings) -> bool {
    let must_hold = lint::explain(finding.id()).is_some_and(lint::Rule::must_hold);
    let least = settings.fail_on.unwrap_or(Severity::Error);
    must_hold || finding.id() == lint::BAD_SETTINGS || (!settings.no_fail && finding.severity >= least)
}

/// A printer that adds the prefix that GitLab requires to display a line.
fn printer() -> impl Fn(&str) {
    let is_gitlab = config::variable("GL_ID").or_else(|| config::variable("GL_REPOSITORY")).is_some();
    let before = if is_gitlab { "GL-HOOK-ERR: " } else { "" };
    move |line: &str| output::line(&format!("{before}{line}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_push_of_more_refs_than_can_be_checked_in_time_is_refused() {
        let (old, new) = ("0".repeat(40), "1".repeat(40));
        let updates =
            ["refs/heads/main", "refs/tags/v1", "refs/notes/commits"].map(|name| Update::of(name, &old, &new));
        let error = pushes_within(Duration::ZERO, &updates).err().unwrap();
        insta::assert_snapshot!(error, @"0 of 2 refs could be checked within 0 s: push fewer refs at once");
    }

    #[test]
    fn a_repository_with_longer_ids_is_passed_with_a_note() {
        let (nothing, id) = ("0".repeat(64), "a1".repeat(32));
        for (old, new) in [(&nothing, &id), (&id, &nothing), (&id, &id)] {
            let outcome = pushes(&[Update::of("refs/heads/main", old, new)]).unwrap();
            assert_eq!((outcome.refused, outcome.unseen), (false, Some(SHA_256)));
        }
    }
}
