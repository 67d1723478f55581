//! `skep deploy`: deploys a folder with the same gate and rollback as a push. The controller rolls it out if there is one;
//! otherwise the command does.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::output::Format;
use super::plan::{Planned, planned};
use super::rolling::{Ended, roll_out};
use super::stack_deploy::StackDeploy;
use super::workspace::{Opened, Workspace, cluster, shaped};
use super::{Common, again, output, terminal};
use crate::config::Settings;
use crate::controller::cluster::{self, Cluster};
use crate::controller::events::EventSender;
use crate::controller::request::{Deployment, placed};
use crate::lint::CheckedStack;
use crate::name::StackName;
use crate::plan::{Color, Fingerprint};
use crate::stack::Stack;

/// `skep deploy`
#[derive(Debug, Args)]
pub(super) struct Deploy {
    #[command(flatten)]
    workspace: Workspace,
    /// Retry files that failed before
    #[arg(long)]
    retry: bool,
    /// Deploy only if the plan still has this fingerprint from `skep plan`; one for each stack
    #[arg(long, value_name = "FINGERPRINT")]
    plan: Vec<Fingerprint>,
    /// Permit removing more than half of a stack's services
    #[arg(long)]
    confirm_removal: bool,
    /// Take over a stack that has no release of skep, or that belongs to a repository
    #[arg(long)]
    adopt: bool,
    /// Have the controller redeploy this stack from its copy of the repository, although nothing was pushed
    #[arg(long, value_name = "STACK", conflicts_with_all = ["target", "files", "stack", "profiles", "plan", "no_wait"])]
    again: Option<StackName>,
    #[command(flatten)]
    unfollowed: StackDeploy,
}

impl Deploy {
    /// Exit code 0: the deployed stacks run; 1: they do not.
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<ExitCode> {
        let settings = common.settings()?;
        if self.unfollowed.no_wait {
            return super::block_on(self.unfollowed.run(&self.workspace, &settings, common));
        }
        if let Some(stack) = &self.again {
            let agreed = [("confirm-removal", self.confirm_removal), ("adopt", self.adopt)];
            let agreed = agreed.into_iter().filter(|(_, given)| *given).map(|(option, _)| option);
            let options: Vec<&str> = std::iter::once("retry").chain(agreed).collect();
            return super::block_on(async { again::deploy(&cluster(&settings)?, stack, &options).await });
        }
        super::block_on(async {
            let settings = shaped(settings).await?;
            let Some(mut opened) = self.workspace.open(&settings).await? else { return Ok(ExitCode::FAILURE) };
            let cluster = cluster(&settings)?;
            let plans = self.agreed(&opened, &settings, &cluster).await?;
            (opened.request.plans, opened.request.options) = (plans, self.options());
            let preparer = self.workspace.preparer(&settings).await?;
            let deployment = Deployment { preparer: &preparer, cluster: &cluster };
            let mut ended = Vec::new();
            let prepare = async |events: &_| prepared(&deployment, &opened, &settings, events).await;
            for (stack, desired) in terminal::shown(prepare).await? {
                let proposal = opened.request.proposal(desired);
                let explain = |error| placed(error, &opened.request, stack).into();
                ended.push(roll_out(&cluster, proposal, explain).await?);
            }
            Ok(report(&ended, common.format))
        })
    }

    /// The given consents, as push options.
    fn options(&self) -> BTreeSet<String> {
        let given = [("retry", self.retry), ("confirm-removal", self.confirm_removal), ("adopt", self.adopt)];
        given.into_iter().filter(|(_, given)| *given).map(|(option, _)| option.to_owned()).collect()
    }

    /// The reviewed plans by stack; an error if one of them is out of date.
    async fn agreed(
        &self,
        opened: &Opened,
        settings: &Settings,
        cluster: &Cluster,
    ) -> anyhow::Result<BTreeMap<StackName, Fingerprint>> {
        let mut agreed = BTreeMap::new();
        if self.plan.is_empty() {
            return Ok(agreed);
        }
        for stack in self.workspace.stacks(opened, settings, &EventSender::nowhere()).await? {
            let now = planned(cluster, &stack, opened, settings).await?;
            self.check(&stack.name, &now)?;
            agreed.insert(stack.name, now.view.fingerprint);
        }
        Ok(agreed)
    }

    /// Checks that the plan for a stack is a reviewed one.
    fn check(&self, stack: &StackName, now: &Planned) -> anyhow::Result<()> {
        if self.plan.contains(&now.view.fingerprint) {
            return Ok(());
        }
        let same_stack = self.plan.iter().find(|plan| plan.is_for_the_same_stack(&now.view.fingerprint));
        let same_swarm = || self.plan.iter().find(|plan| plan.is_of_the_same_swarm(&now.view.fingerprint));
        let nearest = same_stack.or_else(same_swarm).or(self.plan.first());
        let changed = nearest.map(|plan| plan.since(&now.view.fingerprint)).unwrap_or_default();
        output::line(&format!("the plan is now:\n{}", now.to_text(Color::Never)));
        Err(cluster::Error::Stale { stack: stack.clone(), changed }.into())
    }
}

/// Prepares the desired stacks. All checks that need no image are made for all stacks before anything is built.
async fn prepared<'a>(
    deployment: &Deployment<'_>,
    opened: &'a Opened,
    settings: &Settings,
    events: &EventSender,
) -> anyhow::Result<Vec<(&'a CheckedStack, Stack)>> {
    let (request, mut admitted) = (&opened.request, Vec::new());
    for (name, stack) in opened.stacks()? {
        let history = deployment.cluster.history(&name).await?;
        let (notes, events) = (deployment.check(request, &name, stack, &history).await?, events.of_stack(&name));
        events.note(notes);
        admitted.push((name, stack, history));
    }
    let mut prepared = Vec::new();
    for (name, stack, history) in admitted {
        let events = events.of_stack(&name);
        let desired = deployment.prepare(request, &name, stack, &history, &events).await?;
        events.note(settings.assumptions(&desired));
        prepared.push((stack, desired));
    }
    Ok(prepared)
}

/// Prints the outcome as JSON if requested, and returns the exit code.
pub(super) fn report(ended: &[Ended], format: Format) -> ExitCode {
    if format == Format::Json {
        let results: Vec<_> = ended
            .iter()
            .map(|ended| json!({ "stack": ended.stack, "release": ended.release, "result": ended.outcome }))
            .collect();
        output::json(&results);
    }
    if ended.iter().all(|ended| ended.outcome.is_good()) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
