//! The states of the watched repositories: in memory, in the swarm for commands, and in the metrics.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::cluster::Cluster;
use super::metrics::Metrics;
use crate::config::Repository;
use crate::lease::Lease;
use crate::name;
use crate::release::{Handled, Upstream};
use crate::source::{self, Remote};

/// The watched repositories. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Upstreams {
    cluster: Cluster,
    lease: Lease,
    metrics: Metrics,
    all: Arc<Mutex<BTreeMap<String, Known>>>,
    /// Held while a state is written to the swarm, so that an older state never replaces a newer one.
    writing: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Clone, Debug)]
struct Known {
    now: Upstream,
    /// The state that was last written to the swarm.
    noted: Option<Upstream>,
}

impl Upstreams {
    /// The repositories of the settings, in an unknown state.
    pub(super) fn new(
        cluster: Cluster,
        lease: Lease,
        metrics: Metrics,
        settings: &BTreeMap<String, Repository>,
    ) -> Self {
        let new = |(name, settings): (&String, &Repository)| {
            let now = Upstream::new(name::Repository::watched(name), &shown(&settings.url), &settings.branch);
            (name.clone(), Known { now, noted: None })
        };
        let all = settings.iter().map(new).collect();
        Self { cluster, lease, metrics, all: Arc::new(Mutex::new(all)), writing: Arc::default() }
    }

    /// Reads the states that an earlier controller recorded, and removes those of repositories that are no longer
    /// watched.
    pub(super) async fn load(&self) {
        let left = match self.cluster.store.upstreams().await {
            Ok(left) => left,
            Err(error) => {
                tracing::warn!(%error, "what was known of the watched repositories cannot be read");
                return;
            }
        };
        let watched: BTreeSet<String> = self.lock().keys().cloned().collect();
        let own = || left.keys().filter(|repository| !repository.is_foreign());
        for repository in own().filter(|repository| !watched.contains(repository.name())) {
            if let Err(error) = self.cluster.store.forget_upstream(&self.lease, repository).await {
                tracing::warn!(%repository, %error, "what was known of a repository that is not watched any more stays");
            }
        }
        for (repository, left) in left.into_iter().filter(|(repository, _)| !repository.is_foreign()) {
            if let Some(known) = self.lock().get_mut(repository.name()) {
                known.take_up(left);
            }
        }
        // All repositories are shown from the beginning.
        for name in &watched {
            self.tell(name).await;
        }
    }

    /// The state of a repository.
    pub(super) fn get(&self, name: &str) -> Option<Upstream> {
        Some(self.lock().get(name)?.now.clone())
    }

    /// Changes the state of a repository, and writes it to the swarm if people would want to know.
    pub(super) async fn change(&self, name: &str, change: impl FnOnce(&mut Upstream, Timestamp)) {
        let now = self.cluster.clock.now();
        if let Some(known) = self.lock().get_mut(name) {
            change(&mut known.now, now);
            self.metrics.upstream(&known.now);
        }
        self.tell(name).await;
    }

    /// A line for each repository whose newest commit is known not to run. Names no address and no finding: anybody may
    /// read it.
    pub(super) fn complaints(&self) -> Vec<String> {
        let is_bad = |upstream: &Upstream| {
            upstream.trouble.is_some() || matches!(upstream.handled, Handled::Refused { .. } | Handled::Failed { .. })
        };
        let all = self.lock();
        let bad = all.values().filter(|known| is_bad(&known.now));
        bad.map(|known| format!("repository {}: {}", known.now.repository, known.now.word())).collect()
    }

    async fn tell(&self, name: &str) {
        let _writing = self.writing.lock().await;
        let Some(known) = self.lock().get(name).cloned() else { return };
        if known.noted.is_some_and(|noted| !noted.is_outdated(&known.now)) {
            return;
        }
        match self.cluster.store.set_upstream(&self.lease, &known.now).await {
            Ok(()) => {
                if let Some(there) = self.lock().get_mut(name) {
                    there.noted = Some(known.now);
                }
            }
            Err(error) => {
                tracing::warn!(repository = name, %error, "`skep status` does not know how this repository is");
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Known>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// What was known of the same branch counts until the next look, but for what the controller was at.
    fn take_up(&mut self, left: Upstream) {
        self.noted = Some(left.clone());
        if (&left.url, &left.branch) != (&self.now.url, &self.now.branch) {
            return;
        }
        let is_settled = left.handled != Handled::Underway;
        self.now = Upstream { trouble: None, ..left };
        if !is_settled {
            self.now.handled = Handled::Pending;
        }
    }
}

/// An address without credentials.
fn shown(url: &str) -> String {
    match Remote::parse(url) {
        Ok((remote, _)) => remote.to_string(),
        Err(source::Error::Address { url, .. }) => url,
        Err(_) => String::new(),
    }
}
