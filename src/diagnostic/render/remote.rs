//! The format for `git push`, which prefixes each line with `remote:`.

use std::cmp::Reverse;
use std::ops::Range;

use super::excerpt::{Excerpt, Sources, TAB, clean};
use super::{Texts, short};
use crate::diagnostic::Diagnostic;

/// How many findings fit on a screen.
pub const SCREENFUL: usize = 8;

/// The first `max` findings, errors before warnings before remarks, as lines without their ends: the place and the
/// message, the line of the file, what to do; then how many more there are.
pub fn remote(findings: &[Diagnostic], texts: &Texts, max: usize) -> Vec<String> {
    let sources = Sources::of(findings, texts);
    let mut sorted: Vec<&Diagnostic> = findings.iter().collect();
    sorted.sort_by_key(|finding| Reverse(finding.severity));
    let mut lines: Vec<String> = sorted.iter().take(max).flat_map(|finding| one(finding, &sources)).collect();
    let more = sorted.len().saturating_sub(max);
    if more > 0 {
        lines.push(format!("and {more} more: `skep lint` shows them all"));
    }
    lines
}

fn one(finding: &Diagnostic, sources: &Sources<'_>) -> Vec<String> {
    let mut lines = vec![short::line(finding, sources)];
    if let Some(excerpt) = sources.excerpt(&finding.place) {
        lines.extend(pointed(&excerpt));
    }
    if let Some(help) = &finding.help {
        lines.push(format!("  help: {}", clean(help.as_bytes())));
    }
    lines
}

/// The line of the file, and carets under what is meant.
fn pointed(excerpt: &Excerpt) -> [String; 2] {
    let number = excerpt.position.line.to_string();
    let shown = |range: Range<usize>| excerpt.text[range].replace('\t', TAB);
    let (before, marked) = (shown(0..excerpt.marked.start), shown(excerpt.marked.clone()));
    let behind = shown(excerpt.marked.end..excerpt.text.len());
    let (width, indent, carets) = (number.len(), before.chars().count(), "^".repeat(marked.chars().count().max(1)));
    [format!("  {number} | {before}{marked}{behind}"), format!("  {:width$} | {:indent$}{carets}", "", "")]
}
