//! `skep deploy --again`: has the controller redeploy a stack from its copy of the repository, although nothing was pushed.

use std::process::ExitCode;

use jiff::SignedDuration;

use super::output;
use super::request::{LOOK, answered, answered_within};
use crate::controller::cluster::Cluster;
use crate::name::{Repository, RepositoryKind, StackName};
use crate::release::{History, Intent, State};

/// How long a controller has to confirm that it has a repository whose name is guessed.
const GUESSED: SignedDuration = SignedDuration::from_secs(5);

/// Has a stack redeployed, with these push options. Exit code 0: the stack runs the newest commit; 1: it does not.
pub(super) async fn deploy(cluster: &Cluster, stack: &StackName, options: &[&str]) -> anyhow::Result<ExitCode> {
    let history = cluster.history(stack).await?;
    let repository = &repository(stack, &history)?;
    let options = options.iter().map(|option| (*option).to_owned()).collect();
    let before = history.last().map(|release| release.id);
    let request = cluster.store.ask(repository, &options).await?;
    if history.last().is_some() {
        answered(cluster, vec![request]).await?;
    } else if answered_within(cluster, vec![request], GUESSED).await?.is_some() {
        anyhow::bail!(
            "skep has no record of a stack `{stack}`, and no controller has a repository of that name; `skep status` lists the \
             stacks that skep has"
        );
    }
    output::line(&format!("skep deploys `{repository}` again"));
    if let Some(why) = ended(cluster, repository).await? {
        output::line(&format!("error: {why}"));
        return Ok(ExitCode::FAILURE);
    }
    let history = cluster.history(stack).await?;
    match history.promoted() {
        Some(release) if Some(release.id) == before => output::line(&format!("{stack} {} already runs", release.id)),
        Some(release) => output::line(&format!("{stack} {} is deployed", release.id)),
        None => output::line(&format!("the repository `{repository}` no longer has a stack `{stack}`")),
    }
    Ok(ExitCode::SUCCESS)
}

/// The repository that a controller can deploy a stack from: that of the newest release, also after a removal; for a stack
/// without a record, the hosted repository with the stack's name.
fn repository(stack: &StackName, history: &History) -> anyhow::Result<Repository> {
    let last = || history.last().map(|last| last.origin.repository.clone());
    let owner = history.owner().cloned().or_else(last).unwrap_or_else(|| Repository::hosted(stack.as_str()));
    let place = owner.name();
    match owner.kind() {
        RepositoryKind::Hosted | RepositoryKind::Watched => Ok(owner),
        RepositoryKind::Folder => {
            anyhow::bail!("the stack `{stack}` comes from a folder; deploy it there again: `skep deploy {place}`")
        }
        RepositoryKind::File => {
            anyhow::bail!(
                "the stack `{stack}` comes from a file; deploy it there again: `skep deploy -c {place} {stack}`"
            )
        }
        RepositoryKind::ByHand => {
            anyhow::bail!("the stack `{stack}` is deployed by hand; deploy it from its files: `skep deploy`")
        }
    }
}

/// Waits until the commit of a repository is settled; returns why it does not run in all stacks, or `None` if it does.
async fn ended(cluster: &Cluster, repository: &Repository) -> anyhow::Result<Option<String>> {
    loop {
        let trouble = cluster.store.upstream(repository).await?.and_then(|upstream| upstream.trouble);
        if let Some(trouble) = trouble {
            return Ok(Some(trouble.why));
        }
        match cluster.store.intent(repository).await? {
            None => return Ok(None),
            Some(Intent { state: State::Failed { why, .. }, .. }) => return Ok(Some(why)),
            Some(intent) if intent.state.has_ended() => return Ok(Some(intent.sentence())),
            Some(_) => cluster.clock.wait(LOOK).await,
        }
    }
}
