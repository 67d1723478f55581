//! The one place that prints: results to standard output, everything else to standard error.

use std::borrow::Cow;
use std::io::{self, BufRead as _, ErrorKind, IsTerminal as _, Write};
use std::sync::OnceLock;

use clap::ValueEnum;

use crate::lint::report;
use crate::plan::Color;
use crate::text;

/// The output format of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Format {
    /// Readable text.
    #[default]
    Human,
    /// One JSON value.
    Json,
}

/// The output format of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FindingsFormat {
    /// Readable text.
    #[value(alias = "tty")]
    Human,
    /// JSON.
    Json,
    /// One line for each finding.
    #[value(alias = "gnu")]
    Short,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// GitLab's code quality report.
    #[value(aliases = ["gitlab_codeclimate", "codeclimate"])]
    Gitlab,
    /// Annotations of GitHub Actions.
    Github,
    /// A test case for each finding, in the XML format of build servers.
    Junit,
    /// The XML format of Checkstyle.
    Checkstyle,
}

impl FindingsFormat {
    /// The corresponding format of all commands, if there is one.
    pub(super) fn for_any_command(self) -> Option<Format> {
        match self {
            Self::Human => Some(Format::Human),
            Self::Json => Some(Format::Json),
            _ => None,
        }
    }

    /// The corresponding format of a report.
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

/// When results are coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum ColorChoice {
    /// On a terminal with colours, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl ColorChoice {
    /// The resulting choice for standard output.
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

/// Whether this process colours its results; set once.
static COLOR: OnceLock<Color> = OnceLock::new();
/// Why a result of this process could not be written, for example because of a full disk.
static LOST: OnceLock<io::Error> = OnceLock::new();
/// Clears the terminal and moves the cursor to the top.
const FROM_THE_TOP: &str = "\u{1b}[H\u{1b}[J";

/// Sets whether this process colours its results.
pub(super) fn begin(color: Color) {
    COLOR.get_or_init(|| color);
}

/// Writes a result. A closed pipe, as with `head`, is not an error.
pub(super) fn result(text: &str) {
    write(&shown(text));
}

/// Writes a part of a result. Returns whether the reader is still there.
pub(super) fn piece(text: &str) -> bool {
    let mut out = std::io::stdout().lock();
    is_taken(out.write_all(shown(text).as_bytes()).and_then(|()| out.flush()))
}

/// Replaces the content of the terminal by a result. Returns whether the reader is still there.
pub(super) fn screen(text: &str) -> bool {
    let mut out = std::io::stdout().lock();
    let text = format!("{FROM_THE_TOP}{}", shown(text));
    is_taken(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// Writes data for a file or another program, unchanged unless standard output is a terminal.
pub(super) fn data(text: &str) {
    if is_a_terminal() { result(text) } else { write(text) }
}

/// Writes a message line to standard error.
pub(super) fn line(text: &str) {
    drop(writeln!(std::io::stderr().lock(), "{}", text::visible(text)));
}

/// Writes a value as JSON.
pub(super) fn json(value: &impl serde::Serialize) {
    write(&text::escaped_json(&serde_json::to_string_pretty(value).expect("results are plain data")));
}

fn write(text: &str) {
    let mut out = std::io::stdout().lock();
    let end: &[u8] = if text.ends_with('\n') { b"" } else { b"\n" };
    is_taken(out.write_all(text.as_bytes()).and_then(|()| out.write_all(end)).and_then(|()| out.flush()));
}

/// Returns whether a write succeeded. Errors other than a closed pipe are kept until the end of the command.
fn is_taken(written: io::Result<()>) -> bool {
    let Err(error) = written else { return true };
    if error.kind() != ErrorKind::BrokenPipe {
        LOST.get_or_init(|| error);
    }
    false
}

/// The error that kept this process from writing its whole result, if any.
pub(super) fn lost() -> Option<&'static io::Error> {
    LOST.get()
}

/// A result made safe for a terminal.
fn shown(text: &str) -> Cow<'_, str> {
    match COLOR.get() {
        Some(Color::Always) => Cow::Owned(text::coloured(text)),
        _ => text::visible(text),
    }
}

/// The writer of skep's own log: one line for each event, without control characters other than colours.
pub(super) fn log(color: Color) -> impl Fn() -> LogLines {
    move || LogLines {
        show: if color == Color::Always { text::coloured } else { |line| text::visible(line).into_owned() },
    }
}

/// The writer of skep's own log as JSON.
pub(super) fn json_log() -> LogLines {
    LogLines { show: text::escaped_json }
}

/// A writer of log events that writes each event immediately.
pub(super) struct LogLines {
    show: fn(&str) -> String,
}

impl Write for LogLines {
    fn write(&mut self, event: &[u8]) -> std::io::Result<usize> {
        let line = String::from_utf8_lossy(event);
        let line = line.trim_end_matches('\n').replace('\n', "\\n");
        writeln!(std::io::stderr().lock(), "{}", (self.show)(&line))?;
        Ok(event.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush()
    }
}

/// Whether standard error is a terminal.
pub(super) fn is_watched() -> bool {
    std::io::stderr().is_terminal()
}

/// Whether results go to a terminal.
pub(super) fn is_a_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// Asks for confirmation on the terminal; an error without a terminal.
pub(super) fn confirmed(question: &str) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        anyhow::bail!("{question} There is no terminal for the answer; use `--yes`");
    }
    line(&format!("{question} [y/N]"));
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
