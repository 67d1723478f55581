//! Observes a stack, makes one change at a time, reads a task's log.
//!
//! Observing a stack takes a fixed number of requests, however many services it has. A change is one write, which
//! carries the observed version, so that Raft refuses a write based on an outdated observation. This module makes no
//! decisions and keeps no state; an accepted write does not mean that its tasks are healthy.

mod decode;
mod encode;
mod events;
mod evidence;
mod folders;
mod follow;
mod images;
mod listed;
mod logs;
mod mark;
mod observe;
mod owned;
mod perform;
#[cfg(test)]
mod roundtrip_tests;
mod spec;
mod stack_deploy;
mod survey;
mod whereabouts;

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::engine::{self, Engine};
use crate::name::StackName;
use crate::registry::Logins;
pub use decode::service as read_service;
pub use stack_deploy::{Options as StackDeployOptions, Prepared, Resolve, Write};

pub use events::{Event, Events};
pub use follow::{Line, Log, Wanted};
pub use observe::Overview;

/// A swarm, accessed through the engine of one of its managers. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Swarm {
    engine: Engine,
    /// The registry logins. A service is sent with the login of its image's registry, so that nodes can pull the image.
    pub logins: Logins,
    /// The folder of named volumes on every node; `/data` by default.
    pub data_root: PathBuf,
    /// Whether all nodes share that folder.
    pub data_shared: bool,
    /// Limits concurrent observations of the whole swarm.
    looks: Arc<Semaphore>,
    /// Limits concurrent accesses to the file system of the data root.
    disk: Arc<Semaphore>,
}

/// The most concurrent observations of the whole swarm.
const LOOKS: usize = 4;

impl Swarm {
    /// The swarm of this engine.
    pub fn new(engine: Engine) -> Self {
        Self {
            engine,
            logins: Logins::default(),
            data_root: PathBuf::from("/data"),
            data_shared: false,
            looks: Arc::new(Semaphore::new(LOOKS)),
            disk: Arc::new(Semaphore::new(folders::WAITING)),
        }
    }
}

/// An error of observing or changing a swarm.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The engine did not respond, or refused for a reason without a variant here.
    #[error(transparent)]
    Engine(engine::Error),
    /// The object changed after it was observed. Observe and decide again.
    #[error("{subject} was changed by somebody else in the meantime")]
    OutOfSequence {
        /// The object to be changed, such as `service shop_web`.
        subject: String,
    },
    /// Its name is taken, or it is in use, or it cannot be changed that way.
    #[error("{subject}: {reason}")]
    Conflict {
        /// The object to be changed, such as `network shop_default`.
        subject: String,
        /// The engine's message.
        reason: String,
    },
    /// An existing config or secret has other contents, and Swarm can change only labels.
    #[error(
        "{subject} is there and holds something else, which Swarm cannot change; give it a new `name`, or remove it first"
    )]
    Immutable {
        /// The object to be changed, such as `config shop_site`.
        subject: String,
    },
    /// The engine is not a manager of a swarm.
    #[error("this engine is no manager of a swarm; name a manager with `--host`, or make one with `docker swarm init`")]
    NoManager,
    /// The stack is deployed by releases, which would undo other writes.
    #[error("the stack `{stack}` has releases of skep; deploy it without `--no-wait`")]
    HasReleases {
        /// The stack.
        stack: StackName,
    },
    /// An observed or desired object does not exist.
    #[error("there is no {kind} `{name}`")]
    Missing {
        /// `config`, `secret`, `network` or `service`.
        kind: &'static str,
        /// Its full name.
        name: String,
    },
    /// A removed secret cannot be restored, because no record holds its value.
    #[error(
        "the secret `{name}` is no longer in the swarm, and its value is not stored elsewhere; `skep deploy --again STACK` creates it again"
    )]
    SecretGone {
        /// Its full name.
        name: String,
    },
    /// The data root of this node is not the one with the data. Nothing was created.
    #[error("{fault}; {remedy}")]
    OtherRoot {
        /// The fault.
        fault: String,
        /// The remedy.
        remedy: String,
    },
    /// A folder for a volume could not be created.
    #[error("cannot create the folder `{path}`: {reason}")]
    Folder {
        /// The folder.
        path: String,
        /// The system's error.
        reason: String,
    },
    /// The file system of the data root does not respond.
    #[error(
        "the file system of the data root `{path}` has not responded for {} s: check the storage that is mounted there",
        folders::PATIENCE.as_secs()
    )]
    Stuck {
        /// The data root.
        path: String,
    },
}

impl Error {
    /// Whether a retry may succeed without any other change.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Engine(error) => error.is_transient(),
            Self::OutOfSequence { .. } => true,
            Self::Immutable { .. }
            | Self::NoManager
            | Self::HasReleases { .. }
            | Self::Conflict { .. }
            | Self::Missing { .. }
            | Self::SecretGone { .. }
            | Self::OtherRoot { .. }
            | Self::Folder { .. }
            | Self::Stuck { .. } => false,
        }
    }
}

impl From<engine::Error> for Error {
    fn from(error: engine::Error) -> Self {
        Self::Engine(error)
    }
}
