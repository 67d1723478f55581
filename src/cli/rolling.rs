//! Rolling out a proposal from the command line: following the controller's rounds, or making the same rounds here, with
//! progress on the terminal.

use std::time::Duration;

use jiff::SignedDuration;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::performer::Performer;
use super::terminal;
use crate::controller::cluster::{self, Accepted, Cluster, Proposal};
use crate::controller::events::EventSender;
use crate::controller::rollout::Next;
use crate::event::What;
use crate::name::StackName;
use crate::release::{Outcome, ReleaseId};
use crate::stack::Nanos;

/// The interval of rounds while there is nothing to do but observe.
const LOOK: Duration = Duration::from_secs(1);

/// The outcome of a proposal.
pub(super) struct Ended {
    pub(super) stack: StackName,
    pub(super) release: Option<ReleaseId>,
    pub(super) outcome: Outcome,
}

/// Proposes a release and rolls it out until it ends. `explain` turns errors of the swarm and the preflight into errors for users.
pub(super) async fn roll_out(
    cluster: &Cluster,
    proposal: Proposal,
    explain: impl Fn(cluster::Error) -> anyhow::Error,
) -> anyhow::Result<Ended> {
    let (stack, urls) = (proposal.desired.name.clone(), proposal.desired.urls());
    let deadline = proposal.desired.settings.deadline;
    let mut performer = Performer::of(cluster).await?;
    let proposed = performer.propose(proposal, explain).await?;
    terminal::shown(async |events| {
        let events = &events.of_stack(&stack);
        events.note(proposed.notes);
        let (release, outcome) = match proposed.accepted {
            Accepted::Unchanged(release) => (release, Outcome::Unchanged),
            Accepted::Rolling(release) => {
                events.of_release_id(release).send(What::RollingOut);
                (release, roll(cluster, &mut performer, &stack, release, deadline, events).await?)
            }
        };
        let verdict = What::Verdict { outcome: outcome.clone(), urls, seconds: None, news: true };
        events.of_release_id(release).send(verdict);
        Ok(Ended { stack: stack.clone(), release: Some(release), outcome })
    })
    .await
}

/// Follows a release until it has ended, and shows what happens.
pub(super) async fn follow(
    cluster: &Cluster,
    performer: &mut Performer,
    stack: &StackName,
    release: ReleaseId,
    deadline: Nanos,
) -> anyhow::Result<Outcome> {
    terminal::shown(async |events| roll(cluster, performer, stack, release, deadline, &events.of_stack(stack)).await)
        .await
}

/// Follows a release until it has ended. Trouble is told, and tried again, until nothing could be seen of the swarm for as
/// long as the release has.
async fn roll(
    cluster: &Cluster,
    performer: &mut Performer,
    stack: &StackName,
    release: ReleaseId,
    deadline: Nanos,
    events: &EventSender,
) -> anyhow::Result<Outcome> {
    let mut rounds = performer.rounds(stack, release);
    let ahead = performer.take_ahead();
    if !ahead.is_empty() {
        events.of_release_id(release).send(What::Wave { changes: ahead });
    }
    let (mut seen, mut interrupt) = (cluster.clock.now(), Interrupt::new()?);
    loop {
        // A round may be cancelled anywhere: its effects are recorded, or repeated by the next round.
        let attempt = tokio::select! {
            attempt = rounds.attempt(events) => attempt,
            () = interrupt.comes() => return Err(cut_off(performer, stack, release)),
        };
        if let Some(history) = &attempt.history {
            seen = cluster.clock.now();
            if let Some(outcome) = history.outcome(release) {
                return Ok(outcome);
            }
        } else if cluster.clock.now().duration_since(seen) >= SignedDuration::from_nanos(deadline.0) {
            let trouble = rounds.trouble().unwrap_or_default();
            anyhow::bail!(
                "{stack} {release} could not be observed for {deadline}: {trouble}; it is recorded, and continues with the \
                 next `skep serve` or `skep deploy`"
            );
        }
        if performer.takes_over(events).await {
            rounds = performer.rounds(stack, release);
        }
        tokio::select! {
            () = cluster.clock.wait(if attempt.next == Next::Rest { LOOK } else { attempt.pause }) => {}
            () = interrupt.comes() => return Err(cut_off(performer, stack, release)),
        }
    }
}

/// The error of a command that is interrupted while a release rolls out.
fn cut_off(performer: &Performer, stack: &StackName, release: ReleaseId) -> anyhow::Error {
    if performer.is_controller() {
        return anyhow::anyhow!(
            "interrupted: the controller goes on with {stack} {release}; `skep status {stack}` tells how it is, \
             `skep rollback {stack}` goes back"
        );
    }
    anyhow::anyhow!(
        "interrupted: {stack} {release} is recorded, and is not finished; a controller goes on with it, and where there is \
         none the same command does; `skep status {stack}` tells how it is, `skep rollback {stack}` goes back"
    )
}

/// Waits for the command to be interrupted.
pub(super) struct Interrupt(Signal);

impl Interrupt {
    /// Starts listening for signals.
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self(signal(SignalKind::terminate())?))
    }

    /// Returns when the command is interrupted.
    pub(super) async fn comes(&mut self) {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = self.0.recv() => {}
        }
    }
}
