//! `skep adopt`: a stack is handed over, to a repository or into the hands of a person. What runs stays as it is.

use std::process::ExitCode;

use clap::Args;

use super::deploy::report;
use super::rolling::roll_out;
use super::workspace::cluster;
use super::{Common, output};
use crate::controller::cluster::{Cluster, Consent, Proposal};
use crate::name::{Repository, StackName};
use crate::release::{Cause, History, Phase, Release};
use crate::source::server::RepositoryName;
use crate::stack::Stack;

/// `skep adopt`
#[derive(Debug, Args)]
pub(super) struct Adopt {
    /// The stack
    stack: StackName,
    /// The repository that it belongs to from now on, as it is pushed to or as the settings name it [default: none; it is
    /// deployed by hand with `skep deploy`, and pushes of it are refused]
    repository: Option<String>,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

impl Adopt {
    /// Exit code 0: it belongs to the repository; 1: it does not.
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<ExitCode> {
        let settings = common.settings()?;
        super::block_on(async {
            let (cluster, stack) = (cluster(&settings)?, &self.stack);
            let history = cluster.history(stack).await?;
            let (running, desired) = self.running(&history)?;
            let owner = self.owner(&cluster).await?;
            if history.owner() == Some(&owner) {
                output::line(&format!("the stack `{stack}` belongs to {} already", owner.described()));
                return Ok(ExitCode::SUCCESS);
            }
            let before = history.owner().map(Repository::described).unwrap_or_default();
            let question = format!("the stack `{stack}` belongs to {before}; hand it over to {}?", owner.described());
            if !self.yes && !output::confirmed(&question)? {
                return Ok(ExitCode::FAILURE);
            }
            let consent = Consent { removal: true, recreation: true, unchecked: true, ..Consent::default() };
            let proposal = Proposal::new(running.origin.clone(), Cause::Command, desired.clone());
            let proposal = Proposal { consent, is_recorded: true, owner: Some(owner.clone()), ..proposal };
            let ended = roll_out(&cluster, proposal, anyhow::Error::from).await?;
            if ended.outcome.is_good() {
                output::line(&format!("the stack `{stack}` belongs to {} now", owner.described()));
            }
            Ok(report(&[ended], common.format))
        })
    }

    /// The release that runs, with its stack.
    fn running<'a>(&self, history: &'a History) -> anyhow::Result<(&'a Release, &'a Stack)> {
        let stack = &self.stack;
        let Some(last) = history.last() else {
            anyhow::bail!(
                "skep has no record of a stack `{stack}`; a deploy takes it over: `git push -o adopt`, or `skep deploy --adopt`"
            );
        };
        match (&last.phase, &last.desired) {
            (Phase::Promoted { .. }, Some(desired)) => Ok((last, desired)),
            _ => anyhow::bail!(
                "the newest release of `{stack}`, {}, does not run; `skep status {stack}` tells how it is",
                last.id
            ),
        }
    }

    /// To whom the stack is handed over.
    async fn owner(&self, cluster: &Cluster) -> anyhow::Result<Repository> {
        let Some(name) = &self.repository else { return Ok(Repository::by_hand()) };
        let watched = cluster.store.upstreams().await?.into_keys().find(|repository| repository.to_string() == *name);
        match watched {
            Some(repository) => Ok(repository),
            None => Ok(Repository::hosted(name.parse::<RepositoryName>()?.to_string())),
        }
    }
}
