//! The requests of `skep sync` and `skep deploy --again`: fetch a repository now, or deploy its current commit again.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use super::commit::broken;
use super::supersede::Generation;
use super::supervise::caught;
use super::{Controller, origin};
use crate::name::{CommitId, Repository, RepositoryKind};
use crate::release::{Cause, Intent, State};
use crate::source::server::{self, RepositoryName};
use crate::store::Request;

impl Controller {
    /// Accepts the requests that wait in the swarm: those for watched repositories go to their watchers; for a
    /// repository on skep's own server, its commit is deployed again. A request is accepted once.
    pub(super) async fn take_requests(&self) {
        let requests = match self.deployer.cluster.store.requests().await {
            Ok(requests) => requests,
            Err(error) => return tracing::warn!(%error, "what `skep sync` asks for cannot be read"),
        };
        for request in requests {
            if !self.is_new(&request) {
                continue;
            }
            let repository = &request.repository;
            let watched =
                (repository.kind() == RepositoryKind::Watched).then(|| self.wakes.get(repository.name())).flatten();
            if let Some(wake) = watched {
                wake.ask(request);
            } else if let Some(name) = self.repository(repository) {
                drop(self.supervisor().spawn(self.clone().deploy_branch(name, request)));
            }
        }
    }

    fn is_new(&self, request: &Request) -> bool {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.insert(request.id().to_owned())
    }

    /// The repository of this name, if it is on this controller's disk.
    fn repository(&self, repository: &Repository) -> Option<RepositoryName> {
        repository.hosted_name()?.parse().ok().filter(|name| self.server.has(name))
    }

    /// Deploys the commit of a repository's branch again.
    async fn deploy_branch(self, name: RepositoryName, request: Request) {
        let path = self.server.path(&name);
        let at = server::deployed_branch(&path).and_then(|branch| Some((branch, server::branch_at(&path, branch)?)));
        let begun = if let Some((branch, commit)) = at {
            self.intend_again(&name, branch, &commit, &request).await
        } else {
            tracing::warn!(repository = %name, "nothing was pushed to this repository that could be deployed again");
            None
        };
        // From here on the record of the commit shows the progress.
        if let Err(error) = self.deployer.cluster.store.answered(&request).await {
            tracing::warn!(repository = %name, %error, "whoever asked for a deploy is not answered");
        }
        let Some((mut intent, generation)) = begun else { return };
        if let Err(panic) = Box::pin(caught(self.deploy_again(intent.clone(), generation))).await {
            self.fail_untried(&mut intent, &broken(&panic)).await;
        }
    }

    /// Records that an earlier commit is to be deployed again.
    async fn intend_again(
        &self,
        name: &RepositoryName,
        branch: &str,
        commit: &CommitId,
        request: &Request,
    ) -> Option<(Intent, Generation)> {
        let branch = branch.strip_prefix("refs/heads/");
        let variables = self.variables(&name.to_string(), branch);
        let read = self.read(&self.server.path(name), commit, None, variables).await;
        let revision = read.inspect_err(|error| tracing::warn!(repository = %name, %error, "cannot be deployed again"));
        let intent = Intent {
            number: 0,
            origin: origin(&revision.ok()?, Repository::hosted(name.to_string()), branch),
            cause: Cause::Push,
            created: self.deployer.cluster.clock.now(),
            base: Some(commit.clone()),
            user: None,
            options: request.options.clone(),
            news: true,
            stacks: BTreeSet::new(),
            state: State::Preparing { attempt: 1 },
        };
        let begun = self.intend(intent).await;
        begun.inspect_err(|error| tracing::warn!(repository = %name, %error, "cannot be deployed again")).ok()
    }
}
