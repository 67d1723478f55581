//! Arithmetic on time that saturates at the first and last representable moments.
//!
//! Times come from records, files and other clocks, and may have any value. The operators
//! of [`jiff`] and [`std`] panic if the result cannot be represented, so this crate does not use them
//! (`clippy::arithmetic_side_effects`).

use jiff::{SignedDuration, Timestamp};

/// Returns the moment `time` after `at`, or the last representable one.
pub fn after(at: Timestamp, time: SignedDuration) -> Timestamp {
    let end = if time.is_negative() { Timestamp::MIN } else { Timestamp::MAX };
    at.saturating_add(time).unwrap_or(end)
}

/// Returns the moment `time` before `at`, or the first representable one.
pub fn before(at: Timestamp, time: SignedDuration) -> Timestamp {
    let end = if time.is_negative() { Timestamp::MAX } else { Timestamp::MIN };
    at.saturating_sub(time).unwrap_or(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_ends_where_it_can_no_longer_be_written_down() {
        let (first, last) = (Timestamp::MIN, Timestamp::MAX);
        let hour = SignedDuration::from_hours(1);
        assert_eq!((before(first, hour), after(last, hour)), (first, last));
        assert_eq!((after(first, SignedDuration::MAX), before(last, SignedDuration::MAX)), (last, first));
        assert_eq!((after(last, SignedDuration::MIN), before(first, SignedDuration::MIN)), (first, last));
        assert_eq!(before(after(Timestamp::UNIX_EPOCH, hour), hour), Timestamp::UNIX_EPOCH);
    }
}
