//! `skep plan`: what a deploy would change.

use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::output::Format;
use super::workspace::{Opened, Workspace, cluster};
use super::{Common, output};
use crate::controller::cluster::Cluster;
use crate::name::StackName;
use crate::plan::observed::Observed;
use crate::plan::{self, Color, Fingerprint};
use crate::preflight::{Preflight, great_removal, interruptions};
use crate::stack::Stack;

/// `skep plan`
#[derive(Debug, Args)]
pub(super) struct Plan {
    #[command(flatten)]
    workspace: Workspace,
}

/// The exit code when there is something to change.
const CHANGES: u8 = 2;

/// What a deploy of one stack would change.
#[derive(Debug, Serialize)]
pub(super) struct Planned {
    stack: StackName,
    /// Binds a deploy to just this plan.
    pub(super) fingerprint: Fingerprint,
    pub(super) plan: plan::Plan,
    /// What a deploy would be refused for, and what it would note.
    #[serde(flatten)]
    preflight: Preflight,
    #[serde(skip)]
    refusals: Vec<String>,
}

impl Plan {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<ExitCode> {
        let settings = common.settings()?;
        super::block_on(async {
            let Some(opened) = self.workspace.open(&settings).await? else { return Ok(ExitCode::FAILURE) };
            let cluster = cluster(&settings)?;
            let mut plans = Vec::new();
            for stack in self.workspace.stacks(&opened, &settings).await? {
                plans.push(planned(&cluster, &stack, &opened).await?);
            }
            match common.format {
                Format::Json => output::json(&plans),
                Format::Human => {
                    let color = common.color.resolve();
                    for planned in &plans {
                        output::result(&planned.to_text(color));
                    }
                }
            }
            if plans.iter().any(|planned| !planned.refusals.is_empty()) {
                return Ok(ExitCode::FAILURE);
            }
            let changes = plans.iter().any(|planned| !planned.plan.is_empty());
            Ok(if changes { ExitCode::from(CHANGES) } else { ExitCode::SUCCESS })
        })
    }
}

/// What a deploy of this stack would change now.
pub(super) async fn planned(cluster: &Cluster, stack: &Stack, opened: &Opened) -> anyhow::Result<Planned> {
    let history = cluster.history(&stack.name).await?;
    let observed = cluster.swarm.observe(&stack.name).await?;
    let plan = plan::Plan::between(stack, &observed, &history.removable_of(&observed));
    let fingerprint = Fingerprint::of(stack, &observed, &plan);
    let mut preflight =
        if plan.is_empty() { Preflight::default() } else { ahead(cluster, stack, &observed, &plan).await };
    let refusals = opened.places(&stack.name, &preflight.obstacles);
    let removal = great_removal(&observed, &plan);
    preflight.notes.extend(removal.map(|what| format!("{what}; only `skep deploy --confirm-removal` does that")));
    Ok(Planned { stack: stack.name.clone(), fingerprint, plan, preflight, refusals })
}

async fn ahead(cluster: &Cluster, stack: &Stack, observed: &Observed, plan: &plan::Plan) -> Preflight {
    let mut found = cluster.look_ahead(stack, observed, plan).await;
    found.obstacles.extend(interruptions(stack, plan));
    found
}

impl Planned {
    pub(super) fn to_text(&self, color: Color) -> String {
        let mut text = format!("stack {}\n{}", self.stack, self.plan.to_text(color));
        for note in &self.preflight.notes {
            text = format!("{text}\nnote: {note}");
        }
        for refusal in &self.refusals {
            text = format!("{text}\nrefused: {refusal}");
        }
        if self.plan.is_empty() || !self.refusals.is_empty() {
            return text;
        }
        format!("{text}\nplan {}", self.fingerprint)
    }
}
