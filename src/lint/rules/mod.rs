//! The rules: each is a file, and a line in the table of its group.

pub(super) mod dockerfile;
pub(super) mod own;
mod shell;
pub(super) mod stack;
mod swarm;
mod traefik;

use std::sync::LazyLock;

use crate::lint::rule::Rule;

/// Every rule, in the order of the manual.
pub(super) static RULES: LazyLock<Vec<&Rule>> = LazyLock::new(|| {
    [own::RULES, stack::RULES, traefik::RULES, dockerfile::RULES, shell::RULES, swarm::RULES].concat()
});

#[cfg(test)]
mod false_alarm_tests;
#[cfg(test)]
mod message_tests;
#[cfg(test)]
mod stack_false_alarm_tests;
#[cfg(test)]
mod tests;
