//! `skep history`: the releases of a stack.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::output::Format;
use super::workspace::{cluster, painted};
use super::{Common, output};
use crate::name::StackName;
use crate::plan::Color;
use crate::release::{Cause, Phase, Release};
use crate::text::one_line;

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
                Format::Json => output::json(&history.releases().iter().rev().map(as_json).collect::<Vec<_>>()),
                Format::Human => {
                    let color = common.color.resolve();
                    let lines: Vec<_> = history.releases().iter().rev().map(|release| line(release, color)).collect();
                    output::result(&lines.join("\n"));
                }
            }
            Ok(ExitCode::SUCCESS)
        })
    }
}

fn as_json(release: &Release) -> serde_json::Value {
    json!({
        "release": release.id,
        "created": release.created,
        "phase": release.phase,
        "cause": release.cause,
        "origin": release.origin,
        "images": release.images,
        "rollback": release.desired.is_some(),
    })
}

fn line(release: &Release, color: Color) -> String {
    let created = release.created.strftime("%Y-%m-%d %H:%M:%S");
    let phase = painted(&format!("{:<10}", phase(&release.phase)), ansi(&release.phase), color);
    let mut line = format!(
        "{:<5} {created}  {phase} {}  {}  {}",
        release.id,
        release.origin.commit.short(),
        cause(&release.cause),
        one_line(&release.origin.subject)
    );
    for away in release.phase.away() {
        line.push_str("\n      ");
        line.push_str(&away.to_string());
    }
    if let Phase::Failed { symptoms, .. } = &release.phase {
        for symptom in symptoms.iter().flat_map(crate::controller::narrate::symptom) {
            line.push_str("\n    ");
            line.push_str(&symptom);
        }
    }
    line
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
        Cause::Adopt => "found running".into(),
        Cause::RollBack { failed, to: Some(to) } => format!("rollback of {failed} to {to}"),
        Cause::RollBack { failed, to: None } => format!("rollback of {failed} to nothing"),
        Cause::Remove { .. } => "removal".into(),
    }
}
