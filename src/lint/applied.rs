//! Applies settings to the rules: which are enabled, with which level, and messages about unknown rules.

use crate::diagnostic::suggest::did_you_mean;
use crate::diagnostic::{Diagnostic, Place, Severity};
use crate::lint::Rule;
use crate::lint::rules::RULES;
use crate::lint::settings::{Level, Named, Settings, Written, is_foreign};
use crate::name::RepoPath;
use crate::text::cut;

/// The most findings about rules in the settings.
const MAX_DOUBTS: usize = 50;

impl Settings {
    /// The severity of this rule's findings; `None` if the rule is disabled.
    pub fn severity(&self, rule: &Rule) -> Option<Severity> {
        match self.levels.get(rule.id) {
            _ if rule.must_hold() => Some(rule.severity),
            Some(Level::Off) => None,
            Some(Level::At(severity)) => Some(*severity),
            Some(Level::On) => Some(rule.severity),
            None => (!rule.is_off()).then_some(rule.severity),
        }
    }

    /// Whether a rule is disabled for a file.
    pub fn ignores(&self, path: &RepoPath, rule: &Rule) -> bool {
        !rule.must_hold() && self.ignores_id(path, rule.id)
    }
}

/// Findings about rules in the settings that do not exist or cannot be disabled, and about misspelt settings of hadolint.
/// Rules of hadolint and `ShellCheck` that skep does not have are allowed.
pub fn doubts(written: &Written) -> Vec<Diagnostic> {
    let of_rules = written.named.iter().filter_map(doubt).take(MAX_DOUBTS);
    written.doubts.iter().cloned().chain(of_rules).collect()
}

fn doubt(named: &Named) -> Option<Diagnostic> {
    let wrong = match RULES.iter().find(|rule| rule.id == named.id) {
        Some(rule) if rule.must_hold() && named.is_changed => must_hold(&named.id).help("take it out of the settings"),
        None if !is_foreign(&named.id) => unknown(&named.id),
        _ => return None,
    };
    Some(wrong.at(Place { path: named.path.clone(), span: named.span.clone() }))
}

/// What to say of a rule that is not switched off, whoever tries.
pub(in crate::lint) fn must_hold(id: &str) -> Diagnostic<()> {
    Diagnostic::new((), format!("`{id}` is not switched off: nothing can be deployed where it finds something"))
}

/// The message and help for a rule that does not exist.
pub fn unknown(id: &str) -> Diagnostic<()> {
    let all = "`skep rules` lists all";
    let near = did_you_mean(id, RULES.iter().map(|rule| rule.id));
    let help = near.map_or_else(|| all.to_owned(), |near| format!("{near} {all}"));
    Diagnostic::new((), format!("there is no rule `{}`", cut(id))).help(help)
}
