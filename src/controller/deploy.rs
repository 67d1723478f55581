//! Deploys a checked revision: prepares, proposes and follows each of its stacks, and returns their verdicts.

use futures_util::future::join_all;
use futures_util::{StreamExt as _, stream};
use tokio::task::JoinHandle;

use super::cluster::{self, Accepted, Cluster};
use super::events::EventSender;
use super::prepare::{Preparer, Refusal, named};
use super::request::{DeployRequest, Deployment};
use super::supervise::result_of;
use super::workers::{Hold, Workers};
use crate::diagnostic::{Diagnostic, Spot};
use crate::event::{self, What};
use crate::lease::Lease;
use crate::lint::{Checked, CheckedStack};
use crate::name::StackName;
use crate::release::{self, Outcome, ReleaseId};
use crate::stack::Stack;

/// How many stacks of a commit are prepared and proposed at the same time. Any number of them may roll out.
const PROPOSALS: usize = 8;

/// Why no release of a stack was made.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The stack could not be prepared.
    #[error(transparent)]
    Preparing(#[from] Refusal),
    /// The swarm or the record could not be read, or the stack is not admitted.
    #[error(transparent)]
    Cluster(#[from] cluster::Error),
    /// The commit does not descend from the running one.
    #[error(transparent)]
    Backwards(#[from] super::backwards::Refusal),
    /// A newer push arrived while its images were built.
    #[error("a newer push took its place")]
    Superseded,
    /// Something in the file cannot be done in this swarm as it is.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Obstructed(Vec<Diagnostic<Option<Spot>>>),
}

impl Refused {
    /// Whether the same may succeed later without a change of the files: an image is pushed, a registry is back, a
    /// network is created.
    fn may_pass(&self) -> bool {
        match self {
            Self::Preparing(refusal) => refusal.may_pass(),
            // A stack without a record may be taken away by those who deployed it.
            Self::Cluster(cluster::Error::Refused(release::Refusal::Unrecorded { .. })) | Self::Obstructed(_) => true,
            Self::Cluster(error) => error.is_transient(),
            Self::Backwards(_) | Self::Superseded => false,
        }
    }
}

/// The parts that a deploy needs.
#[derive(Clone, Debug)]
pub struct Deployer {
    /// Prepares stacks.
    pub preparer: Preparer,
    /// Reads and writes the record and the swarm.
    pub cluster: Cluster,
    /// Carry out the rollouts.
    pub workers: Workers,
    /// Allows writing to the swarm.
    pub lease: Lease,
}

/// The stacks of a revision by name; a stack without its own name gets the last part of `fallback`.
pub fn stacks_of<'a>(checked: &'a Checked, fallback: &str) -> Result<Vec<(StackName, &'a CheckedStack)>, Refusal> {
    named(checked, None, fallback.rsplit('/').next().unwrap_or(fallback))
}

/// The result of a stack.
#[derive(Debug)]
pub struct Deployed {
    /// The stack.
    pub stack: StackName,
    /// Its release, if one was made.
    pub release: Option<ReleaseId>,
    /// The outcome of the release, or why none was made.
    pub outcome: Result<Outcome, Refused>,
    /// The addresses of the stack.
    pub urls: Vec<String>,
}

/// A proposal for a stack.
#[derive(Debug)]
pub struct Begun {
    /// The result of the proposal.
    pub accepted: Accepted,
    /// The addresses of the stack.
    pub urls: Vec<String>,
    /// Delays the rollout until it is followed.
    pub hold: Option<Hold>,
}

impl Deployed {
    /// Whether the stack runs as requested.
    pub fn is_good(&self) -> bool {
        self.outcome.as_ref().is_ok_and(Outcome::is_good)
    }

    /// Whether it was refused for a reason that may pass.
    pub fn may_pass(&self) -> bool {
        self.outcome.as_ref().is_err_and(Refused::may_pass)
    }

    /// Whether a newer commit of the repository replaced it.
    pub fn is_superseded(&self) -> bool {
        matches!(self.outcome, Err(Refused::Superseded) | Ok(Outcome::Superseded { .. }))
    }

    /// The verdict in one line.
    pub fn verdict(&self) -> String {
        match &self.outcome {
            Ok(outcome) => event::verdict(&self.stack, self.release, outcome, &self.urls),
            Err(refused) => format!("{} was not deployed: {refused}", self.stack),
        }
    }

    /// Reports the verdict, with the seconds since the request; `news` if it is the first one about the commit.
    pub(super) fn tell(&self, events: &EventSender, seconds: f64, news: bool) {
        let events = events.of_stack(&self.stack);
        let events = self.release.map_or_else(|| events.clone(), |release| events.of_release_id(release));
        events.send(match &self.outcome {
            Ok(outcome) => {
                let (outcome, urls) = (outcome.clone(), self.urls.clone());
                What::Verdict { outcome, urls, seconds: Some(seconds), news }
            }
            Err(refused) => What::Refused { why: refused.to_string(), news },
        });
    }
}

impl Deployer {
    /// Deploys the stacks of the revision and reports the progress as events. A few are prepared at a time, and all
    /// roll out at once. After the last of them has been proposed or refused, `begun` is awaited. The request names a
    /// stack without its own name.
    pub async fn deploy(
        &self,
        request: DeployRequest,
        events: &EventSender,
        begun: impl Future<Output = ()>,
    ) -> Result<Vec<Deployed>, Refusal> {
        let stacks = stacks_of(&request.checked, &request.fallback)?;
        events.send(What::Preparing { stacks: stacks.iter().map(|(name, _)| name.clone()).collect() });
        let rolling = self.begin_all(&request, stacks, events).await;
        // Rollouts can take long, and no longer need the files.
        drop(request);
        begun.await;
        Ok(join_all(rolling.into_iter().map(result_of)).await)
    }

    /// Prepares and proposes stacks, and then follows each of them.
    async fn begin_all(
        &self,
        request: &DeployRequest,
        stacks: Vec<(StackName, &CheckedStack)>,
        events: &EventSender,
    ) -> Vec<JoinHandle<Option<Deployed>>> {
        let mut begins = Vec::new();
        for (nth, (name, stack)) in stacks.into_iter().enumerate() {
            let events = events.of_stack(&name);
            begins.push(async move {
                let begun = Box::pin(self.begin(request, &name, stack, &events)).await;
                (nth, self.workers.supervisor().spawn(self.clone().end(name, begun, events)))
            });
        }
        let mut begun: Vec<_> = stream::iter(begins).buffer_unordered(PROPOSALS).collect().await;
        begun.sort_by_key(|(nth, _)| *nth);
        begun.into_iter().map(|(_, following)| following).collect()
    }

    /// The result of a stack that was proposed or refused, when its rollout has ended.
    async fn end(self, stack: StackName, begun: Result<Begun, Refused>, events: EventSender) -> Deployed {
        let mut result = Deployed { stack, release: None, outcome: Ok(Outcome::Unchanged), urls: Vec::new() };
        match begun {
            Ok(Begun { accepted: Accepted::Unchanged(release), urls, .. }) => {
                (result.release, result.urls) = (Some(release), urls);
            }
            Ok(Begun { accepted: Accepted::Rolling(release), urls, hold }) => {
                (result.release, result.urls) = (Some(release), urls);
                result.outcome = Ok(self.follow(&result.stack, release, hold, &events).await);
            }
            Err(refused) => result.outcome = Err(refused),
        }
        result
    }

    /// Does everything up to recording a release; the rounds of [`super::rollout`] do the rest. `events` concern the
    /// stack.
    pub async fn begin(
        &self,
        request: &DeployRequest,
        name: &StackName,
        stack: &CheckedStack,
        events: &EventSender,
    ) -> Result<Begun, Refused> {
        let history = self.cluster.history_in_time(name).await?;
        if let Some(tried) = request.tried(&history) {
            let urls = tried.desired.as_ref().map(Stack::urls).unwrap_or_default();
            return Ok(Begun { accepted: Accepted::Rolling(tried.id), urls, hold: None });
        }
        let deployment = Deployment { preparer: &self.preparer, cluster: &self.cluster };
        let notes = deployment.check(request, name, stack, &history).await?;
        events.note(notes);
        let desired = deployment.prepare(request, name, stack, &history, events).await?;
        if request.generation.is_superseded() {
            return Err(Refused::Superseded);
        }
        let hold = self.workers.hold(name);
        let urls = desired.urls();
        let proposed = deployment.propose(&self.lease, request, stack, desired).await?;
        events.note(proposed.notes);
        Ok(Begun { accepted: proposed.accepted, urls, hold })
    }

    /// Waits for the end of a release, and reports its progress to the readers of these events.
    pub async fn follow(
        &self,
        stack: &StackName,
        release: ReleaseId,
        hold: Option<Hold>,
        events: &EventSender,
    ) -> Outcome {
        events.of_stack(stack).of_release_id(release).send(What::RollingOut);
        let ended = self.workers.follow(stack, release, events.readers());
        drop(hold);
        ended.await.unwrap_or_else(|_| Outcome::Halted { symptoms: Vec::new() })
    }
}
