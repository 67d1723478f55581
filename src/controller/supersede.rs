//! A newer commit supersedes an older one: of several pushes to a repository only the newest may become a release,
//! however long its images take to build.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::name::Repository;

/// The generations of all repositories. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Generations(Arc<Mutex<HashMap<Repository, Arc<AtomicU64>>>>);

/// The number of a commit among those of its repository that skep was asked to deploy.
#[derive(Clone, Debug)]
pub struct Generation {
    newest: Arc<AtomicU64>,
    mine: u64,
}

impl Generations {
    /// The next generation of this repository, which supersedes the earlier ones.
    pub fn next(&self, repository: &Repository) -> Generation {
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = generations.entry(repository.clone()).or_default().clone();
        let mine = newest.fetch_add(1, Ordering::Relaxed) + 1;
        Generation { newest, mine }
    }
}

impl Generation {
    /// The generation of a request that nothing supersedes.
    pub fn only() -> Self {
        Self { newest: Arc::new(AtomicU64::new(1)), mine: 1 }
    }

    /// Whether there is a newer generation.
    pub fn is_superseded(&self) -> bool {
        self.newest.load(Ordering::Relaxed) != self.mine
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_push_to_a_repository_supersedes_those_before_it() {
        let generations = Generations::default();
        let (first, other) = (generations.next(&"shop".into()), generations.next(&"blog".into()));
        assert!(!first.is_superseded());
        let second = generations.next(&"shop".into());
        assert!(first.is_superseded() && !second.is_superseded() && !other.is_superseded());
    }
}
