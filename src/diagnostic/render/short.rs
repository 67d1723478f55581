//! The format for editors and for grep: a line for each finding.

use super::Texts;
use super::excerpt::{self, Sources, clean};
use crate::diagnostic::Diagnostic;

/// `path:line:column: error[SK1001]: message`, a line for each finding.
pub fn short(findings: &[Diagnostic], texts: &Texts) -> String {
    let sources = Sources::of(findings, texts);
    findings.iter().flat_map(|finding| [line(finding, &sources), "\n".into()]).collect()
}

/// The line of one finding, without its end.
pub(crate) fn line(finding: &Diagnostic, sources: &Sources<'_>) -> String {
    let (start, _) = sources.positions(&finding.place);
    format!(
        "{}:{}:{}: {}{}: {}",
        excerpt::path(&finding.place),
        start.line,
        start.column,
        finding.severity.name(),
        finding.code.map(|code| format!("[{code}]")).unwrap_or_default(),
        clean(finding.message.as_bytes()),
    )
}
