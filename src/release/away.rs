//! Outages during a rollout. Time without observation does not count, neither for a verdict nor towards the
//! deadline. Outages are kept in the record of the release.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Phase;

/// The shortest gap between observations that counts as an outage.
const UNWATCHED: SignedDuration = SignedDuration::from_secs(10);
/// The interval at which the record of a rollout notes that it is being observed.
const NOTED: SignedDuration = SignedDuration::from_secs(30);
/// The most outages in a record. Further ones count towards the deadline, so that nothing waits for ever.
const MOST: usize = 16;

/// An outage during a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Away {
    /// Its start.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
    /// What was unavailable.
    pub who: Absent,
}

/// What was unavailable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Absent {
    /// The controller. The outage began at its last note or later.
    Skep,
    /// The swarm: its engine did not respond, or the controller was delayed.
    Swarm,
    /// Nothing: the stack waited for a slot.
    Turn,
}

impl Away {
    fn length(&self) -> SignedDuration {
        self.to.duration_since(self.from).max(SignedDuration::ZERO)
    }
}

impl fmt::Display for Away {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |time: Timestamp| time.strftime("%Y-%m-%d %H:%M:%S");
        match self.who {
            Absent::Skep => write!(f, "skep was away from {} or later to {}", at(self.from), at(self.to)),
            Absent::Swarm => write!(f, "the swarm did not respond from {} to {}", at(self.from), at(self.to)),
            Absent::Turn => write!(f, "it waited for a slot from {} to {}", at(self.from), at(self.to)),
        }
    }
}

impl Phase {
    /// The outages during the rollout.
    pub fn away(&self) -> &[Away] {
        match self {
            Self::Rolling { away, .. } | Self::Promoted { away, .. } | Self::Failed { away, .. } => away,
            Self::Superseded { .. } => &[],
        }
    }

    /// The total duration of the outages.
    pub fn unwatched(&self) -> SignedDuration {
        self.away().iter().map(Away::length).fold(SignedDuration::ZERO, SignedDuration::saturating_add)
    }

    /// The phase of a rollout that is looked at `now`, if that is to be noted: every now and then, and where nobody has
    /// looked for a while. `last` is when this controller looked the last time, and who has kept it from looking since;
    /// none if it has not looked yet.
    #[must_use]
    pub fn watched_at(&self, last: Option<(Timestamp, Absent)>, now: Timestamp) -> Option<Self> {
        let Self::Rolling { since, watched, away } = self else { return None };
        let noted = watched.unwrap_or(*since);
        let (from, who) = last.unwrap_or((noted, Absent::Skep));
        let mut away = away.clone();
        let is_away = now.duration_since(from) > UNWATCHED && away.len() < MOST;
        if is_away {
            away.push(Away { from, to: now, who });
        }
        let is_due = is_away || now.duration_since(noted) >= NOTED;
        is_due.then_some(Self::Rolling { since: *since, watched: Some(now), away })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn swarm(second: i64) -> (Timestamp, Absent) {
        (at(second), Absent::Swarm)
    }

    fn said(phase: Option<Phase>) -> Vec<String> {
        let Some(phase) = phase else { return vec!["nothing to note".into()] };
        phase
            .away()
            .iter()
            .map(|away| format!("{:?} {}..{}", away.who, away.from.as_second(), away.to.as_second()))
            .collect()
    }

    #[test]
    fn a_time_in_which_nobody_looked_is_noted_with_who_was_away() {
        let new = Phase::rolling(at(0));
        assert_eq!(said(new.watched_at(None, at(10))), ["nothing to note"], "a first look that comes a little late");
        assert_eq!(said(new.watched_at(Some(swarm(15)), at(20))), ["nothing to note"]);
        assert_eq!(said(new.watched_at(Some(swarm(25)), at(30))), Vec::<String>::new(), "somebody watches");
        assert_eq!(said(new.watched_at(None, at(11))), ["Skep 0..11"]);
        assert_eq!(said(new.watched_at(Some(swarm(5)), at(90))), ["Swarm 5..90"]);
        assert_eq!(said(new.watched_at(Some((at(5), Absent::Turn)), at(90))), ["Turn 5..90"]);
        let noted = new.watched_at(Some(swarm(25)), at(30)).unwrap();
        assert_eq!(said(noted.watched_at(None, at(100))), ["Skep 30..100"], "nobody knows of what came after the note");
        let again = noted.watched_at(None, at(100)).unwrap().watched_at(Some(swarm(101)), at(200)).unwrap();
        assert_eq!(again.unwatched(), SignedDuration::from_secs(70 + 99));
        assert_eq!(said(Phase::promoted(at(0)).watched_at(None, at(100))), ["nothing to note"]);
    }

    #[test]
    fn a_clock_that_jumps_does_no_harm() {
        let new = Phase::rolling(Timestamp::MIN);
        let far = new.watched_at(None, Timestamp::MAX).unwrap();
        assert!(far.unwatched() > SignedDuration::from_hours(24 * 365 * 10_000));
        let mut often = new;
        for _ in 0..2 * MOST {
            often = often.watched_at(None, Timestamp::MAX).unwrap_or(often);
            if let Phase::Rolling { watched, .. } = &mut often {
                *watched = Some(Timestamp::MIN);
            }
        }
        assert_eq!(often.away().len(), MOST);
        assert!(often.unwatched() > far.unwatched());
    }

    #[test]
    fn it_is_told_in_words() {
        let away = |who| Away { from: at(0), to: at(75), who }.to_string();
        insta::assert_snapshot!(away(Absent::Skep), @"skep was away from 1970-01-01 00:00:00 or later to 1970-01-01 00:01:15");
        insta::assert_snapshot!(away(Absent::Swarm), @"the swarm did not respond from 1970-01-01 00:00:00 to 1970-01-01 00:01:15");
    }
}
