//! `skep adopt`: transfers a stack to another repository, or to manual deployment, without changing what runs.

use std::process::ExitCode;

use clap::Args;

use super::deploy::report;
use super::rolling::roll_out;
use super::workspace::cluster;
use super::{Common, output};
use crate::controller::cluster::{Cluster, Consent, Proposal};
use crate::name::{Repository, StackName};
use crate::release::{Cause, History, Release};
use crate::source::server::RepositoryName;
use crate::stack::Stack;

/// `skep adopt`
#[derive(Debug, Args)]
pub(super) struct Adopt {
    /// The stack
    stack: StackName,
    /// The new owner, by its name on skep's Git server or in the settings [default: none; the stack is deployed by hand
    /// with `skep deploy`, and pushes are refused]
    repository: Option<String>,
    /// Do not ask for confirmation
    #[arg(long, short)]
    yes: bool,
}

impl Adopt {
    /// Exit code 0: the stack belongs to the repository; 1: it does not.
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<ExitCode> {
        let settings = common.settings()?;
        super::block_on(async {
            let (cluster, stack) = (cluster(&settings)?, &self.stack);
            let history = cluster.history(stack).await?;
            let (running, desired) = self.running(&history)?;
            let owner = self.owner(&cluster).await?;
            if history.owner() == Some(&owner) {
                output::line(&format!("the stack `{stack}` already belongs to {}", owner.described()));
                return Ok(ExitCode::SUCCESS);
            }
            let before = history.owner().map(Repository::described).unwrap_or_default();
            let question = format!("the stack `{stack}` belongs to {before}; transfer it to {}?", owner.described());
            if !self.yes && !output::confirmed(&question)? {
                return Ok(ExitCode::FAILURE);
            }
            let consent = Consent { removal: true, recreation: true, unchecked: true, ..Consent::default() };
            let proposal = Proposal::new(running.origin.clone(), Cause::Command, desired.clone());
            let proposal = Proposal { consent, is_recorded: true, owner: Some(owner.clone()), ..proposal };
            let ended = roll_out(&cluster, proposal, anyhow::Error::from).await?;
            if ended.outcome.is_good() {
                output::line(&format!("the stack `{stack}` now belongs to {}", owner.described()));
            }
            Ok(report(&[ended], common.format))
        })
    }

    /// The running release and its stack.
    fn running<'a>(&self, history: &'a History) -> anyhow::Result<(&'a Release, &'a Stack)> {
        let stack = &self.stack;
        let Some(last) = history.last() else {
            anyhow::bail!(
                "skep has no record of a stack `{stack}`; take it over with `git push -o adopt` or `skep deploy --adopt`"
            );
        };
        match &last.desired {
            Some(desired) if last.phase.is_promoted() => Ok((last, desired)),
            _ => anyhow::bail!("the newest release of `{stack}`, {}, does not run; see `skep status {stack}`", last.id),
        }
    }

    /// The new owner of the stack.
    async fn owner(&self, cluster: &Cluster) -> anyhow::Result<Repository> {
        let Some(name) = &self.repository else { return Ok(Repository::by_hand()) };
        let watched = cluster.store.upstreams().await?.into_keys().find(|repository| repository.to_string() == *name);
        match watched {
            Some(repository) => Ok(repository),
            None => Ok(Repository::hosted(name.parse::<RepositoryName>()?.to_string())),
        }
    }
}
