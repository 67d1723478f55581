//! Lines for whoever waits for a deploy: a pusher, a terminal, or nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::name::StackName;

/// How long a reader may take for a line before it is given up.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where lines go. Cheap to clone. What happens does not depend on whether anybody reads them.
#[derive(Clone, Debug)]
pub struct Lines {
    reader: mpsc::Sender<String>,
    given_up: Arc<AtomicBool>,
    /// What details are of, where several stacks are deployed at once.
    subject: Option<StackName>,
}

impl Lines {
    /// Lines to this reader.
    pub fn to(reader: mpsc::Sender<String>) -> Self {
        Self { reader, given_up: Arc::default(), subject: None }
    }

    /// The same for one of several stacks: its details, the indented lines, begin with its name.
    #[must_use]
    pub fn of(&self, stack: &StackName) -> Self {
        Self { subject: Some(stack.clone()), ..self.clone() }
    }

    fn attributed(&self, line: String) -> String {
        match (&self.subject, line.strip_prefix("  ")) {
            (Some(stack), Some(detail)) => format!("  {stack}: {detail}"),
            _ => line,
        }
    }

    /// Lines to nobody.
    pub fn nowhere() -> Self {
        Self::to(mpsc::channel(1).0)
    }

    /// Says a line, and waits a little for a reader who does not keep up.
    pub async fn say(&self, line: impl Into<String>) {
        self.say_within(PATIENCE, line).await;
    }

    async fn say_within(&self, patience: Duration, line: impl Into<String>) {
        if self.given_up.load(Ordering::Relaxed) {
            return self.mention(line);
        }
        if self.reader.send_timeout(self.attributed(line.into()), patience).await.is_err() {
            self.given_up.store(true, Ordering::Relaxed);
        }
    }

    /// Says a line that can be missed, such as one of many of a build.
    pub fn mention(&self, line: impl Into<String>) {
        // A reader that went away, or does not keep up, loses it.
        drop(self.reader.try_send(self.attributed(line.into())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_reader_who_does_not_read_is_waited_for_once() {
        let (sender, mut reader) = mpsc::channel(1);
        let lines = Lines::to(sender);
        for line in ["first", "second", "third"] {
            lines.say_within(Duration::from_millis(1), line).await;
        }
        assert!(lines.given_up.load(Ordering::Relaxed));
        drop(lines);
        assert_eq!((reader.recv().await.as_deref(), reader.recv().await), (Some("first"), None));
    }

    #[tokio::test]
    async fn details_of_one_stack_among_several_name_it() {
        let (sender, mut reader) = mpsc::channel(9);
        let lines = Lines::to(sender).of(&"shop".parse().unwrap());
        for line in ["shop r1 rolls out", "  + service web", "    | boom"] {
            lines.say(line).await;
        }
        lines.mention("  web | #1 DONE");
        drop(lines);
        let mut said = Vec::new();
        while let Some(line) = reader.recv().await {
            said.push(line);
        }
        assert_eq!(said, ["shop r1 rolls out", "  shop: + service web", "  shop:   | boom", "  shop: web | #1 DONE"]);
    }
}
