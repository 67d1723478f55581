//! Rules about what is said to the linter itself.

mod ignore_used;
mod settings;
mod unknown_rule;
mod unread;
mod unused_ignore;

use crate::lint::rule::Rule;

/// Settings that are not understood.
pub(in crate::lint) static SETTINGS: &Rule = &settings::RULE;
/// Comments that switch off what was not found.
pub(in crate::lint) static UNUSED: &Rule = &unused_ignore::RULE;
/// Rules that do not exist.
pub(in crate::lint) static UNKNOWN: &Rule = &unknown_rule::RULE;
/// Dockerfiles that nobody can look at.
pub(in crate::lint) static UNREAD: &Rule = &unread::RULE;
/// Comments of hadolint that switch something off.
pub(in crate::lint) static IGNORE: &Rule = &ignore_used::RULE;

/// These rules, in the order of the manual.
pub(super) static RULES: &[&Rule] =
    &[&settings::RULE, &unused_ignore::RULE, &unknown_rule::RULE, &unread::RULE, &ignore_used::RULE];
