//! `skep ps`: the tasks of a stack, where they run, and why those that ended did.

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::Args;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::output::Format;
use super::table::{Cell, table};
use super::workspace::{cluster, without_services};
use super::{Common, output};
use crate::health;
use crate::name::StackName;
use crate::plan::Color;
use crate::plan::observed::{Observed, Task as Seen, TaskState};

/// `skep ps`
#[derive(Debug, Args)]
pub(super) struct Ps {
    /// The stack
    stack: StackName,
    /// Also tasks that ended
    #[arg(long, short)]
    all: bool,
}

/// A task as it is shown.
#[derive(Debug, Serialize)]
struct Task {
    id: String,
    service: String,
    /// Its place among the replicas; none in a global service.
    slot: Option<u64>,
    /// The node's host name, or its id where that is not known.
    node: String,
    /// Whether it runs what the service is now.
    current: bool,
    desired: TaskState,
    state: TaskState,
    /// Since when.
    since: Timestamp,
    exit_code: Option<i64>,
    /// Why it ended badly.
    error: Option<String>,
}

impl Ps {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<ExitCode> {
        let settings = common.settings()?;
        super::block_on(async {
            let cluster = cluster(&settings)?;
            let observed = cluster.swarm.observe(&self.stack).await?;
            if observed.services.is_empty() {
                return Err(without_services(&cluster, &self.stack).await);
            }
            let tasks = self.tasks(&observed);
            match common.format {
                Format::Json => output::json(&tasks),
                Format::Human if tasks.is_empty() => output::line("no task runs; `--all` shows those that ended"),
                Format::Human => output::result(&shown(&tasks, cluster.clock.now(), common.color.resolve())),
            }
            Ok(ExitCode::SUCCESS)
        })
    }

    /// Service by service, and in each newest first.
    fn tasks(&self, observed: &Observed) -> Vec<Task> {
        let names: BTreeMap<&str, &str> =
            observed.nodes.iter().map(|node| (node.id.as_str(), node.hostname.as_str())).collect();
        let mut shown = Vec::new();
        for (name, there) in &observed.services {
            let wanted = |task: &&Seen| self.all || !task.state.is_over() || !task.desired.is_over();
            shown.extend(there.tasks.iter().filter(wanted).map(|task| Task {
                id: task.id.clone(),
                service: name.to_string(),
                slot: (task.slot != 0).then_some(task.slot),
                node: (*names.get(task.node.as_str()).unwrap_or(&task.node.as_str())).to_owned(),
                current: task.current,
                desired: task.desired,
                state: task.state,
                since: task.since,
                exit_code: task.exit_code,
                error: health::trouble(task, &there.service),
            }));
        }
        shown
    }
}

impl Task {
    fn name(&self) -> String {
        match self.slot {
            Some(slot) => format!("{}.{slot}", self.service),
            None => self.service.clone(),
        }
    }

    fn row(&self, now: Timestamp) -> [Cell; 6] {
        let old = if self.current { "" } else { " (old)" };
        let exit = self.exit_code.map(|code| code.to_string()).unwrap_or_default();
        let node = if self.node.is_empty() { "-".to_owned() } else { self.node.clone() };
        [
            self.name().into(),
            node.into(),
            format!("{}{old}", word(self.desired)).into(),
            Cell::painted(format!("{} {}", word(self.state), age(now.duration_since(self.since))), self.ansi()),
            exit.into(),
            self.error.clone().unwrap_or_default().into(),
        ]
    }

    fn ansi(&self) -> &'static str {
        match self.state {
            TaskState::Running | TaskState::Complete => "32",
            TaskState::Failed | TaskState::Rejected | TaskState::Orphaned => "31",
            TaskState::Shutdown | TaskState::Remove => "2",
            _ => "33",
        }
    }
}

fn shown(tasks: &[Task], now: Timestamp, color: Color) -> String {
    let rows: Vec<_> = tasks.iter().map(|task| task.row(now)).collect();
    table(["TASK", "NODE", "WANTED", "IS", "EXIT", "WHY"], &rows, color)
}

fn word(state: TaskState) -> String {
    serde_json::to_value(state).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

/// A length of time in its largest unit.
pub(super) fn age(time: SignedDuration) -> String {
    let seconds = time.as_secs().max(0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86400 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_told_in_its_largest_unit() {
        let told = [-5, 0, 59, 60, 7200, 200_000].map(|seconds| age(SignedDuration::from_secs(seconds)));
        assert_eq!(told, ["0 s", "0 s", "59 s", "1 min", "2 h", "2 d"]);
    }
}
