//! The tasks of a controller: one that must not end is started again when it panics, and all are cancelled and awaited when
//! the controller stops.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::backoff::Backoff;
use super::clock::Clock;
use super::events::EventSender;
use crate::event::What;
use crate::text::one_line;

/// After a task has run this long, a panic counts as its first.
const RECOVERED: SignedDuration = SignedDuration::from_mins(1);
/// How long `/readyz` tells of a task that failed.
const TOLD: SignedDuration = SignedDuration::from_hours(1);

/// Supervises the tasks of a controller. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Supervisor(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    events: EventSender,
    stopping: CancellationToken,
    tasks: TaskTracker,
    /// The tasks that failed, by name.
    failures: Mutex<BTreeMap<String, Failures>>,
}

/// What is known of a task that failed.
#[derive(Debug)]
struct Failures {
    times: u32,
    last: Timestamp,
    why: String,
}

impl Supervisor {
    /// A supervisor without tasks.
    pub fn new(events: EventSender) -> Self {
        let (stopping, tasks) = (CancellationToken::new(), TaskTracker::new());
        Self(Arc::new(Inner { events, stopping, tasks, failures: Mutex::default() }))
    }

    fn clock(&self) -> &Clock {
        self.0.events.clock()
    }

    /// Spawns a task that ends by itself, or is cancelled when the controller stops: then there is no result.
    pub fn spawn<T: Send + 'static>(&self, task: impl Future<Output = T> + Send + 'static) -> JoinHandle<Option<T>> {
        let stopping = self.0.stopping.clone();
        self.0.tasks.spawn(async move { stopping.run_until_cancelled_owned(task).await })
    }

    /// Spawns a task and waits for its result; it goes on when nobody waits any more. When the controller stops there is no
    /// result, and whoever waits is about to be cancelled as well.
    pub async fn run<T: Send + 'static>(&self, task: impl Future<Output = T> + Send + 'static) -> T {
        result_of(self.spawn(task)).await
    }

    /// Spawns a task that has no end. Whenever it panics, or ends, that is told, counted and shown under its name, whose first
    /// word is its kind, and it is started again after a pause that becomes longer.
    pub fn keep<F>(&self, name: impl Into<String>, task: impl Fn() -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.keep_telling(name, task, |_, _| {});
    }

    /// As [`keep`](Self::keep). `failed` hears why the task failed as soon as it did, and how many times in a row it has.
    pub fn keep_telling<F>(
        &self,
        name: impl Into<String>,
        task: impl Fn() -> F + Send + 'static,
        failed: impl Fn(&str, u32) + Send + 'static,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let (supervisor, name) = (self.clone(), name.into());
        drop(self.spawn(async move { supervisor.supervise(&name, task, failed).await }));
    }

    async fn supervise<F>(&self, name: &str, task: impl Fn() -> F, failed: impl Fn(&str, u32))
    where
        F: Future<Output = ()>,
    {
        let clock = self.clock();
        let (mut backoff, mut in_a_row) = (Backoff::default(), 0);
        loop {
            let begin = clock.now();
            let why = caught(task()).await.err().unwrap_or_else(|| "it ended".into());
            let now = clock.now();
            if now.duration_since(begin) >= RECOVERED {
                backoff.reset();
                in_a_row = 0;
            }
            in_a_row += 1;
            self.note(name, &why);
            failed(&why, in_a_row);
            clock.wait(backoff.next(now)).await;
        }
    }

    fn note(&self, name: &str, why: &str) {
        self.0.events.send(What::WorkerRestarted { worker: name.to_owned(), why: why.to_owned() });
        let mut failures = self.0.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Failures { times: 0, last: Timestamp::UNIX_EPOCH, why: String::new() };
        let failure = failures.entry(name.to_owned()).or_insert_with(new);
        (failure.times, failure.last, failure.why) = (failure.times + 1, self.clock().now(), one_line(why).into());
    }

    /// A line for each task that failed within the last hour.
    pub fn complaints(&self) -> Vec<String> {
        let now = self.clock().now();
        let mut failures = self.0.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.retain(|_, failure| now.duration_since(failure.last) < TOLD);
        let line = |(name, Failures { times, last, why }): (&String, &Failures)| {
            let times = if *times == 1 { "once".to_owned() } else { format!("{times} times") };
            format!(
                "skep itself failed in its {name} {times}, last at {last:.0}: {why}; it was started again, see the log"
            )
        };
        failures.iter().map(line).collect()
    }

    /// Cancels all tasks and waits for them; whether all ended within `bound`.
    pub async fn stop(&self, bound: Duration) -> bool {
        self.0.stopping.cancel();
        self.0.tasks.close();
        tokio::time::timeout(bound, self.0.tasks.wait()).await.is_ok()
    }
}

