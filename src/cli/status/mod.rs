//! `skep status`: what runs, what was last tried, and what differs; a line a stack, or one stack in detail.

mod commits;
mod overview;
mod report;

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;

use super::output::Format;
use super::workspace::cluster;
use super::{Common, output};
use crate::controller::cluster::Cluster;
use crate::name::StackName;
use crate::plan::Color;
use crate::release::{Intent, Phase};
use crate::text::escaped_json;
use commits::Pending;
use report::Report;

/// How many of the last lines of a task that failed are shown.
const LOG_LINES: usize = 12;
/// How long a watcher waits between two looks.
const LOOK: Duration = Duration::from_secs(2);

/// `skep status`
#[derive(Debug, Args)]
pub(super) struct Status {
    /// The stack, in detail; a line for each of them when left out
    stack: Option<StackName>,
    /// Look again every two seconds, until it is interrupted
    #[arg(long, short)]
    watch: bool,
}

impl Status {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<ExitCode> {
        let settings = common.settings()?;
        super::block_on(async {
            let cluster = cluster(&settings)?;
            if self.watch {
                self.watched(&cluster, common).await?;
            } else {
                let (reports, commits) = self.reports(&cluster).await?;
                match common.format {
                    Format::Human if reports.is_empty() && commits.is_empty() => output::line("no stack runs here"),
                    _ => output::result(&self.shown(&reports, &commits, cluster.clock.now(), common)),
                }
            }
            Ok(ExitCode::SUCCESS)
        })
    }

    /// Shows it again and again: in the same place on a terminal, otherwise whenever something else is to be said.
    async fn watched(&self, cluster: &Cluster, common: &Common) -> anyhow::Result<()> {
        let (in_place, mut last) = (output::is_a_terminal(), String::new());
        loop {
            let shown = match self.reports(cluster).await {
                Ok((reports, commits)) => self.shown(&reports, &commits, cluster.clock.now(), common),
                Err(error) if last.is_empty() => return Err(error),
                Err(error) => format!("error: {error:#}"),
            };
            let write = if in_place { output::screen } else { output::piece };
            if (in_place || shown != last) && !write(&format!("{shown}\n")) {
                return Ok(());
            }
            last = shown;
            cluster.clock.wait(LOOK).await;
        }
    }

    fn shown(&self, reports: &[Report], commits: &[Intent], now: Timestamp, common: &Common) -> String {
        let color = common.color.resolve();
        match common.format {
            Format::Json if self.watch => {
                escaped_json(&serde_json::to_string(reports).expect("reports are plain data"))
            }
            Format::Json => escaped_json(&serde_json::to_string_pretty(reports).expect("reports are plain data")),
            Format::Human if self.stack.is_some() => in_detail(reports, color),
            Format::Human => overview::of(reports, commits, now, color),
        }
    }

    /// The stacks, and the commits that are to run or did not come to.
    async fn reports(&self, cluster: &Cluster) -> anyhow::Result<(Vec<Report>, Vec<Intent>)> {
        let mut recorded = cluster.store.stacks().await?;
        let intents = cluster.store.intents().await?.intents;
        let mut observed = if let Some(stack) = &self.stack {
            BTreeMap::from([(stack.clone(), Ok(cluster.swarm.observe(stack).await?))])
        } else {
            let overview = cluster.swarm.overview().await?;
            let names: BTreeSet<&StackName> = overview.stacks().chain(recorded.keys()).collect();
            names.into_iter().map(|name| (name.clone(), overview.stack(name))).collect()
        };
        if let Some(stack) = &self.stack
            && !recorded.contains_key(stack)
            && observed[stack].as_ref().is_ok_and(|observed| observed.services.is_empty())
        {
            anyhow::bail!("there is no stack `{stack}`");
        }
        let names: Vec<StackName> = observed.keys().cloned().collect();
        let report = |name: StackName| {
            let records = recorded.remove(&name).unwrap_or_default();
            Some(match observed.remove(&name)? {
                Ok(observed) => Report::of(name, records, &observed),
                Err(error) => Report::unreadable(name, records, &error),
            })
        };
        let mut reports: Vec<Report> = names.into_iter().filter_map(report).collect();
        if self.stack.is_some() {
            for report in &mut reports {
                add_logs(report, cluster).await;
            }
        }
        let news: Vec<Intent> = intents.into_values().filter(|intent| commits::is_news(intent, &reports)).collect();
        for report in &mut reports {
            report.pending = commits::of(report, &news).map(Pending::from);
        }
        Ok((reports, news))
    }
}

/// Adds the last lines of the tasks that a release failed of, as far as Swarm still has them: no record holds them.
async fn add_logs(report: &mut Report, cluster: &Cluster) {
    let Some(Phase::Failed { symptoms, .. }) = &mut report.phase else { return };
    for symptom in symptoms {
        if let Some(task) = &symptom.task {
            symptom.log = cluster.swarm.logs(task, LOG_LINES).await.unwrap_or_default();
        }
    }
}

fn in_detail(reports: &[Report], color: Color) -> String {
    reports.iter().map(|report| report.to_text(color)).collect::<Vec<_>>().join("\n\n")
}
