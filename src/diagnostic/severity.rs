//! The severity of a finding.

use serde::Serialize;

/// The severity of a finding. Errors prevent a deploy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A matter of taste.
    Style,
    /// Worth knowing.
    Info,
    /// Probably a mistake.
    Warning,
    /// It would fail, or do something else than written.
    Error,
}

impl Severity {
    /// The severity of this name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "error" => Some(Self::Error),
            "warning" => Some(Self::Warning),
            "info" => Some(Self::Info),
            "style" => Some(Self::Style),
            _ => None,
        }
    }

    /// `error`, `warning`, `info` or `style`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
            Self::Style => "style",
        }
    }
}
