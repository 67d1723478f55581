//! What only the swarm knows: asked by `skep lint --live`, and told by [`crate::lint::live`].

mod managers;
mod note;
mod obstacle;

use crate::lint::rule::Rule;

/// These rules, in the order of the manual.
pub(super) static RULES: &[&Rule] = &[&obstacle::RULE, &note::RULE, &managers::RULE];
