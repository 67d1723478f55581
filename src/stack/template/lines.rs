//! Maps lines of the result to lines of the template.
//!
//! The engine does not provide this. So the body is filled a second time with a mark at the beginning of each of its
//! lines, and the marks are read from the result. They are used only if they changed nothing else.

use crate::diagnostic::Span;

/// A delimiter of line numbers, from the private use area.
const BEGIN: char = '\u{e000}';
const END: char = '\u{e001}';

/// The body with a mark on each line that may produce output.
pub(super) fn marked(body: &str, tags: &[Span]) -> String {
    let mut marked = String::with_capacity(body.len() * 2);
    let mut at = 0;
    for (number, line) in body.split_inclusive('\n').enumerate() {
        let start = at + line.len() - line.trim_start().len();
        let (blanks, rest) = line.split_at(start - at);
        let comes_out = !rest.is_empty() && !["{%", "{#", "{{-"].iter().any(|tag| rest.starts_with(tag));
        marked.push_str(blanks);
        if comes_out && !tags.iter().any(|tag| tag.start < start && start < tag.end) {
            marked.extend([BEGIN.to_string(), number.to_string(), END.to_string()]);
        }
        marked.push_str(rest);
        at += line.len();
    }
    marked
}

/// For each line of `marked`, its line of the body; `None` if it differs from `plain` in more than the marks.
pub(super) fn read(marked: &str, plain: &str) -> Option<Vec<usize>> {
    let (mut lines, mut text) = (Vec::new(), String::with_capacity(plain.len()));
    let mut current = 0;
    for line in marked.split_inclusive('\n') {
        let mut pieces = line.split(BEGIN);
        text.push_str(pieces.next().unwrap_or_default());
        let mut first = None;
        for piece in pieces {
            let (number, rest) = piece.split_once(END)?;
            first = first.or(number.parse().ok());
            text.push_str(rest);
        }
        current = first.unwrap_or(current);
        lines.push(current);
    }
    (text == plain).then_some(lines)
}
