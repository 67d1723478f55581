//! Reports the progress of a rollout that a controller performs, from the record and the swarm.

use super::evidence::with_logs;
use super::{Attempt, Next};
use crate::controller::cluster::{Cluster, Error};
use crate::controller::events::EventSender;
use crate::event::What;
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
    pub async fn attempt(&mut self, events: &EventSender) -> Attempt {
        let events = events.of_stack(&self.stack);
        let history = match Box::pin(self.look(&events)).await {
            Ok(history) => Some(history),
            Err(error) => {
                let why = error.to_string();
                if self.trouble.as_ref() != Some(&why) {
                    self.trouble = Some(why.clone());
                    events.send(What::Hindered { why });
                }
                None
            }
        };
        Attempt { history, pause: Next::Soon.pause(), next: Next::Soon, broken: None }
    }

    async fn look(&mut self, events: &EventSender) -> Result<History, Error> {
        let history = self.cluster.history(&self.stack).await?;
        self.tell_of_failure(&history, events).await;
        let Some(release) = history.rolling().cloned() else { return Ok(history) };
        self.tell_of_step_back(&release, events);
        let Some(desired) = &release.desired else { return Ok(history) };
        let begin = self.cluster.clock.now();
        let observed = self.cluster.swarm.observe_for(desired).await?;
        self.memory.begin(&release);
        self.memory.saw(&observed.scaled(desired), &observed, self.cluster.clock.now());
        let events = events.of_release(&release);
        match release::next(&release, &history, &observed, &self.memory, begin) {
            Step::Apply(plan) => events.send(What::Wave { changes: plan.changes }),
            Step::Wait(_) if matches!(release.cause, Cause::Remove { .. }) => {
                events.send(What::Stopping { tasks: observed.leaving.len() });
            }
            Step::Wait(services) if services.is_empty() => events.send(What::Settling),
            Step::Wait(services) => events.send(What::Waiting { services }),
            // The controller decides this with more information, and the record shows it.
            Step::Promote | Step::RollBack { .. } | Step::Halt { .. } | Step::GiveWay { .. } | Step::Rest => {}
        }
        Ok(history)
    }

    async fn tell_of_failure(&mut self, history: &History, events: &EventSender) {
        let is_awaited = |release: &&Release| release.id >= self.newest && Some(release.id) > self.failed;
        let Some(release) = history.releases().iter().find(is_awaited) else { return };
        if let Phase::Failed { symptoms, .. } = &release.phase {
            let symptoms = with_logs(&self.cluster.swarm, symptoms).await;
            events.of_release(release).send(What::Failed { symptoms });
            self.failed = Some(release.id);
        }
    }

    fn tell_of_step_back(&mut self, release: &Release, events: &EventSender) {
        let is_new = std::mem::replace(&mut self.newest, release.id) < release.id;
        if let (true, Cause::RollBack { to, .. }) = (is_new, &release.cause) {
            events.of_release(release).send(What::RollingBack { to: *to });
        }
    }
}
