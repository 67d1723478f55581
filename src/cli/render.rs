//! `skep render`: the Compose file that would be deployed.

use std::process::ExitCode;

use clap::Args;

use super::output::Format;
use super::workspace::{Workspace, shaped};
use super::{Common, output};
use crate::controller::events::EventSender;
use crate::render::compose;

/// `skep render`
#[derive(Debug, Args)]
pub(super) struct Render {
    #[command(flatten)]
    workspace: Workspace,
}

impl Render {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<ExitCode> {
        let settings = common.settings()?;
        super::block_on(async {
            let settings = shaped(settings).await?;
            let Some(opened) = self.workspace.open(&settings).await? else { return Ok(ExitCode::FAILURE) };
            let stacks = self.workspace.stacks(&opened, &settings, &EventSender::nowhere()).await?;
            match common.format {
                Format::Json => output::json(&stacks),
                Format::Human => output::data(&stacks.iter().map(compose::to_yaml).collect::<Vec<_>>().join("---\n")),
            }
            Ok(ExitCode::SUCCESS)
        })
    }
}
