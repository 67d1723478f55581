//! Time, as the assembly reads it: the system's, or a simulated swarm's, on which a test waits for nothing.

use std::time::Duration;

use jiff::Timestamp;

use crate::engine::simulated::World;

/// Where the time comes from.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The system.
    System,
    /// A simulated swarm: waiting moves its clock on.
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

    /// Comes back after so long.
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