/// The result of a task, whose panic goes on here; one that was cancelled has none, ever.
pub async fn result_of<T>(task: JoinHandle<Option<T>>) -> T {
    match task.await {
        Ok(Some(result)) => result,
        Ok(None) => std::future::pending().await,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => std::future::pending().await,
        },
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
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

    use prometheus::TextEncoder;
    use tokio::sync::oneshot;

    use super::*;
    use crate::controller::metrics::Metrics;
    use crate::engine::simulated::World;

    fn supervisor() -> (World, Metrics, Supervisor) {
        let (world, metrics) = (World::new(), Metrics::new());
        let events = EventSender::new(Clock::Simulated(world.clone()), [metrics.consumer()]);
        (world, metrics, Supervisor::new(events))
    }

    #[tokio::test]
    async fn a_task_that_panics_is_started_again_later_and_later_and_shown() {
        let (world, metrics, supervisor) = supervisor();
        let start = world.now();
        let (started, heard) = (Arc::new(AtomicU32::new(0)), Arc::new(Mutex::new(Vec::new())));
        let (starts, told) = (started.clone(), heard.clone());
        let task = move || {
            let starts = starts.clone();
            async move {
                assert!(starts.fetch_add(1, Relaxed) >= 7, "not\nyet");
                std::future::pending::<()>().await;
            }
        };
        let failed = move |why: &str, in_a_row| told.lock().unwrap().push((why.to_owned(), in_a_row));
        supervisor.keep_telling("worker of shop", task, failed);
        while started.load(Relaxed) < 8 {
            tokio::task::yield_now().await;
        }
        // 0.5, 1, 2, 4, 8, 15 and 15 seconds, each a tenth more or less.
        let passed = world.now().duration_since(start).as_secs();
        assert!((40..=51).contains(&passed), "{passed} s");
        assert_eq!(
            heard.lock().unwrap().iter().map(|(_, in_a_row)| *in_a_row).collect::<Vec<_>>(),
            [1, 2, 3, 4, 5, 6, 7]
        );
        let shown = supervisor.complaints().join("\n");
        let (before, after) = (shown.find("last at ").unwrap(), shown.find("Z: ").unwrap());
        insta::assert_snapshot!(shown[..before].to_owned() + "last at …" + &shown[after..], @r"skep itself failed in its worker of shop 7 times, last at …Z: not\nyet; it was started again, see the log");
        let text = TextEncoder::new().encode_to_string(&metrics.registry().gather()).unwrap();
        let lines: Vec<_> = text.lines().filter(|line| line.starts_with("skep_task_restarts_total")).collect();
        insta::assert_snapshot!(lines.join("\n"), @r#"
        skep_task_restarts_total{task="events"} 0
        skep_task_restarts_total{task="hooks"} 0
        skep_task_restarts_total{task="observer"} 0
        skep_task_restarts_total{task="watcher"} 0
        skep_task_restarts_total{task="worker"} 7
        "#);
        world.advance(Duration::from_hours(1));
        assert_eq!(supervisor.complaints(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn all_tasks_are_cancelled_and_awaited() {
        let (_, _, supervisor) = supervisor();
        let (alive, gone) = oneshot::channel::<()>();
        let once = supervisor.spawn(async move {
            let _alive = alive;
            std::future::pending::<()>().await;
        });
        supervisor.keep("observer", std::future::pending);
        assert_eq!(supervisor.spawn(async { 1 }).await.unwrap(), Some(1));
        assert!(supervisor.stop(Duration::from_secs(10)).await);
        assert_eq!((once.await.unwrap(), gone.await.is_err()), (None, true));
    }

    #[tokio::test]
    async fn a_task_that_cannot_be_cancelled_does_not_hold_up_the_end() {
        let (_, _, supervisor) = supervisor();
        let (release, blocked) = std::sync::mpsc::channel::<()>();
        let task = supervisor.0.tasks.spawn_blocking(move || blocked.recv().is_err());
        assert!(!supervisor.stop(Duration::from_millis(10)).await);
        drop(release);
        assert!(task.await.unwrap());
    }

    #[tokio::test]
    async fn a_panic_is_caught_with_its_message() {
        assert_eq!(caught(async { 1 }).await, Ok(1));
        assert_eq!(caught(async { panic!("no {}", "bread") }).await, Err::<(), _>("no bread".into()));
        assert_eq!(caught(async { std::panic::panic_any(7) }).await, Err::<(), _>("a panic without a message".into()));
    }
}
