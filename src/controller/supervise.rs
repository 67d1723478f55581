//! Supervises tasks that must not end: a task that panics is logged and restarted.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use jiff::SignedDuration;

use super::backoff::Backoff;
use super::events::EventSender;
use crate::event::What;

/// After a task has run this long, a panic counts as its first.
const RECOVERED: SignedDuration = SignedDuration::from_mins(1);

/// Runs a task that has no end. Whenever it panics, or ends, that is told under this name, and it is begun again after a
/// after a pause that becomes longer.
pub async fn supervise<F>(worker: String, events: EventSender, task: impl Fn() -> F)
where
    F: Future<Output = ()>,
{
    let (mut backoff, clock) = (Backoff::default(), events.clock());
    loop {
        let begin = clock.now();
        let why = caught(task()).await.err().unwrap_or_else(|| "it ended".into());
        events.send(What::WorkerRestarted { worker: worker.clone(), why });
        let now = clock.now();
        if now.duration_since(begin) >= RECOVERED {
            backoff.reset();
        }
        clock.wait(backoff.next(now)).await;
    }
}

/// Returns the output of the future, or the message of its panic. The work of the future may then be incomplete.
pub async fn caught<T>(future: impl Future<Output = T>) -> Result<T, String> {
    AssertUnwindSafe(future).catch_unwind().await.map_err(|panic| message(&*panic))
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a message").to_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

    use super::*;
    use crate::controller::clock::Clock;
    use crate::controller::events::reader;
    use crate::engine::simulated::World;

    #[tokio::test]
    async fn a_task_that_panics_is_begun_again_later_and_later() {
        let (world, begun) = (World::new(), Arc::new(AtomicU32::new(0)));
        let start = world.now();
        let task = || async {
            assert!(begun.fetch_add(1, Relaxed) >= 7, "not yet");
            std::future::pending::<()>().await;
        };
        let (listener, mut told) = reader();
        let events = EventSender::new(Clock::Simulated(world.clone()), []).to([listener]);
        let supervised = supervise("test".into(), events, task);
        let eighth = async {
            while begun.load(Relaxed) < 8 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            () = supervised => panic!("it has no end"),
            () = eighth => {}
        }
        // 0.5, 1, 2, 4, 8, 15 and 15 seconds, each a tenth more or less.
        let passed = world.now().duration_since(start).as_secs();
        assert!((40..=51).contains(&passed), "{passed} s");
        let restarted = What::WorkerRestarted { worker: "test".into(), why: "not yet".into() };
        let restarts = std::iter::from_fn(|| told.next_now()).filter(|event| event.what == restarted);
        assert_eq!(restarts.count(), 7);
    }

    #[tokio::test]
    async fn a_panic_is_caught_with_its_message() {
        assert_eq!(caught(async { 1 }).await, Ok(1));
        assert_eq!(caught(async { panic!("no {}", "bread") }).await, Err::<(), _>("no bread".into()));
        assert_eq!(caught(async { std::panic::panic_any(7) }).await, Err::<(), _>("a panic without a message".into()));
    }
}
