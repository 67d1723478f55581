//! `skep sync`: has the controller fetch watched repositories now, and waits for the outcome.

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::output::Format;
use super::request::{LOOK, answered};
use super::status::repositories;
use super::workspace::cluster;
use super::{Common, output};
use crate::controller::cluster::Cluster;
use crate::name::Repository;
use crate::release::{Handled, Upstream};

/// `skep sync`
#[derive(Debug, Args)]
pub(super) struct Sync {
    /// The repository, by its name in skep's settings [default: all]
    repository: Option<String>,
    /// Push option, as with `git push -o`
    #[arg(long = "option", short = 'o', value_enum, value_name = "OPTION")]
    options: Vec<Consent>,
    /// Do not wait until the newest commit is deployed
    #[arg(long)]
    no_wait: bool,
}

/// The push options that a sync accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Consent {
    /// Retry a commit that failed
    Retry,
    /// Permit taking over a stack that skep did not deploy
    Adopt,
    /// Permit removing more than half of a stack's services
    ConfirmRemoval,
}

impl Consent {
    /// The name of the push option.
    fn option(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Adopt => "adopt",
            Self::ConfirmRemoval => "confirm-removal",
        }
    }
}

impl Sync {
    /// Exit code 0: the newest commits run; 1: they do not.
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<ExitCode> {
        let settings = common.settings()?;
        super::block_on(async {
            let cluster = cluster(&settings)?;
            let names = self.meant(&cluster.store.upstreams().await?)?;
            let options = self.options.iter().map(|option| option.option().to_owned()).collect();
            let mut asked = Vec::new();
            for name in &names {
                asked.push(cluster.store.ask(name, &options).await?);
            }
            answered(&cluster, asked).await?;
            let upstreams = self.settled(&cluster, &names).await?;
            match common.format {
                Format::Json => output::json(&upstreams),
                Format::Human => {
                    let (now, color) = (cluster.clock.now(), common.color.resolve());
                    output::result(&repositories::in_detail(&upstreams, now, color));
                }
            }
            let is_good = |it: &Upstream| it.is_good() || (self.no_wait && it.handled == Handled::Underway);
            Ok(if upstreams.iter().all(is_good) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        })
    }

    /// The selected repositories.
    fn meant(&self, watched: &BTreeMap<Repository, Upstream>) -> anyhow::Result<Vec<Repository>> {
        if watched.is_empty() {
            anyhow::bail!(
                "no controller watches a repository in this swarm; add repositories under `repositories` in skep's settings"
            );
        }
        let all: Vec<Repository> = watched.keys().cloned().collect();
        match &self.repository {
            None => Ok(all),
            Some(name) => named(name, &all).map(|repository| vec![repository]),
        }
    }

    /// Waits until the controller has finished with these repositories, and returns their states.
    async fn settled(&self, cluster: &Cluster, names: &[Repository]) -> anyhow::Result<Vec<Upstream>> {
        loop {
            let mut upstreams = cluster.store.upstreams().await?;
            upstreams.retain(|name, _| names.contains(name));
            let is_settled = |it: &Upstream| it.handled != Handled::Underway || it.trouble.is_some();
            if self.no_wait || upstreams.values().all(is_settled) {
                return Ok(upstreams.into_values().collect());
            }
            cluster.clock.wait(LOOK).await;
        }
    }
}

/// The repository with this name; the scope may be left out if the name is unique among all scopes.
fn named(name: &str, watched: &[Repository]) -> anyhow::Result<Repository> {
    let shown = |it: &Repository| it.to_string();
    if let Some(it) = watched.iter().find(|it| shown(it) == name) {
        return Ok(it.clone());
    }
    let is_meant = |it: &&Repository| it.name() == name;
    if let [only] = watched.iter().filter(is_meant).collect::<Vec<_>>()[..] {
        return Ok(only.clone());
    }
    let names = watched.iter().map(shown).collect::<Vec<_>>().join(", ");
    anyhow::bail!("skep does not watch a repository `{name}`; it watches {names}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_of_a_scope_may_be_named_without_it() {
        let watched = ["blog", "lab:blog", "lab:shop", "lab:wiki", "test:wiki"].map(Repository::from);
        let named = |name: &str| named(name, &watched).map_or_else(|error| error.to_string(), |it| it.to_string());
        assert_eq!(
            (named("blog"), named("lab:blog"), named("shop")),
            ("blog".into(), "lab:blog".into(), "lab:shop".into())
        );
        insta::assert_snapshot!(named("wiki"), @"skep does not watch a repository `wiki`; it watches blog, lab:blog, lab:shop, lab:wiki, test:wiki");
    }
}
