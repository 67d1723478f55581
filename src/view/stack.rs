//! The view of a stack.

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
    /// The phase of that release.
    #[serde(flatten)]
    pub phase: Option<Phase>,
    /// The running commit; `None` if the running stack has none.
    pub commit: Option<String>,
    /// Its owner, or else its origin.
    #[serde(serialize_with = "shown")]
    pub repository: Option<Repository>,
    /// The services with the numbers of their tasks.
    pub services: Vec<ServiceView>,
    /// The drift from the promoted release, in lines.
    pub drift: Vec<String>,
    /// Notes for users.
    pub notes: Vec<String>,
    /// Its public addresses.
    pub urls: Vec<String>,
    /// The pending or failed commit of its repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<CommitView>,
    /// The commit that was last attempted.
    #[serde(skip)]
    pub attempted_commit: Option<CommitId>,
    /// Whether a rollback failed.
    #[serde(skip)]
    pub way_back_failed: bool,
    /// Whether some of its records are damaged.
    #[serde(skip)]
    pub damaged: bool,
    /// Whether it has contested fields.
    #[serde(skip)]
    pub contested: bool,
    /// Why its running services are unknown, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<String>,
}

/// The state of a service.
#[derive(Debug, Clone, Serialize)]
pub struct ServiceView {
    /// Its name.
    pub name: String,
    /// The number of running tasks.
    pub running: u64,
    /// The desired number of tasks, if known.
    pub wanted: Option<u64>,
}

/// The state of a stack in one word: the worst that applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StackState {
    /// The running services are not understood.
    Unreadable,
    /// All its records are damaged.
    Damaged,
    /// No release is recorded.
    NoRecord,
    /// A release is rolling out.
    Rolling,
    /// Nothing runs although something should.
    Missing,
    /// Nothing should run, and nothing does.
    Removed,
    /// A rollback failed.
    Failed,
    /// Fewer tasks run than desired.
    Degraded,
    /// A release failed, and the one before it runs again.
    WentBack,
    /// It has drifted.
    Differs,
    /// It is as desired.
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

/// The last attempt: after a successful rollback, the release that failed.
fn attempted(history: &History) -> Option<&Release> {
    let last = history.last()?;
    match (&last.cause, &last.phase) {
        (Cause::RollBack { failed, .. }, Phase::Promoted { .. }) => history.get(*failed).or(Some(last)),
        _ => Some(last),
    }
}

/// Whether a rollback failed.
fn has_not_come_back(attempted: &Release) -> bool {
    matches!((&attempted.cause, &attempted.phase), (Cause::RollBack { .. }, Phase::Failed { .. }))
}

/// The note about a stack without a recorded release.
const NO_RECORD: &str =
    "there is no record of it: skep did not deploy it, or its records were removed; it is left as it is";

/// Notes about the records. `damaged` has a sentence for each damaged one.
fn notes(history: &History, damaged: &[String]) -> Vec<String> {
    if history.last().is_none() && damaged.is_empty() { vec![NO_RECORD.to_owned()] } else { damaged.to_vec() }
}

/// Notes about contested fields.
fn contested(release: &Release) -> impl Iterator<Item = &String> {
    let contested = match &release.phase {
        Phase::Promoted { contested, .. } => Some(contested),
        _ => None,
    };
    contested.into_iter().flatten()
}

fn left_alone(stack: &StackName, place: &str) -> String {
    format!("{place} is no longer healed, because something keeps changing it; `skep heal {stack}` resumes healing")
}

/// Whether the release has a commit: not one that was found running, and not an empty one.
fn is_of_its_commit(release: &Release) -> bool {
    !matches!(release.cause, Cause::Adopt | Cause::RollBack { to: None, .. } | Cause::Remove { .. })
}

fn drift(desired: &Stack, observed: &Observed, history: &History) -> Vec<String> {
    // Clean-up is not drift.
    let plan = Plan::between(desired, observed, &history.removable()).only(|change| !change.is_housekeeping());
    plan.changes.iter().map(|change| change.to_text(Color::Never)).chain(plan.notes).collect()
}

impl StackView {
    /// The view from the records and the observed state. `damaged` has a sentence for each damaged record.
    pub fn of(stack: StackName, history: &History, damaged: &[String], observed: &Observed) -> Self {
        let mut notes = notes(history, damaged);
        let promoted = history.promoted();
        let contested: Vec<&String> = promoted.into_iter().flat_map(contested).collect();
        notes.extend(contested.iter().map(|place| left_alone(&stack, place)));
        notes
            .extend(history.apart().map(|it| format!("{it}; `skep deploy --again {stack}` deploys that commit again")));
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

    /// The view from the records alone, if the running services are not understood, with the reason.
    pub fn unreadable(stack: StackName, history: &History, damaged: &[String], why: String) -> Self {
        let view = Self::recorded(stack, history, !damaged.is_empty(), notes(history, damaged));
        Self { unreadable: Some(why), ..view }
    }

    /// Its state in one word.
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

/// A repository for users, if known.
#[expect(clippy::ref_option, reason = "serde gives a reference to the field")]
fn shown<S: Serializer>(repository: &Option<Repository>, serializer: S) -> Result<S::Ok, S::Error> {
    repository.as_ref().map(Repository::to_string).serialize(serializer)
}
