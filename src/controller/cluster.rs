//! The swarm with the record of its releases: checks proposals and records them.

use jiff::SignedDuration;

use super::backoff::Backoff;
use super::clock::Clock;
use crate::diagnostic::{Diagnostic, KeyPath};
use crate::lease::Lease;
use crate::name::{Repository, StackName};
use crate::plan::observed::Observed;
use crate::plan::{Change, Fingerprint, Plan};
use crate::policy::{self, Bounds, Owned};
pub use crate::preflight::Consent;
use crate::preflight::surroundings::Surroundings;
use crate::preflight::{self, Preflight};
use crate::probe::Prober;
use crate::release::{self, Admission, Candidate, Cause, History, Intent, Origin, Phase, Release, ReleaseId, State};
pub use crate::release::{Accepted, Proposal, Proposed};
use crate::stack::{Drift, Nanos, Settings, Stack};
use crate::store::{self, Records, Store};
use crate::swarm::{self, Swarm};
use crate::time;

/// How often to retry if the number of a new release was taken meanwhile.
const TRIES: usize = 3;
/// How long to wait for an unavailable swarm before a release is recorded.
const PATIENCE: SignedDuration = SignedDuration::from_secs(30);
/// The swarm, the record of its releases, and the time.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// The observed stacks.
    pub swarm: Swarm,
    /// The releases.
    pub store: Store,
    /// Makes the checks of stacks (`x-skep.check`).
    pub prober: Prober,
    /// The time.
    pub clock: Clock,
}

/// Why a round failed. The next one may succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The swarm could not be read or written.
    #[error(transparent)]
    Swarm(#[from] swarm::Error),
    /// The record could not be read or written.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The plan differs from the one that was confirmed. Nothing was changed.
    #[error("the plan for `{stack}` is out of date: {}", changed.join("; "))]
    Stale {
        /// The stack.
        stack: StackName,
        /// What has changed.
        changed: Vec<&'static str>,
    },
    /// Something in the file cannot be done in this swarm as it is. Nothing was changed.
    #[error("{}", obstacles.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Obstructed {
        /// The stack.
        stack: StackName,
        /// The obstacles.
        obstacles: Vec<Diagnostic<KeyPath>>,
    },
    /// It is not admitted.
    #[error(transparent)]
    Refused(#[from] release::Refusal),
    /// A record was not written by skep, so nothing is deployed or removed because of it.
    #[error(
        "the record `{name}` is damaged: {why}; look at it with `docker config inspect {name}`, and remove it to go on"
    )]
    Damaged {
        /// The config's name.
        name: String,
        /// What is wrong with it.
        why: String,
    },
}

impl Error {
    /// The history of these records; an error if one of them cannot be read.
    pub(super) fn unless_damaged(records: Records) -> Result<History, Self> {
        match records.damaged.into_iter().next() {
            Some(damaged) => Err(Self::Damaged { name: damaged.name, why: damaged.why }),
            None => Ok(History::new(records.releases)),
        }
    }

    /// Whether a retry may succeed without any other change.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Swarm(error) => error.is_transient(),
            Self::Store(error) => error.is_transient(),
            Self::Stale { .. } | Self::Obstructed { .. } | Self::Refused(_) | Self::Damaged { .. } => false,
        }
    }
}

/// A proposal that was checked and would not be refused.
#[derive(Debug)]
pub enum Considered {
    /// There is nothing to record for it.
    Settled(Accepted),
    /// It would be a new release.
    New(Box<Prospect>),
}

/// A new release that would be recorded.
#[derive(Debug)]
pub struct Prospect {
    /// The releases before it.
    pub history: History,
    /// The observed stack.
    pub observed: Observed,
    /// The owner that the stack would have.
    pub owner: Repository,
    /// The changes that it would make.
    pub changes: Vec<Change>,
    /// Notes for the person who asked, in sentences.
    pub notes: Vec<String>,
}

impl Cluster {
    /// The releases of a stack; an error if any of its records cannot be read.
    pub async fn history(&self, stack: &StackName) -> Result<History, Error> {
        Error::unless_damaged(self.store.history(stack).await?)
    }

    /// The same, waiting a little for an unavailable swarm.
    pub async fn history_in_time(&self, stack: &StackName) -> Result<History, Error> {
        self.patiently(|| self.history(stack)).await
    }

