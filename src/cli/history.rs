//! `skep history`: the releases of a stack.

use std::process::ExitCode;

use clap::Args;

use super::output::Format;
use super::table::{Cell, table};
use super::workspace::cluster;
use super::{Common, output};
use crate::event;
use crate::name::StackName;
use crate::plan::Color;
use crate::release::{Cause, Phase, Release};
use crate::view::ReleaseView;

/// `skep history`
#[derive(Debug, Args)]
pub(super) struct History {
    /// The stack
    stack: StackName,
}

impl History {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<ExitCode> {
        let settings = common.settings()?;
        super::block_on(async {
            let history = cluster(&settings)?.history(&self.stack).await?;
            if history.last().is_none() {
                anyhow::bail!("skep has no record of a stack `{}`; `skep status` lists those it has", self.stack);
            }
            match common.format {
                Format::Json => {
                    output::json(&history.releases().iter().rev().map(ReleaseView::from).collect::<Vec<_>>());
                }
                Format::Human => {
                    output::result(&shown(history.releases(), common.color.resolve()));
                }
            }
            Ok(ExitCode::SUCCESS)
        })
    }
}

/// The releases as a table, newest first, with details below each.
fn shown(releases: &[Release], color: Color) -> String {
    let rows: Vec<[Cell; 7]> = releases.iter().rev().map(row).collect();
    let table = table(["RELEASE", "CREATED", "STATE", "COMMIT", "AUTHOR", "CAUSE", "SUBJECT"], &rows, color);
    let mut lines = table.lines().map(str::to_owned);
    let mut shown: Vec<String> = lines.next().into_iter().collect();
    for (line, release) in lines.zip(releases.iter().rev()) {
        shown.push(line);
        shown.extend(below(release).into_iter().map(|line| format!("    {line}")));
    }
    shown.join("\n")
}

fn row(release: &Release) -> [Cell; 7] {
    let Release { origin, phase: state, .. } = release;
    let has_commit = !matches!(release.cause, Cause::Adopt);
    [
        Cell::painted(release.id.to_string(), "1"),
        release.created.strftime("%Y-%m-%d %H:%M:%S").to_string().into(),
        Cell::painted(phase(state), ansi(state)),
        if has_commit { origin.commit.short() } else { "-" }.into(),
        author(&origin.author).into(),
        cause(&release.cause).into(),
        origin.subject.as_str().into(),
    ]
}

/// The name of an author, without the address.
fn author(author: &str) -> &str {
    let name = author.split('<').next().unwrap_or_default().trim();
    match (name.is_empty(), author.is_empty()) {
        (false, _) => name,
        (true, false) => author,
        (true, true) => "-",
    }
}

/// The outages of skep during the rollout, and the symptoms of a failure.
fn below(release: &Release) -> Vec<String> {
    let mut lines: Vec<String> = release.phase.away().iter().map(ToString::to_string).collect();
    if let Phase::Failed { symptoms, .. } = &release.phase {
        lines.extend(symptoms.iter().flat_map(event::symptom).map(|line| line.trim_end().to_owned()));
    }
    lines
}

/// A phase in one word.
pub(super) fn phase(phase: &Phase) -> &'static str {
    match phase {
        Phase::Rolling { .. } => "rolling",
        Phase::Promoted { .. } => "promoted",
        Phase::Failed { .. } => "failed",
        Phase::Superseded { .. } => "superseded",
    }
}

/// The colour of a phase.
pub(super) fn ansi(phase: &Phase) -> &'static str {
    match phase {
        Phase::Rolling { .. } => "33",
        Phase::Promoted { .. } => "32",
        Phase::Failed { .. } => "31",
        Phase::Superseded { .. } => "2",
    }
}

fn cause(cause: &Cause) -> String {
    match cause {
        Cause::Push => "push".into(),
        Cause::Webhook => "webhook".into(),
        Cause::Poll => "poll".into(),
        Cause::Command => "command".into(),
        Cause::GoBack { to } => format!("rollback to {to}"),
        Cause::Adopt => "found running".into(),
        Cause::RollBack { failed, to: Some(to) } => format!("rollback of {failed} to {to}"),
        Cause::RollBack { failed, to: None } => format!("rollback of {failed} to nothing"),
        Cause::Remove { .. } => "removal".into(),
    }
}
