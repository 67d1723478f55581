//! Errors of registries.

/// An error of a registry.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It could not be reached, or did not respond in time. A retry can help.
    #[error("the registry {registry} does not answer: {reason}")]
    Away {
        /// Its host.
        registry: String,
        /// The error of the connection.
        reason: String,
    },
    /// It refuses access.
    #[error(
        "the registry {registry} refuses {who} access to {image}; check the user, its password and its rights there"
    )]
    Unauthorized {
        /// Its host.
        registry: String,
        /// The user, or that there is none.
        who: String,
        /// The requested image.
        image: String,
    },
    /// It returned another error.
    #[error("the registry {registry} cannot take or give {image}: {reason}")]
    Refused {
        /// Its host.
        registry: String,
        /// The requested image.
        image: String,
        /// Its message.
        reason: String,
    },
    /// A text is not the name of an image.
    #[error("`{0}` is not the name of an image")]
    NotAnImage(String),
}

impl Error {
    /// Whether the registry failed, rather than refused.
    pub fn is_away(&self) -> bool {
        matches!(self, Self::Away { .. })
    }

    /// Whether a retry may succeed later, possibly after an image was pushed or permissions changed.
    pub fn may_pass(&self) -> bool {
        !matches!(self, Self::NotAnImage(_))
    }
}
