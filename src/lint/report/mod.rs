//! Findings as text: for people, editors, programs and `git push`.
//!
//! The text comes from pushed files and paths: control characters never reach a terminal, and a long line is cut around
//! the place of the finding.

mod excerpt;
mod github;
mod gitlab;
mod human;
mod json;
mod remote;
mod sarif;
mod short;
mod xml;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Place, Severity};
use crate::name::RepoPath;

pub use human::human;
pub use json::json;
pub use remote::{SCREENFUL, remote};
pub use short::short;

/// The texts that findings point into.
pub type Texts = BTreeMap<RepoPath, Arc<[u8]>>;

/// A format for findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people, with the lines that the findings point at.
    Human,
    /// A line for each finding.
    Short,
    /// For programs.
    Json,
    /// For code scanning.
    Sarif,
    /// For a merge request of GitLab.
    Gitlab,
    /// For a run of GitHub's actions.
    Github,
    /// For build servers that show tests.
    Junit,
    /// For build servers that show findings.
    Checkstyle,
}

impl Format {
    /// The format of this name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "human" => Self::Human,
            "short" => Self::Short,
            "json" => Self::Json,
            "sarif" => Self::Sarif,
            "gitlab" => Self::Gitlab,
            "github" => Self::Github,
            "junit" => Self::Junit,
            "checkstyle" => Self::Checkstyle,
            _ => return None,
        })
    }

    /// Findings in this format; colour only if `color` is set.
    pub fn write(self, findings: &[Diagnostic], texts: &Texts, color: bool) -> String {
        match self {
            Self::Human => human(findings, texts, color),
            Self::Short => short(findings, texts),
            Self::Json => json(findings, texts),
            Self::Sarif => sarif::sarif(findings, texts),
            Self::Gitlab => gitlab::gitlab(findings, texts),
            Self::Github => github::github(findings, texts),
            Self::Junit => xml::junit(findings, texts),
            Self::Checkstyle => xml::checkstyle(findings, texts),
        }
    }
}

/// The path of a place for a program; the repository as a whole is `.`.
fn address(place: &Place) -> String {
    match place.path.as_str() {
        "" => ".".to_owned(),
        path => path.to_owned(),
    }
}

/// The number of findings of each severity, such as `2 errors and 1 warning`; `no findings` if there are none.
pub fn summary(findings: &[Diagnostic]) -> String {
    let parts: Vec<String> = [Severity::Error, Severity::Warning, Severity::Info, Severity::Style]
        .into_iter()
        .filter_map(|severity| {
            let count = findings.iter().filter(|finding| finding.severity == severity).count();
            counted(count, severity)
        })
        .collect();
    match parts.split_last() {
        None => "no findings".into(),
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
    }
}

fn counted(count: usize, severity: Severity) -> Option<String> {
    let one = match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "remark",
        Severity::Style => "matter of style",
    };
    match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        _ if severity == Severity::Style => Some(format!("{count} matters of style")),
        _ => Some(format!("{count} {one}s")),
    }
}

/// The help of a finding on a separate line; empty if it has none.
fn help_below(finding: &Diagnostic) -> String {
    finding.help.as_ref().map(|help| format!("\n{help}")).unwrap_or_default()
}

#[cfg(test)]
mod tests;
