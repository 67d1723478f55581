//! `skep heal`: undoes manual changes once, including those to contested fields.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::output::Format;
use super::performer::{Performer, unexpected};
use super::workspace::cluster;
use super::{Common, output};
use crate::controller::cluster::Cluster;
use crate::name::StackName;
use crate::plan::Plan;
use crate::release::{Answer, Command, Healed};
use crate::text::visible;

/// `skep heal`
#[derive(Debug, Args)]
pub(super) struct Heal {
    /// The stack
    stack: StackName,
}

impl Heal {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<ExitCode> {
        let settings = common.settings()?;
        super::block_on(async {
            let cluster = cluster(&settings)?;
            let healed = self.heal(&cluster).await?;
            match common.format {
                Format::Json => {
                    output::json(&json!({ "stack": self.stack, "healed": healed.done, "left": healed.left }));
                }
                Format::Human => self.tell(&healed, common),
            }
            let is_whole = healed.left.is_empty() && healed.left.notes.is_empty();
            Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        })
    }

    async fn heal(&self, cluster: &Cluster) -> anyhow::Result<Healed> {
        let stack = &self.stack;
        match Performer::of(cluster).await?.carry_out(Command::Heal { stack: stack.clone() }).await? {
            Answer::Healed { healed: Some(healed) } => return Ok(healed),
            Answer::Healed { healed: None } => {}
            _ => return Err(unexpected()),
        }
        anyhow::ensure!(
            cluster.history(stack).await?.last().is_some(),
            "skep has no record of a stack `{stack}`; `skep status` lists those it has"
        );
        anyhow::bail!(
            "the last release of `{stack}` is rolling out or failed, so it cannot be healed; see `skep status {stack}`"
        )
    }

    fn tell(&self, healed: &Healed, common: &Common) {
        let shown =
            |plan: &Plan| plan.changes.iter().map(|change| change.to_text(common.color.resolve())).collect::<Vec<_>>();
        let notes = &healed.left.notes;
        if healed.done.is_empty() && healed.left.is_empty() && notes.is_empty() {
            return output::line(&format!("{} is already as its release says", self.stack));
        }
        if !healed.done.is_empty() {
            output::result(&shown(&healed.done).join("\n"));
        }
        for note in notes {
            output::line(&format!("note: {}", visible(note)));
        }
        for trouble in &healed.trouble {
            output::line(&format!("  {trouble}"));
        }
        if healed.left.is_empty() && !notes.is_empty() {
            output::line(&format!("{} differs from its release in properties that cannot be changed", self.stack));
        } else if healed.left.is_empty() {
            output::line(&format!("{} is as its release says again", self.stack));
        } else {
            output::line(&format!("{} still differs; `skep heal {}` tries again", self.stack, self.stack));
        }
    }
}
