//! Commands that GitHub's runner shows as annotations of the changed lines.

use crate::diagnostic::render::Texts;
use crate::diagnostic::render::excerpt::Sources;
use crate::diagnostic::{Diagnostic, Severity};
use crate::lint::report::{address, help_below};

/// `::error file=…,line=…::message`, a line for each finding.
pub(super) fn github(findings: &[Diagnostic], texts: &Texts) -> String {
    let sources = Sources::of(findings, texts);
    findings.iter().map(|finding| command(finding, &sources)).collect()
}

fn command(finding: &Diagnostic, sources: &Sources<'_>) -> String {
    let (start, end) = sources.positions(&finding.place);
    let help = help_below(finding);
    // A range of columns is only understood within one line.
    let columns = if start.line == end.line && start != end {
        format!(",col={},endColumn={}", start.column, end.column)
    } else {
        String::new()
    };
    format!(
        "::{} file={},line={},endLine={}{columns},title={}::{}\n",
        level(finding.severity),
        property(&address(&finding.place)),
        start.line,
        end.line,
        property(finding.id()),
        data(&format!("{}{help}", finding.message)),
    )
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info | Severity::Style => "notice",
    }
}

/// A message as the runner reads it.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property as the runner reads it.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
