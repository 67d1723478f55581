//! The settings of the linter in a repository: the levels of rules, ignored paths, and values that rules compare with.
//!
//! They are read from `skep-lint.yaml` at the top of the checked folder, and from `.hadolint.yaml`, which
//! `skep-lint.yaml` overrides. The defaults are [`Settings::default`]. An invalid file is ignored and is a finding
//! (`SK0001`). Rules see the result as `subject.settings`. This module does not know the rules: `applied` checks that
//! the named ones exist.

mod hadolint;
mod reader;
mod registries;
mod skep;

use std::collections::BTreeMap;

use globset::GlobMatcher;

use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::name::RepoPath;
use crate::revision::Revision;

pub use hadolint::{Variables, of_variables};
pub(in crate::lint) use reader::is_foreign;
pub use registries::Registries;

/// The settings of the linter.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct Settings {
    /// How much each rule counts, by its id, where it is not what the rule itself says.
    pub levels: BTreeMap<String, Level>,
    /// Files that nothing, or not everything, is said about.
    pub ignored: Vec<Ignored>,
    /// The registries that images may come from; any if none is named.
    pub trusted_registries: Registries,
    /// The labels that images must have, and what each must look like.
    pub label_schema: BTreeMap<String, LabelType>,
    /// Whether images may have no other labels than those.
    pub strict_labels: bool,
    /// Whether comments that switch off rules count for nothing.
    pub disable_ignore_pragma: bool,
    /// The least severity that fails, if it is not the one that is asked for.
    pub fail_on: Option<Severity>,
    /// Whether nothing that is found fails.
    pub no_fail: bool,
    /// Whether `shellcheck` is run, where it may be: by `skep lint`.
    pub shellcheck: bool,
    /// How findings are written, if it is not asked for.
    pub format: Option<String>,
}

/// How much a rule counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Nothing: it is not asked.
    Off,
    /// As much as it says itself, also if it is off without settings.
    On,
    /// This much.
    At(Severity),
}

/// Files by a pattern, and the rules that say nothing about them.
#[derive(Debug, Clone)]
pub struct Ignored {
    /// Which files.
    pub files: GlobMatcher,
    /// Which rules; all if none is named.
    pub rules: Vec<String>,
}

/// What a label must look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelType {
    /// Any text.
    Text,
    /// An address, such as `https://example.com/`.
    Url,
    /// A point in time, such as `2026-01-31T12:00:00Z`.
    Rfc3339,
    /// A licence by its name in the list of SPDX, such as `Apache-2.0`.
    Spdx,
    /// A commit of Git.
    Hash,
    /// A version, such as `1.2.3`.
    Semver,
    /// An e-mail address.
    Email,
}

/// Settings as a revision has them.
#[derive(Debug, Default)]
pub struct Written {
    /// What is understood.
    pub settings: Settings,
    /// What is not.
    pub misfits: Vec<Diagnostic>,
    /// Settings of hadolint that it does not have.
    pub(super) doubts: Vec<Diagnostic>,
    /// Every rule that is named. Whether there is one, and whether it can be switched off, is asked where settings are applied.
    pub(super) named: Vec<Named>,
}

/// A rule that settings name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    /// The id, in capitals.
    pub(super) id: String,
    /// The file that names it.
    pub(super) path: RepoPath,
    /// Where.
    pub(super) span: Span,
    /// Whether it would count less, or not at all.
    pub(super) is_changed: bool,
}

impl Written {
    /// Reads the settings of a revision, whose files must have been read.
    pub fn of(revision: &Revision) -> Self {
        revision.lint_settings().fold(Self::default(), |written, path| match revision.texts.get(&path) {
            Some(text) => written.then(Self::read(&path, text)),
            None => written,
        })
    }

    /// Reads a file with settings: in the way of hadolint if that is what it is called.
    pub fn read(path: &RepoPath, text: &[u8]) -> Self {
        if path.as_str().rsplit('/').next().is_some_and(|name| name.contains("hadolint")) {
            hadolint::read(path, text)
        } else {
            skep::read(path, text)
        }
    }

    fn then(mut self, later: Self) -> Self {
        self.misfits.extend(later.misfits);
        self.doubts.extend(later.doubts);
        self.named.extend(later.named);
        Self { settings: self.settings.then(later.settings), ..self }
    }
}

impl Settings {
    /// These, and over them those that go first.
    #[must_use]
    pub fn then(mut self, first: Self) -> Self {
        self.levels.extend(first.levels);
        self.ignored.extend(first.ignored);
        self.label_schema.extend(first.label_schema);
        if !first.trusted_registries.is_empty() {
            self.trusted_registries = first.trusted_registries;
        }
        Self {
            strict_labels: self.strict_labels || first.strict_labels,
            disable_ignore_pragma: self.disable_ignore_pragma || first.disable_ignore_pragma,
            no_fail: self.no_fail || first.no_fail,
            shellcheck: self.shellcheck || first.shellcheck,
            fail_on: first.fail_on.or(self.fail_on),
            format: first.format.or(self.format),
            ..self
        }
    }

    /// Whether what has this id is not to be said about a file.
    pub(super) fn ignores_id(&self, path: &RepoPath, id: &str) -> bool {
        let names = |ignored: &Ignored| ignored.rules.is_empty() || ignored.rules.iter().any(|rule| rule == id);
        self.ignored.iter().any(|ignored| names(ignored) && ignored.files.is_match(path.as_str()))
    }

    /// Whether no rule that can be switched off says anything about a file.
    pub fn ignores_all_of(&self, path: &RepoPath) -> bool {
        self.ignored.iter().any(|ignored| ignored.rules.is_empty() && ignored.files.is_match(path.as_str()))
    }

    /// As they are, with this rule asked.
    #[must_use]
    pub fn enable(mut self, id: &str) -> Self {
        self.levels.insert(id.to_ascii_uppercase(), Level::On);
        self
    }
}

impl Level {
    /// The level of this name, in the words of skep and of hadolint.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "off" | "ignore" | "none" => Some(Self::Off),
            "on" => Some(Self::On),
            name => Severity::named(name).map(Self::At),
        }
    }
}

impl LabelType {
    /// Their names, in the order of the type.
    pub const NAMES: [&str; 7] = ["text", "url", "rfc3339", "spdx", "hash", "semver", "email"];

    /// The type of this name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "text" => Some(Self::Text),
            "url" => Some(Self::Url),
            "rfc3339" => Some(Self::Rfc3339),
            "spdx" => Some(Self::Spdx),
            "hash" => Some(Self::Hash),
            "semver" => Some(Self::Semver),
            "email" => Some(Self::Email),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
