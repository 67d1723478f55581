//! Durations.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A duration in nanoseconds, as in Docker's API; shown as by Go (`1m30s`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Nanos(pub i64);

impl Nanos {
    /// This many whole seconds, or as many as fit: 292 years.
    pub const fn seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000_000))
    }
}

impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SECOND: i64 = 1_000_000_000;
        let (hours, minutes) = (self.0 / (3600 * SECOND), self.0 / (60 * SECOND) % 60);
        let rest = self.0 % (60 * SECOND);
        if self.0 != 0 && self.0.unsigned_abs() < SECOND.unsigned_abs() {
            #[expect(clippy::cast_precision_loss, reason = "less than a second has nine digits")]
            return write!(f, "{}ms", self.0 as f64 / 1e6);
        }
        if hours != 0 {
            write!(f, "{hours}h")?;
        }
        if minutes != 0 {
            write!(f, "{minutes}m")?;
        }
        if rest != 0 || self.0 == 0 {
            #[expect(clippy::cast_precision_loss, reason = "less than a minute has eleven digits")]
            write!(f, "{}s", rest as f64 / 1e9)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_reads_as_docker_writes_it() {
        let shown = [0, i64::MIN, 500_000_000, 10_000_000_000, 90_000_000_000, 3_600_000_000_000, 1_500_000_000]
            .map(|nanos| Nanos(nanos).to_string());
        assert_eq!(shown, ["0s", "-2562047h-47m-16.854775808s", "500ms", "10s", "1m30s", "1h", "1.5s"]);
    }
}
