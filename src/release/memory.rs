//! What is remembered between two rounds of a stack, beside the record: [`super::next()`] decides by it, and each round
//! adds what it saw and what became of its writes. It may be lost at any moment, which makes a verdict later and lets
//! what was refused be tried once more.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::drift::Healing;
use super::{Phase, Release, ReleaseId};
use crate::health::{Symptom, Watch};
use crate::plan::observed::Observed;
use crate::plan::{Action, Change, Plan, Subject};
use crate::stack::Stack;

/// What is remembered of one stack.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    /// The release that it is about.
    of: Option<ReleaseId>,
    /// What was seen.
    pub watch: Watch,
    healing: Healing,
    /// Whether some field is left alone because somebody else changes it back.
    gave_way: bool,
    /// What the engine has refused.
    refused: Vec<Symptom>,
    /// What could not be created because something of its name was there.
    conflicts: BTreeSet<Subject>,
}

/// What became of a change that was to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It is written.
    Done,
    /// Somebody else changed the same thing meanwhile.
    OutOfSequence,
    /// Something was in the way that may pass.
    Hindered,
    /// Something of its name is there. Another controller may have made it.
    Conflict,
    /// The engine does not take it.
    Refused,
}

/// What follows from a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consequence {
    /// Nothing: it goes on. So many fields that somebody else had changed are healed by it.
    GoOn {
        /// How many.
        healed: usize,
    },
    /// It is tried again with the next round, which nobody need know.
    TryAgain,
    /// It goes on with the next round; people hear of it.
    Tell,
    /// It is tried again later; people hear of it.
    TellAndWait,
    /// It is left as it is until something happens; people hear of it.
    TellAndRest,
    /// The release has failed, as the next decision says.
    Fail,
}

#[cfg(test)]
impl From<Watch> for Memory {
    fn from(watch: Watch) -> Self {
        Self { watch, ..Self::default() }
    }
}

impl Memory {
    /// The release that it is about.
    pub fn release(&self) -> Option<ReleaseId> {
        self.of
    }

    /// Forgets what is of an older release; whether it was of another one.
    pub fn begin(&mut self, release: &Release) -> bool {
        let is_new = self.of != Some(release.id);
        if is_new {
            *self = Self { of: Some(release.id), gave_way: self.gave_way, ..Self::default() };
        }
        if matches!(&release.phase, Phase::Promoted { contested, .. } if contested.is_empty() && self.gave_way) {
            // A person had it healed: then it is tried again.
            (self.healing, self.gave_way) = (Healing::default(), false);
        }
        is_new
    }

    /// Forgets what was seen: nobody looked for a while.
    pub fn look_away(&mut self) {
        self.watch = Watch::default();
    }

    /// Adds what was seen at a time.
    pub fn saw(&mut self, desired: &Stack, observed: &Observed, now: Timestamp) {
        self.watch = self.watch.after(desired, observed, now);
    }

    /// The fields that differ from a release and did not at the last look.
    pub fn drifted(&mut self, drift: &Plan) -> Vec<String> {
        self.healing.news(drift)
    }

    /// What of a plan was healed so often that somebody else must be changing it back.
    pub(super) fn contested(&self, plan: &Plan, now: Timestamp) -> BTreeSet<String> {
        self.healing.contested(plan, now)
    }

    /// Notes that the record says what is left alone from now on.
    pub fn give_way(&mut self) {
        self.gave_way = true;
    }

    /// What the engine has refused of the release.
    pub(super) fn refused(&self) -> &[Symptom] {
        &self.refused
    }

