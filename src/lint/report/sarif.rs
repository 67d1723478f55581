//! SARIF 2.1.0: for code scanning on GitHub, GitLab, Azure and in editors.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::diagnostic::render::Texts;
use crate::diagnostic::render::excerpt::{Position, Sources};
use crate::diagnostic::{Diagnostic, Edit, Fix, Severity};
use crate::lint::explain;
use crate::lint::report::address;

/// The address of the format's schema.
const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// One run with a result for each finding, and the pages of the rules that are in it.
pub(super) fn sarif(findings: &[Diagnostic], texts: &Texts) -> String {
    let sources = Sources::of(findings, texts);
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in findings {
        numbers.entry(finding.id()).or_default();
    }
    numbers.values_mut().enumerate().for_each(|(index, number)| *number = index);
    let results: Vec<Value> = findings.iter().map(|finding| result(finding, numbers[finding.id()], &sources)).collect();
    let rules: Vec<Value> = numbers.keys().map(|id| rule(id)).collect();
    let driver = json!({
        "name": "skep",
        "version": env!("CARGO_PKG_VERSION"),
        "rules": rules,
    });
    let run = json!({ "tool": { "driver": driver }, "columnKind": "unicodeCodePoints", "results": results });
    format!("{:#}\n", json!({ "$schema": SCHEMA, "version": "2.1.0", "runs": [run] }))
}

fn rule(id: &str) -> Value {
    let (title, page) = explain(id).map(|rule| (rule.title(), rule.page())).unwrap_or_default();
    let level = explain(id).map_or("none", |rule| level(rule.severity));
    json!({
        "id": id,
        "shortDescription": { "text": title },
        "fullDescription": { "text": title },
        "help": { "text": page, "markdown": page },
        "defaultConfiguration": { "level": level },
    })
}

fn result(finding: &Diagnostic, number: usize, sources: &Sources<'_>) -> Value {
    let (start, end) = sources.positions(&finding.place);
    let file = json!({ "uri": address(&finding.place) });
    let mut result = json!({
        "ruleId": finding.id(),
        "ruleIndex": number,
        "level": level(finding.severity),
        "message": { "text": message(finding) },
        "locations": [{ "physicalLocation": { "artifactLocation": file, "region": region(start, end) } }],
    });
    if let Some(fix) = finding.fix.as_ref().filter(|fix| fix.safe) {
        result["fixes"] = json!([change(finding, fix, sources)]);
    }
    result
}

fn change(finding: &Diagnostic, fix: &Fix, sources: &Sources<'_>) -> Value {
    let replacement = |edit: &Edit| {
        let (start, end) = sources.between(&finding.place.path, &edit.span);
        json!({ "deletedRegion": region(start, end), "insertedContent": { "text": edit.text } })
    };
    let replacements: Vec<Value> = fix.edits.iter().map(replacement).collect();
    json!({
        "description": { "text": fix.title },
        "artifactChanges": [{ "artifactLocation": { "uri": address(&finding.place) }, "replacements": replacements }],
    })
}

fn region(start: Position, end: Position) -> Value {
    json!({ "startLine": start.line, "startColumn": start.column, "endLine": end.line, "endColumn": end.column })
}

fn message(finding: &Diagnostic) -> String {
    match &finding.help {
        Some(help) => format!("{}\n{help}", finding.message),
        None => finding.message.clone(),
    }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info | Severity::Style => "note",
    }
}
