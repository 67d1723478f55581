//! Accepted webhooks, for ignoring replays.
//!
//! GitHub's and Gitea's signatures have no time in them. GitHub lets people deliver one again for three days, so marks
//! are kept as long; only genuine webhooks leave one, and the oldest goes when there are too many.

use std::collections::{HashSet, VecDeque};

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

/// How long a webhook is remembered.
const KEPT: SignedDuration = SignedDuration::from_hours(72);
/// The most remembered webhooks.
const MOST: usize = 4096;

/// The marks ([`Forge::mark`](super::Forge::mark)) of accepted webhooks.
#[derive(Debug, Default)]
pub struct Deliveries {
    known: HashSet<[u8; 32]>,
    order: VecDeque<([u8; 32], Timestamp)>,
}

impl Deliveries {
    /// Whether a webhook for this repository is new. It is then remembered.
    pub fn is_new(&mut self, repository: &str, mark: &[u8], now: Timestamp) -> bool {
        let mut hash = Sha256::new();
        hash.update(Sha256::digest(repository));
        hash.update(mark);
        let mark: [u8; 32] = hash.finalize().into();
        let is_old = |(_, taken): &(_, Timestamp)| now.duration_since(*taken) > KEPT;
        while self.order.front().is_some_and(is_old) || self.order.len() >= MOST {
            let oldest = self.order.pop_front();
            oldest.map(|(oldest, _)| self.known.remove(&oldest));
        }
        let is_new = self.known.insert(mark);
        if is_new {
            self.order.push_back((mark, now));
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_is_taken_once_in_three_days_by_each_repository() {
        let at = |hours: i64| Timestamp::from_second(hours * 3600).unwrap();
        let mut deliveries = Deliveries::default();
        assert!(deliveries.is_new("shop", b"a", at(0)) && deliveries.is_new("blog", b"a", at(0)));
        assert!(!deliveries.is_new("shop", b"a", at(72)) && deliveries.is_new("shop", b"a", at(73)));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut deliveries = Deliveries::default();
        for number in 0..3 * MOST {
            assert!(deliveries.is_new("shop", &number.to_le_bytes(), Timestamp::UNIX_EPOCH));
        }
        assert_eq!((deliveries.known.len(), deliveries.order.len()), (MOST, MOST));
        assert!(!deliveries.is_new("shop", &(3 * MOST - 1).to_le_bytes(), Timestamp::UNIX_EPOCH));
    }
}
