//! One road to a release: what is to be deployed, and the steps that every deploy takes before anything of its stack is
//! changed, whoever asks for it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::cluster::{self, Cluster, Consent, Proposal, Proposed};
use super::deploy::Refused;
use super::events::EventSender;
use super::prepare::{self, Preparer, Running};
use super::supersede::Generation;
use crate::diagnostic::{Diagnostic, KeyPath, Spot};
use crate::lease::Lease;
use crate::lint::{Checked, CheckedStack};
use crate::name::{CommitId, StackName};
use crate::plan::Fingerprint;
use crate::policy::Bounds;
use crate::release::{Candidate, Cause, History, Intent, Origin, Phase, Release};
use crate::source::Objects;
use crate::stack::Stack;

/// The option with which the settings of a watched repository agree to the adoption of stacks that no repository owns.
pub(super) const ADOPT_UNOWNED: &str = "adopt-unowned";

/// A revision that passed the checks, and all that is known about why it is to be deployed.
#[derive(Debug)]
pub struct DeployRequest {
    /// The revision.
    pub checked: Checked,
    /// The bytes of its files.
    pub objects: Objects,
    /// Where it comes from.
    pub origin: Origin,
    /// What a stack is called that has no name of its own: by the last part of this.
    pub fallback: String,
    /// Where the branch was when it was asked for; none if it did not exist, or if the repository is not skep's.
    pub base: Option<CommitId>,
    /// Why now.
    pub cause: Cause,
    /// Whether somebody is known to have changed something: then a stack that was removed may come back.
    pub news: bool,
    /// When it was asked for.
    pub since: Timestamp,
    /// Its number among the commits of its repository.
    pub generation: Generation,
    /// What the pusher, or the settings of a watched repository, agreed to: the names of push options.
    pub options: BTreeSet<String>,
    /// The plans that somebody has seen and agreed to, by stack.
    pub plans: BTreeMap<StackName, Fingerprint>,
}

impl DeployRequest {
    /// What is to be done about a commit whose intent is recorded.
    pub fn of(intent: &Intent, checked: Checked, objects: Objects, fallback: &str, generation: Generation) -> Self {
        Self {
            checked,
            objects,
            origin: intent.origin.clone(),
            fallback: fallback.to_owned(),
            base: intent.base.clone(),
            cause: intent.cause.clone(),
            news: intent.news,
            since: intent.created,
            generation,
            options: intent.options.clone(),
            plans: BTreeMap::new(),
        }
    }

    /// Whether this push option was given.
    pub fn has(&self, option: &str) -> bool {
        self.options.contains(option)
    }

    fn consent(&self) -> Consent {
        Consent {
            removal: self.has("confirm-removal"),
            adoption: self.has("adopt") || self.has(ADOPT_UNOWNED),
            takeover: self.has("adopt"),
            retry: self.has("retry"),
            ..Consent::default()
        }
    }

    /// What is proposed for a stack whose images are built.
    pub fn proposal(&self, desired: Stack) -> Proposal {
        let bound = self.plans.get(&desired.name).cloned();
        let proposal = Proposal::new(self.origin.clone(), self.cause.clone(), desired);
        Proposal { consent: self.consent(), bound, news: self.news, ..proposal }
    }

    /// What is asked of the history of a stack.
    pub fn candidate<'a>(&'a self, stack: &'a StackName) -> Candidate<'a> {
        let Origin { repository, tree, .. } = &self.origin;
        Candidate { stack, repository, tree, news: self.news, consent: self.consent() }
    }

    /// The release that was made of this commit already: by a controller that was killed, or when it was found before. A
    /// commit that is pushed again is tried again, and so is one that was found and failed because of a node or a registry.
    pub(super) fn tried<'a>(&self, history: &'a History) -> Option<&'a Release> {
        let is_over = |phase: &Phase| !matches!(phase, Phase::Failed { .. }) || phase.is_blamed();
        let of_this = |release: &&Release| match self.cause {
            Cause::Push => release.cause == Cause::Push && release.created >= self.since,
            _ => self.cause.is_found() && release.cause.is_found() && is_over(&release.phase) && !self.has("retry"),
        };
        let same = |release: &&Release| {
            release.origin.repository == self.origin.repository && release.origin.commit == self.origin.commit
        };
        history.releases().iter().rev().find(|release| same(release) && of_this(release))
    }
}

