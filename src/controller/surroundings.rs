//! Facts about nodes and registries that show whether they, and not the release, caused a failure.

use std::collections::BTreeMap;

use futures_util::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};

use crate::health;
use crate::plan::observed::{Observed, Task};
use crate::swarm::Swarm;

/// How many requests are made at once.
const QUESTIONS: usize = 8;
/// How long after its registration a node may take to report all its tasks.
const TELLS: SignedDuration = SignedDuration::from_secs(1);
/// How long a node is not checked again whose engine was found not to have been restarted: its record changes with each
/// task that crashes.
const CLEARED: SignedDuration = SignedDuration::from_secs(30);
/// How long a change is remembered.
const REMEMBERED: SignedDuration = SignedDuration::from_mins(10);

/// The known facts, each of which is found out once.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    /// The tasks whose registry was asked for their image, with the error if it was unavailable.
    registries: BTreeMap<String, Option<String>>,
    /// When each node was last seen to be unavailable.
    away: BTreeMap<String, Timestamp>,
    /// The times at which the managers' record of a node changed while a task ended.
    changes: BTreeMap<(String, Timestamp), Change>,
}

/// A change of the managers' record of a node.
#[derive(Debug)]
struct Change {
    seen: Timestamp,
    /// Whether its engine was restarted, once that was found out.
    restarted: Option<bool>,
}

impl Surroundings {
    /// Forgets the facts about tasks of a release.
    pub(super) fn forget_release(&mut self) {
        (self.registries, self.changes) = (BTreeMap::new(), BTreeMap::new());
    }

    /// Notes the facts in an observation at this time, and the open questions.
    pub(super) fn note(&mut self, observed: &mut Observed, now: Timestamp) {
        let away = observed.nodes.iter().filter(|node| node.down || node.unheard);
        self.away.extend(away.map(|node| (node.id.clone(), now)));
        self.changes.retain(|_, change| now.duration_since(change.seen) < REMEMBERED);
        for (node, at) in health::changed_nodes(observed) {
            let restarted = self.is_cleared(&node, at).then_some(false);
            self.changes.entry((node, at)).or_insert(Change { seen: now, restarted });
        }
        let those = |restarted: Option<bool>| {
            let found = self.changes.iter().filter(move |(_, change)| change.restarted == restarted);
            found.map(|((node, at), _)| (node.clone(), *at)).collect()
        };
        observed.note_nodes(&self.away, &those(Some(true)), &those(None));
        let said = self.registries.iter().filter_map(|(task, said)| Some((task.clone(), said.clone()?)));
        observed.note_registries_away(&said.collect());
    }

    /// Whether the engine of a node was found not to have been restarted shortly before.
    fn is_cleared(&self, node: &str, at: Timestamp) -> bool {
        let before =
            |(other, time): &(String, Timestamp)| other == node && *time < at && at.duration_since(*time) <= CLEARED;
        self.changes.iter().any(|(key, change)| before(key) && change.restarted == Some(false))
    }

    /// Answers the open questions: asks registries for images that tasks could not get, and nodes for all of their tasks.
    pub(super) async fn ask(&mut self, swarm: &Swarm, observed: &mut Observed, now: Timestamp) {
        let new: Vec<Task> =
            observed.without_image().filter(|task| !self.registries.contains_key(&task.id)).cloned().collect();
        let ask = |task: Task| async move {
            let said = swarm.evidence(&task).await.registry_away();
            (task.id, said)
        };
        let answers: Vec<_> = stream::iter(new.into_iter().map(ask)).buffer_unordered(QUESTIONS).collect().await;
        self.registries.extend(answers);
        let open = self.changes.iter_mut().filter(|(_, change)| change.restarted.is_none());
        for ((node, at), change) in open.filter(|(_, change)| now.duration_since(change.seen).abs() >= TELLS) {
            // A failed request is repeated in the next round.
            if let Ok(tasks) = swarm.tasks_of_node(node).await {
                change.restarted = Some(health::was_restarted(*at, &tasks));
            }
        }
        self.note(observed, now);
    }
}
