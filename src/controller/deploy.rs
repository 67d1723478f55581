//! From a checked revision to verdicts: every stack in it prepared, proposed, followed.

use std::collections::BTreeSet;
use std::convert::Infallible;

use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::sync::{Semaphore, mpsc};

use super::cluster::{self, Accepted, Cluster, Consent, Proposal};
use super::lines::Lines;
use super::narrate::{self, Narrator};
use super::prepare::{self, Preparer, Refusal, Running, named};
use super::progress::Progress;
use super::supersede::Generation;
use super::workers::{Hold, Workers};
use crate::lint::{Checked, CheckedStack};
use crate::name::{CommitId, StackName};
use crate::release::{Cause, History, Intent, Origin, Outcome, Phase, Release, ReleaseId};
use crate::source::Objects;
use crate::stack::Stack;

/// Lines of progress that may wait for their reader.
const PROGRESS: usize = 256;
/// Stacks of a commit that are prepared and proposed at a time. Any number of them roll out.
const PROPOSALS: usize = 8;

/// Why a stack was not even tried.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It could not be prepared.
    #[error(transparent)]
    Preparing(#[from] Refusal),
    /// The swarm or the record could not be read.
    #[error(transparent)]
    Cluster(#[from] cluster::Error),
    /// The same files failed already.
    #[error(
        "these files failed already, as {release}: {why}; push a change, or the same again with `git push -o retry`"
    )]
    Quarantined {
        /// The release that failed.
        release: ReleaseId,
        /// Its first symptom.
        why: String,
    },
    /// It would take back what runs.
    #[error(transparent)]
    Backwards(#[from] super::backwards::Refusal),
    /// Its images took longer than the next push.
    #[error("a newer push took its place")]
    Overtaken,
    /// Something in the file cannot be done in this swarm as it is.
    #[error("{}", .0.join("\n"))]
    Obstructed(Vec<String>),
    /// A person has removed it, and nothing was pushed since.
    #[error("the stack `{stack}` was removed, as {release}; nothing is deployed until something new is pushed")]
    Removed {
        /// The stack.
        stack: StackName,
        /// The release that removed it.
        release: ReleaseId,
    },
}

impl Refused {
    /// Whether the same may be deployed later without anybody changing it: an image is pushed, a registry is back, a
    /// network is created.
    fn may_pass(&self) -> bool {
        match self {
            Self::Preparing(refusal) => refusal.may_pass(),
            Self::Cluster(error) => error.is_transient(),
            Self::Obstructed(_) => true,
            Self::Quarantined { .. } | Self::Backwards(_) | Self::Overtaken | Self::Removed { .. } => false,
        }
    }
}

/// What a revision is deployed with.
#[derive(Clone, Debug)]
pub struct Deployer {
    /// Prepares.
    pub preparer: Preparer,
    /// Knows what is there.
    pub cluster: Cluster,
    /// Roll out.
    pub workers: Workers,
}

/// A revision that passed the checks, and all that is known about why it is to be deployed.
pub struct DeployRequest {
    /// The revision.
    pub checked: Checked,
    /// The bytes of its files.
    pub objects: Objects,
    /// Where it comes from.
    pub origin: Origin,
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
}

impl DeployRequest {
    /// What is to be done about a commit whose intent is recorded.
    pub fn of(intent: &Intent, checked: Checked, objects: Objects, generation: Generation) -> Self {
        Self {
            checked,
            objects,
            origin: intent.origin.clone(),
            base: intent.base.clone(),
            cause: intent.cause.clone(),
            news: intent.news,
            since: intent.created,
            generation,
            options: intent.options.clone(),
        }
    }

    /// Whether this push option was given.
    pub fn has(&self, option: &str) -> bool {
        self.options.contains(option)
    }

    fn consent(&self) -> Consent {
        let (removal, adoption) = (self.has("confirm-removal"), self.has("adopt"));
        Consent { removal, adoption, ..Consent::default() }
    }
}

/// The stacks of a revision by name; one without a name of its own is called like the last part of `fallback`.
pub fn stacks_of<'a>(checked: &'a Checked, fallback: &str) -> Result<Vec<(StackName, &'a CheckedStack)>, Refusal> {
    named(checked, None, fallback.rsplit('/').next().unwrap_or(fallback))
}

/// How a stack fared.
#[derive(Debug)]
pub struct Deployed {
    /// The stack.
    pub stack: StackName,
    /// Its release, if it came to one.
    pub release: Option<ReleaseId>,
    /// How that ended, or why there was none.
    pub outcome: Result<Outcome, Refused>,
    /// Where people reach it.
    pub urls: Vec<String>,
}

