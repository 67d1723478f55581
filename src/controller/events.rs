//! Sends events to their readers without waiting for any of them.
//!
//! There are two kinds of receivers. A [`Consumer`] gets every event at once and must not wait: the log, the metrics,
//! and the build logs, which pass it to a thread. A [`Reader`] gets the events that it asked for, at its own pace: a
//! pusher, a terminal, a forge. It has a queue of [`QUEUE`] events, of which details ([`What::is_detail`]) fill no more
//! than [`DETAILS`]; further events are dropped, and the reader learns their number ([`What::Missed`]).

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

use super::clock::Clock;
use crate::event::{Event, Subject, What};
use crate::name::{CommitId, Repository, StackName};
use crate::release::{Intent, Origin, Release, ReleaseId};

/// Events that may wait for their reader.
const QUEUE: usize = 2048;
/// How many of them may wait when a detail is added.
const DETAILS: usize = 512;

/// A receiver of all events, at once. It must not wait.
pub type Consumer = Arc<dyn Fn(&Event) + Send + Sync>;

/// Sends events about a subject. Cheap to clone.
#[derive(Clone)]
pub struct EventSender {
    clock: Clock,
    consumers: Arc<[Consumer]>,
    readers: Vec<Reader>,
    subject: Subject,
}

/// The sending end of a reader's queue.
#[derive(Debug, Clone)]
pub struct Reader {
    queue: mpsc::Sender<Event>,
    missed: Arc<AtomicU64>,
    wants_details: bool,
}

/// The queue of a reader.
#[derive(Debug)]
pub struct EventQueue {
    queue: mpsc::Receiver<Event>,
    missed: Arc<AtomicU64>,
    next: Option<Event>,
    is_closed: bool,
}

impl fmt::Debug for EventSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventSender").field("subject", &self.subject).finish_non_exhaustive()
    }
}

impl EventSender {
    /// Sends all events to these consumers.
    pub fn new(clock: Clock, consumers: impl IntoIterator<Item = Consumer>) -> Self {
        let consumers = consumers.into_iter().collect();
        Self { clock, consumers, readers: Vec::new(), subject: Subject::default() }
    }

    /// Sends events to nobody.
    pub fn nowhere() -> Self {
        Self::new(Clock::System, [])
    }

    /// Sends an event.
    pub fn send(&self, what: What) {
        if self.consumers.is_empty() && self.readers.is_empty() {
            return;
        }
        let event = Event { at: self.clock.now(), what, subject: self.subject.clone() };
        self.consumers.iter().for_each(|consumer| consumer(&event));
        self.readers.iter().for_each(|reader| reader.take(&event));
    }

    /// Sends a note.
    pub fn note(&self, notes: impl IntoIterator<Item = String>) {
        for note in notes {
            self.send(What::Noted { note });
        }
    }

    /// The same, also to these readers.
    #[must_use]
    pub fn to(&self, readers: impl IntoIterator<Item = Reader>) -> Self {
        let mut sender = self.clone();
        sender.readers.extend(readers);
        sender
    }

    /// Tells these readers, and nobody else.
    #[must_use]
    pub fn only_to(&self, readers: Vec<Reader>) -> Self {
        Self { consumers: Arc::default(), readers, ..self.clone() }
    }

    /// The readers that it sends to.
    pub fn readers(&self) -> Vec<Reader> {
        self.readers.clone()
    }

    /// The same, about this subject.
    #[must_use]
    fn about(&self, change: impl FnOnce(&mut Subject)) -> Self {
        let mut sender = self.clone();
        change(&mut sender.subject);
        sender
    }

    /// The same, about a repository.
    #[must_use]
    pub fn of_repository(&self, repository: &Repository) -> Self {
        self.about(|subject| subject.repository = Some(repository.clone()))
    }

    /// The same, about a push.
    #[must_use]
    pub fn of_user(&self, user: &str) -> Self {
        self.about(|subject| subject.user = Some(user.to_owned()))
    }

    /// The same, about a commit.
    #[must_use]
    pub fn of_commit(&self, origin: &Origin) -> Self {
        self.about(|subject| *subject = std::mem::take(subject).from_origin(origin))
    }

    /// The same, about a commit whose files have not been read yet.
    #[must_use]
    pub fn of_commit_id(&self, commit: &CommitId) -> Self {
        self.about(|subject| subject.commit = Some(commit.clone()))
    }

    /// The same, about the commit of an intent.
    #[must_use]
    pub fn of_intent(&self, intent: &Intent) -> Self {
        let sender = self.of_commit(&intent.origin);
        match &intent.user {
            Some(user) => sender.of_user(user),
            None => sender,
        }
    }

    /// The same, about a stack.
    #[must_use]
    pub fn of_stack(&self, stack: &StackName) -> Self {
        self.about(|subject| subject.stack = Some(stack.clone()))
    }

    /// The same, about a release of the stack.
    #[must_use]
    pub fn of_release_id(&self, release: ReleaseId) -> Self {
        self.about(|subject| subject.release = Some(release))
    }

    /// The same, about a release.
    #[must_use]
    pub fn of_release(&self, release: &Release) -> Self {
        self.about(|subject| *subject = Subject::of_release(release))
    }

    /// The clock that it reads.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }
}

/// A reader of all events, and its sending end.
pub fn reader() -> (Reader, EventQueue) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let missed = Arc::new(AtomicU64::new(0));
    let reader = Reader { queue: sender, missed: Arc::clone(&missed), wants_details: true };
    (reader, EventQueue { queue: receiver, missed, next: None, is_closed: false })
}

