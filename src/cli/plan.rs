//! `skep plan`: what a deploy would change.

use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::output::Format;
use super::workspace::{self, Opened, Workspace, shaped};
use super::{Common, output, terminal};
use crate::config::Settings;
use crate::controller::cluster::{self, Cluster};
use crate::diagnostic::{Diagnostic, Spot};
use crate::plan::{Color, Fingerprint};
use crate::preflight::{Agreement, Consent};
use crate::stack::Stack;
use crate::view::PlanView;

/// `skep plan`
#[derive(Debug, Args)]
pub(super) struct Plan {
    #[command(flatten)]
    workspace: Workspace,
}

/// The exit code if the plan has changes.
const CHANGES: u8 = 2;

/// The plan for one stack, with its obstacles.
#[derive(Debug, Serialize)]
pub(super) struct Planned {
    #[serde(flatten)]
    pub(super) view: PlanView,
    /// The obstacles with their places in the file.
    #[serde(skip)]
    refusals: Vec<Diagnostic<Option<Spot>>>,
}

impl Plan {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<ExitCode> {
        let settings = common.settings()?;
        super::block_on(async {
            let settings = shaped(settings).await?;
            let Some(opened) = self.workspace.open(&settings).await? else { return Ok(ExitCode::FAILURE) };
            let cluster = workspace::cluster(&settings)?;
            let mut plans = Vec::new();
            let stacks = async |events: &_| self.workspace.stacks(&opened, &settings, events).await;
            for stack in terminal::shown(stacks).await? {
                plans.push(planned(&cluster, &stack, &opened, &settings).await?);
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
            let changes = plans.iter().any(|planned| !planned.view.plan.is_empty());
            Ok(if changes { ExitCode::from(CHANGES) } else { ExitCode::SUCCESS })
        })
    }
}

/// Plans a deploy of the stack.
pub(super) async fn planned(
    cluster: &Cluster,
    stack: &Stack,
    opened: &Opened,
    settings: &Settings,
) -> anyhow::Result<Planned> {
    let history = cluster.history(&stack.name).await?;
    let observed = cluster.swarm.observe(&stack.name).await?;
    let (plan, found) = cluster.preflight(stack, &history, &observed).await;
    let fingerprint = Fingerprint::of(stack, &observed, &plan);
    // The removal of most services is only a question of consent.
    let obstacles = found.refusals(Consent { removal: true, ..Consent::default() });
    let refusals = opened.placed(&stack.name, obstacles.clone());
    let agreed = found.conditions.into_iter().filter_map(|(agreement, it)| Some((option(agreement)?, it.message)));
    let agreed = agreed.map(|(option, message)| format!("{message}; `skep deploy` needs `{option}`"));
    let admitted = cluster.admit(&opened.request.candidate(&stack.name), &history).await;
    let admitted = match admitted {
        Ok(admission) => admission.note,
        Err(cluster::Error::Refused(refusal)) => Some(refusal.to_string()),
        Err(error) => return Err(error.into()),
    };
    let mut notes: Vec<String> = found.notes.into_iter().chain(agreed).chain(admitted).collect();
    notes.extend(settings.assumptions(stack));
    notes.extend(opened.out_of_bounds(cluster, stack, settings).await?);
    let view = PlanView { stack: stack.name.clone(), fingerprint, plan, obstacles, notes };
    Ok(Planned { view, refusals })
}

/// The option that gives consent on the command line, if there is one.
fn option(agreement: Agreement) -> Option<&'static str> {
    match agreement {
        Agreement::Removal => Some("--confirm-removal"),
        Agreement::Recreation | Agreement::Unchecked => None,
    }
}

impl Planned {
    pub(super) fn to_text(&self, color: Color) -> String {
        let PlanView { stack, fingerprint, plan, notes, .. } = &self.view;
        let mut text = format!("stack {stack}\n{}", plan.to_text(color));
        for note in notes {
            text = format!("{text}\nnote: {note}");
        }
        for refusal in &self.refusals {
            text = format!("{text}\nrefused: {refusal}");
        }
        if plan.is_empty() || !self.refusals.is_empty() {
            return text;
        }
        format!("{text}\nplan {fingerprint}")
    }
}
