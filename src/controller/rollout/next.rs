//! The time of the next round.

use std::time::Duration;

/// When to make the next round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Immediately.
    Now,
    /// Soon, because something is in progress.
    Soon,
    /// Later, because an obstacle may have passed then.
    Later,
    /// When the stack gets a slot, without which it may not change the swarm.
    Slot,
    /// When something happens.
    Rest,
}

impl Next {
    /// Combines the results of several writes of a round: the round after a failed release is not delayed by another
    /// write.
    pub(super) fn and_then(self, other: Self) -> Self {
        let urgency = |next: &Self| match next {
            Self::Now => 0,
            Self::Rest => 1,
            Self::Later => 2,
            Self::Soon | Self::Slot => 3,
        };
        std::cmp::min_by_key(self, other, urgency)
    }

    /// The longest wait before the next round, if nothing happens earlier.
    pub fn pause(self) -> Duration {
        match self {
            Self::Now | Self::Slot => Duration::ZERO,
            Self::Soon => Duration::from_millis(250),
            Self::Later => Duration::from_secs(1),
            Self::Rest => Duration::from_secs(30),
        }
    }
}
