//! The clock of the controller: the system's, or that of a simulated swarm, on which tests need not wait.

use std::time::Duration;

use jiff::Timestamp;

use crate::engine::simulated::World;

/// A source of time.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The system.
    System,
    /// A simulated swarm, whose clock is advanced by waiting.
    Simulated(World),
}

impl Clock {
    /// Now.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp::now(),
            Self::Simulated(world) => world.now(),
        }
    }

    /// Returns after this duration.
    pub async fn wait(&self, time: Duration) {
        match self {
            Self::System => tokio::time::sleep(time).await,
            Self::Simulated(world) => {
                world.advance(time);
                tokio::task::yield_now().await;
            }
        }
    }
}