    /// Notes what became of a change of a release, with what the engine said if it was not written, and tells what follows.
    pub fn wrote(
        &mut self,
        release: &Release,
        change: &Change,
        written: Written,
        said: &str,
        now: Timestamp,
    ) -> Consequence {
        let is_promoted = matches!(release.phase, Phase::Promoted { .. });
        match written {
            Written::Done => {
                self.conflicts.remove(&change.subject);
                Consequence::GoOn { healed: if is_promoted { self.healing.note(change, now) } else { 0 } }
            }
            Written::OutOfSequence => Consequence::Tell,
            Written::Hindered => Consequence::TellAndWait,
            // What is removed may still be in use by a task that is stopping: that is no trouble yet.
            Written::Conflict | Written::Refused if change.action == Action::Remove => {
                self.watch.note_use(&change.subject, now);
                Consequence::TryAgain
            }
            // What could not be healed is still what was promoted.
            Written::Conflict | Written::Refused if is_promoted => Consequence::TellAndRest,
            // If another controller has made it, the next plan does not create it.
            Written::Conflict if change.action == Action::Create && self.conflicts.insert(change.subject.clone()) => {
                Consequence::Tell
            }
            Written::Conflict | Written::Refused => {
                let service = change.subject.service().cloned();
                let message = format!("{} was refused: {said}", change.subject);
                self.refused.push(Symptom { service, ..Symptom::whole_stack(message) });
                Consequence::Fail
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::{Cause, Origin};

    const SAID: &str = "the engine says no";

    fn release(phase: Phase) -> Release {
        let desired = Stack::empty("shop".parse().unwrap());
        Release {
            id: ReleaseId(1),
            stack: desired.name.clone(),
            origin: Origin::unknown(),
            owner: None,
            cause: Cause::Push,
            created: Timestamp::UNIX_EPOCH,
            images: std::collections::BTreeMap::new(),
            desired: Some(desired),
            phase,
            recorded: Timestamp::UNIX_EPOCH,
        }
    }

    fn change(action: Action) -> Change {
        Change::new(Subject::Network("shop_default".into()), action)
    }

    #[test]
    fn what_is_refused_fails_a_rollout_and_no_release_that_runs() {
        let (rolling, promoted) =
            (release(Phase::rolling(Timestamp::UNIX_EPOCH)), release(Phase::promoted(Timestamp::UNIX_EPOCH)));
        let follows = |release: &Release, action: Action, written: Written| {
            let mut memory = Memory::default();
            memory.wrote(release, &change(action), written, SAID, Timestamp::UNIX_EPOCH)
        };
        assert_eq!(follows(&rolling, Action::Create, Written::Refused), Consequence::Fail);
        assert_eq!(follows(&promoted, Action::Create, Written::Refused), Consequence::TellAndRest);
        assert_eq!(follows(&promoted, Action::Create, Written::Done), Consequence::GoOn { healed: 1 });
        assert_eq!(follows(&rolling, Action::Create, Written::Done), Consequence::GoOn { healed: 0 });
        for release in [&rolling, &promoted] {
            assert_eq!(follows(release, Action::Remove, Written::Refused), Consequence::TryAgain, "still in use");
            assert_eq!(follows(release, Action::Create, Written::Hindered), Consequence::TellAndWait);
            assert_eq!(follows(release, Action::Create, Written::OutOfSequence), Consequence::Tell);
        }
    }

    #[test]
    fn a_name_that_is_taken_is_a_refusal_when_it_is_met_again() {
        let rolling = release(Phase::rolling(Timestamp::UNIX_EPOCH));
        let mut memory = Memory::default();
        memory.begin(&rolling);
        let write = |memory: &mut Memory, written| {
            memory.wrote(&rolling, &change(Action::Create), written, SAID, Timestamp::UNIX_EPOCH)
        };
        assert_eq!(write(&mut memory, Written::Conflict), Consequence::Tell);
        assert_eq!(write(&mut memory, Written::Done), Consequence::GoOn { healed: 0 });
        assert_eq!(write(&mut memory, Written::Conflict), Consequence::Tell, "it was there in between");
        assert_eq!(write(&mut memory, Written::Conflict), Consequence::Fail);
        let said: Vec<&str> = memory.refused().iter().map(|symptom| symptom.message.as_str()).collect();
        assert_eq!(said, ["network shop_default was refused: the engine says no"]);
        assert!(!memory.begin(&rolling) && memory.refused().len() == 1, "it is about this release");
        memory.begin(&Release { id: ReleaseId(2), ..rolling.clone() });
        assert!(memory.refused().is_empty(), "another release has done nothing wrong");
    }
}
