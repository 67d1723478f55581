//! GitLab's code quality report, which a merge request shows beside its lines.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::diagnostic::render::Texts;
use crate::diagnostic::render::excerpt::Sources;
use crate::diagnostic::{Diagnostic, Severity};
use crate::lint::report::address;

/// A list of issues. An issue keeps its fingerprint when lines are put in before it.
pub(super) fn gitlab(findings: &[Diagnostic], texts: &Texts) -> String {
    let sources = Sources::of(findings, texts);
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let issues: Vec<Value> = findings.iter().map(|finding| issue(finding, &sources, &mut seen)).collect();
    format!("{:#}\n", json!(issues))
}

fn issue(finding: &Diagnostic, sources: &Sources<'_>, seen: &mut BTreeMap<String, usize>) -> Value {
    let (start, end) = sources.positions(&finding.place);
    let line = sources.excerpt(&finding.place).map(|excerpt| excerpt.text).unwrap_or_default();
    let same = format!("{}\0{}\0{}\0{line}", finding.id(), finding.place.path, finding.message);
    let count = seen.entry(same.clone()).or_default();
    *count += 1;
    json!({
        "type": "issue",
        "check_name": finding.id(),
        "description": finding.message,
        "content": { "body": finding.help.as_deref().unwrap_or_default() },
        "categories": [if finding.severity == Severity::Style { "Style" } else { "Bug Risk" }],
        "severity": severity(finding.severity),
        "fingerprint": hex::encode(Sha256::digest(format!("{same}\0{count}"))),
        "location": { "path": address(&finding.place), "lines": { "begin": start.line, "end": end.line } },
    })
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "critical",
        Severity::Warning => "major",
        Severity::Info => "minor",
        Severity::Style => "info",
    }
}
