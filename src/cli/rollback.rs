//! `skep rollback`: deploys the stack of an earlier release as a new one, through the same gate.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use super::Common;
use super::deploy::report;
use super::rolling::roll_out;
use super::workspace::cluster;
use crate::controller::cluster::{Consent, Proposal};
use crate::name::StackName;
use crate::release::{Cause, History, Release, ReleaseId};

/// `skep rollback`
#[derive(Debug, Args)]
pub(super) struct Rollback {
    /// The stack
    stack: StackName,
    /// The release to roll back to, such as 3 or r3 [default: the last good one with different contents]
    release: Option<String>,
}

impl Rollback {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<ExitCode> {
        let settings = common.settings()?;
        super::block_on(async {
            let cluster = cluster(&settings)?;
            let history = cluster.history(&self.stack).await?;
            if history.last().is_none() {
                anyhow::bail!("skep has no record of a stack `{}`; `skep status` lists those it has", self.stack);
            }
            let to = self.target(&history)?;
            if to.leaves_nothing() {
                anyhow::bail!("{} left nothing of the stack; to remove it, use `skep remove {}`", to.id, self.stack);
            }
            let desired = to.desired.clone().with_context(|| {
                format!(
                    "{} is too old: only its digests are kept; `skep history {}` lists the newer releases",
                    to.id, self.stack
                )
            })?;
            // A rollback implies consent to removals, interruptions, and checks that cannot be made.
            let consent = Consent { removal: true, recreation: true, unchecked: true, ..Consent::default() };
            let proposal = Proposal::new(to.origin.clone(), Cause::GoBack { to: to.id }, desired);
            let proposal = Proposal { consent, is_recorded: true, ..proposal };
            Ok(report(&[roll_out(&cluster, proposal, anyhow::Error::from).await?], common.format))
        })
    }

    fn target<'a>(&self, history: &'a History) -> anyhow::Result<&'a Release> {
        let Some(text) = &self.release else {
            return history
                .before_last()
                .with_context(|| format!("the stack `{}` has no earlier good release to roll back to", self.stack));
        };
        let number = text.strip_prefix('r').unwrap_or(text).parse().ok();
        let id = ReleaseId(number.with_context(|| format!("`{text}` is not a release such as r3"))?);
        history.get(id).with_context(|| {
            format!("the stack `{}` has no release {id}; see `skep history {}`", self.stack, self.stack)
        })
    }
}
