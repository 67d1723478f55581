//! `skep remove`: removes a stack except its data, in order, and waits until it is gone.

use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use serde_json::json;

use super::output::Format;
use super::performer::{Performer, unexpected};
use super::rolling::follow;
use super::workspace::cluster;
use super::{Common, output};
use crate::controller::cluster::Cluster;
use crate::event;
use crate::name::{Repository, StackName};
use crate::plan::observed::Observed;
use crate::plan::{Plan, Removable};
use crate::release::{Answer, Cause, Command, History, Outcome};
use crate::stack::Stack;

/// `skep remove`
#[derive(Debug, Args)]
pub(super) struct Remove {
    /// The stack
    stack: StackName,
    /// Do not ask for confirmation
    #[arg(long, short)]
    yes: bool,
    /// Keep the records of the stack's releases
    #[arg(long)]
    keep_history: bool,
    /// Also remove objects that skep did not create: everything with the stack's label
    #[arg(long)]
    foreign: bool,
}

/// The outcome of a removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Ended {
    /// The stack is removed.
    Removed,
    /// There was nothing to remove.
    Nothing,
    /// Part of the stack is left.
    Left,
}

impl Remove {
    /// Exit code 0: nothing of the stack is left; 1: something is, or an error occurred.
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<ExitCode> {
        let settings = common.settings()?;
        super::block_on(async {
            let cluster = cluster(&settings)?;
            let (history, observed) = (cluster.history(&self.stack).await?, cluster.swarm.observe(&self.stack).await?);
            let plan = self.plan(&history, &observed);
            let ended = self.remove(&cluster, &history, &observed, &plan, common).await?;
            if common.format == Format::Json {
                output::json(&json!({ "stack": self.stack, "result": ended, "plan": plan }));
            }
            Ok(if ended == Ended::Left { ExitCode::FAILURE } else { ExitCode::SUCCESS })
        })
    }

    /// The plan for the removal.
    fn plan(&self, history: &History, observed: &Observed) -> Plan {
        let removable = Removable {
            everything: self.foreign,
            kept_files: std::collections::BTreeSet::new(),
            ..history.removable()
        };
        Plan::between(&Stack::empty(self.stack.clone()), observed, &removable)
    }

    async fn remove(
        &self,
        cluster: &Cluster,
        history: &History,
        observed: &Observed,
        plan: &Plan,
        common: &Common,
    ) -> anyhow::Result<Ended> {
        let stack = &self.stack;
        if history.last().is_none() {
            if is_nothing(observed) {
                output::line(&format!("there is no stack `{stack}`: nothing to remove"));
                return Ok(Ended::Nothing);
            }
            if !self.foreign {
                anyhow::bail!(
                    "skep has no record of the stack `{stack}`, and removes only stacks that it deployed; use `--foreign` to remove it anyway"
                );
            }
        }
        self.show(observed, plan, common);
        if !(self.yes || output::confirmed(&format!("remove the stack {}?", self.stack))?) {
            output::line("nothing was changed");
            return Ok(Ended::Left);
        }
        if plan.is_empty() && is_removed(history) && self.keep_history {
            output::line(&format!("{stack} is removed already"));
            return Ok(Ended::Nothing);
        }
        if plan.is_empty() && is_removed(history) {
            Performer::of(cluster).await?.carry_out(Command::Forget { stack: stack.clone(), kept: None }).await?;
            output::line(&format!("{stack} is removed, and so are its records"));
            return Ok(Ended::Removed);
        }
        self.carry_out(cluster, history).await
    }

    /// Records the removal first, so that no controller restores the stack, and removes the records last.
    async fn carry_out(&self, cluster: &Cluster, history: &History) -> anyhow::Result<Ended> {
        let stack = &self.stack;
        let mut performer = Performer::of(cluster).await?;
        let command = Command::Remove { stack: stack.clone(), everything: self.foreign };
        let Answer::Removing { release } = performer.carry_out(command).await? else { return Err(unexpected()) };
        let retired = cluster.history(stack).await?;
        let settings = retired.get(release).and_then(|it| it.desired.as_ref()).map(|it| it.settings.clone());
        match follow(cluster, &mut performer, stack, release, settings.unwrap_or_default().deadline).await? {
            Outcome::Promoted => {}
            Outcome::Halted { .. } => {
                output::line(&format!("{stack} is not completely removed; run `skep remove {stack}` again"));
                return Ok(Ended::Left);
            }
            outcome => anyhow::bail!("{}", event::verdict(stack, Some(release), &outcome, &[])),
        }
        if self.keep_history {
            output::line(&format!("{stack} is removed; the records of its releases are kept (`skep history {stack}`)"));
        } else if let Some(repository) = watched(history) {
            performer.carry_out(Command::Forget { stack: stack.clone(), kept: Some(release) }).await?;
            output::line(&format!(
                "{stack} is removed; the record {release} is kept, so that it is not deployed again from {repository} until \
                 something new is pushed there; `skep remove {stack}` again removes the record"
            ));
        } else {
            performer.carry_out(Command::Forget { stack: stack.clone(), kept: None }).await?;
            output::line(&format!("{stack} is removed"));
        }
        Ok(Ended::Removed)
    }

    fn show(&self, observed: &Observed, plan: &Plan, common: &Common) {
        if common.format == Format::Json {
            return;
        }
        let color = common.color.resolve();
        let mut lines = vec![format!("stack {}", self.stack)];
        lines.extend(plan.changes.iter().map(|change| change.to_text(color)));
        let goes = plan.removed_services();
        let stays = observed.services.keys().filter(|name| !goes.contains(name));
        lines.extend(stays.map(|name| {
            format!("note: service {name} is kept, because skep did not create it; `--foreign` removes it as well")
        }));
        lines.push("volumes, folders and external objects are kept".into());
        output::result(&lines.join("\n"));
    }
}

fn is_nothing(observed: &Observed) -> bool {
    observed.services.is_empty()
        && observed.networks.is_empty()
        && observed.configs.is_empty()
        && observed.secrets.is_empty()
        && observed.leaving.is_empty()
}

/// Whether nothing is left of a stack but the record of its removal.
fn is_removed(history: &History) -> bool {
    let last = history.last();
    last.is_some_and(|last| matches!(last.cause, Cause::Remove { .. }) && last.phase.is_promoted())
}

/// The watched repository that the stack came from, if any.
fn watched(history: &History) -> Option<&Repository> {
    let found = |cause: &Cause| matches!(cause, Cause::Push | Cause::Poll | Cause::Webhook);
    let last = history.releases().iter().rev().find(|release| found(&release.cause))?;
    last.cause.is_found().then_some(&last.origin.repository)
}
