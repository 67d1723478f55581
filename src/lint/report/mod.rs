//! The formats that `skep lint` writes: those of build servers and forges here, the others as everything is rendered
//! ([`crate::diagnostic::render`]).

mod github;
mod gitlab;
mod sarif;
mod xml;

use crate::diagnostic::render::{self, Texts};
use crate::diagnostic::{Diagnostic, Place};

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
            Self::Human => render::human(findings, texts, color),
            Self::Short => render::short(findings, texts),
            Self::Json => render::json(findings, texts),
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

/// The help of a finding on a separate line; empty if it has none.
fn help_below(finding: &Diagnostic) -> String {
    finding.help.as_ref().map(|help| format!("\n{help}")).unwrap_or_default()
}
