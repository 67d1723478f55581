//! The right to change the swarm.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The right to change the swarm, of which a controller gives out only so many.
///
/// What it protects are the nodes: images are pulled and tasks start. So a stack needs one to write, and not to look: it
/// is judged, promoted and failed without. A stack has it for as long as it makes progress, so that all of its waves
/// come one after the other, and gives it back when it rests, when something is in the way, and when it has only waited
/// for [`IDLE`](super::IDLE): neither a damaged record, nor a refusing engine, nor a task that never becomes healthy holds up another
/// stack.
#[derive(Debug)]
pub(super) enum Slot {
    /// Nobody counts: a command rolls out one stack.
    Unbounded,
    /// It has none; where they come from.
    Missing(Arc<Semaphore>),
    /// It has one.
    Held(OwnedSemaphorePermit),
}

impl Slot {
    /// Takes a slot if one is free at once; whether the stack may write now.
    pub(super) fn take(&mut self) -> bool {
        if let Self::Missing(slots) = self
            && let Ok(slot) = slots.clone().try_acquire_owned()
        {
            *self = Self::Held(slot);
        }
        !matches!(self, Self::Missing(_))
    }

    /// Gives the slot back, if the stack has one.
    pub(super) fn give_back(&mut self) {
        if let Self::Held(slot) = self {
            *self = Self::Missing(slot.semaphore().clone());
        }
    }
}
