//! The `remote:` lines of a push, made from events, at the pace of the reader.

use tokio::sync::{mpsc, oneshot};

use super::events::EventQueue;
use crate::event::Narrator;

/// Sends lines until nobody reads them, or until `ended` is done and all earlier events have been sent.
pub(super) async fn send(mut events: EventQueue, lines: mpsc::Sender<String>, mut ended: oneshot::Receiver<()>) {
    let mut narrator = Narrator::default();
    while let Some(event) = events.next_until(&mut ended).await {
        for line in narrator.say(&event) {
            if lines.send(line).await.is_err() {
                return;
            }
        }
    }
}
