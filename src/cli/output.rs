//! The one place that prints: results to standard output, everything else to standard error.

use std::io::{IsTerminal as _, Write as _};

use clap::ValueEnum;

use crate::lint::report;
use crate::plan::Color;

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Format {
    /// For a person.
    #[default]
    Human,
    /// For a program: one JSON value.
    Json,
}

/// How findings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FindingsFormat {
    /// For a person.
    #[value(alias = "tty")]
    Human,
    /// For a program.
    Json,
    /// A line for each finding.
    #[value(alias = "gnu")]
    Short,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// GitLab's code quality report.
    #[value(aliases = ["gitlab_codeclimate", "codeclimate"])]
    Gitlab,
    /// Annotations of GitHub's actions.
    Github,
    /// A test for each finding.
    Junit,
    /// Checkstyle's XML.
    Checkstyle,
}

impl FindingsFormat {
    /// The format, if it is one that every command knows.
    pub(super) fn for_any_command(self) -> Option<Format> {
        match self {
            Self::Human => Some(Format::Human),
            Self::Json => Some(Format::Json),
            _ => None,
        }
    }

    /// The format of the report.
    pub(super) fn format(self) -> report::Format {
        match self {
            Self::Human => report::Format::Human,
            Self::Json => report::Format::Json,
            Self::Short => report::Format::Short,
            Self::Sarif => report::Format::Sarif,
            Self::Gitlab => report::Format::Gitlab,
            Self::Github => report::Format::Github,
            Self::Junit => report::Format::Junit,
            Self::Checkstyle => report::Format::Checkstyle,
        }
    }
}

/// Whether results are coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum ColorChoice {
    /// On a terminal that can, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl ColorChoice {
    /// What that means for standard output.
    pub(super) fn resolve(self) -> Color {
        let plain = crate::config::variable("NO_COLOR").is_some()
            || crate::config::variable("TERM").is_some_and(|term| term == "dumb");
        match self {
            Self::Always => Color::Always,
            Self::Auto if std::io::stdout().is_terminal() && !plain => Color::Always,
            Self::Auto | Self::Never => Color::Never,
        }
    }
}

/// Writes a result. A reader that went away, as `head` does, is no error.
pub(super) fn result(text: &str) {
    let mut out = std::io::stdout().lock();
    let end: &[u8] = if text.ends_with('\n') { b"" } else { b"\n" };
    drop(out.write_all(text.as_bytes()).and_then(|()| out.write_all(end)).and_then(|()| out.flush()));
}

/// Writes a piece of a result; whether somebody still reads.
pub(super) fn piece(text: &str) -> bool {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_ok()
}

/// Writes a line about what happens.
pub(super) fn line(text: &str) {
    drop(writeln!(std::io::stderr().lock(), "{text}"));
}

/// Writes a value for a program.
pub(super) fn json(value: &impl serde::Serialize) {
    result(&serde_json::to_string_pretty(value).expect("results are plain data"));
}

/// Whether a person is watching what happens.
pub(super) fn is_watched() -> bool {
    std::io::stderr().is_terminal()
}

/// Whether results go to a terminal.
pub(super) fn is_a_terminal() -> bool {
    std::io::stdout().is_terminal()
}
