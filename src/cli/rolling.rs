//! Rolling a proposal out from the command line: the same rounds as the controller makes, and what happens on the
//! terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use jiff::SignedDuration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use super::output;
use crate::controller::cluster::{Accepted, Cluster, Proposal, Proposed};
use crate::controller::narrate::{self, Narrator};
use crate::controller::progress::{Progress, ProgressSender};
use crate::controller::rollout::{Next, Rollout};
use crate::name::StackName;
use crate::release::{Outcome, ReleaseId};
use crate::stack::Nanos;
use crate::text::{one_line, visible};

/// How often is looked when there is nothing to do but to see what others do.
const LOOK: Duration = Duration::from_secs(1);

/// How a proposal ended.
pub(super) struct Ended {
    pub(super) stack: StackName,
    pub(super) release: Option<ReleaseId>,
    pub(super) outcome: Outcome,
}

/// Rolls a proposal out, to its end.
pub(super) async fn roll_out(cluster: &Cluster, proposal: Proposal) -> anyhow::Result<Ended> {
    let (stack, urls) = (proposal.desired.name.clone(), proposal.desired.urls());
    let deadline = proposal.desired.settings.deadline;
    let proposed = cluster.propose(proposal).await?;
    follow_proposed(cluster, &stack, proposed, &urls, deadline).await
}

/// Rolls out what was proposed, to its end.
pub(super) async fn follow_proposed(
    cluster: &Cluster,
    stack: &StackName,
    proposed: Proposed,
    urls: &[String],
    deadline: Nanos,
) -> anyhow::Result<Ended> {
    // Whoever may give this command can ask at every address anyway.
    let cluster = &Cluster { prober: cluster.prober.clone().unbarred(), ..cluster.clone() };
    for note in &proposed.notes {
        output::line(&format!("note: {note}"));
    }
    let (release, outcome) = match proposed.accepted {
        Accepted::Unchanged(release) => (Some(release), Outcome::Unchanged),
        Accepted::Rolling(release) => {
            output::line(&format!("{stack} {release} rolls out"));
            (Some(release), follow(cluster, stack, release, deadline).await?)
        }
    };
    output::line(&narrate::verdict(stack, release, &outcome, urls));
    Ok(Ended { stack: stack.clone(), release, outcome })
}

/// Makes rounds until the release has ended. Trouble is shown, and tried again, until nothing could be seen of the swarm
/// for as long as the release has.
pub(super) async fn follow(
    cluster: &Cluster,
    stack: &StackName,
    release: ReleaseId,
    deadline: Nanos,
) -> anyhow::Result<Outcome> {
    let (sender, mut told) = mpsc::channel(256);
    let progress = ProgressSender::new(vec![sender]);
    let (mut rollout, mut screen) = (Rollout::new(cluster.clone(), stack.clone()), Screen::new(stack));
    let (mut seen, mut stop) = (cluster.clock.now(), signal(SignalKind::terminate())?);
    loop {
        // A round may be cut off anywhere: what it did is in the record, or is done once more.
        let attempt = tokio::select! {
            attempt = rollout.attempt(&progress) => attempt,
            () = interrupted(&mut stop) => {
                screen.clear();
                return Err(cut_off(stack, release));
            }
        };
        while let Ok(progress) = told.try_recv() {
            screen.show(&progress);
        }
        if let Some(history) = &attempt.history {
            seen = cluster.clock.now();
            if let Some(outcome) = history.outcome(release) {
                screen.clear();
                return Ok(outcome);
            }
        } else if cluster.clock.now().duration_since(seen) >= SignedDuration::from_nanos(deadline.0) {
            screen.clear();
            let trouble = rollout.trouble().unwrap_or_default();
            anyhow::bail!(
                "nothing is known of {stack} {release} for {deadline}: {trouble}; it is recorded, and goes on with the \
                 next `skep serve` or `skep deploy`"
            );
        }
        tokio::select! {
            () = cluster.clock.wait(if attempt.next == Next::Rest { LOOK } else { attempt.pause }) => {}
            () = interrupted(&mut stop) => {
                screen.clear();
                return Err(cut_off(stack, release));
            }
        }
    }
}

/// Comes back when somebody ends the command.
async fn interrupted(stop: &mut Signal) {
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = stop.recv() => {}
    }
}

/// What somebody reads who ends a command while a release rolls out.
fn cut_off(stack: &StackName, release: ReleaseId) -> anyhow::Error {
    anyhow::anyhow!(
        "interrupted: {stack} {release} is recorded, and is not finished; a controller goes on with it, and where there is none \
         the same command does; `skep status {stack}` tells how it is, `skep rollback {stack}` goes back"
    )
}

/// Lines, and under them for a person who watches, what is waited for.
struct Screen {
    narrator: Narrator,
    bar: Option<ProgressBar>,
}

impl Screen {
    fn new(stack: &StackName) -> Self {
        let bar = output::is_watched().then(ProgressBar::new_spinner);
        if let Some(bar) = &bar {
            let style = ProgressStyle::with_template("{spinner} {elapsed} {wide_msg}").expect("the template is valid");
            bar.set_style(style);
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        Self { narrator: Narrator::new(stack.clone()), bar }
    }

    fn show(&mut self, progress: &Progress) {
        let lines = self.narrator.say(progress);
        match (&self.bar, progress) {
            (Some(bar), Progress::Waiting { waiting, .. }) => bar.set_message(one_line(&summary(waiting)).into_owned()),
            (Some(bar), _) => lines.iter().for_each(|line| bar.println(visible(line))),
            (None, _) => lines.iter().for_each(|line| output::line(line)),
        }
    }

    fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn summary(waiting: &[crate::health::Waiting]) -> String {
    if waiting.is_empty() {
        return "all tasks run; waiting for them to stay so".into();
    }
    let services = waiting.iter().map(|one| format!("{} {}/{} {}", one.service, one.running, one.wanted, one.what));
    services.collect::<Vec<_>>().join(", ")
}
