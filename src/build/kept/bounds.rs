//! How much of the logs of builds is kept.

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::time;

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of all logs together.
    pub bytes: u64,
    /// Logs of one stack.
    pub of_stack: usize,
    /// Logs in all.
    pub logs: usize,
    /// How old a log may be.
    pub age: SignedDuration,
}

/// What skep keeps.
pub const BOUNDS: Bounds =
    Bounds { bytes: 64 << 20, of_stack: 20, logs: 1000, age: SignedDuration::from_hours(30 * 24) };

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, mib) = (self.age.as_hours() / 24, self.bytes >> 20);
        write!(f, "kept are the newest {} of a stack, {days} days, {mib} MiB in all", self.of_stack)
    }
}

/// A log that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) stack: String,
    pub(super) begun: Timestamp,
    pub(super) bytes: u64,
}

/// The places of the logs that are more than may be kept. Of all of them the oldest go first, and so do those of a stack.
pub(super) fn excess(logs: &[&Kept], now: Timestamp, bounds: &Bounds) -> Vec<usize> {
    let mut newest_first: Vec<(usize, &Kept)> = logs.iter().copied().enumerate().collect();
    newest_first.sort_by_key(|(_, log)| std::cmp::Reverse(log.begun));
    let oldest = time::before(now, bounds.age);
    let (mut bytes, mut count, mut of_stacks) = (0_u64, 0_usize, BTreeMap::<&str, usize>::new());
    newest_first.retain(|(_, log)| {
        let of_stack = of_stacks.entry(&log.stack).or_default();
        *of_stack += 1;
        if log.begun < oldest || *of_stack > bounds.of_stack {
            return true;
        }
        (bytes, count) = (bytes.saturating_add(log.bytes), count + 1);
        bytes > bounds.bytes || count > bounds.logs
    });
    newest_first.into_iter().map(|(nth, _)| nth).collect()
}
