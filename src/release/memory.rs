//! The state that is kept between two rounds of a stack in addition to the record: an input of [`super::next()`], to
//! which each round adds its observations and the results of its writes. It may be lost at any moment: a verdict then
//! comes later, and a refused write is tried once more.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::drift::Healing;
use super::{Phase, Release, ReleaseId};
use crate::health::{Symptom, Watch};
use crate::plan::observed::Observed;
use crate::plan::{Action, Change, Plan, Subject};
use crate::stack::Stack;

/// The state that is kept for one stack.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    /// The release that it concerns.
    of: Option<ReleaseId>,
    /// The observations.
    pub watch: Watch,
    healing: Healing,
    /// Whether a field is left alone because something else keeps changing it.
    gave_way: bool,
    /// The writes that the engine has refused.
    refused: Vec<Symptom>,
    /// The objects that could not be created because one of that name existed.
    conflicts: BTreeSet<Subject>,
}

/// The result of writing a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It was written.
    Done,
    /// Something else changed the same object meanwhile.
    OutOfSequence,
    /// It failed for a reason that may pass.
    Hindered,
    /// An object of that name exists. Another controller may have created it.
    Conflict,
    /// The engine refused it.
    Refused,
}

/// What to do after a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consequence {
    /// Go on. The write healed this many fields that had been changed by hand.
    GoOn {
        /// How many.
        healed: usize,
    },
    /// Try again in the next round, without a message.
    TryAgain,
    /// Go on in the next round, with a message.
    Tell,
    /// Try again later, with a message.
    TellAndWait,
    /// Wait until something happens, with a message.
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
    /// The release that it concerns.
    pub fn release(&self) -> Option<ReleaseId> {
        self.of
    }

    /// Forgets the state of an older release; returns whether there was one.
    pub fn begin(&mut self, release: &Release) -> bool {
        let is_new = self.of != Some(release.id);
        if is_new {
            *self = Self { of: Some(release.id), gave_way: self.gave_way, ..Self::default() };
        }
        if matches!(&release.phase, Phase::Promoted { contested, .. } if contested.is_empty() && self.gave_way) {
            // A person asked for healing, so it is tried again.
            (self.healing, self.gave_way) = (Healing::default(), false);
        }
        is_new
    }

    /// Forgets the observations, after a gap between them.
    pub fn look_away(&mut self) {
        self.watch = Watch::default();
    }

    /// Adds an observation.
    pub fn saw(&mut self, desired: &Stack, observed: &Observed, now: Timestamp) {
        self.watch = self.watch.after(desired, observed, now);
    }

    /// The fields that differ from a release and did not at the last observation.
    pub fn drifted(&mut self, drift: &Plan) -> Vec<String> {
        self.healing.news(drift)
    }

    /// The fields of a plan that were healed so often that something else must be changing them.
    pub(super) fn contested(&self, plan: &Plan, now: Timestamp) -> BTreeSet<String> {
        self.healing.contested(plan, now)
    }

    /// Notes that the record now lists the fields that are left alone.
    pub fn give_way(&mut self) {
        self.gave_way = true;
    }

    /// The changes of the release that the engine has refused.
    pub(super) fn refused(&self) -> &[Symptom] {
        &self.refused
    }

    /// Notes the result of writing a change of a release, with the engine's message if it failed, and returns what to
    /// do next.
    pub fn wrote(
        &mut self,
        release: &Release,
        change: &Change,
        written: Written,
        said: &str,
        now: Timestamp,
    ) -> Consequence {
        let is_promoted = release.phase.is_promoted();
        match written {
            Written::Done => {
                self.conflicts.remove(&change.subject);
                Consequence::GoOn { healed: if is_promoted { self.healing.note(change, now) } else { 0 } }
            }
            Written::OutOfSequence => Consequence::Tell,
            Written::Hindered => Consequence::TellAndWait,
            // An object to be removed may still be in use by a task that is stopping: this is not an error yet.
            Written::Conflict | Written::Refused if change.action == Action::Remove => {
                self.watch.note_use(&change.subject, now);
                Consequence::TryAgain
            }
            // The release stays promoted even if it could not be healed.
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