/// The same for a reader without details.
pub fn reader_without_details() -> (Reader, EventQueue) {
    let (reader, queue) = reader();
    (Reader { wants_details: false, ..reader }, queue)
}

impl Reader {
    fn take(&self, event: &Event) {
        let is_detail = event.what.is_detail();
        if is_detail && !self.wants_details {
            return;
        }
        let waiting = self.queue.max_capacity() - self.queue.capacity();
        let has_room = !is_detail || waiting < DETAILS;
        // A reader that is gone does not miss events.
        let is_settled = self.queue.is_closed() || has_room && self.queue.try_send(event.clone()).is_ok();
        if !is_settled {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl EventQueue {
    /// Waits for the next event; `None` when there are no more.
    pub async fn next(&mut self) -> Option<Event> {
        if let Some(event) = self.next.take() {
            return Some(event);
        }
        let event = self.queue.recv().await;
        self.after_missed(event)
    }

    /// The next event that already exists.
    pub fn next_now(&mut self) -> Option<Event> {
        if let Some(event) = self.next.take() {
            return Some(event);
        }
        let event = self.queue.try_recv().ok();
        self.after_missed(event)
    }

    /// The same until `ended` is done; then only what already exists.
    pub async fn next_until(&mut self, ended: &mut oneshot::Receiver<()>) -> Option<Event> {
        loop {
            let is_closed = self.is_closed;
            tokio::select! {
                biased;
                event = self.next() => return event,
                _ = &mut *ended, if !is_closed => self.close(),
            }
        }
    }

    /// Closes the queue; waiting events can still be read.
    pub fn close(&mut self) {
        self.is_closed = true;
        self.queue.close();
    }

    /// The event before the next one, if others were missed.
    fn after_missed(&mut self, event: Option<Event>) -> Option<Event> {
        let count = self.missed.swap(0, Ordering::Relaxed);
        if count == 0 {
            return event;
        }
        let at = event.as_ref().map_or(Timestamp::UNIX_EPOCH, |event| event.at);
        self.next = event;
        Some(Event { at, what: What::Missed { count }, subject: Subject::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: usize) -> What {
        What::BuildOutput { service: "web".parse().unwrap(), line: number.to_string() }
    }

    fn shown(queue: &mut EventQueue) -> Vec<String> {
        let short = |what| match what {
            What::BuildOutput { line, .. } => line,
            What::Missed { count } => format!("{count} missed"),
            other => serde_json::to_value(&other).unwrap()["event"].as_str().unwrap().to_owned(),
        };
        std::iter::from_fn(|| queue.next_now()).map(|event| short(event.what)).collect()
    }

    #[tokio::test]
    async fn a_reader_who_does_not_read_delays_nothing_and_misses_details_first() {
        let (reader, mut queue) = reader();
        let events = EventSender::nowhere().to([reader]);
        (0..DETAILS + 5).for_each(|number| events.send(line(number)));
        (0..3).for_each(|_| events.send(What::Promoted));
        let read = shown(&mut queue);
        assert_eq!((read[0].as_str(), read[1].as_str(), read.len()), ("5 missed", "0", 1 + DETAILS + 3));
        assert_eq!(read[DETAILS..], ["511", "promoted", "promoted", "promoted"]);
        (0..QUEUE + 2).for_each(|_| events.send(What::Promoted));
        assert_eq!(shown(&mut queue)[..2], ["2 missed", "promoted"]);
        drop(events);
        assert_eq!(queue.next().await, None);
    }

    #[tokio::test]
    async fn what_was_told_before_the_end_can_be_read_after_it() {
        let (reader, mut queue) = reader();
        let events = EventSender::nowhere().to([reader]);
        let (done, mut ended) = oneshot::channel();
        events.send(What::Accepted);
        drop(done);
        assert_eq!(queue.next_until(&mut ended).await.map(|event| event.what), Some(What::Accepted));
        assert_eq!(queue.next_until(&mut ended).await, None);
        events.send(What::Promoted);
        assert_eq!(queue.next_until(&mut ended).await, None);
    }

    #[test]
    fn who_wants_no_details_hears_none() {
        let (reader, mut queue) = reader_without_details();
        let events = EventSender::nowhere().to([reader]);
        events.send(line(1));
        events.send(What::Promoted);
        assert_eq!(shown(&mut queue), ["promoted"]);
    }

    #[test]
    fn a_consumer_hears_of_everything_and_to_what_it_happened() {
        let heard = Arc::new(std::sync::Mutex::new(Vec::new()));
        let consumer: Consumer = {
            let heard = Arc::clone(&heard);
            Arc::new(move |event| heard.lock().unwrap().push(event.clone()))
        };
        let events = EventSender::new(Clock::System, [consumer]).of_repository(&Repository::hosted("shop"));
        events.of_user("ada").of_stack(&"shop".parse().unwrap()).of_release_id(ReleaseId(2)).send(line(1));
        events.send(What::Accepted);
        let heard = heard.lock().unwrap();
        let subject = &heard[0].subject;
        assert_eq!((subject.user.as_deref(), subject.release), (Some("ada"), Some(ReleaseId(2))));
        assert_eq!((heard.len(), &heard[1].subject.stack), (2, &None), "each sender is about its own subject");
    }
}
