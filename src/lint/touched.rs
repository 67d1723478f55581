//! What a change is about.

use std::collections::{BTreeMap, BTreeSet};

use crate::name::RepoPath;
use crate::revision::Revision;
use crate::stack::file::File;

/// The changed files, and the stack files that name a file which the change took away.
pub fn touched(
    revision: &Revision,
    variables: &BTreeMap<String, String>,
    changed: &BTreeSet<RepoPath>,
) -> BTreeSet<RepoPath> {
    let is_gone = |path: &&RepoPath| !revision.entries.contains_key(*path);
    let gone: Vec<&RepoPath> = changed.iter().filter(is_gone).collect();
    let mut touched = changed.clone();
    for source in revision.stack_files() {
        let references = revision.gathered(&source, variables).map(|gathered| File::of(gathered).0.references());
        let misses = |reference: &_| {
            let crate::stack::file::Reference { path, .. } = reference;
            revision.check(reference).is_err() && gone.iter().any(|gone| path.holds(gone))
        };
        if references.unwrap_or_default().iter().any(misses) {
            touched.insert(source.path);
        }
    }
    touched
}
