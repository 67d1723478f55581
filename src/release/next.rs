//! The central decision: the next step of a release.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::arrival::{self, Arrival};
use super::departure::{self, Departure};
use super::drift;
use super::{Cause, History, Memory, Phase, Release, ReleaseId};
use crate::health::{self, Blame, CheckId, Reply, Symptom, Verdict, Waiting, Watch};
use crate::name::ServiceName;
use crate::plan::observed::Observed;
use crate::plan::{Action, Change, Plan, Removable, Subject};
use crate::stack::check::Check;
use crate::stack::{Config, Drift, Nanos, Network, Secret, Settings, Stack, TRAEFIK_FIRST};
use crate::time;

/// The age after which a config or secret of an unknown release is considered a leftover.
const LEFTOVERS: SignedDuration = SignedDuration::from_hours(1);

/// The most rollbacks of a stack to the same release if nodes or registries fail.
const ATTEMPTS: u32 = 5;
/// The pause after the first failed rollback; doubled each time.
const BEFORE_NEXT: SignedDuration = SignedDuration::from_mins(1);

/// The longest plausible duration; longer ones come from a clock that has jumped.
const MOST_SAID: SignedDuration = SignedDuration::from_hours(24 * 365);

/// The next step.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Make these changes, in any order.
    Apply(Plan),
    /// Observe again soon.
    Wait(Vec<Waiting>),
    /// It is healthy: promote it.
    Promote,
    /// It failed; roll back to the stack of this release, or to an empty stack if there was none before.
    RollBack {
        /// The release to roll back to.
        to: Option<ReleaseId>,
        /// The symptoms.
        symptoms: Vec<Symptom>,
    },
    /// It failed and no rollback would help: leave everything for a person to investigate.
    Halt {
        /// The symptoms.
        symptoms: Vec<Symptom>,
    },
    /// These fields are contested: record that they are no longer healed.
    GiveWay {
        /// The fields, such as `service web: replicas`.
        places: BTreeSet<String>,
    },
    /// Nothing to do.
    Rest,
}

/// Returns the next step of `release`, given the stack's history, the observed state, and the memory of earlier rounds.
pub fn next(release: &Release, history: &History, observed: &Observed, memory: &Memory, now: Timestamp) -> Step {
    let Some(desired) = &release.desired else { return Step::Rest };
    let desired = &*observed.scaled(desired);
    match &release.phase {
        Phase::Superseded { .. } => Step::Rest,
        Phase::Failed { .. } => unanswered(release, history, observed, now),
        Phase::Promoted { contested, .. } => {
            keep(desired, observed, planned(desired, observed, history, now), contested, memory, now)
        }
        Phase::Rolling { since, .. } => match roll(release, desired, history, observed, *since, memory, now) {
            Ok(step) => step,
            Err(_) if may_be_excused(release, desired, observed) => Step::Wait(health::waits(desired, observed)),
            Err(symptoms) => failed(release, history, symptoms),
        },
    }
}

/// The stack's own checks to make before calling [`next`]: none before all changes of a release are made.
pub fn due<'a>(
    release: &'a Release,
    history: &History,
    observed: &Observed,
    watch: &Watch,
    now: Timestamp,
) -> Vec<(CheckId, &'a Check)> {
    let (Some(desired), Phase::Rolling { since, .. }) = (&release.desired, &release.phase) else { return Vec::new() };
    let due = watch.due(desired, observed, *since, now);
    let settled = || planned(&observed.scaled(desired), observed, history, now).changed_services().is_empty();
    if due.is_empty() || !settled() { Vec::new() } else { due }
}

/// The effect of a result: a rollback does not fail on a check that cannot be made.
pub fn counted(release: &Release, history: &History, reply: Reply) -> Reply {
    if reply.is_unasked() && goes_back(release, history) { Reply::Waived } else { reply }
}

/// Whether a release is a rollback, automatic or manual.
fn goes_back(release: &Release, history: &History) -> bool {
    let was_good =
        |other: &Release| other.id < release.id && other.phase.is_promoted() && other.desired == release.desired;
    matches!(release.cause, Cause::RollBack { .. }) || history.releases().iter().any(was_good)
}

