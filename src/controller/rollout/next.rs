//! When the next round is due.

use std::time::Duration;

/// When to make the next round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// At once.
    Now,
    /// Soon: something is on its way.
    Soon,
    /// Later: something was in the way that may be gone then.
    Later,
    /// When the stack is given a slot: only then may it change the swarm.
    Slot,
    /// When something happens.
    Rest,
}

impl Next {
    /// When the next round is due if several of a round's writes each say when: a release that has failed is not looked at
    /// later because of another write.
    pub(super) fn and_then(self, other: Self) -> Self {
        let urgency = |next: &Self| match next {
            Self::Now => 0,
            Self::Rest => 1,
            Self::Later => 2,
            Self::Soon | Self::Slot => 3,
        };
        std::cmp::min_by_key(self, other, urgency)
    }

    /// How long to wait before the next round, when nothing happens before.
    pub fn pause(self) -> Duration {
        match self {
            Self::Now | Self::Slot => Duration::ZERO,
            Self::Soon => Duration::from_millis(250),
            Self::Later => Duration::from_secs(1),
            Self::Rest => Duration::from_secs(30),
        }
    }
}
