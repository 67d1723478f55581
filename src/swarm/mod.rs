//! Observe a stack, make one change at a time, read a task's log.
//!
//! A stack costs a fixed number of requests to observe, however many services it has. A change is one write, which
//! carries the version that was observed, so that whoever was overtaken is refused by Raft. This module decides
//! nothing and keeps nothing; that Swarm took a write says nothing of how its tasks fare.

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

/// The swarm that an engine, one of its managers, belongs to. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Swarm {
    engine: Engine,
    /// The logins to registries. A service is sent that of its image's registry, so that nodes can pull it.
    pub logins: Logins,
    /// Where the folders of named volumes lie, on every node; `/data` unless set otherwise.
    pub data_root: PathBuf,
    /// Whether all nodes share that folder.
    pub data_shared: bool,
    /// Bounds how many look at all of the swarm at once.
    looks: Arc<Semaphore>,
    /// Bounds how many wait for the file system of the data root.
    disk: Arc<Semaphore>,
}

/// How many look at all of the swarm at once.
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

/// What can go wrong when looking at a swarm or changing it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The engine did not answer, or said no for a reason that has no variant here.
    #[error(transparent)]
    Engine(engine::Error),
    /// Somebody changed it after it was observed. Observe again, and decide again.
    #[error("{subject} was changed by somebody else in the meantime")]
    OutOfSequence {
        /// What was to be changed, such as `service shop_web`.
        subject: String,
    },
    /// Its name is taken, or it is in use, or it cannot be changed that way.
    #[error("{subject}: {reason}")]
    Conflict {
        /// What was to be changed, such as `network shop_default`.
        subject: String,
        /// The engine's own words.
        reason: String,
    },
    /// A config or secret that is there holds something else, and Swarm changes only labels.
    #[error(
        "{subject} is there and holds something else, which Swarm cannot change; give it a new `name`, or remove it first"
    )]
    Immutable {
        /// What was to be changed, such as `config shop_site`.
        subject: String,
    },
    /// The engine is none that has a say in a swarm.
    #[error("this engine is no manager of a swarm; name a manager with `--host`, or make one with `docker swarm init`")]
    NoManager,
    /// It is deployed by releases, which would take back what is written beside them.
    #[error("the stack `{stack}` has releases of skep; deploy it without `--no-wait`")]
    HasReleases {
        /// The stack.
        stack: StackName,
    },
    /// It was observed or desired, and is not there.
    #[error("there is no {kind} `{name}`")]
    Missing {
        /// `config`, `secret`, `network` or `service`.
        kind: &'static str,
        /// Its full name.
        name: String,
    },
    /// A secret that was removed cannot be brought back, because no record holds its value.
    #[error(
        "the secret `{name}` is no longer in the swarm, and its value is kept nowhere else; `skep deploy --again STACK` brings it back"
    )]
    SecretGone {
        /// Its full name.
        name: String,
    },
    /// The data root of this node is not the one that the data is in. Nothing was made.
    #[error("{fault}; {remedy}")]
    OtherRoot {
        /// What is wrong with it.
        fault: String,
        /// What to do.
        remedy: String,
    },
    /// A folder for a volume could not be made.
    #[error("cannot create the folder `{path}`: {reason}")]
    Folder {
        /// The folder.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// The file system of the data root does not answer.
    #[error(
        "the file system of the data root `{path}` has not answered for {} s: look after the storage that is mounted there",
        folders::PATIENCE.as_secs()
    )]
    Stuck {
        /// The data root.
        path: String,
    },
}

impl Error {
    /// Whether the same may succeed a little later, without anybody doing anything.
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