/// The swarm, and what makes stacks for it.
#[derive(Clone, Copy, Debug)]
pub struct Deployment<'a> {
    /// Prepares.
    pub preparer: &'a Preparer,
    /// Knows what is there.
    pub cluster: &'a Cluster,
}

impl Deployment<'_> {
    /// Asks all that can be asked before anything is built, in this order: whether the stack is admitted, goes on from what
    /// runs, keeps to what its repository may do, and can be deployed in this swarm. What the person should know comes back.
    pub async fn check(
        &self,
        request: &DeployRequest,
        name: &StackName,
        stack: &CheckedStack,
        history: &History,
    ) -> Result<Vec<String>, Refused> {
        let admission = self.cluster.admit(&request.candidate(name), history).await?;
        let mut notes: Vec<String> = admission.note.into_iter().collect();
        notes.extend(history.apart().map(|apart| format!("{apart}; this deploy goes on from there")));
        notes.extend(request.goes_backwards(history).await?);
        let sketch = self.preparer.sketch(&request.checked, stack, name, &Running::of(history)).await?;
        notes.extend(self.out_of_bounds(request, &sketch, stack).await?);
        if stack.file.builds().next().is_some() {
            let foreseen = self.cluster.foresee(&sketch, history, request.consent()).await;
            foreseen.map_err(|error| placed(error, request, stack))?;
        }
        Ok(notes)
    }

    /// The stack as it should be; its images are built.
    pub async fn prepare(
        &self,
        request: &DeployRequest,
        name: &StackName,
        stack: &CheckedStack,
        history: &History,
        events: &EventSender,
    ) -> Result<Stack, Refused> {
        let running = Running::of(history);
        Ok(self.preparer.prepare(&request.checked, stack, name, &request.objects, &running, events).await?)
    }

    /// Records a release of the stack, if it is admitted still and nothing stands in its way.
    pub async fn propose(
        &self,
        lease: &Lease,
        request: &DeployRequest,
        stack: &CheckedStack,
        desired: Stack,
    ) -> Result<Proposed, Refused> {
        self.cluster.propose(lease, request.proposal(desired)).await.map_err(|error| placed(error, request, stack))
    }

    /// Refuses what the repository may not deploy. A person who deploys by hand has the Docker API, and so may do all of it:
    /// they only read what a push of the same would be refused for.
    async fn out_of_bounds(
        &self,
        request: &DeployRequest,
        sketch: &Stack,
        stack: &CheckedStack,
    ) -> Result<Vec<String>, Refused> {
        let obstacles = self.cluster.out_of_bounds(sketch, &self.bounds(request)).await?;
        let placed = placed_all(obstacles, request, stack);
        if request.origin.repository.is_by_hand() {
            return Ok(refused_of_pushes(&placed));
        }
        if placed.is_empty() { Ok(Vec::new()) } else { Err(Refused::Obstructed(placed)) }
    }

    fn bounds(&self, request: &DeployRequest) -> Bounds {
        let repository = &request.origin.repository;
        self.preparer.bounds(if repository.is_by_hand() { &request.fallback } else { repository.name() })
    }
}

/// What a person who deploys by hand reads of what a push of the same would be refused for.
pub fn refused_of_pushes(placed: &[Diagnostic<Option<Spot>>]) -> Vec<String> {
    placed.iter().map(|place| format!("a push of this is refused: {place}")).collect()
}

/// An error with the places in the file that it is about.
pub fn placed(error: cluster::Error, request: &DeployRequest, stack: &CheckedStack) -> Refused {
    match error {
        cluster::Error::Obstructed { obstacles, .. } => Refused::Obstructed(placed_all(obstacles, request, stack)),
        error => error.into(),
    }
}

fn placed_all(
    obstacles: Vec<Diagnostic<KeyPath>>,
    request: &DeployRequest,
    stack: &CheckedStack,
) -> Vec<Diagnostic<Option<Spot>>> {
    obstacles.into_iter().map(|it| prepare::placed(&request.checked, stack, it)).collect()
}