    /// Records a release for a proposal, unless the stack already runs it. Changes nothing else. Waits a little for an
    /// unavailable swarm.
    pub async fn propose(&self, lease: &Lease, proposal: Proposal) -> Result<Proposed, Error> {
        for _ in 0..TRIES {
            match self.patiently(|| self.try_propose(lease, &proposal)).await {
                // Another release, such as a rollback, got the number in the meantime.
                Err(Error::Store(store::Error::Taken { .. })) => {}
                outcome => return outcome,
            }
        }
        self.try_propose(lease, &proposal).await
    }

    /// Records the intent to deploy a commit, which replaces the previous one of its repository.
    pub async fn intend(&self, lease: &Lease, intent: Intent) -> Result<Intent, Error> {
        self.patiently(|| async { Ok(self.store.intend(lease, intent.clone()).await?) }).await
    }

    /// The recorded intent of the repository, if there is one.
    pub async fn intent(&self, repository: &Repository) -> Result<Option<Intent>, Error> {
        self.patiently(|| async { Ok(self.store.intent(repository).await?) }).await
    }

    /// Records the state of a commit.
    pub async fn mark(&self, lease: &Lease, intent: &mut Intent, state: State) -> Result<(), Error> {
        let seen: &Intent = intent;
        self.patiently(|| async { Ok(self.store.set_state(lease, seen, &state).await?) }).await?;
        intent.state = state;
        Ok(())
    }

    /// Removes the record of a finished commit.
    pub async fn settle(&self, lease: &Lease, intent: &Intent) -> Result<(), Error> {
        self.patiently(|| async { Ok(self.store.settle(lease, intent).await?) }).await
    }

    /// Retries until it succeeds, fails permanently, or has taken too long.
    async fn patiently<T, F>(&self, attempt: impl Fn() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let until = time::after(self.clock.now(), PATIENCE);
        let mut backoff = Backoff::default();
        loop {
            match attempt().await {
                Err(error) if error.is_transient() && self.clock.now() < until => {
                    tracing::warn!(%error, "the swarm is in trouble; trying again");
                    self.clock.wait(backoff.next(self.clock.now())).await;
                }
                outcome => return outcome,
            }
        }
    }

    async fn try_propose(&self, lease: &Lease, proposal: &Proposal) -> Result<Proposed, Error> {
        let Prospect { history, observed, owner, notes, .. } = match self.try_consider(proposal).await? {
            Considered::Settled(accepted) => return Ok(Proposed { accepted, notes: Vec::new() }),
            Considered::New(prospect) => *prospect,
        };
        let history = self.adopted(lease, history, &proposal.origin, &observed).await?;
        self.swarm.offer_secrets(&proposal.desired, &observed).await?;
        let Proposal { origin, cause, desired, .. } = proposal.clone();
        let release = Release { owner: Some(owner), ..self.release(&history, origin, cause, desired) };
        self.store.add(lease, &release).await?;
        Ok(Proposed { accepted: Accepted::Rolling(release.id), notes })
    }

    /// Checks a proposal without recording it: an error if it would be refused. Waits a little for an unavailable swarm.
    pub async fn consider(&self, proposal: &Proposal) -> Result<Considered, Error> {
        self.patiently(|| self.try_consider(proposal)).await
    }

    async fn try_consider(&self, proposal: &Proposal) -> Result<Considered, Error> {
        let desired = &proposal.desired;
        let history = self.history(&desired.name).await?;
        // A stack that does not change needs no look at its surroundings.
        let survey = async { if is_last(desired, &history) { None } else { Some(self.swarm.survey(desired).await) } };
        let (observed, around) = tokio::join!(Box::pin(self.swarm.observe_for(desired)), Box::pin(survey));
        let observed = observed?;
        proposal.check_plan(&history, &observed)?;
        let owner = proposal.owner(&history, &observed)?;
        let settled = self.unchanged(desired, &history, &observed).await.filter(|_| history.owner() == Some(&owner));
        if let Some(accepted) = settled.or_else(|| proposal.again(&history)) {
            return Ok(Considered::Settled(accepted));
        }
        let (plan, mut found) = Box::pin(self.preflight_among(desired, &history, &observed, around)).await;
        if proposal.is_recorded {
            self.look_for_images(&plan, desired, &observed, &mut found).await;
        }
        let obstacles = found.refusals(proposal.consent);
        if !obstacles.is_empty() {
            return Err(Error::Obstructed { stack: desired.name.clone(), obstacles });
        }
        let notes = [plan.notes, found.notes].concat();
        Ok(Considered::New(Box::new(Prospect { history, observed, owner, changes: plan.changes, notes })))
    }

