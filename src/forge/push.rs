//! The body of a push event as GitHub has it, which Gitea and Forgejo have taken over.

use serde::Deserialize;

use super::kind::{Malformed, Notice};

#[derive(Deserialize)]
pub(super) struct Push {
    r#ref: String,
    after: String,
    repository: Repository,
    #[serde(default)]
    pusher: Option<Pusher>,
}

#[derive(Deserialize)]
struct Repository {
    full_name: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Pusher {
    /// GitHub's.
    name: Option<String>,
    /// Gitea's.
    login: Option<String>,
}

impl Push {
    pub(super) fn notice(self) -> Result<Notice, Malformed> {
        let Pusher { name, login } = self.pusher.unwrap_or_default();
        Notice::pushed(self.repository.full_name, &self.r#ref, &self.after, login.or(name).unwrap_or_default())
    }
}
