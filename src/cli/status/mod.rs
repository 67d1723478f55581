//! `skep status`: running releases, last attempts and drift; a line for each stack, or one stack in detail.

mod detail;
mod overview;
pub(super) mod repositories;

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::output::Format;
use super::workspace::{cluster, no_stack};
use super::{Common, output};
use crate::controller::cluster::Cluster;
use crate::name::StackName;
use crate::plan::Color;
use crate::release::{History, Phase, Upstream};
use crate::store::{Damaged, Records};
use crate::text::escaped_json;
use crate::view::{Overview, StackView};

/// The number of last lines shown of a failed task.
const LOG_LINES: usize = 12;
/// The refresh interval of `--watch`.
const LOOK: Duration = Duration::from_secs(2);

/// `skep status`
#[derive(Debug, Args)]
pub(super) struct Status {
    /// The stack to show in detail [default: a line for each stack]
    stack: Option<StackName>,
    /// Refresh every two seconds, until interrupted
    #[arg(long, short)]
    watch: bool,
    /// Show the watched repositories with all their problems
    #[arg(long, conflicts_with = "stack")]
    repositories: bool,
}

impl Status {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<ExitCode> {
        let settings = common.settings()?;
        super::block_on(async {
            let cluster = cluster(&settings)?;
            if self.watch {
                self.watched(&cluster, common).await?;
            } else {
                let seen = self.seen(&cluster).await?;
                match (common.format, self.nothing(&seen)) {
                    (Format::Human, Some(nothing)) => output::line(nothing),
                    _ => output::result(&self.shown(&seen, cluster.clock.now(), common)),
                }
            }
            Ok(ExitCode::SUCCESS)
        })
    }

    /// Shows the status repeatedly: in place on a terminal, otherwise whenever it changes.
    async fn watched(&self, cluster: &Cluster, common: &Common) -> anyhow::Result<()> {
        let (in_place, mut last) = (output::is_a_terminal(), String::new());
        loop {
            let shown = match self.seen(cluster).await {
                Ok(seen) => self.shown(&seen, cluster.clock.now(), common),
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

    /// The message if there is nothing to show.
    fn nothing(&self, seen: &Overview) -> Option<&'static str> {
        match seen {
            _ if self.repositories && seen.upstreams.is_empty() => Some("no repository is watched"),
            Overview { stacks, commits, upstreams }
                if stacks.is_empty() && commits.is_empty() && upstreams.is_empty() =>
            {
                Some("no stack runs here")
            }
            _ => None,
        }
    }

    fn shown(&self, seen: &Overview, now: Timestamp, common: &Common) -> String {
        let Overview { stacks, upstreams, .. } = seen;
        let color = common.color.resolve();
        match common.format {
            Format::Json if self.repositories => self.json(upstreams),
            Format::Json => self.json(stacks),
            Format::Human if self.repositories => repositories::in_detail(upstreams, now, color),
            Format::Human if self.stack.is_some() => in_detail(stacks, upstreams, now, color),
            Format::Human => overview::of(seen, now, color),
        }
    }

    /// Values as JSON: on one line each with `--watch`.
    fn json<T: Serialize>(&self, values: &[T]) -> String {
        let written = if self.watch { serde_json::to_string(values) } else { serde_json::to_string_pretty(values) };
        escaped_json(&written.expect("views are plain data"))
    }

    /// The stacks, and the commits that are pending or failed.
    async fn seen(&self, cluster: &Cluster) -> anyhow::Result<Overview> {
        let upstreams: Vec<Upstream> = cluster.store.upstreams().await?.into_values().collect();
        if self.repositories {
            return Ok(Overview::of(Vec::new(), Vec::new(), upstreams));
        }
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
            return Err(no_stack(stack, recorded.keys()).into());
        }
        let names: Vec<StackName> = observed.keys().cloned().collect();
        let view = |name: StackName| {
            let Records { releases, damaged } = recorded.remove(&name).unwrap_or_default();
            let (history, damaged) = (History::new(releases), damaged.iter().map(told).collect::<Vec<_>>());
            Some(match observed.remove(&name)? {
                Ok(observed) => StackView::of(name, &history, &damaged, &observed),
                Err(error) => StackView::unreadable(name, &history, &damaged, error.to_string()),
            })
        };
        let mut stacks: Vec<StackView> = names.into_iter().filter_map(view).collect();
        if self.stack.is_some() {
            for stack in &mut stacks {
                add_logs(stack, cluster).await;
            }
        }
        Ok(Overview::of(stacks, intents.into_values(), upstreams))
    }
}

/// A sentence about a damaged record.
fn told(damaged: &Damaged) -> String {
    format!("the record `{}` is damaged: {}", damaged.name, damaged.why)
}

/// Adds the last lines of failed tasks, if Swarm still has them; records do not contain them.
async fn add_logs(view: &mut StackView, cluster: &Cluster) {
    let Some(Phase::Failed { symptoms, .. }) = &mut view.phase else { return };
    for symptom in symptoms {
        if let Some(task) = &symptom.task {
            symptom.log = cluster.swarm.logs(task, LOG_LINES).await.unwrap_or_default();
        }
    }
}

/// The details of each stack, followed by its watched repository unless that is up to date.
fn in_detail(stacks: &[StackView], upstreams: &[Upstream], now: Timestamp, color: Color) -> String {
    let one = |view: &StackView| {
        let is_its = |it: &&Upstream| !it.is_good() && view.repository.as_ref() == Some(&it.repository);
        let below = upstreams.iter().filter(is_its).flat_map(|it| repositories::detail(it, now, color));
        let below = below.map(|line| format!("  {line}"));
        std::iter::once(detail::of(view, color)).chain(below).collect::<Vec<_>>().join("\n")
    };
    stacks.iter().map(one).collect::<Vec<_>>().join("\n\n")
}