    /// Refuses a stack whose images are not built yet because of obstacles that are already known.
    pub async fn foresee(&self, sketch: &Stack, history: &History, consent: Consent) -> Result<(), Error> {
        let observed = self.patiently(|| async { Ok(self.swarm.observe_for(sketch).await?) }).await?;
        let (_, found) = self.preflight(sketch, history, &observed).await;
        let obstacles = found.refusals(consent);
        if obstacles.is_empty() { Ok(()) } else { Err(Error::Obstructed { stack: sketch.name.clone(), obstacles }) }
    }

    /// The changes of a deploy, and its obstacles before the first write. Deploys and plans both use this, and nothing
    /// else refuses a deploy.
    pub async fn preflight(&self, desired: &Stack, history: &History, observed: &Observed) -> (Plan, Preflight) {
        self.preflight_among(desired, history, observed, None).await
    }

    /// The same, if the surroundings of the stack may already be known.
    async fn preflight_among(
        &self,
        desired: &Stack,
        history: &History,
        observed: &Observed,
        around: Option<Surroundings>,
    ) -> (Plan, Preflight) {
        let mut plan = Plan::between(desired, observed, &history.removable_of(observed));
        if self.unchanged(desired, history, observed).await.is_some() {
            return (plan, Preflight::default());
        }
        let mut around = match around {
            Some(around) => around,
            None => Box::pin(self.swarm.survey(desired)).await,
        };
        around.changed_secrets = self.swarm.changed_secrets(desired, observed).await;
        let mut found = Preflight::of(desired, observed, &around, &plan);
        let runs = history.promoted().and_then(|release| release.desired.as_ref());
        for (network, obstacle) in preflight::networks::changed(desired, observed, runs) {
            // It is reported once.
            plan.notes.retain(|note| *note != network.note());
            found.obstacles.push(obstacle);
        }
        let release = self.release(history, Origin::unknown(), Cause::Command, desired.clone());
        if let Err(error) = store::fits(&release) {
            let fits = Diagnostic::new(KeyPath::of(["configs"]), error.to_string());
            found.obstacles.push(fits.help("make its configs smaller, or fewer"));
        }
        (plan, found)
    }

    /// The release that runs the desired stack already. No plan shows that the content of a secret whose name is given in
    /// the file has changed, so the swarm is asked.
    async fn unchanged(&self, desired: &Stack, history: &History, observed: &Observed) -> Option<Accepted> {
        let accepted = unchanged(desired, history, observed)?;
        self.swarm.changed_secrets(desired, observed).await.is_empty().then_some(accepted)
    }

    /// Looks for the needed images that were not checked since the stack was deployed.
    async fn look_for_images(&self, plan: &Plan, desired: &Stack, observed: &Observed, found: &mut Preflight) {
        let needed = preflight::images::needed(plan, desired);
        let images = needed.iter().map(|(_, image)| *image).collect();
        let whereabouts = self.swarm.find_images(images, observed.nodes.len() > 1).await;
        let (obstacles, notes) = preflight::images::missing(&needed, &whereabouts);
        found.obstacles.extend(obstacles);
        found.notes.extend(notes);
    }

    /// Records that everything that a stack's releases created is to be removed, or everything with its label. Changes
    /// nothing else. An earlier record of this is replaced, so that its deadline starts again.
    pub async fn retire(&self, lease: &Lease, stack: &StackName, everything: bool) -> Result<ReleaseId, Error> {
        let history = self.history(stack).await?;
        let cause = Cause::Remove { everything };
        let last = history.last();
        let settings = last.and_then(|last| last.desired.as_ref()).map(|desired| desired.settings.clone());
        let settings = Settings { stable: Nanos(0), prune: true, drift: Drift::Warn, ..settings.unwrap_or_default() };
        let desired = Stack { settings, ..Stack::empty(stack.clone()) };
        let origin = last.map_or_else(Origin::unknown, |last| last.origin.clone());
        let release = self.release(&history, origin, cause, desired);
        self.store.add(lease, &release).await?;
        Ok(release.id)
    }