/// What was proposed for a stack.
#[derive(Debug)]
pub struct Begun {
    /// What became of it.
    pub accepted: Accepted,
    /// Where people will reach the stack.
    pub urls: Vec<String>,
    /// Keeps the rollout from going on before somebody follows it.
    pub hold: Option<Hold>,
}

impl Deployed {
    /// Whether what was asked for is what runs.
    pub fn is_good(&self) -> bool {
        self.outcome.as_ref().is_ok_and(Outcome::is_good)
    }

    /// Whether it was not tried, and may be tried again as it is.
    pub fn may_pass(&self) -> bool {
        self.outcome.as_ref().is_err_and(Refused::may_pass)
    }

    /// Whether something newer of the repository took its place.
    pub fn is_overtaken(&self) -> bool {
        matches!(self.outcome, Err(Refused::Overtaken) | Ok(Outcome::Superseded { .. }))
    }

    /// The verdict in one line.
    pub fn verdict(&self) -> String {
        match &self.outcome {
            Ok(outcome) => narrate::verdict(&self.stack, self.release, outcome, &self.urls),
            Err(refused) => format!("{} was not deployed: {refused}", self.stack),
        }
    }
}

impl Deployer {
    /// Deploys these stacks of the revision; what happens is said as it happens. A few are prepared at a time, and all roll
    /// out at once. When the last of them has been proposed or refused, `begun` is done.
    pub async fn deploy(
        &self,
        request: &DeployRequest,
        stacks: Vec<(StackName, &CheckedStack)>,
        lines: &Lines,
        begun: impl Future<Output = ()>,
    ) -> Vec<Deployed> {
        let places = Semaphore::new(PROPOSALS);
        // Nothing is ever sent: the channel ends when the last stack lets go of it.
        let (unproposed, mut all_proposed) = mpsc::channel::<Infallible>(1);
        let one = |(name, stack)| self.deploy_one(request, name, stack, lines, &places, unproposed.clone());
        let deploys: Vec<_> = stacks.into_iter().map(one).collect();
        drop(unproposed);
        let begun = async {
            while all_proposed.recv().await.is_some() {}
            begun.await;
        };
        tokio::join!(join_all(deploys), begun).0
    }

    async fn deploy_one(
        &self,
        request: &DeployRequest,
        name: StackName,
        stack: &CheckedStack,
        lines: &Lines,
        places: &Semaphore,
        unproposed: mpsc::Sender<Infallible>,
    ) -> Deployed {
        let mut result = Deployed { stack: name, release: None, outcome: Ok(Outcome::Unchanged), urls: Vec::new() };
        let begun = {
            let _place = places.acquire().await;
            self.begin(request, &result.stack, stack, lines).await
        };
        drop(unproposed);
        result.outcome = match begun {
            Ok(begun) => Ok(self.end(begun, &mut result, lines).await),
            Err(refused) => Err(refused),
        };
        for line in result.log() {
            lines.say(line).await;
        }
        result
    }

    async fn end(&self, begun: Begun, result: &mut Deployed, lines: &Lines) -> Outcome {
        result.urls = begun.urls;
        match begun.accepted {
            Accepted::Unchanged(release) => {
                result.release = Some(release);
                Outcome::Unchanged
            }
            Accepted::Rolling(release) => {
                result.release = Some(release);
                self.follow(&result.stack, release, begun.hold, lines).await
            }
        }
    }

    /// Everything up to the record of a release, after which rounds of [`super::rollout`] do the rest.
    pub async fn begin(
        &self,
        request: &DeployRequest,
        name: &StackName,
        stack: &CheckedStack,
        lines: &Lines,
    ) -> Result<Begun, Refused> {
        let history = self.cluster.history_in_time(name).await?;
        if let Some(tried) = tried(request, &history) {
            let urls = tried.desired.as_ref().map(urls).unwrap_or_default();
            return Ok(Begun { accepted: Accepted::Rolling(tried.id), urls, hold: None });
        }
        admit(request, name, &history)?;
        if let Some(apart) = narrate::apart(&history) {
            lines.say(format!("  note: {name}: {apart}; this deploy goes on from there")).await;
        }
        request.goes_backwards(&history).await.map_or(Ok(()), Err)?;
        let running = Running::of(&history);
        let sketch = self.preparer.sketch(&request.checked, stack, name, &running).await?;
        self.check_bounds(request, &sketch, stack).await?;
        if !request.has("adopt") {
            self.cluster.check_adoption(name, &history).await.map_err(|error| placed(error, request, stack))?;
        }
        if stack.file.builds().next().is_some() {
            let foreseen = self.cluster.foresee(&sketch, &history, request.consent()).await;
            foreseen.map_err(|error| placed(error, request, stack))?;
        }
        let desired = self.preparer.prepare(&request.checked, stack, name, &request.objects, &running, lines).await?;
        if request.generation.is_superseded() {
            return Err(Refused::Overtaken);
        }
        let urls = urls(&desired);
        let consent = request.consent();
        let proposal = Proposal { consent, ..Proposal::new(request.origin.clone(), request.cause.clone(), desired) };
        let hold = self.workers.hold(name);
        let proposed = self.cluster.propose(proposal).await.map_err(|error| placed(error, request, stack))?;
        for note in &proposed.notes {
            lines.say(format!("  note: {note}")).await;
        }
        Ok(Begun { accepted: proposed.accepted, urls, hold })
    }

