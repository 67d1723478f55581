//! Requests to the controller: stored in the swarm, and followed until the controller accepts them.

use std::time::Duration;

use jiff::SignedDuration;

use crate::controller::cluster::Cluster;
use crate::store::Request;
use crate::time;

/// The interval of polls for an answer.
pub(super) const LOOK: Duration = Duration::from_millis(500);
/// How long a controller may take to answer.
const PATIENCE: SignedDuration = SignedDuration::from_secs(90);

/// Waits until the controller has answered all requests; otherwise withdraws them and returns an error.
pub(super) async fn answered(cluster: &Cluster, asked: Vec<Request>) -> anyhow::Result<()> {
    let Some(request) = answered_within(cluster, asked, PATIENCE).await? else { return Ok(()) };
    anyhow::bail!(
        "no controller with the repository `{}` answered within {} s; does skep run? `docker service ps skep_skep` \
         tells, and its log says why not",
        request.repository,
        PATIENCE.as_secs()
    )
}

/// Waits for the given time; returns a request that was not answered, if any.
pub(super) async fn answered_within(
    cluster: &Cluster,
    mut asked: Vec<Request>,
    patience: SignedDuration,
) -> anyhow::Result<Option<Request>> {
    let until = time::after(cluster.clock.now(), patience);
    while let Some(request) = asked.last() {
        if !cluster.store.is_waiting(request).await? {
            asked.pop();
        } else if cluster.clock.now() < until {
            cluster.clock.wait(LOOK).await;
        } else {
            for request in &asked {
                cluster.store.answered(request).await?;
            }
            return Ok(asked.pop());
        }
    }
    Ok(None)
}
