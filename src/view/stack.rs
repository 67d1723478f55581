//! How a stack is.

use serde::{Serialize, Serializer};

use super::CommitView;
use crate::health;
use crate::name::{CommitId, Repository, StackName};
use crate::plan::observed::Observed;
use crate::plan::{Color, Plan};
use crate::release::{Cause, History, Phase, Release, ReleaseId};
use crate::stack::{Drift, Stack};

/// How a stack is.
#[derive(Debug, Clone, Serialize)]
pub struct StackView {
    /// Its name.
    pub stack: StackName,
    /// The release that was last promoted.
    pub promoted: Option<ReleaseId>,
    /// The release that was last attempted.
    pub attempted: Option<ReleaseId>,
    /// How far that one has got.
    #[serde(flatten)]
    pub phase: Option<Phase>,
    /// The commit that says what runs; none if no commit does.
    pub commit: Option<String>,
    /// To whom it belongs, or where it came from.
    #[serde(serialize_with = "shown")]
    pub repository: Option<Repository>,
    /// Each service with how many of its tasks run.
    pub services: Vec<ServiceView>,
    /// What differs from the promoted release, in lines.
    pub drift: Vec<String>,
    /// What a person should know.
    pub notes: Vec<String>,
    /// Where people reach it.
    pub urls: Vec<String>,
    /// The commit of its repository that is to run, or did not come to run as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<CommitView>,
    /// The commit that was last attempted.
    #[serde(skip)]
    pub attempted_commit: Option<CommitId>,
    /// Whether it could not be brought back to what ran before.
    #[serde(skip)]
    pub way_back_failed: bool,
    /// Whether records of it cannot be read.
    #[serde(skip)]
    pub damaged: bool,
    /// Whether something is not healed any more, because somebody changes it back.
    #[serde(skip)]
    pub contested: bool,
    /// Why nothing is known of what runs, if that is so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<String>,
}

/// How a service is.
#[derive(Debug, Clone, Serialize)]
pub struct ServiceView {
    /// Its name.
    pub name: String,
    /// How many tasks run.
    pub running: u64,
    /// How many should, where that is known.
    pub wanted: Option<u64>,
}

/// How a stack is, in one word: the worst that is true of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StackState {
    /// What runs is not understood.
    Unreadable,
    /// Records of it cannot be read, and there is no other.
    Damaged,
    /// No release is recorded.
    NoRecord,
    /// A release is on its way.
    Rolling,
    /// Nothing of what should run is there.
    Missing,
    /// Nothing should run, and nothing does.
    Removed,
    /// It is not what anybody wants, and nothing good runs.
    Failed,
    /// Fewer tasks run than should.
    Degraded,
    /// A release failed, and the one before it runs again.
    WentBack,
    /// Somebody else has changed it.
    Differs,
    /// It is as it should be.
    Healthy,
}

impl StackState {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Damaged => "damaged",
            Self::NoRecord => "no record",
            Self::Rolling => "rolling",
            Self::Missing => "missing",
            Self::Removed => "removed",
            Self::Failed => "failed",
            Self::Degraded => "degraded",
            Self::WentBack => "went back",
            Self::Differs => "differs",
            Self::Healthy => "healthy",
        }
    }
}

/// What was last tried: after a rollback that went well, the release that made it necessary.
fn attempted(history: &History) -> Option<&Release> {
    let last = history.last()?;
    match (&last.cause, &last.phase) {
        (Cause::RollBack { failed, .. }, Phase::Promoted { .. }) => history.get(*failed).or(Some(last)),
        _ => Some(last),
    }
}

/// Whether a release that was to bring something back has failed.
fn has_not_come_back(attempted: &Release) -> bool {
    matches!((&attempted.cause, &attempted.phase), (Cause::RollBack { .. }, Phase::Failed { .. }))
}

/// What is said of a stack that no release is recorded of.
const NO_RECORD: &str =
    "there is no record of it: skep did not deploy it, or its records were removed; it is left as it is";

/// What a person should know of the records. `damaged` tells of each that cannot be read.
fn notes(history: &History, damaged: &[String]) -> Vec<String> {
    if history.last().is_none() && damaged.is_empty() { vec![NO_RECORD.to_owned()] } else { damaged.to_vec() }
}

/// What is not healed any more.
fn contested(release: &Release) -> impl Iterator<Item = &String> {
    let contested = match &release.phase {
        Phase::Promoted { contested, .. } => Some(contested),
        _ => None,
    };
    contested.into_iter().flatten()
}

fn left_alone(stack: &StackName, place: &str) -> String {
    format!("{place} is not healed any more: somebody changes it again and again; `skep heal {stack}` begins again")
}

