//! Waiting for conditions, never for time.

use std::time::{Duration, Instant};

/// How long a condition may take that has nothing to wait for but the machine.
pub(crate) const SOON: Duration = Duration::from_mins(1);

/// Looks again and again until something is so.
pub(crate) fn wait_until(what: &str, deadline: Duration, mut is_so: impl FnMut() -> bool) {
    wait_for(what, deadline, || is_so().then_some(()));
}

/// Looks again and again until there is something.
#[expect(clippy::disallowed_methods, reason = "the one place where the tests wait")]
pub(crate) fn wait_for<T>(what: &str, deadline: Duration, mut find: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = find() {
            return found;
        }
        assert!(start.elapsed() < deadline, "not within {} s: {what}", deadline.as_secs());
        std::thread::sleep(Duration::from_millis(50));
    }
}
