//! How a stack is, in detail.

use serde::Serialize;

use super::commits::Pending;
use crate::cli::history::{ansi, phase};
use crate::cli::workspace::painted;
use crate::controller::narrate;
use crate::health;
use crate::name::{CommitId, Repository, StackName};
use crate::plan::observed::Observed;
use crate::plan::{Color, Plan};
use crate::release::{Cause, History, Phase, Release, ReleaseId};
use crate::stack::Drift;
use crate::store::{Damaged, Records};
use crate::swarm;

/// How a stack is.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) stack: StackName,
    /// The release that was last promoted.
    pub(super) promoted: Option<ReleaseId>,
    /// The release that was last attempted.
    pub(super) attempted: Option<ReleaseId>,
    /// How far that one has got.
    #[serde(flatten)]
    pub(super) phase: Option<Phase>,
    /// The commit that says what runs; none if no commit does.
    pub(super) commit: Option<String>,
    pub(super) repository: Option<Repository>,
    /// Each service with how many of its tasks run.
    pub(super) services: Vec<Service>,
    /// What differs from the promoted release, in lines.
    pub(super) drift: Vec<String>,
    /// What a person should know.
    pub(super) notes: Vec<String>,
    pub(super) urls: Vec<String>,
    /// The commit of its repository that is to run, or did not come to run as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pending: Option<Pending>,
    /// The commit that was last attempted.
    #[serde(skip)]
    pub(super) attempted_commit: Option<CommitId>,
    /// Whether it could not be brought back to what ran before.
    #[serde(skip)]
    pub(super) way_back_failed: bool,
    /// Whether records of it cannot be read.
    #[serde(skip)]
    pub(super) damaged: bool,
    /// Whether something is not healed any more, because somebody changes it back.
    #[serde(skip)]
    pub(super) contested: bool,
    /// Why nothing is known of what runs, if that is so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) unreadable: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Service {
    pub(super) name: String,
    pub(super) running: u64,
    pub(super) wanted: Option<u64>,
}

/// What was last tried: behind a rollback that went well, the release that made it necessary.
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

/// What a person should know of the records.
fn notes(records: &Records) -> Vec<String> {
    const NONE: &str =
        "there is no record of it: skep did not deploy it, or its records were removed; it is left as it is";
    let damaged = |damaged: &Damaged| format!("the record `{}` is damaged: {}", damaged.name, damaged.why);
    match records {
        Records { releases, damaged } if releases.is_empty() && damaged.is_empty() => vec![NONE.to_owned()],
        records => records.damaged.iter().map(damaged).collect(),
    }
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

fn drift(desired: &crate::stack::Stack, observed: &Observed, history: &History) -> Vec<String> {
    // What is only tidied up is no difference that anybody made.
    let plan = Plan::between(desired, observed, &history.removable()).only(|change| !change.is_housekeeping());
    plan.changes.iter().map(|change| change.to_text(Color::Never)).chain(plan.notes).collect()
}

impl Report {
    /// What the records and the swarm tell of it.
    pub(super) fn of(stack: StackName, records: Records, observed: &Observed) -> Self {
        let (damaged, mut notes) = (!records.damaged.is_empty(), notes(&records));
        let history = History::new(records.releases);
        let promoted = history.promoted();
        let contested: Vec<&String> = promoted.into_iter().flat_map(contested).collect();
        notes.extend(contested.iter().map(|place| left_alone(&stack, place)));
        notes
            .extend(narrate::apart(&history).map(|it| format!("{it}; `skep deploy --again {stack}` brings that back")));
        let desired = promoted.and_then(|release| release.desired.as_ref());
        let drift = desired
            .filter(|desired| history.rolling().is_none() && desired.settings.drift != Drift::Off)
            .map(|desired| drift(desired, observed, &history))
            .unwrap_or_default();
        let scaled = desired.map(|desired| observed.scaled(desired));
        let wanted = |name| scaled.as_ref().and_then(|desired| desired.services.get(name)).and_then(health::wanted);
        let services = observed.services.iter().map(|(name, there)| Service {
            name: name.to_string(),
            running: there.running() as u64,
            wanted: wanted(name),
        });
        Self {
            services: services.collect(),
            urls: desired.map(crate::controller::deploy::urls).unwrap_or_default(),
            drift,
            contested: !contested.is_empty(),
            ..Self::recorded(stack, &history, damaged, notes)
        }
    }

    /// What the records alone tell of a stack whose services are not understood.
    pub(super) fn unreadable(stack: StackName, records: Records, why: &swarm::Error) -> Self {
        let (damaged, notes) = (!records.damaged.is_empty(), notes(&records));
        let report = Self::recorded(stack, &History::new(records.releases), damaged, notes);
        Self { unreadable: Some(why.to_string()), ..report }
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

    /// It as text for a person.
    pub(super) fn to_text(&self, color: Color) -> String {
        let mut lines = vec![self.headline(color)];
        for service in &self.services {
            let wanted = service.wanted.map_or_else(String::new, |wanted| format!("/{wanted}"));
            lines.push(format!("  {:<20} {}{wanted} running", service.name, service.running));
        }
        lines.extend(self.urls.iter().map(|url| format!("  {url}")));
        if let Some(Phase::Failed { symptoms, .. }) = &self.phase {
            lines.extend(symptoms.iter().flat_map(narrate::symptom));
        }
        if !self.drift.is_empty() {
            lines.push("  differs from its release; to bring it back:".into());
            lines.extend(self.drift.iter().map(|change| format!("    {change}")));
        }
        lines.extend(self.pending.iter().map(|pending| format!("  commit {}", pending.sentence)));
        lines.extend(self.notes.iter().map(|note| format!("  note: {note}")));
        lines.join("\n")
    }

    fn headline(&self, color: Color) -> String {
        let running = match (&self.promoted, &self.commit) {
            (Some(release), Some(commit)) => format!("{release} ({commit})"),
            (Some(_), None) if self.services.is_empty() => "nothing runs".to_owned(),
            (Some(release), None) => format!("{release} (what ran before skep)"),
            (None, _) => "no release".to_owned(),
        };
        let attempted = match (&self.attempted, &self.phase) {
            (Some(release), Some(last)) if self.attempted != self.promoted => {
                format!(", last tried: {release} {}", painted(phase(last), ansi(last), color))
            }
            _ => String::new(),
        };
        let repository = self.repository.as_ref().map(|name| format!(", from {name}")).unwrap_or_default();
        format!("{}: {running}{attempted}{repository}", painted(self.stack.as_str(), "1", color))
    }
}
