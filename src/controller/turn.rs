//! Whose turn it is: of several pushes to a repository only the newest may become a release, however long its images
//! take to build.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The turns of all repositories. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Turns(Arc<Mutex<HashMap<String, Arc<AtomicU64>>>>);

/// The turn of one push.
#[derive(Clone, Debug)]
pub struct Turn {
    newest: Arc<AtomicU64>,
    mine: u64,
}

impl Turns {
    /// The newest turn of this repository; those before it are over.
    pub fn next(&self, repository: &str) -> Turn {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = turns.entry(repository.to_owned()).or_default().clone();
        let mine = newest.fetch_add(1, Ordering::Relaxed) + 1;
        Turn { newest, mine }
    }
}

impl Turn {
    /// Whether something newer came.
    pub fn is_over(&self) -> bool {
        self.newest.load(Ordering::Relaxed) != self.mine
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_push_to_a_repository_ends_the_turns_before_it() {
        let turns = Turns::default();
        let (first, other) = (turns.next("shop"), turns.next("blog"));
        assert!(!first.is_over());
        let second = turns.next("shop");
        assert!(first.is_over() && !second.is_over() && !other.is_over());
    }
}
