//! The swarm with the record of its releases: what is proposed is looked at, and recorded.

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

/// How often a number for a release is asked for again when it was taken.
const TRIES: usize = 3;
/// How long a swarm in trouble is waited for before a release is recorded.
const PATIENCE: SignedDuration = SignedDuration::from_secs(30);
/// The swarm, the record of its releases, and the time.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// The stacks as they are.
    pub swarm: Swarm,
    /// The releases.
    pub store: Store,
    /// Makes the checks of stacks' own.
    pub prober: Prober,
    /// The time.
    pub clock: Clock,
}

/// What can go wrong in a round. The next one may go better.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The swarm could not be read or written.
    #[error(transparent)]
    Swarm(#[from] swarm::Error),
    /// The record could not be read or written.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The plan that somebody agreed to is not the plan any more. Nothing was changed.
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
        /// What is in the way.
        obstacles: Vec<Diagnostic<KeyPath>>,
    },
    /// It is not tried at all.
    #[error(transparent)]
    Refused(#[from] release::Refusal),
    /// A record is not what skep wrote: nothing is deployed or removed on the strength of it.
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
    /// The history that these records make; an error if one of them cannot be read.
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

/// A proposal that was looked at and would not be refused.
#[derive(Debug)]
pub enum Considered {
    /// Nothing is to be recorded for it.
    Settled(Accepted),
    /// It would be a new release.
    New(Box<Prospect>),
}

/// A release that would be new.
#[derive(Debug)]
pub struct Prospect {
    /// The releases before it.
    pub history: History,
    /// The stack as it is.
    pub observed: Observed,
    /// To whom the stack would belong.
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

    /// The same, of a swarm in trouble that is waited for a little while.
    pub async fn history_in_time(&self, stack: &StackName) -> Result<History, Error> {
        self.patiently(|| self.history(stack)).await
    }

    /// Records a release of what is proposed, unless it is what already runs. Nothing else is changed by it. A swarm in
    /// trouble is waited for a little while.
    pub async fn propose(&self, lease: &Lease, proposal: Proposal) -> Result<Proposed, Error> {
        for _ in 0..TRIES {
            match self.patiently(|| self.try_propose(lease, &proposal)).await {
                // Somebody else, such as a rollback, was given the number in the meantime.
                Err(Error::Store(store::Error::Taken { .. })) => {}
                outcome => return outcome,
            }
        }
        self.try_propose(lease, &proposal).await
    }

    /// Records what a commit is to become, in the place of what was recorded for its repository before.
    pub async fn intend(&self, lease: &Lease, intent: Intent) -> Result<Intent, Error> {
        self.patiently(|| async { Ok(self.store.intend(lease, intent.clone()).await?) }).await
    }

    /// What a commit of the repository is to become, if that is recorded.
    pub async fn intent(&self, repository: &Repository) -> Result<Option<Intent>, Error> {
        self.patiently(|| async { Ok(self.store.intent(repository).await?) }).await
    }

    /// Records how far a commit has got.
    pub async fn mark(&self, lease: &Lease, intent: &mut Intent, state: State) -> Result<(), Error> {
        let seen: &Intent = intent;
        self.patiently(|| async { Ok(self.store.set_state(lease, seen, &state).await?) }).await?;
        intent.state = state;
        Ok(())
    }

    /// Removes the record of a commit for which nothing is left to do.
    pub async fn settle(&self, lease: &Lease, intent: &Intent) -> Result<(), Error> {
        self.patiently(|| async { Ok(self.store.settle(lease, intent).await?) }).await
    }

    /// Tries until it succeeds, or fails in a way that waiting does not help, or it has been tried for long enough.
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

    /// Looks at a proposal without recording it: an error if it would be refused. A swarm in trouble is waited for a little
    /// while.
    pub async fn consider(&self, proposal: &Proposal) -> Result<Considered, Error> {
        self.patiently(|| self.try_consider(proposal)).await
    }

    async fn try_consider(&self, proposal: &Proposal) -> Result<Considered, Error> {
        let desired = &proposal.desired;
        let history = self.history(&desired.name).await?;
        // What is around it need not be known of a stack that stays as it is.
        let survey = async { if is_last(desired, &history) { None } else { Some(self.swarm.survey(desired).await) } };
        let (observed, around) = tokio::join!(Box::pin(self.swarm.observe_for(desired)), Box::pin(survey));
        let observed = observed?;
        proposal.check_plan(&history, &observed)?;
        let owner = proposal.owner(&history, &observed)?;
        let settled = unchanged(desired, &history, &observed).filter(|_| history.owner() == Some(&owner));
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

    /// Refuses a stack whose images are not built yet for what can be seen in its way already.
    pub async fn foresee(&self, sketch: &Stack, history: &History, consent: Consent) -> Result<(), Error> {
        let observed = self.patiently(|| async { Ok(self.swarm.observe_for(sketch).await?) }).await?;
        let (_, found) = self.preflight(sketch, history, &observed).await;
        let obstacles = found.refusals(consent);
        if obstacles.is_empty() { Ok(()) } else { Err(Error::Obstructed { stack: sketch.name.clone(), obstacles }) }
    }

    /// What a deploy would change, and what it is refused for before its first write. Whoever deploys and whoever only
    /// tells of a deploy ask this, and nothing else refuses.
    pub async fn preflight(&self, desired: &Stack, history: &History, observed: &Observed) -> (Plan, Preflight) {
        self.preflight_among(desired, history, observed, None).await
    }

    /// The same where it may be known already what there is around the stack.
    async fn preflight_among(
        &self,
        desired: &Stack,
        history: &History,
        observed: &Observed,
        around: Option<Surroundings>,
    ) -> (Plan, Preflight) {
        let mut plan = Plan::between(desired, observed, &history.removable_of(observed));
        if unchanged(desired, history, observed).is_some() {
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
            // It is said once.
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

    /// Looks for the images that a stack would need which nobody has looked for since it was deployed.
    async fn look_for_images(&self, plan: &Plan, desired: &Stack, observed: &Observed, found: &mut Preflight) {
        let needed = preflight::images::needed(plan, desired);
        let images = needed.iter().map(|(_, image)| *image).collect();
        let whereabouts = self.swarm.find_images(images, observed.nodes.len() > 1).await;
        let (obstacles, notes) = preflight::images::missing(&needed, &whereabouts);
        found.obstacles.extend(obstacles);
        found.notes.extend(notes);
    }

    /// Records that everything of a stack is to go that its releases have made, or everything that bears its label.
    /// Nothing else is changed by it. One that was recorded before gives way, so that the time for it begins anew.
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

    /// What ran before skep knew the stack is recorded, so that it can be gone back to.
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

    /// What a stack would take that its repository is not allowed to.
    pub async fn out_of_bounds(&self, desired: &Stack, bounds: &Bounds) -> Result<Vec<Diagnostic<KeyPath>>, Error> {
        if !policy::may_name_others(desired, bounds) {
            return Ok(policy::obstacles(desired, &Owned::default(), bounds));
        }
        let owned = async || Ok(self.swarm.owned(&bounds.own_stack).await?);
        Ok(policy::obstacles(desired, &self.patiently(owned).await?, bounds))
    }

    /// The next release of a stack, which begins now. The stack goes on belonging to its owner, if it has one.
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
    /// To whom the stack belongs from now on, if it may be deployed.
    fn owner(&self, history: &History, observed: &Observed) -> Result<Repository, release::Refusal> {
        let kept = self.is_recorded.then(|| history.owner().unwrap_or(&self.origin.repository));
        if let Some(owner) = self.owner.as_ref().or(kept) {
            return Ok(owner.clone());
        }
        let Self { origin: Origin { repository, tree, .. }, news, consent, .. } = self;
        let candidate = Candidate { stack: &self.desired.name, repository, tree, news: *news, consent: *consent };
        Ok(release::admit(&candidate, history, history.is_adoption(observed))?.owner)
    }

    /// The release that this was recorded as already: the answer was lost, or somebody asked twice.
    fn again(&self, history: &History) -> Option<Accepted> {
        let last = history.last().filter(|last| matches!(last.phase, Phase::Rolling { .. }))?;
        let same =
            last.desired.as_ref() == Some(&self.desired) && last.origin == self.origin && last.cause == self.cause;
        same.then_some(Accepted::Rolling(last.id))
    }

    /// Whether the swarm is as it was when somebody agreed to a plan. That the stack is the same was seen before its
    /// images were built.
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

/// Whether what should be is what the newest release made of the stack.
fn is_last(desired: &Stack, history: &History) -> bool {
    history.last().is_some_and(|last| last.desired.as_ref() == Some(desired))
}

/// Whether what should be is what runs and is known to be good: then a push costs no write at all.
fn unchanged(desired: &Stack, history: &History, observed: &Observed) -> Option<Accepted> {
    if history.rolling().is_some() || !Plan::between(desired, observed, &history.removable()).is_empty() {
        return None;
    }
    let last = history.last().filter(|_| is_last(desired, history))?;
    matches!(last.phase, Phase::Promoted { .. }).then_some(Accepted::Unchanged(last.id))
}
