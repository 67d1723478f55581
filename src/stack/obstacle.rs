//! What keeps a stack from being deployed although its file is right.

use std::fmt;

use serde::Serialize;

/// Something in the file that cannot be done in this swarm as it is, or may not be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Obstacle {
    /// The keys that lead to its place in the file, such as `services`, `web`, `ports`.
    pub place: Vec<String>,
    /// What is in the way, in one sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place.join("."))?;
        }
        write!(f, "{}; {}", self.message, self.help)
    }
}
