//! The findings that concern a change.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Diagnostic, Severity};
use crate::lint::check::{Inspection, finding};
use crate::lint::is_dockerfile;
use crate::lint::rule::Found;
use crate::lint::rules::dockerfile::copy_missing;
use crate::lint::rules::own;
use crate::lint::settings::Settings;
use crate::name::RepoPath;
use crate::revision::Revision;
use crate::stack::file::{File, Reference, ReferenceKind};
use crate::stack::variables::Variables;

/// The files that a change affects.
#[derive(Debug, PartialEq, Eq)]
pub struct Touched {
    /// The changed files, and the stack files from which the change removed something.
    files: BTreeSet<RepoPath>,
    /// The places where Dockerfiles copy files that the change removed.
    copied: BTreeSet<(RepoPath, usize)>,
    /// The findings in changed files that could not be read.
    unread: Vec<Diagnostic>,
}

impl Touched {
    /// Whether the change caused a finding.
    pub fn concerns(&self, finding: &Diagnostic) -> bool {
        let place = &finding.place;
        self.files.contains(&place.path)
            || finding.id() == copy_missing::ID && self.copied.contains(&(place.path.clone(), place.span.start))
    }

    /// Turns findings about removed files of a Dockerfile into errors: it could be built before the change.
    pub fn heed(&self, findings: &mut [Diagnostic]) {
        let is_taken = |finding: &&mut Diagnostic| {
            let place = (finding.place.path.clone(), finding.place.span.start);
            finding.id() == copy_missing::ID && finding.severity == Severity::Warning && self.copied.contains(&place)
        };
        findings.iter_mut().filter(is_taken).for_each(|finding| finding.severity = Severity::Error);
    }

    /// Changed Dockerfiles that were not read.
    pub fn unread(&self) -> &[Diagnostic] {
        &self.unread
    }
}

/// What a change is about, in a revision whose changed Dockerfiles were read, and where the change takes something away
/// all that [`wanted`](super::wanted) says.
pub fn touched(
    revision: &Revision,
    variables: &BTreeMap<String, String>,
    changed: &BTreeSet<RepoPath>,
    settings: &Settings,
) -> Touched {
    let gone: BTreeSet<&RepoPath> = changed.iter().filter(|path| revision.readable(path).is_err()).collect();
    let mut files = changed.clone();
    let given = Variables::from(variables);
    for source in revision.stack_files().into_iter().chain(revision.other_files()) {
        let Some(gathered) = revision.gathered(&source, &given) else { continue };
        let asks_for_it = gathered.asked.iter().any(|path| gone.contains(path));
        let references = File::of(gathered).0.references();
        let misses =
            |reference: &Reference| lost(reference, &gone, revision) || is_unread(reference, changed, revision);
        if asks_for_it || references.iter().any(misses) {
            files.insert(source.path);
        }
    }
    let looked_for = || Inspection::of(revision, variables, settings).copies_of(&gone);
    let copied = if gone.is_empty() { BTreeSet::new() } else { looked_for() };
    let unread = unread_among(changed.iter(), revision, variables, settings);
    Touched { files, copied, unread }
}

/// The Dockerfiles of a revision that were not read though all were asked for.
pub fn unread(revision: &Revision, variables: &BTreeMap<String, String>, settings: &Settings) -> Vec<Diagnostic> {
    unread_among(revision.entries.keys(), revision, variables, settings)
}

/// The Dockerfiles among these that were not read. Of those that stack files name a rule knows.
fn unread_among<'a>(
    paths: impl Iterator<Item = &'a RepoPath>,
    revision: &Revision,
    variables: &BTreeMap<String, String>,
    settings: &Settings,
) -> Vec<Diagnostic> {
    let is_unread = |path: &&RepoPath| {
        is_dockerfile(path)
            && revision.readable(path).is_ok()
            && !revision.texts.contains_key(*path)
            && !settings.ignores_all_of(path)
    };
    let mut unread = paths.filter(is_unread).peekable();
    if unread.peek().is_none() {
        return Vec::new();
    }
    let given = Variables::from(variables);
    let stacks = revision.stack_files().into_iter().chain(revision.other_files());
    let stacks = stacks.filter_map(|source| revision.gathered(&source, &given));
    let references = stacks.flat_map(|gathered| File::of(gathered).0.references());
    let named: BTreeSet<RepoPath> = references.map(|reference| reference.path).collect();
    unread.filter(|path| !named.contains(*path)).filter_map(|path| too_large(path, settings)).collect()
}

/// Whether a change took away what is referred to.
fn lost(reference: &Reference, gone: &BTreeSet<&RepoPath>, revision: &Revision) -> bool {
    revision.check(reference).is_err() && gone.iter().any(|gone| reference.path.holds(gone))
}

/// Whether what is referred to is other than before, and could not be read.
fn is_unread(reference: &Reference, changed: &BTreeSet<RepoPath>, revision: &Revision) -> bool {
    reference.what != ReferenceKind::Context
        && changed.contains(&reference.path)
        && revision.readable(&reference.path).is_ok()
        && !revision.texts.contains_key(&reference.path)
}

fn too_large(path: &RepoPath, settings: &Settings) -> Option<Diagnostic> {
    let severity = settings.severity(own::UNREAD).filter(|_| !settings.ignores(path, own::UNREAD))?;
    let found = Found::new(&(0..0), "the Dockerfile was not looked at: it is larger than what is read, 1 MiB");
    Some(finding(own::UNREAD.id, severity, path, found.help("bring what is in it into the image as a file")))
}
