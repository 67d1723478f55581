//! The format for editors and for grep: a line for each finding.

use crate::diagnostic::Diagnostic;
use crate::lint::report::Texts;
use crate::lint::report::excerpt::{self, Sources, clean};

/// `path:line:column: error[SK1001]: message`, a line for each finding.
pub fn short(findings: &[Diagnostic], texts: &Texts) -> String {
    let sources = Sources::of(findings, texts);
    findings.iter().flat_map(|finding| [line(finding, &sources), "\n".into()]).collect()
}

/// The line of one finding, without its end.
pub(super) fn line(finding: &Diagnostic, sources: &Sources<'_>) -> String {
    let (start, _) = sources.positions(&finding.place);
    format!(
        "{}:{}:{}: {}[{}]: {}",
        excerpt::path(&finding.place),
        start.line,
        start.column,
        finding.severity.name(),
        finding.id(),
        clean(finding.message.as_bytes()),
    )
}
