//! `skep healthcheck`: the container's health check, since the image has no `curl`.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;

use super::Common;

/// How long the controller may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// `skep healthcheck`
#[derive(Debug, Args)]
pub(super) struct Healthcheck {}

impl Healthcheck {
    #[expect(clippy::unused_self, reason = "every command is called alike")]
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<ExitCode> {
        let port = common.settings()?.listen.port();
        super::block_on(async {
            let client = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build()?;
            let answer = client.get(format!("http://127.0.0.1:{port}/healthz")).send().await;
            answer.context("the controller does not answer")?.error_for_status()?;
            Ok(ExitCode::SUCCESS)
        })
    }
}
