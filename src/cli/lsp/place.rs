//! Positions as in editors: lines from 0, columns in UTF-16 units.

use lsp_types::{Position, Range};

/// The position of an offset.
pub(super) fn position(text: &str, offset: usize) -> Position {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let start = text[..offset].rfind('\n').map_or(0, |end| end + 1);
    let line = text[..start].bytes().filter(|&byte| byte == b'\n').count();
    let column = text[start..offset].encode_utf16().count();
    Position::new(u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
}

/// The range of a span.
pub(super) fn range(text: &str, span: &std::ops::Range<usize>) -> Range {
    Range::new(position(text, span.start), position(text, span.end))
}

/// The offset of a position; the end of the line if the line is shorter.
pub(super) fn offset(text: &str, position: Position) -> usize {
    let mut lines = text.split_inclusive('\n');
    let before: usize = lines.by_ref().take(position.line as usize).map(str::len).sum();
    let line = lines.next().unwrap_or_default().trim_end_matches(['\n', '\r']);
    let mut units = 0;
    for (at, c) in line.char_indices() {
        if units >= position.character as usize {
            return before + at;
        }
        units += c.len_utf16();
    }
    before + line.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_counted_as_editors_do() {
        let text = "a\nü𝄞x\n";
        let at = text.find('x').unwrap();
        assert_eq!(position(text, at), Position::new(1, 3));
        assert_eq!(offset(text, Position::new(1, 3)), at);
        assert_eq!(offset(text, Position::new(1, 99)), at + 1);
        assert_eq!(offset(text, Position::new(9, 0)), text.len());
        assert_eq!(position(text, 999), Position::new(2, 0));
    }
}
