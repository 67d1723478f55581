//! Rolling out a proposal from the command line: following the controller's rounds, or making the same rounds here, with
//! progress on the terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use jiff::SignedDuration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use super::output;
use super::performer::Performer;
use crate::controller::cluster::{self, Accepted, Cluster, Proposal};
use crate::controller::narrate::{self, Narrator};
use crate::controller::progress::{Progress, ProgressSender};
use crate::controller::rollout::Next;
use crate::name::StackName;
use crate::release::{Outcome, ReleaseId};
use crate::stack::Nanos;
use crate::text::{one_line, visible};

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
    for note in &proposed.notes {
        output::line(&format!("note: {note}"));
    }
    let (release, outcome) = match proposed.accepted {
        Accepted::Unchanged(release) => (Some(release), Outcome::Unchanged),
        Accepted::Rolling(release) => {
            output::line(&format!("{stack} {release} rolls out"));
            (Some(release), follow(cluster, &mut performer, &stack, release, deadline).await?)
        }
    };
    output::line(&narrate::verdict(&stack, release, &outcome, &urls));
    Ok(Ended { stack, release, outcome })
}

/// Follows a release until it has ended. Errors are shown and retried, until the swarm could not be observed for the
/// length of the deadline.
pub(super) async fn follow(
    cluster: &Cluster,
    performer: &mut Performer,
    stack: &StackName,
    release: ReleaseId,
    deadline: Nanos,
) -> anyhow::Result<Outcome> {
    let (sender, mut told) = mpsc::channel(256);
    let progress = ProgressSender::new(vec![sender]);
    let (mut rounds, mut screen) = (performer.rounds(stack, release), Screen::new(stack));
    for change in performer.take_ahead() {
        screen.show(&Progress::Change { release, change });
    }
    let (mut seen, mut interrupt) = (cluster.clock.now(), Interrupt::new()?);
    loop {
        // A round may be cancelled anywhere: its effects are recorded, or repeated by the next round.
        let attempt = tokio::select! {
            attempt = rounds.attempt(&progress) => attempt,
            () = interrupt.comes() => return Err(screen.cut_off(performer, release)),
        };
        while let Ok(progress) = told.try_recv() {
            screen.show(&progress);
        }
        if let Some(history) = &attempt.history {
            seen = cluster.clock.now();
            if let Some(outcome) = history.outcome(release) {
                screen.end(release, &outcome);
                return Ok(outcome);
            }
        } else if cluster.clock.now().duration_since(seen) >= SignedDuration::from_nanos(deadline.0) {
            screen.clear();
            let trouble = rounds.trouble().unwrap_or_default();
            anyhow::bail!(
                "{stack} {release} could not be observed for {deadline}: {trouble}; it is recorded, and continues with the \
                 next `skep serve` or `skep deploy`"
            );
        }
        if performer.takes_over().await {
            rounds = performer.rounds(stack, release);
        }
        tokio::select! {
            () = cluster.clock.wait(if attempt.next == Next::Rest { LOOK } else { attempt.pause }) => {}
            () = interrupt.comes() => return Err(screen.cut_off(performer, release)),
        }
    }
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

/// Lines of progress and, on a terminal, a status line below them.
struct Screen {
    stack: StackName,
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
        Self { stack: stack.clone(), narrator: Narrator::new(stack.clone()), bar }
    }

    fn show(&mut self, progress: &Progress) {
        let lines = self.narrator.say(progress);
        match (&self.bar, progress) {
            (Some(bar), Progress::Waiting { waiting, .. }) => bar.set_message(one_line(&summary(waiting)).into_owned()),
            (Some(bar), _) => lines.iter().for_each(|line| bar.println(visible(line))),
            (None, _) => lines.iter().for_each(|line| output::line(line)),
        }
    }

    /// The end, with what nobody told of it yet.
    fn end(&self, release: ReleaseId, outcome: &Outcome) {
        self.clear();
        self.narrator.untold(release, outcome).iter().for_each(|line| output::line(line));
    }

    /// What somebody reads who ends a command while a release rolls out.
    fn cut_off(&self, performer: &Performer, release: ReleaseId) -> anyhow::Error {
        self.clear();
        let stack = &self.stack;
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

    fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn summary(waiting: &[crate::health::Waiting]) -> String {
    if waiting.is_empty() {
        return "all tasks run; waiting to see whether they stay up".into();
    }
    let services = waiting.iter().map(|one| format!("{} {}/{} {}", one.service, one.running, one.wanted, one.what));
    services.collect::<Vec<_>>().join(", ")
}
