//! Forges: reads their webhooks, and reports the state of commits to them.
//!
//! A kind of forge is one file ([`Kind`]) and one line in [`Forge`]'s table. A webhook never determines addresses to
//! fetch from or to report to: those are in the settings. It only triggers fetching a repository.
//!
//! [`Forge::receive`] and [`Forge::report`] are pure: bytes in, a [`Notice`] or a request out. Only [`Reporter`] sends.

mod delivery;
mod gitea;
mod github;
mod gitlab;
mod kind;
mod proof;
mod push;
mod report;
mod signature;
mod status;

use jiff::Timestamp;
pub use reqwest::header;
use reqwest::header::HeaderMap;
use secrecy::SecretString;

pub use self::delivery::Deliveries;
pub use self::gitlab::OLD_ROUTE;
use self::kind::Kind;
pub use self::kind::{Malformed, Notice, Pushed, Reference};
pub use self::proof::{Refused, is_one_of};
pub use self::report::{Error, Project, Report, Reporter, State, Status};

/// Defines [`Forge`] from the table of its kinds.
macro_rules! forges {
    ($($(#[doc = $doc:literal])* $kind:ident => $file:ident,)*) => {
        /// A kind of forge.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Forge {
            $($(#[doc = $doc])* $kind,)*
        }

        impl Forge {
            /// All kinds, in the order of the manual.
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            fn kind(self) -> &'static dyn Kind {
                match self {
                    $(Self::$kind => &$file::$kind,)*
                }
            }
        }
    };
}

forges! {
    /// GitLab, its own or gitlab.com.
    GitLab => gitlab,
    /// GitHub, or a GitHub Enterprise Server.
    GitHub => github,
    /// Gitea and Forgejo, which has the same API.
    Gitea => gitea,
}

/// Why a webhook is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// The sender did not prove knowledge of the secret.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// It is authentic but not understood.
    #[error("this is not a push event of {forge}: {source}")]
    Malformed {
        /// The name of the kind of forge.
        forge: &'static str,
        /// What is wrong with it.
        source: Malformed,
    },
}

impl Forge {
    /// The kind with this name in the settings, such as `gitlab`, or `forgejo` for [`Forge::Gitea`].
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|forge| forge.kind().names().contains(&name))
    }

    /// Every name that a kind has in the settings.
    pub fn names() -> Vec<&'static str> {
        Self::ALL.iter().flat_map(|forge| forge.kind().names()).copied().collect()
    }

    /// Its name for users.
    pub fn title(self) -> &'static str {
        self.kind().title()
    }

    /// The address of the public instance, for settings that name none.
    pub fn home(self) -> Option<&'static str> {
        self.kind().home()
    }

    /// Checks what the headers of a webhook alone prove, so that nobody makes skep read a body for nothing: a secret
    /// token, or that there is a signature.
    pub fn admits(self, headers: &HeaderMap, secrets: &[SecretString]) -> Result<(), Refused> {
        self.kind().admits(headers, secrets)
    }

    /// Reads a webhook, after verifying it over the raw bytes of the body.
    pub fn receive(
        self,
        headers: &HeaderMap,
        body: &[u8],
        secrets: &[SecretString],
        now: Timestamp,
    ) -> Result<Notice, Rejected> {
        self.admits(headers, secrets)?;
        self.kind().verify(headers, body, secrets, now)?;
        let forge = self.title();
        self.kind().read(headers, body).map_err(|source| Rejected::Malformed { forge, source })
    }

    /// What a genuine webhook cannot share with another one: the part of its proof that is signed. `None` where a
    /// webhook is proven by a token alone, which can be sent with anything.
    pub fn mark(self, headers: &HeaderMap) -> Option<Vec<u8>> {
        self.kind().mark(headers)
    }

    /// The request that tells a forge the state of a commit.
    pub fn report(self, project: &Project, status: &Status) -> Report {
        self.kind().report(project, status)
    }
}

#[cfg(test)]
mod tests;
