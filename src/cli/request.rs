//! Requests to the controller: left in the swarm, and waited for until they are taken.

use std::time::Duration;

use jiff::SignedDuration;

use crate::controller::cluster::Cluster;
use crate::store::Request;
use crate::time;

/// How often the answer is looked for.
pub(super) const LOOK: Duration = Duration::from_millis(500);
/// How long a controller may take to look.
const PATIENCE: SignedDuration = SignedDuration::from_secs(90);

/// Waits until the controller has answered all of these. Those that it has not are taken back.
pub(super) async fn answered(cluster: &Cluster, mut asked: Vec<Request>) -> anyhow::Result<()> {
    let until = time::after(cluster.clock.now(), PATIENCE);
    while let Some(request) = asked.last() {
        if !cluster.store.is_waiting(request).await? {
            asked.pop();
        } else if cluster.clock.now() < until {
            cluster.clock.wait(LOOK).await;
        } else {
            let repository = request.repository.clone();
            for request in &asked {
                cluster.store.answered(request).await?;
            }
            anyhow::bail!(
                "no controller that has the repository `{repository}` has answered for {} s; does skep run? `docker service ps \
                 skep_skep` tells, and its log says why not",
                PATIENCE.as_secs()
            );
        }
    }
    Ok(())
}