/// The drift from a running release, unless its file ignores drift.
pub fn differences(release: &Release, history: &History, observed: &Observed, now: Timestamp) -> Option<Plan> {
    let desired = release.desired.as_ref().filter(|desired| desired.settings.drift != Drift::Off)?;
    release.phase.is_promoted().then(|| planned(&observed.scaled(desired), observed, history, now))
}

/// The stack of a rollback to `to`: that of the release, or an empty one.
pub fn target(history: &History, to: Option<ReleaseId>, failed: &Stack) -> Option<Stack> {
    match to {
        Some(id) => history.get(id)?.desired.clone(),
        None => Some(nothing_of(failed)),
    }
}

/// The empty stack for removing everything of `stack`, whatever its file says about pruning.
fn nothing_of(stack: &Stack) -> Stack {
    let settings = Settings { prune: true, ..stack.settings.clone() };
    Stack { settings, ..Stack::empty(stack.name.clone()) }
}

fn planned(desired: &Stack, observed: &Observed, history: &History, now: Timestamp) -> Plan {
    let leftovers_before = Some(time::before(now, LEFTOVERS));
    Plan::between(desired, observed, &Removable { leftovers_before, ..history.removable() })
}

/// The next step of a stack at rest: manual changes are undone if the file says so, and objects that no
/// release needs any more are always removed.
fn keep(
    desired: &Stack,
    observed: &Observed,
    plan: Plan,
    contested: &BTreeSet<String>,
    memory: &Memory,
    now: Timestamp,
) -> Step {
    let heals = desired.settings.drift == Drift::Heal;
    let is_contested = |change: &Change| drift::places(change).iter().any(|place| contested.contains(place));
    let is_wanted =
        |change: &Change| change.is_housekeeping() || (heals && may_heal(desired, change) && !is_contested(change));
    let plan = plan.only(|change| is_wanted(change) && !memory.watch.has_given_up(&change.subject, now));
    let Arrival { now: ready, waiting } = arrival::unheld(&plan, desired, observed);
    match (ready.is_empty(), waiting.is_empty()) {
        // Two parties that undo each other's changes would never stop.
        (false, _) => match memory.contested(&ready, now) {
            places if places.is_empty() => Step::Apply(ready),
            places => Step::GiveWay { places },
        },
        (true, false) => Step::Wait(waiting),
        (true, true) => Step::Rest,
    }
}

/// Whether healing would recreate a service, which needs consent to the interruption.
fn may_heal(desired: &Stack, change: &Change) -> bool {
    let may_be_recreated = |name: &ServiceName| desired.services.get(name).is_some_and(|it| it.may_be_recreated);
    !matches!(change.action, Action::Recreate { .. }) || change.subject.service().is_some_and(may_be_recreated)
}

/// The next step of a rollout, or why it has failed.
fn roll(
    release: &Release,
    desired: &Stack,
    history: &History,
    observed: &Observed,
    since: Timestamp,
    memory: &Memory,
    now: Timestamp,
) -> Result<Step, Vec<Symptom>> {
    let watch = &memory.watch;
    if let Some(symptoms) = early_failure(release, desired, observed, memory) {
        return Err(symptoms);
    }
    let plan = planned(desired, observed, history, now);
    let changed = plan.changed_services();
    let applied: BTreeSet<&ServiceName> = desired.services.keys().filter(|name| !changed.contains(name)).collect();
    let verdict = health::judge(desired, &applied, observed, since, watch, now);
    if let Verdict::Unhealthy(symptoms) = verdict {
        return Err(symptoms);
    }
    let watched = now.duration_since(since).saturating_sub(release.phase.unwatched());
    if watched >= SignedDuration::from_nanos(desired.settings.deadline.0) && !watch.is_new(desired, now) {
        return Err(late(release, desired, observed, &plan, since, watch));
    }
    let stalled = resumed(desired, &applied, observed, release.recorded);
    if !stalled.is_empty() {
        return Ok(Step::Apply(stalled));
    }
    let Arrival { now: ready, waiting: held } = arrival::next(&plan, desired, observed);
    if !ready.is_empty() {
        return Ok(Step::Apply(ready));
    }
    Ok(match verdict {
        Verdict::Healthy if changed.is_empty() => {
            let is_removal = matches!(release.cause, Cause::Remove { .. });
            let left = plan.only(|it| is_removal || !watch.has_given_up(&it.subject, now));
            match settle(left, is_removal, history, observed) {
                Step::Promote if !watch.is_answered_alone(desired, observed) => Step::Wait(Vec::new()),
                step => step,
            }
        }
        Verdict::Settling(waiting) => Step::Wait([waiting, held].concat()),
        Verdict::Healthy | Verdict::Unhealthy(_) => Step::Wait(held),
    })
}

