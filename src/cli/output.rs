//! The one place that prints: results to standard output, everything else to standard error.

use std::borrow::Cow;
use std::io::{self, BufRead as _, ErrorKind, IsTerminal as _, Write};
use std::sync::OnceLock;

use clap::ValueEnum;

use crate::lint::report;
use crate::plan::Color;
use crate::text;

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

/// Whether results are coloured, as it was decided once for this process.
static COLOR: OnceLock<Color> = OnceLock::new();
/// Why a result of this process could not be written, as on a full disk.
static LOST: OnceLock<io::Error> = OnceLock::new();
/// Empties the screen of a terminal, and goes to its top.
const FROM_THE_TOP: &str = "\u{1b}[H\u{1b}[J";

/// Says how the results of this process are coloured.
pub(super) fn begin(color: Color) {
    COLOR.get_or_init(|| color);
}

/// Writes a result. A reader that went away, as `head` does, is no error.
pub(super) fn result(text: &str) {
    write(&shown(text));
}

/// Writes a piece of a result; whether somebody still reads.
pub(super) fn piece(text: &str) -> bool {
    let mut out = std::io::stdout().lock();
    is_taken(out.write_all(shown(text).as_bytes()).and_then(|()| out.flush()))
}

/// Writes a result in the place of what is on the terminal; whether somebody still reads.
pub(super) fn screen(text: &str) -> bool {
    let mut out = std::io::stdout().lock();
    let text = format!("{FROM_THE_TOP}{}", shown(text));
    is_taken(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// Writes a file, or what another program reads: as it is, unless a person looks at it.
pub(super) fn data(text: &str) {
    if is_a_terminal() { result(text) } else { write(text) }
}

/// Writes a line about what happens.
pub(super) fn line(text: &str) {
    drop(writeln!(std::io::stderr().lock(), "{}", text::visible(text)));
}

/// Writes a value for a program.
pub(super) fn json(value: &impl serde::Serialize) {
    write(&text::escaped_json(&serde_json::to_string_pretty(value).expect("results are plain data")));
}

fn write(text: &str) {
    let mut out = std::io::stdout().lock();
    let end: &[u8] = if text.ends_with('\n') { b"" } else { b"\n" };
    is_taken(out.write_all(text.as_bytes()).and_then(|()| out.write_all(end)).and_then(|()| out.flush()));
}

/// Whether what was written was taken. That a reader went away is no trouble; anything else is, and is kept for the end.
fn is_taken(written: io::Result<()>) -> bool {
    let Err(error) = written else { return true };
    if error.kind() != ErrorKind::BrokenPipe {
        LOST.get_or_init(|| error);
    }
    false
}

/// Why a result is not whole, if one of this process is not.
pub(super) fn lost() -> Option<&'static io::Error> {
    LOST.get()
}

/// A result as a person may see it.
fn shown(text: &str) -> Cow<'_, str> {
    match COLOR.get() {
        Some(Color::Always) => Cow::Owned(text::coloured(text)),
        _ => text::visible(text),
    }
}

/// Where skep's own log goes: each event is one line, in which nothing acts on a terminal but its colours.
pub(super) fn log(color: Color) -> impl Fn() -> LogLines {
    move || LogLines {
        show: if color == Color::Always { text::coloured } else { |line| text::visible(line).into_owned() },
    }
}

/// Where skep's own log goes as JSON.
pub(super) fn json_log() -> LogLines {
    LogLines { show: text::escaped_json }
}

/// Events of the log, each of which is written at once.
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

/// Whether a person is watching what happens.
pub(super) fn is_watched() -> bool {
    std::io::stderr().is_terminal()
}

/// Whether results go to a terminal.
pub(super) fn is_a_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// Asks a person on the terminal; an error where nobody can be asked.
pub(super) fn confirmed(question: &str) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        anyhow::bail!("{question} Nobody is there to be asked; `--yes` says yes in advance");
    }
    line(&format!("{question} [y/N]"));
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
