//! Drift of a stack at rest, and contested fields.
//!
//! Two parties that undo each other's changes would never stop. When the same field was healed three times in ten minutes
//! and differs again, skep stops: the field is contested. The release's record keeps this until the next
//! release, or until a person heals it. The count of healings is lost when the controller restarts.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::plan::{Action, Change, Plan};

/// The number of healings after which a field is contested.
const TOO_OFTEN: usize = 3;
/// The period in which healings are counted.
const WITHIN: SignedDuration = SignedDuration::from_mins(10);

/// The healings and observed differences of one release.
#[derive(Debug, Clone, Default)]
pub(super) struct Healing {
    healed: BTreeMap<String, Vec<Timestamp>>,
    seen: BTreeSet<String>,
}

impl Healing {
    /// The new differences since the last observation.
    pub(super) fn news(&mut self, drift: &Plan) -> Vec<String> {
        let differs: BTreeSet<String> = drifted(drift).flat_map(places).collect();
        let news = differs.difference(&self.seen).cloned().collect();
        self.seen = differs;
        news
    }

    /// The fields of a plan that have been healed too often.
    pub(super) fn contested(&self, plan: &Plan, now: Timestamp) -> BTreeSet<String> {
        let recent = |times: &Vec<Timestamp>| times.iter().filter(|at| now.duration_since(**at) < WITHIN).count();
        let often = |place: &String| self.healed.get(place).is_some_and(|times| recent(times) >= TOO_OFTEN);
        drifted(plan).flat_map(places).filter(often).collect()
    }

    /// Notes a change made now; returns the number of healed fields. Failed changes are not noted, because they were
    /// not undone by others.
    pub(super) fn note(&mut self, change: &Change, now: Timestamp) -> usize {
        let places = if change.is_housekeeping() { Vec::new() } else { places(change) };
        for place in &places {
            let times = self.healed.entry(place.clone()).or_default();
            times.retain(|at| now.duration_since(*at) < WITHIN);
            times.push(now);
        }
        places.len()
    }
}

/// The differences that are not skep's own pending work.
fn drifted(plan: &Plan) -> impl Iterator<Item = &Change> {
    plan.changes.iter().filter(|change| !change.is_housekeeping())
}

/// The places of a change, such as `service web: replicas`.
pub(super) fn places(change: &Change) -> Vec<String> {
    match &change.action {
        Action::Update { fields, .. } if !fields.is_empty() => {
            fields.iter().map(|field| format!("{}: {}", change.subject, field.field)).collect()
        }
        _ => vec![change.subject.to_string()],
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;

    use super::*;
    use crate::plan::Subject;

    fn gone() -> Plan {
        let change = Change::new(Subject::Network("shop_default".into()), Action::Create);
        Plan { changes: vec![change], ..Plan::default() }
    }

    fn at(minutes: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + (minutes * 60).seconds()
    }

    #[test]
    fn what_was_healed_three_times_in_ten_minutes_is_contested() {
        let mut healing = Healing::default();
        for minute in 0..3 {
            assert_eq!(healing.contested(&gone(), at(minute)), BTreeSet::new());
            assert_eq!(healing.note(&gone().changes[0], at(minute)), 1);
        }
        assert_eq!(healing.contested(&gone(), at(3)), BTreeSet::from(["network shop_default".to_owned()]));
        assert_eq!(healing.contested(&Plan::default(), at(3)), BTreeSet::new(), "it is as it should be");
        assert_eq!(healing.contested(&gone(), at(10)), BTreeSet::new(), "the first time is long ago");
    }

    #[test]
    fn the_same_difference_is_news_once() {
        let mut healing = Healing::default();
        assert_eq!(healing.news(&gone()), ["network shop_default"]);
        assert_eq!(healing.news(&gone()), Vec::<String>::new());
        assert_eq!(healing.news(&Plan::default()), Vec::<String>::new());
        assert_eq!(healing.news(&gone()), ["network shop_default"]);
    }
}