/// Why a rollout has failed whatever is written next: writing a version again that Swarm rolled back would only repeat
/// the failure.
fn early_failure(release: &Release, desired: &Stack, observed: &Observed, memory: &Memory) -> Option<Vec<Symptom>> {
    let missing = missing(desired, observed);
    if !missing.is_empty() {
        return Some(missing);
    }
    let rolled_back = health::rolled_back(desired, observed, release.recorded);
    if !rolled_back.is_empty() {
        return Some(rolled_back);
    }
    (!memory.refused().is_empty()).then(|| memory.refused().to_vec())
}

/// Restarts updates that Swarm does not finish by itself although the version is not the cause.
fn resumed(desired: &Stack, applied: &BTreeSet<&ServiceName>, observed: &Observed, recorded: Timestamp) -> Plan {
    let stalled = health::stalled(desired, observed, recorded).into_iter().filter(|(name, _)| applied.contains(name));
    let changes = stalled.map(|(name, stall)| {
        let version = observed.services.get(&name).map(|there| there.version);
        Change { version, ..Change::new(Subject::Service(name), Action::Resume { stall }) }
    });
    Plan { changes: changes.collect(), ..Plan::default() }
}

/// All desired objects are healthy: remove undesired objects, then promote. A removal is
/// promoted only when its tasks are gone.
fn settle(plan: Plan, is_removal: bool, history: &History, observed: &Observed) -> Step {
    if plan.is_empty() {
        let gone = !is_removal || departure::stopping(observed) == 0;
        return if gone { Step::Promote } else { Step::Wait(Vec::new()) };
    }
    match departure::next(plan, history, observed) {
        Departure::Now(plan) => Step::Apply(plan),
        Departure::AfterTasks => Step::Wait(Vec::new()),
    }
}

/// Missing external objects. If there are any, nothing has been changed for this release.
pub fn missing(desired: &Stack, observed: &Observed) -> Vec<Symptom> {
    let networks = desired.networks.iter().filter(|(name, network)| {
        **network == Network::External
            && !observed.foreign.networks.contains(name)
            && !observed.networks.contains_key(*name)
    });
    let configs = desired.configs.iter().filter(|(name, config)| {
        **config == Config::External
            && !observed.foreign.configs.contains(name)
            && !observed.configs.contains_key(*name)
    });
    let secrets = desired.secrets.iter().filter(|(name, secret)| {
        let there = observed.foreign.secrets.contains(name) || observed.secrets.contains_key(*name);
        !there && !matches!(secret, Secret::Own { content, .. } if content.expose().is_some())
    });
    let networks = networks.map(|(name, _)| match desired.behind_traefik(name) {
        Some(service) => without_traefik(service, name),
        None => absent("network", name, &format!("docker network create --driver overlay {name}")),
    });
    let configs = configs.map(|(name, _)| absent("config", name, &format!("docker config create {name} FILE")));
    let secrets = secrets.map(|(name, _)| absent("secret", name, &format!("docker secret create {name} FILE")));
    networks.chain(configs).chain(secrets).collect()
}

/// The symptom of a missing network of Traefik.
fn without_traefik(service: &ServiceName, network: &str) -> Symptom {
    let message = format!("the network `{network}`, in which Traefik reaches `{service}`, does not exist");
    Symptom { service: Some(service.clone()), help: Some(TRAEFIK_FIRST.to_owned()), ..Symptom::whole_stack(message) }
}

fn absent(what: &str, name: &str, command: &str) -> Symptom {
    Symptom {
        service: None,
        message: format!("the external {what} `{name}` does not exist"),
        help: Some(format!("create it (`{command}`), or remove `external`")),
        task: None,
        log: Vec::new(),
        blame: Blame::Version,
    }
}

