//! Readiness, which anyone may request and which must therefore be cheap.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long a result is cached.
const FRESH: Duration = Duration::from_secs(1);
/// The timeout of the check.
const PATIENCE: Duration = Duration::from_secs(5);

/// `Ok`, or a sentence about what is missing.
type Answer = Result<(), String>;

/// Whether skep can do its work, checked at most once a second, however many requests there are. Cheap to clone.
#[derive(Clone)]
pub struct Readiness {
    find_out: Arc<dyn Fn() -> BoxFuture<'static, Answer> + Send + Sync>,
    known: Arc<Mutex<Option<(Instant, Answer)>>>,
    fresh: Duration,
    patience: Duration,
}

impl Readiness {
    /// Readiness with this check.
    pub fn new<F>(find_out: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        Self {
            find_out: Arc::new(move || Box::pin(find_out())),
            known: Arc::default(),
            fresh: FRESH,
            patience: PATIENCE,
        }
    }

    /// Returns the result of the last second, or checks. Concurrent callers share one check.
    pub async fn state(&self) -> Answer {
        let mut known = self.known.lock().await;
        if let Some((since, answer)) = &*known
            && since.elapsed() < self.fresh
        {
            return answer.clone();
        }
        let found = tokio::time::timeout(self.patience, (self.find_out)()).await;
        let answer = found.unwrap_or_else(|_| Err("the Docker engine did not answer within 5 s".into()));
        *known = Some((Instant::now(), answer.clone()));
        answer
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readiness").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn many_who_ask_cost_one_answer() {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let readiness = Readiness::new(move || {
            let count = count.clone();
            async move { if count.fetch_add(1, Ordering::Relaxed) == 0 { Err("not yet".into()) } else { Ok(()) } }
        });
        let readiness = Readiness { fresh: Duration::from_hours(1), ..readiness };
        let answers = futures_util::future::join_all((0..100).map(|_| readiness.state())).await;
        assert!(answers.iter().all(|answer| *answer == Err("not yet".into())));
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        let later = Readiness { fresh: Duration::ZERO, ..readiness };
        assert_eq!(later.state().await, Ok(()));
    }

    #[tokio::test]
    async fn an_engine_that_is_silent_is_told() {
        let readiness = Readiness::new(std::future::pending);
        let readiness = Readiness { patience: Duration::from_millis(10), ..readiness };
        insta::assert_snapshot!(readiness.state().await.unwrap_err(), @"the Docker engine did not answer within 5 s");
    }
}
