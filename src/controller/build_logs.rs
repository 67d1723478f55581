//! Writes build logs to the disk: from events, in a separate thread, so that a slow disk does not delay a build.
//!
//! [`QUEUE`] events may wait for the thread. Further events are left out of the log, which notes it.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};

use jiff::Timestamp;

use super::events::Consumer;
use crate::build::kept::{BuildLogs, OpenLog, Record};
use crate::event::{Event, Subject, What, build_line};
use crate::name::{CommitId, StackName};
use crate::release::ReleaseId;

/// Events that may wait to be written.
const QUEUE: usize = 4096;

/// Keeps the logs of builds in this folder.
pub fn consumer(logs: BuildLogs) -> io::Result<Consumer> {
    let (sender, events) = sync_channel(QUEUE);
    let lost = Arc::new(AtomicU64::new(0));
    let mut writer = Writer { logs, open: HashMap::new(), lost: Arc::clone(&lost) };
    std::thread::Builder::new().name("build-logs".into()).spawn(move || writer.run(&events))?;
    Ok(Arc::new(move |event| {
        if is_of_a_build(&event.what) && sender.try_send(event.clone()).is_err() {
            lost.fetch_add(1, Ordering::Relaxed);
        }
    }))
}

fn is_of_a_build(what: &What) -> bool {
    matches!(what, What::BuildBegun { .. } | What::RollingOut | What::Refused { .. } | What::Verdict { .. })
        || build_line(what).is_some()
}

/// Writes the logs of the builds that go on.
struct Writer {
    logs: BuildLogs,
    open: HashMap<(StackName, CommitId), OpenLog>,
    /// The number of dropped events.
    lost: Arc<AtomicU64>,
}

impl Writer {
    fn run(&mut self, events: &Receiver<Event>) {
        for event in events {
            if let Err(error) = self.write(&event) {
                let stack = event.subject.stack.as_ref().map(tracing::field::display);
                tracing::warn!(stack, %error, "the log of a build is not kept whole; the build goes on");
            }
        }
    }

    fn write(&mut self, event: &Event) -> io::Result<()> {
        let Event { at, what, subject } = event;
        let Some(build) = subject.stack.clone().zip(subject.commit.clone()) else { return Ok(()) };
        match what {
            What::BuildBegun { .. } => self.begin(build, subject, *at),
            What::RollingOut => self.end(&build, *at, subject.release),
            What::Refused { .. } | What::Verdict { .. } => self.end(&build, *at, None),
            what => self.add(&build, what, *at),
        }
    }

    fn begin(&mut self, build: (StackName, CommitId), subject: &Subject, at: Timestamp) -> io::Result<()> {
        if self.open.contains_key(&build) {
            return Ok(());
        }
        self.logs.sweep(at);
        let record = Record::Build {
            stack: build.0.clone(),
            repository: subject.repository.as_ref().map(ToString::to_string).unwrap_or_default(),
            commit: build.1.clone(),
            author: subject.author.clone().unwrap_or_default(),
            at,
        };
        if let Some(log) = self.logs.begin(&record)? {
            self.open.insert(build, log);
        }
        Ok(())
    }

    fn add(&mut self, build: &(StackName, CommitId), what: &What, at: Timestamp) -> io::Result<()> {
        let Some((log, (service, text))) = self.open.get_mut(build).zip(build_line(what)) else { return Ok(()) };
        let lines = self.lost.swap(0, Ordering::Relaxed);
        if lines > 0 {
            log.add(&Record::LeftOut { lines })?;
        }
        log.add(&Record::Line { at, service: service.clone(), text })
    }

