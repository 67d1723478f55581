//! Git: mirrors of watched repositories, and the repositories of the built-in server.
//!
//! A [`Mirror`] is a bare copy of a repository elsewhere, a [`Server`] holds the repositories that are pushed to skep,
//! [`read`](fn@read) and [`folder::read`] make a [`Revision`](crate::revision::Revision) of a commit or of a folder,
//! and [`Objects`] yields the bytes of its entries.
//!
//! There is never a work tree, so nothing of a repository is ever run: libgit2 has no hooks, runs no filter without a
//! checkout and recurses into no submodule. The real `git`, which serves pushes, runs one hook, and that is skep's.
//! Repositories are opened for one piece of work and closed after it: an open one keeps its packs mapped.

mod ancestry;
mod extent;
pub mod folder;
mod inspect;
mod memory;
pub mod mirror;
pub mod named;
pub mod objects;
pub mod pushed;
pub mod read;
mod receive;
pub mod remote;
pub mod serve;
pub mod server;
pub mod sweep;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use git2::Repository;

pub use ancestry::Ancestry;
pub use mirror::{Mirror, trust};
pub use objects::{Objects, Reader};
pub use read::read;
pub use remote::{Credentials, Remote};
pub use server::Server;

/// An error of Git.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address of a repository is not one that skep fetches from.
    #[error("cannot fetch from {url}: {reason}")]
    Address {
        /// The address, without credentials.
        url: String,
        /// What is wrong with it and what to write.
        reason: String,
    },
    /// The repository could not be reached, or did not answer in time. A retry can help.
    #[error("{url} does not answer: {reason}")]
    Away {
        /// The address, without credentials.
        url: String,
        /// What the connection said.
        reason: String,
    },
    /// The host refuses the credentials.
    #[error(
        "{url} refuses the credentials ({reason}); give skep a token that may read this repository, and see that it has not expired"
    )]
    Credentials {
        /// The address, without credentials.
        url: String,
        /// The message of the host.
        reason: String,
    },
    /// The repository does not exist, or the credentials do not allow reading it.
    #[error("there is no repository at {url}, or the token may not see it; check the address and the token")]
    NoRepository {
        /// The address, without credentials.
        url: String,
    },
    /// There is no such branch.
    #[error("{place} has no branch `{branch}`; push it, or name another branch in the settings")]
    NoBranch {
        /// The repository.
        place: String,
        /// The branch that was looked for.
        branch: String,
    },
    /// A limit is exceeded.
    #[error("{what} is larger than the limit of {limit}; {help}")]
    TooLarge {
        /// What exceeds it.
        what: String,
        /// The limit, with its unit.
        limit: String,
        /// What to do.
        help: &'static str,
    },
    /// The tree of a commit contains an entry that skep does not accept.
    #[error("the tree of the commit has {what}: {reason}")]
    Tree {
        /// Where it is.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A branch points at an object that is not a commit.
    #[error(
        "the branch names the {kind} {id}, not a commit; push what a tag names with `git push REMOTE 'TAG^{{commit}}:BRANCH'`"
    )]
    NotACommit {
        /// Its type, as Git names it.
        kind: String,
        /// Its id.
        id: String,
    },
    /// A branch points at another commit than expected.
    #[error("{name} is at {found}, not at {expected}; somebody else moved it")]
    Moved {
        /// The ref.
        name: String,
        /// The expected commit.
        expected: String,
        /// Where it is.
        found: String,
    },
    /// The maximum number of repositories is reached.
    #[error("skep keeps {} repositories already; push to one of them, or delete one that is not needed", server::MOST)]
    Full,
    /// A repository on the disk, or a file, could not be used.
    #[error("cannot {doing}: {reason}")]
    Local {
        /// What was being done.
        doing: String,
        /// The error of the file system or of Git.
        reason: String,
    },
}

impl Error {
    /// Whether the same may succeed later without any change.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Away { .. } | Self::Moved { .. })
    }

    fn local(doing: impl Into<String>) -> impl FnOnce(git2::Error) -> Self {
        let doing = doing.into();
        move |error| Self::Local { doing, reason: error.message().to_owned() }
    }

    fn disk(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let doing = doing.into();
        move |error| Self::Local { doing, reason: error.to_string() }
    }
}

fn open(path: &Path) -> Result<Repository, Error> {
    Repository::open_bare(path).map_err(Error::local(format!("open the repository {}", path.display())))
}

/// Makes a folder accessible to skep's own user only. If the file system does not support that, skep goes on.
fn close(folder: &Path) {
    if let Err(error) = fs::set_permissions(folder, fs::Permissions::from_mode(0o700)) {
        tracing::warn!(folder = %folder.display(), %error, "other users of this machine may be able to read the folder");
    }
}

/// Runs blocking work on a thread for it.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        // skep is stopping, and nothing waits for the result.
        Err(failed) if failed.is_cancelled() => std::future::pending().await,
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    }
}
