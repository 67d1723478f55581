//! How the watcher of a repository is told to look now.

use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use crate::store::Request;

/// What wakes the watcher of one repository.
#[derive(Debug, Default)]
pub(super) struct Wake {
    look: Notify,
    reconsider: Notify,
    requests: Mutex<Vec<Request>>,
}

impl Wake {
    /// Has the repository looked at now.
    pub(super) fn look(&self) {
        self.look.notify_one();
    }

    /// Has the repository looked at now because of this request.
    pub(super) fn ask(&self, request: Request) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        if !requests.contains(&request) {
            requests.push(request);
        }
        drop(requests);
        self.look();
    }

    /// The requests since this was last asked.
    pub(super) fn take_requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.requests.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Comes back when the repository is to be looked at.
    pub(super) async fn asked(&self) {
        self.look.notified().await;
    }

    /// Has the watcher work out anew when the next look is due.
    pub(super) fn reconsider(&self) {
        self.reconsider.notify_one();
    }

    /// Comes back when the time of the next look may be another one.
    pub(super) async fn reconsidered(&self) {
        self.reconsider.notified().await;
    }
}