    fn end(&mut self, build: &(StackName, CommitId), at: Timestamp, release: Option<ReleaseId>) -> io::Result<()> {
        self.open.remove(build).map_or(Ok(()), |log| log.end(at, release))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::kept::Wanted;

    fn event(commit: &str, what: What) -> Event {
        let subject = Subject {
            stack: Some("shop".parse().unwrap()),
            commit: Some(commit.repeat(40).parse().unwrap()),
            author: Some("Ada <ada@example.com>".into()),
            release: matches!(what, What::RollingOut).then_some(ReleaseId(2)),
            ..Subject::default()
        };
        Event { at: Timestamp::UNIX_EPOCH, what, subject }
    }

    fn writer() -> (tempfile::TempDir, Writer) {
        let folder = tempfile::tempdir().unwrap();
        let logs = BuildLogs::below(folder.path());
        (folder, Writer { logs, open: HashMap::new(), lost: Arc::default() })
    }

    fn web() -> crate::name::ServiceName {
        "web".parse().unwrap()
    }

    /// What is kept of these events of one commit.
    fn kept(commit: &str, events: impl IntoIterator<Item = What>) -> String {
        let (_folder, mut writer) = writer();
        events.into_iter().for_each(|what| writer.write(&event(commit, what)).unwrap());
        let log = writer.logs.read(&"shop".parse().unwrap(), &Wanted::Newest);
        log.unwrap_or_else(|error| error.to_string())
    }

    #[test]
    fn a_build_is_kept_with_the_release_that_came_of_it() {
        insta::assert_snapshot!(kept("1", [
            What::BuildBegun { service: web() },
            What::BuildOutput { service: web(), line: "#1 DONE".into() },
            What::Tested { service: web() },
            What::Built { service: web(), image: "skep.local/shop/web:1".into(), seconds: 3.25 },
            What::RollingOut,
            What::Promoted,
        ]), @r##"
        {"kind":"build","stack":"shop","repository":"","commit":"1111111111111111111111111111111111111111","author":"Ada <ada@example.com>","at":"1970-01-01T00:00:00Z"}
        {"kind":"line","at":"1970-01-01T00:00:00Z","service":"web","text":"#1 DONE"}
        {"kind":"line","at":"1970-01-01T00:00:00Z","service":"web","text":"built skep.local/shop/web:1 in 3.2 s"}
        {"kind":"end","at":"1970-01-01T00:00:00Z","release":2}
        "##);
    }

    #[test]
    fn a_build_that_failed_before_there_was_a_release_is_kept_by_its_commit() {
        let failed = What::BuildFailed { service: web(), why: "exit code: 1".into(), log: vec!["oh".into()] };
        insta::assert_snapshot!(kept("2", [
            What::BuildBegun { service: web() },
            failed,
            What::Refused { why: "the image of `web` could not be built: exit code: 1".into(), news: true },
        ]), @r#"
        {"kind":"build","stack":"shop","repository":"","commit":"2222222222222222222222222222222222222222","author":"Ada <ada@example.com>","at":"1970-01-01T00:00:00Z"}
        {"kind":"line","at":"1970-01-01T00:00:00Z","service":"web","text":"error: exit code: 1"}
        {"kind":"end","at":"1970-01-01T00:00:00Z","release":null}
        "#);
    }

    #[test]
    fn nothing_is_kept_where_nothing_is_built() {
        insta::assert_snapshot!(kept("3", [
            What::ImageFound { service: web(), image: "skep.local/shop/web:1".into() },
            What::RollingOut,
        ]), @"no log of a build of shop is kept: nothing was built for it, or its log is gone (kept are the newest 20 of a stack, 30 days, 64 MiB in all)");
    }

    #[test]
    fn what_was_left_out_is_told() {
        let (_folder, mut writer) = writer();
        writer.write(&event("1", What::BuildBegun { service: web() })).unwrap();
        writer.lost.store(7, Ordering::Relaxed);
        writer.write(&event("1", What::BuildOutput { service: web(), line: "#9 DONE".into() })).unwrap();
        let log = writer.logs.read(&"shop".parse().unwrap(), &Wanted::Newest).unwrap();
        assert_eq!(log.lines().nth(1), Some(r#"{"kind":"left-out","lines":7}"#));
    }
}
