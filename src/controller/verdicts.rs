//! The failures that were already reported, so that the same failure is not reported again after a restart or at the next
//! attempt.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::name::{CommitId, Repository};
use crate::release::{Intent, Origin, State};

/// The last reported failure of each repository. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Verdicts(Arc<Mutex<HashMap<Repository, (CommitId, String)>>>);

impl Verdicts {
    /// Notes a failure that an earlier controller has reported.
    pub(super) fn take_up<'a>(&self, intents: impl Iterator<Item = &'a Intent>) {
        for intent in intents {
            if let State::Failed { why, .. } = &intent.state {
                self.is_news(&intent.origin, why);
            }
        }
    }

    /// Whether this failure of the commit was not reported before.
    pub(super) fn is_news(&self, origin: &Origin, why: &str) -> bool {
        let verdict = (origin.commit.clone(), why.to_owned());
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = told.insert(origin.repository.clone(), verdict.clone());
        last != Some(verdict)
    }

    /// Whether a failure of the commit was reported.
    pub(super) fn has(&self, origin: &Origin) -> bool {
        let told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.get(&origin.repository).is_some_and(|(commit, _)| *commit == origin.commit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_verdict_over_the_same_commit_is_told_once() {
        let verdicts = Verdicts::default();
        let origin = |digit: &str| Origin { commit: digit.repeat(40).parse().unwrap(), ..Origin::unknown() };
        assert!(!verdicts.has(&origin("1")));
        assert!(verdicts.is_news(&origin("1"), "broken"));
        assert!(!verdicts.is_news(&origin("1"), "broken"));
        assert!(verdicts.has(&origin("1")) && !verdicts.has(&origin("2")));
        assert!(verdicts.is_news(&origin("1"), "not healthy"));
        assert!(verdicts.is_news(&origin("2"), "not healthy"));
    }
}
