//! What can go wrong with a registry, in sentences.

/// What can go wrong with a registry.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It could not be reached, or did not answer in time. A retry can help.
    #[error("the registry {registry} does not answer: {reason}")]
    Away {
        /// Its host.
        registry: String,
        /// What the connection said.
        reason: String,
    },
    /// It does not let us in.
    #[error(
        "the registry {registry} refuses {who} access to {image}; check the user, its password and its rights there"
    )]
    Unauthorized {
        /// Its host.
        registry: String,
        /// The user, or that there is none.
        who: String,
        /// What was asked for.
        image: String,
    },
    /// It says something else.
    #[error("the registry {registry} cannot take or give {image}: {reason}")]
    Refused {
        /// Its host.
        registry: String,
        /// What was asked for.
        image: String,
        /// Its own words.
        reason: String,
    },
    /// A text is not the name of an image.
    #[error("`{0}` is not the name of an image")]
    NotAnImage(String),
}

impl Error {
    /// Whether the registry failed rather than answered.
    pub fn is_away(&self) -> bool {
        matches!(self, Self::Away { .. })
    }

    /// Whether the same may succeed later: also because somebody pushes an image, or changes rights.
    pub fn may_pass(&self) -> bool {
        !matches!(self, Self::NotAnImage(_))
    }
}