/// Whether what runs is what the release's commit says: not what was found running, and not nothing.
fn is_of_its_commit(release: &Release) -> bool {
    !matches!(release.cause, Cause::Adopt | Cause::RollBack { to: None, .. } | Cause::Remove { .. })
}

fn drift(desired: &Stack, observed: &Observed, history: &History) -> Vec<String> {
    // What is only tidied up is no difference that anybody made.
    let plan = Plan::between(desired, observed, &history.removable()).only(|change| !change.is_housekeeping());
    plan.changes.iter().map(|change| change.to_text(Color::Never)).chain(plan.notes).collect()
}

impl StackView {
    /// What the records and the swarm tell of it. `damaged` tells of each record that cannot be read.
    pub fn of(stack: StackName, history: &History, damaged: &[String], observed: &Observed) -> Self {
        let mut notes = notes(history, damaged);
        let promoted = history.promoted();
        let contested: Vec<&String> = promoted.into_iter().flat_map(contested).collect();
        notes.extend(contested.iter().map(|place| left_alone(&stack, place)));
        notes.extend(history.apart().map(|it| format!("{it}; `skep deploy --again {stack}` brings that back")));
        let desired = promoted.and_then(|release| release.desired.as_ref());
        let drift = desired
            .filter(|desired| history.rolling().is_none() && desired.settings.drift != Drift::Off)
            .map(|desired| drift(desired, observed, history))
            .unwrap_or_default();
        let scaled = desired.map(|desired| observed.scaled(desired));
        let wanted = |name| scaled.as_ref().and_then(|desired| desired.services.get(name)).and_then(health::wanted);
        let services = observed.services.iter().map(|(name, there)| ServiceView {
            name: name.to_string(),
            running: there.running() as u64,
            wanted: wanted(name),
        });
        Self {
            services: services.collect(),
            urls: desired.map(Stack::urls).unwrap_or_default(),
            drift,
            contested: !contested.is_empty(),
            ..Self::recorded(stack, history, !damaged.is_empty(), notes)
        }
    }

    /// What the records alone tell of a stack whose services are not understood, and why they are not.
    pub fn unreadable(stack: StackName, history: &History, damaged: &[String], why: String) -> Self {
        let view = Self::recorded(stack, history, !damaged.is_empty(), notes(history, damaged));
        Self { unreadable: Some(why), ..view }
    }

    /// How it is, in one word.
    pub fn state(&self) -> StackState {
        let is_short = |service: &ServiceView| service.wanted.is_some_and(|wanted| service.running < wanted);
        match (&self.phase, self.promoted) {
            _ if self.unreadable.is_some() => StackState::Unreadable,
            (None, _) if self.damaged => StackState::Damaged,
            (None, _) => StackState::NoRecord,
            (Some(Phase::Rolling { .. }), _) => StackState::Rolling,
            (Some(_), Some(_)) if self.services.is_empty() && !self.drift.is_empty() => StackState::Missing,
            (Some(_), Some(_)) if self.services.is_empty() => StackState::Removed,
            (Some(_), None) => StackState::Failed,
            _ if self.services.iter().any(is_short) => StackState::Degraded,
            (Some(Phase::Failed { .. }), Some(_)) if self.way_back_failed => StackState::Failed,
            (Some(Phase::Failed { .. }), Some(_)) => StackState::WentBack,
            _ if !self.drift.is_empty() => StackState::Differs,
            _ => StackState::Healthy,
        }
    }

    fn recorded(stack: StackName, history: &History, damaged: bool, notes: Vec<String>) -> Self {
        let (attempted, promoted) = (attempted(history), history.promoted());
        Self {
            promoted: promoted.map(|release| release.id),
            attempted: attempted.map(|release| release.id),
            phase: attempted.map(|release| release.phase.clone()),
            commit: promoted.filter(|release| is_of_its_commit(release)).map(|it| it.origin.commit.short().to_owned()),
            attempted_commit: attempted.map(|release| release.origin.commit.clone()),
            way_back_failed: attempted.is_some_and(has_not_come_back),
            pending: None,
            repository: history.owner().or(promoted.or(attempted).map(|it| &it.origin.repository)).cloned(),
            services: Vec::new(),
            urls: Vec::new(),
            drift: Vec::new(),
            contested: false,
            damaged,
            notes,
            unreadable: None,
            stack,
        }
    }
}

/// A repository as a person reads it, if it is known.
#[expect(clippy::ref_option, reason = "serde gives a reference to the field")]
fn shown<S: Serializer>(repository: &Option<Repository>, serializer: S) -> Result<S::Ok, S::Error> {
    repository.as_ref().map(Repository::to_string).serialize(serializer)
}
