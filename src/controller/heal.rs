//! Healing on request: changes back what was changed by hand.

use std::collections::BTreeSet;
use std::time::Duration;

use super::cluster::{Cluster, Error};
use crate::lease::Lease;
use crate::name::StackName;
use crate::plan::Plan;
use crate::release::{self, Arrival, Healed, Phase};

/// How often the swarm is read again because something was changed meanwhile.
const LOOKS: usize = 3;
/// How often it is read, and with which pause, while tasks stop whose data another service takes over.
const WAITS: usize = 240;
const PAUSE: Duration = Duration::from_millis(250);

impl Cluster {
    /// Changes back everything that differs from the running release, regardless of its `drift` setting, and makes the
    /// controller heal again what it had given up. `None` if no release runs, or one is rolling out.
    pub async fn heal(&self, lease: &Lease, stack: &StackName) -> Result<Option<Healed>, Error> {
        let history = self.history(stack).await?;
        let Some(release) = history.last() else { return Ok(None) };
        let (Phase::Promoted { at, contested, away }, Some(desired)) = (&release.phase, &release.desired) else {
            return Ok(None);
        };
        if !contested.is_empty() {
            let phase = Phase::Promoted { at: *at, contested: BTreeSet::new(), away: away.clone() };
            self.store.set_phase(lease, stack, release.id, &release.phase, &phase).await?;
        }
        let mut healed = Healed::default();
        let (mut looks, mut waits) = (LOOKS, WAITS);
        while looks > 0 && waits > 0 {
            waits = waits.saturating_sub(1);
            let observed = self.swarm.observe(stack).await?;
            let desired = observed.scaled(desired);
            healed.left =
                Plan::between(&desired, &observed, &history.removable()).only(|change| !change.is_housekeeping());
            if healed.left.is_empty() {
                break;
            }
            healed.trouble.clear();
            let Arrival { now, waiting } = release::unheld(&healed.left, &desired, &observed);
            if now.is_empty() {
                healed.trouble.extend(waiting.iter().map(|it| format!("service {}: {}", it.service, it.what)));
                self.clock.wait(PAUSE).await;
                continue;
            }
            for change in &now.changes {
                match self.swarm.perform(lease, change, &desired, &observed).await {
                    Ok(()) => healed.done.changes.push(change.clone()),
                    Err(error) => healed.trouble.push(error.to_string()),
                }
            }
            if waiting.is_empty() || !healed.trouble.is_empty() {
                looks = looks.saturating_sub(1);
            }
        }
        Ok(Some(healed))
    }
}