    /// Records the stack that ran before skep managed it, so that it can be rolled back to.
    async fn adopted(
        &self,
        lease: &Lease,
        history: History,
        origin: &Origin,
        observed: &Observed,
    ) -> Result<History, Error> {
        if !history.is_adoption(observed) {
            return Ok(history);
        }
        let origin = Origin { subject: "what ran before skep".into(), ..origin.clone() };
        let mut release = self.release(&history, origin, Cause::Adopt, observed.as_stack());
        release.phase = Phase::promoted(release.created);
        self.store.add(lease, &release).await?;
        Ok(History::new([history.releases(), &[release]].concat()))
    }

    /// Whether a stack may become what a repository wants, before anything is built for it.
    pub async fn admit(&self, candidate: &Candidate<'_>, history: &History) -> Result<Admission, Error> {
        let nothing = Stack::empty(candidate.stack.clone());
        let observe = || async { Ok(history.is_adoption(&self.swarm.observe_for(&nothing).await?)) };
        let is_unrecorded = history.leaves_nothing() && self.patiently(observe).await?;
        Ok(release::admit(candidate, history, is_unrecorded)?)
    }

    /// The objects that a stack uses without permission for its repository.
    pub async fn out_of_bounds(&self, desired: &Stack, bounds: &Bounds) -> Result<Vec<Diagnostic<KeyPath>>, Error> {
        if !policy::may_name_others(desired, bounds) {
            return Ok(policy::obstacles(desired, &Owned::default(), bounds));
        }
        let owned = async || Ok(self.swarm.owned(&bounds.own_stack).await?);
        Ok(policy::obstacles(desired, &self.patiently(owned).await?, bounds))
    }

    /// The next release of a stack, which begins now. The stack keeps its owner, if it has one.
    pub(super) fn release(&self, history: &History, origin: Origin, cause: Cause, desired: Stack) -> Release {
        let now = self.clock.now();
        Release {
            id: history.next_id(),
            owner: Some(history.owner().unwrap_or(&origin.repository).clone()),
            stack: desired.name.clone(),
            origin,
            cause,
            created: now,
            images: desired.services.iter().map(|(name, service)| (name.clone(), service.image.clone())).collect(),
            desired: Some(desired),
            phase: Phase::rolling(now),
            recorded: now,
        }
    }
}

impl Proposal {
    /// The owner of the stack from now on, if it may be deployed.
    fn owner(&self, history: &History, observed: &Observed) -> Result<Repository, release::Refusal> {
        let kept = self.is_recorded.then(|| history.owner().unwrap_or(&self.origin.repository));
        if let Some(owner) = self.owner.as_ref().or(kept) {
            return Ok(owner.clone());
        }
        let Self { origin: Origin { repository, tree, .. }, news, consent, .. } = self;
        let candidate = Candidate { stack: &self.desired.name, repository, tree, news: *news, consent: *consent };
        Ok(release::admit(&candidate, history, history.is_adoption(observed))?.owner)
    }

    /// The release that was already recorded for this proposal: the response was lost, or it was requested twice.
    fn again(&self, history: &History) -> Option<Accepted> {
        let last = history.last().filter(|last| matches!(last.phase, Phase::Rolling { .. }))?;
        let same =
            last.desired.as_ref() == Some(&self.desired) && last.origin == self.origin && last.cause == self.cause;
        same.then_some(Accepted::Rolling(last.id))
    }

    /// Checks that the plan is still the confirmed one. That the stack is the same was checked before its images were
    /// built.
    fn check_plan(&self, history: &History, observed: &Observed) -> Result<(), Error> {
        let Some(bound) = &self.bound else { return Ok(()) };
        let plan = Plan::between(&self.desired, observed, &history.removable_of(observed));
        let now = Fingerprint::of(&self.desired, observed, &plan);
        if bound.is_of_the_same_swarm(&now) {
            return Ok(());
        }
        Err(Error::Stale { stack: self.desired.name.clone(), changed: bound.since(&now) })
    }
}

/// Whether the desired stack is that of the newest release.
fn is_last(desired: &Stack, history: &History) -> bool {
    history.last().is_some_and(|last| last.desired.as_ref() == Some(desired))
}

/// Whether the desired stack runs and its release is promoted: then a push writes nothing.
fn unchanged(desired: &Stack, history: &History, observed: &Observed) -> Option<Accepted> {
    if history.rolling().is_some() || !Plan::between(desired, observed, &history.removable()).is_empty() {
        return None;
    }
    let last = history.last().filter(|_| is_last(desired, history))?;
    matches!(last.phase, Phase::Promoted { .. }).then_some(Accepted::Unchanged(last.id))
}
