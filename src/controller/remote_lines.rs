//! What a pusher reads, as `remote:` lines: made of events, at the pace of whoever reads them.

use tokio::sync::{mpsc, oneshot};

use super::events::EventQueue;
use crate::event::Narrator;

/// Sends the lines of what happens until nobody reads them, or `ended` is done and all that was told before has been sent.
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
