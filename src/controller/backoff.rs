//! Retry backoff: the pause before a failed operation is tried again.
//!
//! The crate `backon` would not make this less. Its `Retryable` calls one function until it succeeds, with a sleeper of
//! one's own, and fits one of six places (`cluster.rs`); the others are loops without an end, which an event wakes early and
//! a success resets. Of the crate that leaves its iterator of pauses, which has no reset, and whose jitter comes from a
//! generator of its own and not from the clock that a test sets: a wrapper around it is as long as [`Backoff`].

use std::time::Duration;

use jiff::Timestamp;

/// The first pause, and the longest, unless it is said otherwise.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(15)];

/// Pauses that become longer, each with a random deviation, so that many waiting tasks do not retry at the same moment.
#[derive(Debug, Clone)]
pub struct Backoff {
    /// The first pause, and the longest.
    pauses: [Duration; 2],
    tries: u32,
}

impl Default for Backoff {
    fn default() -> Self {
        Self::between(PAUSES[0], PAUSES[1])
    }
}

impl Backoff {
    /// Pauses from a first one to a longest one.
    pub fn between(first: Duration, longest: Duration) -> Self {
        Self { pauses: [first, longest], tries: 0 }
    }

    /// The next pause. The jitter is taken from `now`.
    pub fn next(&mut self, now: Timestamp) -> Duration {
        let [first, longest] = self.pauses;
        let planned = first.saturating_mul(1 << self.tries.min(10)).min(longest);
        self.tries = self.tries.saturating_add(1);
        jittered(planned, now)
    }

    /// Notes a success: the next pause is the first one again.
    pub fn reset(&mut self) {
        self.tries = 0;
    }
}

/// A pause, longer or shorter by up to a tenth.
pub(super) fn jittered(pause: Duration, now: Timestamp) -> Duration {
    // The nanoseconds of the clock are random enough for jitter.
    let percent = 90 + now.subsec_nanosecond().unsigned_abs() / 1_000 % 21;
    pause.saturating_mul(percent).div_f64(100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_become_longer_up_to_a_limit_and_begin_anew() {
        let mut backoff = Backoff::default();
        let now = Timestamp::from_nanosecond(10_000).unwrap();
        let pauses: Vec<u128> = (0..7).map(|_| backoff.next(now).as_millis()).collect();
        assert_eq!(pauses, [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
        backoff.reset();
        assert_eq!(backoff.next(now).as_millis(), 500);
        let mut rare = Backoff::between(Duration::from_secs(1), Duration::from_mins(1));
        assert_eq!([(); 8].map(|()| rare.next(now).as_secs()), [1, 2, 4, 8, 16, 32, 60, 60]);
    }

    #[test]
    fn the_clock_makes_a_pause_longer_or_shorter_by_a_tenth() {
        let pause =
            |micros: i128| jittered(Duration::from_secs(10), Timestamp::from_nanosecond(micros * 1_000).unwrap());
        assert_eq!([0, 10, 20, 21].map(|micros| pause(micros).as_secs()), [9, 10, 11, 9]);
    }
}
