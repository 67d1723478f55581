//! `skep ps`: the tasks of a stack, their nodes, and why ended tasks ended.

use std::process::ExitCode;

use clap::Args;
use jiff::{SignedDuration, Timestamp};

use super::output::Format;
use super::table::{Cell, table};
use super::workspace::{cluster, without_services};
use super::{Common, output};
use crate::name::StackName;
use crate::plan::Color;
use crate::plan::observed::TaskState;
use crate::view::TaskView;

/// `skep ps`
#[derive(Debug, Args)]
pub(super) struct Ps {
    /// The stack
    stack: StackName,
    /// Include ended tasks
    #[arg(long, short)]
    all: bool,
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
            let tasks = TaskView::of(&observed, self.all);
            match common.format {
                Format::Json => output::json(&tasks),
                Format::Human if tasks.is_empty() => output::line("no task is running; `--all` shows ended tasks"),
                Format::Human => output::result(&shown(&tasks, cluster.clock.now(), common.color.resolve())),
            }
            Ok(ExitCode::SUCCESS)
        })
    }
}

fn row(task: &TaskView, now: Timestamp) -> [Cell; 6] {
    let old = if task.current { "" } else { " (old)" };
    let exit = task.exit_code.map(|code| code.to_string()).unwrap_or_default();
    let node = if task.node.is_empty() { "-".to_owned() } else { task.node.clone() };
    [
        task.name().into(),
        node.into(),
        format!("{}{old}", word(task.desired)).into(),
        Cell::painted(format!("{} {}", word(task.state), age(now.duration_since(task.since))), ansi(task.state)),
        exit.into(),
        task.error.clone().unwrap_or_default().into(),
    ]
}

fn ansi(state: TaskState) -> &'static str {
    match state {
        TaskState::Running | TaskState::Complete => "32",
        TaskState::Failed | TaskState::Rejected | TaskState::Orphaned => "31",
        TaskState::Shutdown | TaskState::Remove => "2",
        _ => "33",
    }
}

fn shown(tasks: &[TaskView], now: Timestamp, color: Color) -> String {
    let rows: Vec<_> = tasks.iter().map(|task| row(task, now)).collect();
    table(["TASK", "NODE", "DESIRED", "STATE", "EXIT", "ERROR"], &rows, color)
}

fn word(state: TaskState) -> String {
    serde_json::to_value(state).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

/// A duration in its largest unit.
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
