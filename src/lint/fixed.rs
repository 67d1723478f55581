//! A revision after its safe fixes.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::lint::{Finding, Fix, Settings, findings, fix};
use crate::name::RepoPath;
use crate::revision::Revision;

/// The most rounds: a fix may bring another to light, but not forever.
const MAX_ROUNDS: usize = 20;

/// Carries out the safe fixes of a revision until there are none left, and says which files are other than before.
pub fn fixed(revision: &mut Revision, variables: &BTreeMap<String, String>, given: &Settings) -> Vec<RepoPath> {
    let before = revision.texts.clone();
    for _ in 0..MAX_ROUNDS {
        let changed = round(revision, &findings(revision, variables, given));
        if changed.is_empty() {
            break;
        }
        revision.texts.extend(changed);
    }
    let is_other = |(path, text): &(&RepoPath, &Arc<[u8]>)| before.get(*path) != Some(*text);
    revision.texts.iter().filter(is_other).map(|(path, _)| path.clone()).collect()
}

fn round(revision: &Revision, findings: &[Finding]) -> Vec<(RepoPath, Arc<[u8]>)> {
    let mut fixes: BTreeMap<&RepoPath, Vec<&Fix>> = BTreeMap::new();
    for finding in findings {
        let safe = finding.fix.iter().filter(|fix| fix.safe);
        fixes.entry(&finding.place.path).or_default().extend(safe);
    }
    let apply = |(path, fixes): (&RepoPath, Vec<&Fix>)| {
        let text = fix::apply(revision.texts.get(path)?, fixes.into_iter())?;
        Some((path.clone(), text.into()))
    };
    fixes.into_iter().filter_map(apply).collect()
}
