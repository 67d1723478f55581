//! Documents inside of a Dockerfile.

use crate::lint::dockerfile::Heredoc;
use crate::lint::dockerfile::lines::Lines;
use crate::lint::dockerfile::words;

/// `<<NAME` in an instruction.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Opening {
    name: String,
    /// `<<-`: tabs before the closing name are left out.
    chomp: bool,
    /// Whether the name stands without quotes.
    expands: bool,
}

/// The documents that an instruction opens: its words that are `<<NAME`, `<<-NAME`, `<<"NAME"` or `3<<NAME`.
///
/// Inside of quotes `<<` is text.
pub(super) fn openings(text: &str) -> Vec<Opening> {
    if !text.contains("<<") {
        return Vec::new();
    }
    words::ranges(text, 0, '\\').filter_map(|range| opening(&text[range])).collect()
}

/// Whether a word opens a document.
pub(super) fn is_opening(word: &str) -> bool {
    opening(word).is_some()
}

/// BuildKit's `^(\d*)<<(-?)([^<]*)$`, the name then being one word of a shell.
fn opening(word: &str) -> Option<Opening> {
    let rest = word.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix("<<")?;
    let (chomp, name) = rest.strip_prefix('-').map_or((false, rest), |name| (true, name));
    let expands = !name.contains(['"', '\'']);
    let name = if name.contains('<') { String::new() } else { unquoted(name) };
    (!name.is_empty()).then_some(Opening { name, chomp, expands })
}

/// A word as a shell reads it: without its quotes and backslashes.
fn unquoted(word: &str) -> String {
    let mut text = String::with_capacity(word.len());
    let mut quote = None;
    let mut chars = word.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None | Some('"'), '\\') => text.extend(chars.next()),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            _ => text.push(c),
        }
    }
    text
}

/// Reads the lines of a document; `Err` has what was read if the file ends before the document does.
pub(super) fn read(opening: Opening, lines: &mut Lines<'_>) -> Result<Heredoc, Heredoc> {
    let start = lines.offset();
    let mut end = start;
    while let Some((_, line)) = lines.line() {
        let line = if opening.chomp { line.trim_start_matches('\t') } else { line };
        if line == opening.name {
            return Ok(Heredoc { name: opening.name, expands: opening.expands, body: start..end });
        }
        end = lines.offset();
    }
    Err(Heredoc { name: opening.name, expands: opening.expands, body: start..end })
}
