//! Obstacles to deploying a stack with a valid file.

use std::fmt;

use serde::Serialize;

/// A part of the file that is impossible or forbidden in this swarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Obstacle {
    /// The path of keys to its place in the file, such as `services`, `web`, `ports`.
    pub place: Vec<String>,
    /// The obstacle, in one sentence without a full stop.
    pub message: String,
    /// The remedy.
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
