//! Checks every Dockerfile and stack file of a revision with every rule.
//!
//! [`check()`] is the gate and the only maker of a [`Checked`] revision; [`findings`] is the tool. Both ask the same
//! rules, whose table is `rules::RULES`: a rule is a file with a page, which is its documentation and its test, and a
//! function. What a hostile repository holds, of any size or encoding, ends in findings: at most fifty for each rule
//! and file and how many more there are, in time that grows with the size of the files.
//!
//! It could be a crate of its own: it uses `name`, `text`, `mask`, `diagnostic`, `stack`, `sops` and `revision`, and of `render` the routes of
//! routes of `x-skep.http` and whether a stack can be made of a file. Its own modules are in an order in which each
//! uses only those before it, so that no rule knows of the table of rules (`tests/architecture.rs`).

mod applied;
mod buildkit;
mod check;
pub mod dockerfile;
mod elsewhere;
mod fixed;
mod found;
pub mod live;
pub mod report;
mod rule;
mod rules;
pub mod settings;
mod shell;
pub mod shellcheck;
mod subject;
mod suppress;
mod touched;
mod traefik;

use crate::diagnostic::Diagnostic;

pub use applied::{doubts, unknown};
pub use check::{
    Checked, CheckedStack, Rejection, check, findings, findings_with, is_dockerfile, questions, wanted, wanted_among,
};
pub use fixed::fixed;
pub use rule::Rule;
pub use settings::Settings;
pub use touched::{Touched, touched, unread};

/// The rule for invalid settings.
pub const BAD_SETTINGS: &str = "SK0001";

/// Whether a finding means that a file was not checked.
pub fn is_unread(finding: &Diagnostic) -> bool {
    finding.code == Some(rules::own::UNREAD.id)
}

/// Every rule, in the order of the manual.
pub fn rules() -> &'static [&'static Rule] {
    &rules::RULES
}

/// The rule of this id, in capitals or not; its page explains it.
pub fn explain(id: &str) -> Option<&'static Rule> {
    rules().iter().copied().find(|rule| rule.id.eq_ignore_ascii_case(id))
}

/// Whether there is a rule of this id, here, in hadolint or in `ShellCheck`.
pub fn knows(id: &str) -> bool {
    explain(id).is_some() || settings::is_foreign(&id.to_ascii_uppercase())
}

/// The pages of all rules as one Markdown page: `docs/rules.md`.
pub fn manual() -> String {
    let begin = "# Rules\n\nWhat `skep lint` looks for, and what keeps a push from being deployed: a rule of level error does, \
                 warnings and remarks do not. `skep explain RULE` shows one page.\n";
    let pages = rules().iter().map(|rule| format!("\n## {}\n\nLevel: {}\n\n{}", rule.id, rule.level(), rule.page()));
    format!("{begin}{}", pages.collect::<String>())
}

/// The labels that Traefik knows, with a star for each name.
pub fn traefik_labels() -> impl Iterator<Item = &'static str> {
    traefik::known::all().iter().map(|known| known.pattern)
}
