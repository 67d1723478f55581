//! The format for programs.

use serde::Serialize;

use super::Texts;
use super::excerpt::Sources;
use crate::diagnostic::{Diagnostic, Edit, Fix};

/// An object of the list: a contract, like the keys of hadolint's `json` format that it begins with.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    code: &'a str,
    level: &'a str,
    message: &'a str,
    help: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<Change<'a>>,
}

/// What to write instead.
#[derive(Serialize)]
struct Change<'a> {
    title: &'a str,
    safe: bool,
    edits: Vec<Piece<'a>>,
}

/// A piece of the file, and what to write there.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Piece<'a> {
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    text: &'a str,
}

/// A JSON list with an object for each finding; lines and columns begin at 1, the end is after the last character.
pub fn json(findings: &[Diagnostic], texts: &Texts) -> String {
    let sources = Sources::of(findings, texts);
    let entries: Vec<Entry<'_>> = findings.iter().map(|finding| entry(finding, &sources)).collect();
    format!("{:#}\n", serde_json::json!(entries))
}

fn entry<'a>(finding: &'a Diagnostic, sources: &Sources<'_>) -> Entry<'a> {
    let (start, end) = sources.positions(&finding.place);
    Entry {
        file: finding.place.path.as_str(),
        line: start.line,
        column: start.column,
        end_line: end.line,
        end_column: end.column,
        code: finding.id(),
        level: finding.severity.name(),
        message: &finding.message,
        help: finding.help.as_deref(),
        fix: finding.fix.as_ref().map(|fix| change(finding, fix, sources)),
    }
}

fn change<'a>(finding: &Diagnostic, fix: &'a Fix, sources: &Sources<'_>) -> Change<'a> {
    let piece = |edit: &'a Edit| {
        let (start, end) = sources.between(&finding.place.path, &edit.span);
        let (line, column, end_line, end_column) = (start.line, start.column, end.line, end.column);
        Piece { line, column, end_line, end_column, text: &edit.text }
    };
    Change { title: &fix.title, safe: fix.safe, edits: fix.edits.iter().map(piece).collect() }
}
