//! Work that needs CPU time: reading, checking and rendering pushed files.
//!
//! The runtime has few workers, and pushers determine how long such work takes. So it is done on other threads, with a
//! limit: health checks and requests are answered meanwhile, and only a few revisions are in memory.

use std::sync::Arc;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task;

/// How many such jobs run at the same time.
const AT_ONCE: usize = 2;

/// The permits for such work. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Computing(Arc<Semaphore>);

impl Default for Computing {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl Computing {
    /// Does the work as soon as there is a permit, and not on a worker of the runtime.
    pub async fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        let _permit = self.permit().await;
        beside(work)
    }

    /// Waits for work that is done elsewhere already, such as on a thread for files, while it holds a permit.
    pub async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        let _permit = self.permit().await;
        work.await
    }

    async fn permit(&self) -> SemaphorePermit<'_> {
        self.0.acquire().await.expect("the semaphore is never closed")
    }
}

/// Does the work after another thread took over the tasks of this worker. A runtime of a single thread has none to hand
/// them to.
fn beside<T>(work: impl FnOnce() -> T) -> T {
    match Handle::current().runtime_flavor() {
        RuntimeFlavor::MultiThread => task::block_in_place(work),
        _ => work(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use tokio::sync::oneshot;

    use super::*;

    /// How long something may take that takes no time.
    const PATIENCE: Duration = Duration::from_secs(10);

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn others_go_on_while_work_is_done_and_there_is_little_of_it_at_once() {
        let computing = Computing::default();
        let (started, begun) = mpsc::channel();
        let (ends, work): (Vec<mpsc::Sender<()>>, Vec<_>) = (0..=AT_ONCE)
            .map(|_| {
                let ((end, ended), computing, started) = (mpsc::channel::<()>(), computing.clone(), started.clone());
                let block = move || started.send(()).is_ok() && ended.recv().is_ok();
                (end, tokio::spawn(async move { computing.run(block).await }))
            })
            .unzip();
        for _ in 0..AT_ONCE {
            begun.recv_timeout(PATIENCE).unwrap();
        }
        // The one worker is free, and answers.
        let (answer, answered) = oneshot::channel();
        tokio::spawn(async move { answer.send(()) });
        answered.await.unwrap();
        assert!(begun.try_recv().is_err(), "no more than {AT_ONCE} at once");
        for end in &ends {
            end.send(()).unwrap();
        }
        for work in work {
            assert!(work.await.unwrap());
        }
    }
}