fn late(
    release: &Release,
    desired: &Stack,
    observed: &Observed,
    plan: &Plan,
    since: Timestamp,
    watch: &Watch,
) -> Vec<Symptom> {
    let deadline = desired.settings.deadline;
    let unwatched = release.phase.unwatched();
    let unwatched = if unwatched.is_zero() {
        String::new()
    } else {
        let length = Nanos::seconds(unwatched.as_secs().min(MOST_SAID.as_secs()));
        format!(" (not counting {length} of outages)")
    };
    if matches!(release.cause, Cause::Remove { .. }) {
        let mut left: Vec<String> = plan.changes.iter().map(|change| change.subject.to_string()).collect();
        left.extend(observed.leaving.iter().map(|task| format!("task {}", task.id)));
        return vec![Symptom::whole_stack(format!(
            "not gone within {deadline}{unwatched}: {} still there",
            left.join(", ")
        ))];
    }
    let mut symptoms = health::overdue(desired, observed, since, watch);
    let blame = symptoms.first().map(|symptom| symptom.blame).unwrap_or_default();
    let message = format!("not healthy within {deadline}{unwatched}");
    symptoms.insert(0, Symptom { blame, ..Symptom::whole_stack(message) });
    symptoms
}

/// Whether ended tasks may have been lost with their engine, which will be known shortly. Services that Swarm rolled
/// back are handled at once, because Swarm does not continue with the version in any case.
fn may_be_excused(release: &Release, desired: &Stack, observed: &Observed) -> bool {
    let is_suspected = observed.nodes.iter().any(|node| node.suspected);
    is_suspected && health::rolled_back(desired, observed, release.recorded).is_empty()
}

/// Rolls back, but never to a stack equal to the failed one, and never from a rollback.
pub fn failed(release: &Release, history: &History, symptoms: Vec<Symptom>) -> Step {
    match back(release, history) {
        Back::To(to) => Step::RollBack { to, symptoms },
        Back::Nowhere => Step::Halt { symptoms },
    }
}

/// What to do about a failure that is recorded: a controller that was killed then has not begun the rollback, and one
/// that failed because of a node or a registry is begun anew when that is back.
fn unanswered(release: &Release, history: &History, observed: &Observed, now: Timestamp) -> Step {
    let Phase::Failed { at, symptoms, .. } = &release.phase else { return Step::Rest };
    if history.last().is_none_or(|last| last.id != release.id) {
        return Step::Rest;
    }
    let symptoms = symptoms.clone();
    match (&release.cause, back(release, history)) {
        (Cause::RollBack { to, .. }, _) if is_due_again(release, history, observed, *at, now) => {
            Step::RollBack { to: *to, symptoms }
        }
        (_, Back::To(to)) => Step::RollBack { to, symptoms },
        (_, Back::Nowhere) => Step::Rest,
    }
}

/// Whether a rollback that failed at a time because of a node or a registry is begun anew: no node is down, and some time
/// has passed, for nobody says when a registry is back.
fn is_due_again(release: &Release, history: &History, observed: &Observed, at: Timestamp, now: Timestamp) -> bool {
    let is_attempt = |other: &&Release| {
        matches!(other.phase, Phase::Failed { .. }) && other.failed_version() == release.failed_version()
    };
    let rollbacks = history.releases().iter().rev().take_while(is_attempt);
    let made = rollbacks.filter(|other| matches!(other.cause, Cause::RollBack { .. })).count();
    let made = u32::try_from(made).unwrap_or(u32::MAX);
    let pause = BEFORE_NEXT.saturating_mul(1 << made.saturating_sub(1).min(ATTEMPTS));
    let is_possible = !release.phase.is_blamed() && observed.nodes.iter().all(|node| !node.down);
    is_possible && made < ATTEMPTS && now.duration_since(at).abs() >= pause
}

/// The target of rolling back a failed release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Back {
    /// This release, or an empty stack if none was promoted before.
    To(Option<ReleaseId>),
    /// A rollback would not help.
    Nowhere,
}

/// The target of rolling back a failed release.
pub(super) fn back(release: &Release, history: &History) -> Back {
    if matches!(release.cause, Cause::RollBack { .. } | Cause::Remove { .. }) {
        return Back::Nowhere;
    }
    match history.promoted() {
        Some(good) if good.desired.is_none() || good.desired == release.desired => Back::Nowhere,
        good => Back::To(good.map(|good| good.id)),
    }
}