    /// Whether the repository may deploy this stack, before anything is built for it.
    async fn check_bounds(&self, request: &DeployRequest, sketch: &Stack, stack: &CheckedStack) -> Result<(), Refused> {
        let bounds = self.preparer.bounds(&request.origin.repository);
        let obstacles = self.cluster.out_of_bounds(sketch, &bounds).await?;
        if obstacles.is_empty() {
            return Ok(());
        }
        Err(placed(cluster::Error::Obstructed { stack: sketch.name.clone(), obstacles }, request, stack))
    }

    /// Says what happens to a release until it ends.
    pub async fn follow(&self, stack: &StackName, release: ReleaseId, hold: Option<Hold>, lines: &Lines) -> Outcome {
        let (sender, mut progress) = mpsc::channel::<Progress>(PROGRESS);
        let ended = self.workers.follow(stack, release, sender);
        drop(hold);
        lines.say(format!("{stack} {release} rolls out")).await;
        let mut narrator = Narrator::new(stack.clone());
        // The worker lets go of the channel when the release has ended.
        while let Some(progress) = progress.recv().await {
            for line in narrator.say(&progress) {
                lines.say(line).await;
            }
        }
        let lost = || Outcome::Halted { symptoms: Vec::new() };
        let outcome = ended.await.unwrap_or_else(|_| lost());
        for line in narrator.untold(release, &outcome) {
            lines.say(line).await;
        }
        outcome
    }
}

impl Deployed {
    /// What a builder or a test said before it failed.
    fn log(&self) -> Vec<String> {
        match &self.outcome {
            Err(Refused::Preparing(Refusal::Build(error))) => {
                error.log().iter().map(|line| format!("    | {line}")).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// The release that was made of this commit already: by a controller that was killed, or when it was found before. A
/// commit that is pushed again is tried again, and so is one that was found and failed because of a node or a registry.
fn tried<'a>(request: &DeployRequest, history: &'a History) -> Option<&'a Release> {
    let found = |cause: &Cause| matches!(cause, Cause::Poll | Cause::Webhook);
    let is_over = |phase: &Phase| !matches!(phase, Phase::Failed { .. }) || phase.is_blamed();
    let of_this = |release: &&Release| match request.cause {
        Cause::Push => release.cause == Cause::Push && release.created >= request.since,
        _ => found(&request.cause) && found(&release.cause) && is_over(&release.phase) && !request.has("retry"),
    };
    let same = |release: &&Release| {
        release.origin.repository == request.origin.repository && release.origin.commit == request.origin.commit
    };
    history.releases().iter().rev().find(|release| same(release) && of_this(release))
}

/// An error with the places in the file that it is about.
fn placed(error: cluster::Error, request: &DeployRequest, stack: &CheckedStack) -> Refused {
    match error {
        cluster::Error::Obstructed { obstacles, .. } => {
            Refused::Obstructed(obstacles.iter().map(|it| prepare::placed(&request.checked, stack, it)).collect())
        }
        error => error.into(),
    }
}

/// Whether the history lets this revision try.
fn admit(request: &DeployRequest, stack: &StackName, history: &History) -> Result<(), Refused> {
    cluster::check_owner(stack, history, &request.origin)?;
    if let Some(last) = history.last().filter(|last| matches!(last.cause, Cause::Remove { .. }) && !request.news) {
        return Err(Refused::Removed { stack: stack.clone(), release: last.id });
    }
    match history.quarantine(&request.origin.tree) {
        Some(failed) if !request.has("retry") => Err(Refused::Quarantined { release: failed.id, why: why(failed) }),
        _ => Ok(()),
    }
}

fn why(failed: &Release) -> String {
    let Phase::Failed { symptoms, .. } = &failed.phase else { return String::new() };
    symptoms.first().map(|symptom| symptom.message.clone()).unwrap_or_default()
}

/// Where people reach a stack.
pub fn urls(stack: &Stack) -> Vec<String> {
    stack.services.values().filter_map(|service| service.url.clone()).collect()
}
