//! Carries out the command of a person: through the controller if there is one, whose progress is followed; otherwise in
//! this process.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::output;
use super::rolling::Interrupt;
use crate::controller::cluster::{self, Cluster, Considered, Proposal, Proposed};
use crate::controller::events::EventSender;
use crate::controller::registration::present;
use crate::controller::rollout::{Attempt, Onlooker, Rollout};
use crate::event::What;
use crate::lease::Lease;
use crate::name::StackName;
use crate::plan::Change;
use crate::release::{Answer, Command, Instance, ReleaseId};
use crate::store::Progress;
use crate::time;

/// How often the answer of a controller is checked for.
const LOOK: Duration = Duration::from_millis(250);
/// How long a controller may take to read a command.
const PATIENCE: SignedDuration = SignedDuration::from_secs(15);
/// How often to check whether the controller is still alive.
const PRESENCE: SignedDuration = SignedDuration::from_secs(5);

/// Carries out commands.
pub(super) struct Performer {
    cluster: Cluster,
    place: Place,
    /// When the controller was last checked.
    looked: Timestamp,
    /// The changes that the controller is about to make, possibly between two observations.
    ahead: Vec<Change>,
}

enum Place {
    Controller(Box<Instance>),
    Here(Lease),
}

/// The rounds of one stack, made here or by the controller.
pub(super) enum Rounds {
    Made(Box<Rollout>),
    Seen(Box<Onlooker>),
}

impl Performer {
    /// The controller of the swarm, if there is one that may be alive.
    pub(super) async fn of(cluster: &Cluster) -> Result<Self, cluster::Error> {
        let place = match present(cluster).await? {
            Some(controller) => Place::Controller(Box::new(controller)),
            None => Place::Here(Lease::of_command()),
        };
        Ok(Self { cluster: cluster.clone(), place, looked: cluster.clock.now(), ahead: Vec::new() })
    }

    /// Whether a controller carries out the command.
    pub(super) fn is_controller(&self) -> bool {
        matches!(self.place, Place::Controller(_))
    }

    /// Proposes a release. `explain` turns errors of the swarm and of the preflight into errors for people.
    pub(super) async fn propose(
        &mut self,
        proposal: Proposal,
        explain: impl Fn(cluster::Error) -> anyhow::Error,
    ) -> anyhow::Result<Proposed> {
        if let Place::Here(lease) = &self.place {
            return self.cluster.propose(lease, proposal).await.map_err(explain);
        }
        let observed = match self.cluster.consider(&proposal).await.map_err(&explain)? {
            Considered::Settled(accepted) => return Ok(Proposed { accepted, notes: Vec::new() }),
            Considered::New(prospect) => {
                self.ahead = prospect.changes;
                prospect.observed
            }
        };
        self.cluster.swarm.offer_secrets(&proposal.desired, &observed).await?;
        match self.carry_out(Command::Propose(Box::new(proposal))).await? {
            Answer::Proposed(proposed) => Ok(proposed),
            _ => Err(unexpected()),
        }
    }

    /// Carries out a command; an error if it is refused.
    pub(super) async fn carry_out(&mut self, command: Command) -> anyhow::Result<Answer> {
        if let Place::Controller(controller) = &self.place {
            match self.submit(&command).await? {
                Some(Answer::Refused { why }) => anyhow::bail!("{why}"),
                Some(answer) => return Ok(answer),
                None => {
                    output::line(&format!(
                        "note: the controller ({controller}) does not answer; skep does it from here; its log says what it does: \
                         `docker service logs skep_skep`"
                    ));
                    self.place = Place::Here(Lease::of_command());
                }
            }
        }
        let Place::Here(lease) = &self.place else { return Err(unexpected()) };
        Ok(self.cluster.carry_out(lease, command).await?)
    }

    /// The rounds of a stack, to follow this release.
    pub(super) fn rounds(&self, stack: &StackName, release: ReleaseId) -> Rounds {
        // A person who may run commands can connect to every address anyway.
        let prober = self.cluster.prober.clone().unbarred();
        let cluster = Cluster { prober, ..self.cluster.clone() };
        match &self.place {
            Place::Controller(_) => Rounds::Seen(Box::new(Onlooker::new(cluster, stack.clone(), release))),
            Place::Here(lease) => Rounds::Made(Box::new(Rollout::new(cluster, lease.clone(), stack.clone()))),
        }
    }

    /// The changes that the controller is about to make.
    pub(super) fn take_ahead(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.ahead)
    }

    /// Whether the controller has gone since the last call: then the rounds are made here. Checks at intervals.
    pub(super) async fn takes_over(&mut self, events: &EventSender) -> bool {
        let now = self.cluster.clock.now();
        if !self.is_controller() || now.duration_since(self.looked) < PRESENCE {
            return false;
        }
        self.looked = now;
        if !matches!(present(&self.cluster).await, Ok(None)) {
            return false;
        }
        events.send(What::Noted { note: "the controller is gone; skep goes on from here".into() });
        self.place = Place::Here(Lease::of_command());
        true
    }

    /// Submits a command, and waits for the answer; `None` if no controller carries it out.
    async fn submit(&self, command: &Command) -> anyhow::Result<Option<Answer>> {
        let mut interrupt = Interrupt::new()?;
        let id = self.cluster.store.submit(command, self.cluster.clock.now()).await?;
        let answer = tokio::select! {
            answer = self.answer(&id) => answer,
            () = interrupt.comes() => Err(anyhow::anyhow!("interrupted; `skep status` tells whether the controller did it already")),
        };
        if let Err(error) = self.cluster.store.withdraw(&id).await {
            output::line(&format!(
                "note: the command stays in the swarm, and the controller removes it later: {error}"
            ));
        }
        answer
    }

    async fn answer(&self, id: &str) -> anyhow::Result<Option<Answer>> {
        let clock = &self.cluster.clock;
        let (until, mut looked) = (time::after(clock.now(), PATIENCE), clock.now());
        loop {
            match self.cluster.store.submitted(id).await.map(|found| found.map(|command| command.progress)) {
                Ok(Some(Progress::Answered { answer })) => return Ok(Some(*answer)),
                Ok(Some(Progress::Waiting)) if clock.now() >= until => return Ok(None),
                Ok(Some(Progress::Taken)) if clock.now().duration_since(looked) >= PRESENCE => {
                    looked = clock.now();
                    if matches!(present(&self.cluster).await, Ok(None)) {
                        return Ok(None);
                    }
                }
                Ok(Some(_)) => {}
                Ok(None) => {
                    anyhow::bail!("somebody removed the command from the swarm before it was answered; try again")
                }
                Err(error) if error.is_transient() && clock.now() < until => {}
                Err(error) => return Err(error.into()),
            }
            clock.wait(LOOK).await;
        }
    }
}

impl Rounds {
    /// Makes a round, or observes one.
    pub(super) async fn attempt(&mut self, events: &EventSender) -> Attempt {
        match self {
            Self::Made(rollout) => rollout.attempt(events).await,
            Self::Seen(onlooker) => onlooker.attempt(events).await,
        }
    }

    /// The last failure.
    pub(super) fn trouble(&self) -> Option<&str> {
        match self {
            Self::Made(rollout) => rollout.trouble(),
            Self::Seen(onlooker) => onlooker.trouble(),
        }
    }
}

/// The error for an answer to another kind of command.
pub(super) fn unexpected() -> anyhow::Error {
    anyhow::anyhow!("the controller answers in a way that this skep does not understand; update skep there or here")
}
