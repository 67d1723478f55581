//! Rules about the linter's own settings and comments.

mod ignore_used;
mod settings;
mod unknown_rule;
mod unread;
mod unused_ignore;

use crate::lint::rule::Rule;

/// Invalid settings.
pub(in crate::lint) static SETTINGS: &Rule = &settings::RULE;
/// Comments that disable rules without findings.
pub(in crate::lint) static UNUSED: &Rule = &unused_ignore::RULE;
/// Unknown rules.
pub(in crate::lint) static UNKNOWN: &Rule = &unknown_rule::RULE;
/// Dockerfiles that are too large.
pub(in crate::lint) static UNREAD: &Rule = &unread::RULE;
/// Comments of hadolint that disable a rule.
pub(in crate::lint) static IGNORE: &Rule = &ignore_used::RULE;

/// The rules about the linter itself, in the order of the manual.
pub(super) static RULES: &[&Rule] =
    &[&settings::RULE, &unused_ignore::RULE, &unknown_rule::RULE, &unread::RULE, &ignore_used::RULE];
