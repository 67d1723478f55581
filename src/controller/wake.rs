//! Wakes the watcher of a repository.

use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use crate::store::Request;

/// Wakes the watcher of one repository.
#[derive(Debug, Default)]
pub(super) struct Wake {
    look: Notify,
    reconsider: Notify,
    requests: Mutex<Vec<Request>>,
}

impl Wake {
    /// Has the repository fetched now.
    pub(super) fn look(&self) {
        self.look.notify_one();
    }

    /// Has the repository fetched now because of this request.
    pub(super) fn ask(&self, request: Request) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        if !requests.contains(&request) {
            requests.push(request);
        }
        drop(requests);
        self.look();
    }

    /// The requests since the last call.
    pub(super) fn take_requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.requests.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns when the repository is to be fetched.
    pub(super) async fn asked(&self) {
        self.look.notified().await;
    }

    /// Makes the watcher compute again when the next fetch is due.
    pub(super) fn reconsider(&self) {
        self.reconsider.notify_one();
    }

    /// Returns when the time of the next fetch may have changed.
    pub(super) async fn reconsidered(&self) {
        self.reconsider.notified().await;
    }
}
