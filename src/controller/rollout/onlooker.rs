//! Reports the progress of a rollout that a controller performs, from the record and the swarm.

use super::evidence::with_logs;
use super::{Attempt, Next};
use crate::controller::cluster::{Cluster, Error};
use crate::controller::progress::{Progress, ProgressSender};
use crate::name::StackName;
use crate::release::{self, Cause, History, Memory, Phase, Release, ReleaseId, Step};

/// Observes the rollouts of one stack without writing: it makes the same decisions as the controller, and reports them.
#[derive(Debug)]
pub struct Onlooker {
    cluster: Cluster,
    stack: StackName,
    memory: Memory,
    /// The newest reported release: first the requested one, then the one that goes back from it.
    newest: ReleaseId,
    /// The newest release whose failure was reported.
    failed: Option<ReleaseId>,
    trouble: Option<String>,
}

impl Onlooker {
    /// An observer of this release of the stack, without observations.
    pub fn new(cluster: Cluster, stack: StackName, release: ReleaseId) -> Self {
        Self { cluster, stack, memory: Memory::default(), newest: release, failed: None, trouble: None }
    }

    /// The last reason why an observation failed.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// Observes once, and reports what is new.
    pub async fn attempt(&mut self, progress: &ProgressSender) -> Attempt {
        let history = match Box::pin(self.look(progress)).await {
            Ok(history) => Some(history),
            Err(error) => {
                let message = error.to_string();
                if self.trouble.as_ref() != Some(&message) {
                    progress.send(&Progress::Trouble { message: message.clone() });
                    self.trouble = Some(message);
                }
                None
            }
        };
        Attempt { history, pause: Next::Soon.pause(), next: Next::Soon, broken: None }
    }

    async fn look(&mut self, progress: &ProgressSender) -> Result<History, Error> {
        let history = self.cluster.history(&self.stack).await?;
        self.tell_of_failure(&history, progress).await;
        let Some(release) = history.rolling().cloned() else { return Ok(history) };
        self.tell_of_step_back(&release, progress);
        let Some(desired) = &release.desired else { return Ok(history) };
        let begin = self.cluster.clock.now();
        let observed = self.cluster.swarm.observe_for(desired).await?;
        self.memory.begin(&release);
        self.memory.saw(&observed.scaled(desired), &observed, self.cluster.clock.now());
        match release::next(&release, &history, &observed, &self.memory, begin) {
            Step::Apply(plan) => {
                for change in plan.changes {
                    progress.send(&Progress::Change { release: release.id, change });
                }
            }
            Step::Wait(_) if matches!(release.cause, Cause::Remove { .. }) => {
                progress.send(&Progress::Stopping { release: release.id, tasks: observed.leaving.len() });
            }
            Step::Wait(waiting) => progress.send(&Progress::Waiting { release: release.id, waiting }),
            // The controller decides this with more information, and the record shows it.
            Step::Promote | Step::RollBack { .. } | Step::Halt { .. } | Step::GiveWay { .. } | Step::Rest => {}
        }
        Ok(history)
    }

    async fn tell_of_failure(&mut self, history: &History, progress: &ProgressSender) {
        let is_awaited = |release: &&Release| release.id >= self.newest && Some(release.id) > self.failed;
        let Some(release) = history.releases().iter().find(is_awaited) else { return };
        if let Phase::Failed { symptoms, .. } = &release.phase {
            let symptoms = with_logs(&self.cluster.swarm, symptoms).await;
            progress.send(&Progress::Failed { release: release.id, symptoms });
            self.failed = Some(release.id);
        }
    }

    fn tell_of_step_back(&mut self, release: &Release, progress: &ProgressSender) {
        let is_new = std::mem::replace(&mut self.newest, release.id) < release.id;
        if let (true, Cause::RollBack { to, .. }) = (is_new, &release.cause) {
            progress.send(&Progress::RollingBack { release: release.id, to: *to });
        }
    }
}
