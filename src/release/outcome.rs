//! The outcome of a release, derived from the history.

use serde::Serialize;

use super::{Cause, History, Phase, Release, ReleaseId, next};
use crate::health::Symptom;

/// The outcome of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub enum Outcome {
    /// It was promoted and runs.
    Promoted,
    /// It already runs: nothing was written.
    Unchanged,
    /// It failed, and the stack was rolled back.
    RolledBack {
        /// The release whose stack runs again; `None` if there was none before, and nothing runs.
        to: Option<ReleaseId>,
        /// Why.
        symptoms: Vec<Symptom>,
    },
    /// It failed, and the stack could not be rolled back.
    Halted {
        /// The symptoms, including those of a failed rollback.
        symptoms: Vec<Symptom>,
    },
    /// A newer release superseded it.
    Superseded {
        /// The newer release.
        by: ReleaseId,
    },
}

impl History {
    /// The outcome of a release, if it has ended. A release whose record was removed by hand counts as failed.
    pub fn outcome(&self, id: ReleaseId) -> Option<Outcome> {
        let Some(release) = self.get(id) else {
            let symptom = Symptom::whole_stack(format!("the record of {id} was removed while it was rolled out"));
            return Some(Outcome::Halted { symptoms: vec![symptom] });
        };
        match &release.phase {
            Phase::Rolling { .. } => None,
            Phase::Promoted { .. } => Some(Outcome::Promoted),
            Phase::Superseded { by, .. } => Some(Outcome::Superseded { by: *by }),
            Phase::Failed { symptoms, .. } => self.after_failure(release, symptoms),
        }
    }

    fn after_failure(&self, failed: &Release, symptoms: &[Symptom]) -> Option<Outcome> {
        let symptoms = symptoms.to_vec();
        let rollback =
            |release: &&Release| matches!(release.cause, Cause::RollBack { failed: id, .. } if id == failed.id);
        let Some(back) = self.releases().iter().rev().find(rollback) else {
            let awaited = self.last() == Some(failed) && next::back(failed, self) != next::Back::Nowhere;
            return (!awaited).then_some(Outcome::Halted { symptoms });
        };
        let Cause::RollBack { to, .. } = back.cause else { return None };
        match &back.phase {
            Phase::Rolling { .. } => None,
            Phase::Promoted { .. } => Some(Outcome::RolledBack { to, symptoms }),
            Phase::Superseded { by, .. } => Some(Outcome::Superseded { by: *by }),
            Phase::Failed { symptoms: again, .. } => {
                Some(Outcome::Halted { symptoms: [symptoms, again.clone()].concat() })
            }
        }
    }
}

impl Outcome {
    /// Whether the requested stack runs.
    pub fn is_good(&self) -> bool {
        matches!(self, Self::Promoted | Self::Unchanged)
    }
}
