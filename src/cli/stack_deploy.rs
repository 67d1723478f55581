//! `skep deploy --as-written --no-wait`: writes a file once, like `docker stack deploy`.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::output::Format;
use super::workspace::Workspace;
use super::{Common, logins, output};
use crate::config::Settings;
use crate::engine::{Engine, docker};
use crate::lease::Lease;
use crate::name::StackName;
use crate::plan::FieldChange;
use crate::registry::Logins;
use crate::swarm::{Prepared, Resolve, StackDeployOptions, Swarm, Write};

/// The options of a deploy that only writes.
#[derive(Debug, Args)]
pub(super) struct StackDeploy {
    /// Write once and do not wait: no order of services, no gate, no rollback, no recorded release
    #[arg(long, requires_all = ["as_written", "files"], conflicts_with_all = ["retry", "plan"])]
    pub(super) no_wait: bool,
    /// When to resolve images to digests
    #[arg(long, value_enum, default_value_t, requires = "no_wait", value_name = "WHEN")]
    resolve_image: ResolveImage,
    /// Send this user's registry logins, so that the nodes can pull
    #[arg(long, requires = "no_wait")]
    with_registry_auth: bool,
}

/// When images are resolved to digests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum ResolveImage {
    /// For every image
    #[default]
    Always,
    /// For images that changed in the file
    Changed,
    /// Never
    Never,
}

impl StackDeploy {
    /// Exit code 0: the stack was written, or was unchanged.
    pub(super) async fn run(
        &self,
        workspace: &Workspace,
        settings: &Settings,
        common: &Common,
    ) -> anyhow::Result<ExitCode> {
        let Some(opened) = workspace.open(settings).await? else { return Ok(ExitCode::FAILURE) };
        let swarm = Swarm::new(Engine::Docker(docker::Client::connect_for_few(&settings.docker_host)?));
        for stack in Workspace::stacks_as_written(&opened)? {
            let logins = if self.with_registry_auth { logins::of(&stack).await? } else { Logins::default() };
            let options = StackDeployOptions { resolve: self.resolve_image.into(), logins };
            let prepared = swarm.prepare_stack_deploy(&stack, &options).await?;
            prepared.warnings.iter().for_each(|warning| output::line(&format!("warning: {warning}")));
            swarm.stack_deploy(&Lease::of_command(), &prepared).await?;
            match common.format {
                Format::Json => output::json(&json!({ "stack": stack.name, "written": prepared.writes() })),
                Format::Human => output::result(&written(&stack.name, &prepared)),
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The written objects, one line each.
fn written(stack: &StackName, prepared: &Prepared) -> String {
    let line = |write: &Write| {
        let sign = if write.creates { '+' } else { '~' };
        let fields: Vec<String> = write.fields.iter().map(FieldChange::to_text).collect();
        let fields = if fields.is_empty() { String::new() } else { format!(": {}", fields.join(", ")) };
        format!("{sign} {}{fields}\n", write.subject)
    };
    let lines: String = prepared.writes().iter().map(line).collect();
    let outcome = if lines.is_empty() { "nothing to do" } else { "written, without waiting" };
    format!("stack {stack}\n{lines}{outcome}")
}

impl From<ResolveImage> for Resolve {
    fn from(when: ResolveImage) -> Self {
        match when {
            ResolveImage::Always => Self::Always,
            ResolveImage::Changed => Self::Changed,
            ResolveImage::Never => Self::Never,
        }
    }
}
