//! Commands of people: carried out here, or by the command line where there is no controller.

use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;

use super::Controller;
use super::cluster::{Cluster, Error};
use super::supervise::caught;
use crate::lease::Lease;
use crate::release::{Answer, Command};
use crate::store::{Age, Progress, Submitted};

/// How many commands are carried out at once.
const AT_ONCE: usize = 8;

impl Cluster {
    /// Carries out a command. A rollout that it starts is recorded, and not waited for.
    pub async fn carry_out(&self, lease: &Lease, command: Command) -> Result<Answer, Error> {
        match command {
            Command::Propose(proposal) => Ok(Answer::Proposed(self.propose(lease, *proposal).await?)),
            Command::Remove { stack, everything } => {
                Ok(Answer::Removing { release: self.retire(lease, &stack, everything).await? })
            }
            Command::Forget { stack, kept } => {
                self.store.forget(lease, &stack, kept).await?;
                Ok(Answer::Forgotten)
            }
            Command::Heal { stack } => Ok(Answer::Healed { healed: self.heal(lease, &stack).await? }),
        }
    }
}

impl Controller {
    /// Carries out the commands that wait in the swarm, and removes those whose answers nobody reads.
    pub(super) async fn take_commands(&self) {
        let commands = match self.deployer.cluster.store.commands().await {
            Ok(commands) => commands,
            Err(error) => return tracing::warn!(%error, "the commands that were submitted cannot be read"),
        };
        let now = self.deployer.cluster.clock.now();
        let (controller, due) = (self.clone(), commands.into_iter().filter(move |command| is_due(command, now)));
        let work = stream::iter(due).for_each_concurrent(AT_ONCE, move |command| controller.clone().execute(command));
        drop(self.supervisor().spawn(work));
    }

    async fn execute(self, submitted: Submitted) {
        let (store, lease) = (&self.deployer.cluster.store, &self.deployer.lease);
        let (id, age) = (submitted.id().to_owned(), submitted.age(self.deployer.cluster.clock.now()));
        if age == Age::Forgotten {
            return report(store.withdraw(&id).await.err().map(Error::from));
        }
        match store.advance(lease, submitted.clone(), &Progress::Taken).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => return report(Some(error.into())),
        }
        let answer = match store.command(&submitted) {
            _ if age == Age::Late => refused("nobody waited for it any more when a controller could carry it out"),
            Err(why) => {
                refused(format!("the controller does not understand this command: {why}; update skep there or here"))
            }
            Ok(command) => self.answer(command).await,
        };
        let answered = Progress::Answered { answer: Box::new(answer) };
        match store.submitted(&id).await {
            // The person who asked is gone: the history of the stack shows the result.
            Ok(None) => {}
            Ok(Some(taken)) => report(store.advance(lease, taken, &answered).await.err().map(Error::from)),
            Err(error) => report(Some(error.into())),
        }
    }

    async fn answer(&self, command: Command) -> Answer {
        let stack = command.stack().clone();
        tracing::info!(%stack, kind = command.kind(), "a command is carried out");
        let carried_out = self.deployer.cluster.carry_out(&self.deployer.lease, command);
        let answer = match caught(Box::pin(carried_out)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => refused(error.to_string()),
            Err(panic) => refused(format!("skep itself failed at this command: {panic}")),
        };
        self.deployer.workers.wake(&stack);
        answer
    }
}

fn report(error: Option<Error>) {
    if let Some(error) = error {
        tracing::warn!(%error, "a command that was submitted is not answered");
    }
}

/// Whether a command has to be handled now. An accepted command is carried out by the controller that accepted it: if
/// that controller is gone, the submitter notices it.
fn is_due(command: &Submitted, now: Timestamp) -> bool {
    command.progress == Progress::Waiting || command.age(now) == Age::Forgotten
}

fn refused(why: impl Into<String>) -> Answer {
    Answer::Refused { why: why.into() }
}
