//! Rules about the live swarm: checked by `skep lint --live`, and reported by [`crate::lint::live`].

mod managers;
mod note;
mod obstacle;

use crate::lint::rule::Rule;

/// The rules about the live swarm, in the order of the manual.
pub(super) static RULES: &[&Rule] = &[&obstacle::RULE, &note::RULE, &managers::RULE];
