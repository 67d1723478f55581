//! Listens to the events of the engine: an event only causes its stack to be checked at once. A missed event does no
//! harm, because the stacks are also checked regularly.

use std::time::Duration;

use super::Controller;
use super::backoff::Backoff;
use crate::store::{is_command, is_registration, is_request};
use crate::swarm::Events;

/// How long until the stream is opened again after it broke, at first.
const FIRST: Duration = Duration::from_secs(1);
/// How long until then, at most.
const LONGEST: Duration = Duration::from_mins(1);

impl Controller {
    /// Listens forever.
    pub(super) async fn listen(self) {
        let mut backoff = Backoff::between(FIRST, LONGEST);
        loop {
            let events = self.deployer.cluster.swarm.events().await;
            // Events are lost while there is no stream.
            self.take_requests().await;
            self.take_commands().await;
            self.check_registration().await;
            match events {
                Ok(events) => {
                    self.deployer.workers.wake_all();
                    if self.heed(events).await {
                        backoff.reset();
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, "the engine's events cannot be had; stacks are looked at all the same");
                }
            }
            let clock = &self.deployer.cluster.clock;
            clock.wait(backoff.next(clock.now())).await;
        }
    }

    /// Wakes the workers of the stacks that events concern until the stream ends; returns whether there was an event.
    async fn heed(&self, mut events: Events) -> bool {
        let mut any = false;
        while let Ok(Some(event)) = events.next().await {
            any = true;
            match event.kind.as_str() {
                "node" => self.deployer.workers.wake_all(),
                "config" if is_registration(&event.name) => self.check_registration().await,
                "config" if is_request(&event.name) => self.take_requests().await,
                "config" if is_command(&event.name) => self.take_commands().await,
                _ => self.deployer.workers.heard_of(&event.name),
            }
        }
        any
    }
}
