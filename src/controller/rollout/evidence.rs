//! The evidence of a failure: messages and logs.

use futures_util::future::join_all;
use futures_util::{StreamExt as _, stream};

use super::{Rollout, Round, WRITES};
use crate::health::Symptom;
use crate::swarm::Swarm;

/// How many of the last lines of a log a symptom contains.
const LOG_LINES: usize = 12;

impl Rollout {
    /// Completes symptoms with the messages of nodes and with the last lines of the tasks' logs, as far as they can be
    /// read.
    pub(super) async fn with_evidence(&self, round: &Round<'_>, symptoms: Vec<Symptom>) -> Vec<Symptom> {
        let each = symptoms.into_iter().map(|symptom| self.explained(round, symptom));
        stream::iter(each.collect::<Vec<_>>()).buffered(WRITES).collect().await
    }

    async fn explained(&self, round: &Round<'_>, mut symptom: Symptom) -> Symptom {
        let Some(id) = symptom.task.clone() else { return symptom };
        let service = symptom.service.as_ref().and_then(|name| round.desired.services.get(name));
        let there = symptom.service.as_ref().and_then(|name| round.observed.services.get(name));
        let task = there.and_then(|there| there.tasks.iter().find(|task| task.id == id));
        let log = last_lines(&self.cluster.swarm, &id);
        if let (Some(service), Some(task)) = (service, task) {
            symptom = symptom.explained(service, task, &self.cluster.swarm.evidence(task).await);
        }
        symptom.log.extend(log.await);
        symptom
    }
}

/// Completes recorded symptoms, which contain no log, with the last lines of their tasks' logs.
pub(super) async fn with_logs(swarm: &Swarm, symptoms: &[Symptom]) -> Vec<Symptom> {
    let each = symptoms.iter().map(async |symptom| match &symptom.task {
        Some(task) => Symptom { log: last_lines(swarm, task).await, ..symptom.clone() },
        None => symptom.clone(),
    });
    join_all(each).await
}

async fn last_lines(swarm: &Swarm, task: &str) -> Vec<String> {
    swarm.logs(task, LOG_LINES).await.unwrap_or_default()
}
