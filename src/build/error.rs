//! Errors of builds.

use std::time::Duration;

use crate::engine;
use crate::name::ServiceName;
use crate::registry;

/// An error of a build.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The engine.
    #[error(transparent)]
    Engine(#[from] engine::Error),
    /// A file of the context is too large.
    #[error(
        "`{path}` in the build context of `{service}` has {size} bytes, {limit} at most are sent; is it built or downloaded? then let the Dockerfile do that, or list it in `.dockerignore`"
    )]
    FileTooLarge {
        /// The service.
        service: ServiceName,
        /// The file, below the context.
        path: String,
        /// Its bytes.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// The context as a whole is too large.
    #[error(
        "the build context of `{service}` has more than {limit} bytes; list in `.dockerignore` what the build does not need"
    )]
    ContextTooLarge {
        /// The service.
        service: ServiceName,
        /// The limit in bytes.
        limit: u64,
    },
    /// Git could not give a file of the context. A retry can help.
    #[error("`{path}` in the build context of `{service}` could not be read: {reason}")]
    Unreadable {
        /// The service.
        service: ServiceName,
        /// The file, below the context.
        path: String,
        /// Why.
        reason: String,
    },
    /// The build failed.
    #[error("the image of `{service}` could not be built: {reason}")]
    Failed {
        /// The service.
        service: ServiceName,
        /// The builder's message.
        reason: String,
        /// The last lines of its log.
        log: Vec<String>,
    },
    /// The build, or the upload of its image, exceeded its deadline and was cancelled.
    #[error("the {what} of `{service}` took longer than {} s", limit.as_secs())]
    TooLong {
        /// The service.
        service: ServiceName,
        /// `build`, `test` or `upload`.
        what: &'static str,
        /// The deadline.
        limit: Duration,
        /// The last lines of its log.
        log: Vec<String>,
    },
    /// The image was built, and its test failed.
    #[error("the test of `{service}` failed in the built image with exit code {exit_code}")]
    TestFailed {
        /// The service.
        service: ServiceName,
        /// The exit code of the command.
        exit_code: i64,
        /// The last lines of its output.
        log: Vec<String>,
    },
    /// The command of the test could not be started in the image.
    #[error("the test of `{service}` could not be started in the built image: {reason}")]
    TestNotStarted {
        /// The service.
        service: ServiceName,
        /// The engine's message.
        reason: String,
    },
    /// The registry.
    #[error(transparent)]
    Registry(#[from] registry::Error),
    /// A third-party image is neither in its registry nor on this engine.
    #[error("the image `{image}` cannot be found: {reason}")]
    Unresolved {
        /// The image as written.
        image: String,
        /// The engine's message about its registry.
        reason: String,
        /// Whether the registry failed, rather than refused.
        away: bool,
    },
}

impl Error {
    /// Whether a retry may succeed without a change in the repository.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Engine(error) => error.is_transient(),
            Self::Unreadable { .. } => true,
            Self::Registry(error) => error.is_away(),
            Self::Unresolved { away, .. } => *away,
            _ => false,
        }
    }

    /// Whether the same may succeed later with nothing changed in the repository or the settings: also because somebody
    /// pushes an image, or changes rights in a registry.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unresolved { .. } => true,
            Self::Registry(error) => error.may_pass(),
            error => error.is_transient(),
        }
    }

    /// The last lines of the log of what failed, if there is one.
    pub fn log(&self) -> &[String] {
        match self {
            Self::Failed { log, .. } | Self::TooLong { log, .. } | Self::TestFailed { log, .. } => log,
            _ => &[],
        }
    }
}
