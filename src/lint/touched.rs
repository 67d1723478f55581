//! What a change is about.

use std::collections::{BTreeMap, BTreeSet};

use crate::lint::check::{Inspection, finding};
use crate::lint::rule::Found;
use crate::lint::rules::dockerfile::copy_missing;
use crate::lint::rules::own;
use crate::lint::settings::Settings;
use crate::lint::{Finding, is_dockerfile};
use crate::name::RepoPath;
use crate::revision::Revision;
use crate::stack::file::{File, Reference, ReferenceKind};

/// The files that a change makes somebody look at.
#[derive(Debug, PartialEq, Eq)]
pub struct Touched {
    /// The changed files, and the stack files of which the change took something away.
    files: BTreeSet<RepoPath>,
    /// Where Dockerfiles copy what the change took away.
    copied: BTreeSet<(RepoPath, usize)>,
    /// What is found in changed files that nobody can look at.
    unread: Vec<Finding>,
}

impl Touched {
    /// Whether something that was found is the change's doing.
    pub fn concerns(&self, finding: &Finding) -> bool {
        let place = &finding.place;
        self.files.contains(&place.path)
            || finding.rule == copy_missing::ID && self.copied.contains(&(place.path.clone(), place.span.start))
    }

    /// Changed Dockerfiles that were not read.
    pub fn unread(&self) -> &[Finding] {
        &self.unread
    }
}

/// What a change is about, in a revision whose changed Dockerfiles were read, and where the change takes something away
/// all that [`wanted`](super::wanted) says, too.
pub fn touched(
    revision: &Revision,
    variables: &BTreeMap<String, String>,
    changed: &BTreeSet<RepoPath>,
    settings: &Settings,
) -> Touched {
    let gone: BTreeSet<&RepoPath> = changed.iter().filter(|path| revision.readable(path).is_err()).collect();
    let (mut files, mut named) = (changed.clone(), BTreeSet::new());
    for source in revision.stack_files() {
        let Some(gathered) = revision.gathered(&source, variables) else { continue };
        let asks_for_it = gathered.asked.iter().any(|path| gone.contains(path));
        let references = File::of(gathered).0.references();
        let misses = |reference: &Reference| lost(reference, &gone, revision) || unread(reference, changed, revision);
        if asks_for_it || references.iter().any(misses) {
            files.insert(source.path);
        }
        named.extend(references.into_iter().map(|reference| reference.path));
    }
    let looked_for = || Inspection::of(revision, variables, settings).copies_of(&gone);
    let copied = if gone.is_empty() { BTreeSet::new() } else { looked_for() };
    let is_unread = |path: &&RepoPath| {
        is_dockerfile(path)
            && revision.readable(path).is_ok()
            && !revision.texts.contains_key(*path)
            && !named.contains(*path)
            && !settings.ignores_all_of(path)
    };
    let unread = changed.iter().filter(is_unread).filter_map(|path| too_large(path, settings)).collect();
    Touched { files, copied, unread }
}

/// Whether a change took away what is referred to.
fn lost(reference: &Reference, gone: &BTreeSet<&RepoPath>, revision: &Revision) -> bool {
    revision.check(reference).is_err() && gone.iter().any(|gone| reference.path.holds(gone))
}

/// Whether what is referred to is other than before, and could not be read.
fn unread(reference: &Reference, changed: &BTreeSet<RepoPath>, revision: &Revision) -> bool {
    reference.what != ReferenceKind::Context
        && changed.contains(&reference.path)
        && revision.readable(&reference.path).is_ok()
        && !revision.texts.contains_key(&reference.path)
}

fn too_large(path: &RepoPath, settings: &Settings) -> Option<Finding> {
    let severity = settings.severity(own::UNREAD).filter(|_| !settings.ignores(path, own::UNREAD))?;
    let found = Found::new(&(0..0), "the Dockerfile was not looked at: it is larger than what is read, 1 MiB");
    Some(finding(own::UNREAD.id, severity, path, found.help("bring what is in it into the image as a file")))
}
