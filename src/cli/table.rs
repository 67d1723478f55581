//! Text tables.

use unicode_width::UnicodeWidthStr;

use super::workspace::painted;
use crate::plan::Color;
use crate::text::one_line;

/// A cell and its ANSI colour code, which may be empty.
#[derive(Debug, Clone, Default)]
pub(super) struct Cell {
    text: String,
    ansi: &'static str,
}

impl Cell {
    /// Text with a colour.
    pub(super) fn painted(text: impl Into<String>, ansi: &'static str) -> Self {
        Self { text: one_line(&text.into()).into_owned(), ansi }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::painted(text, "")
    }
}

/// Formats a table whose columns fit their contents.
pub(super) fn table<const N: usize>(head: [&str; N], rows: &[[Cell; N]], color: Color) -> String {
    let head = head.map(|title| Cell::painted(title, "1"));
    let all = || std::iter::once(&head).chain(rows);
    let width = |column: usize| all().map(|row| row[column].text.width()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    all().map(|row| line(row, &widths, color)).collect::<Vec<_>>().join("\n")
}

/// A row without trailing spaces.
fn line<const N: usize>(row: &[Cell; N], widths: &[usize; N], color: Color) -> String {
    let last = row.iter().rposition(|cell| !cell.text.is_empty()).unwrap_or(0);
    let padded = |(column, cell): (usize, &Cell)| {
        let missing = if column == last { 0 } else { widths[column] - cell.text.width() };
        let text = format!("{}{}", cell.text, " ".repeat(missing));
        if cell.ansi.is_empty() { text } else { painted(&text, cell.ansi, color) }
    };
    row[..=last].iter().enumerate().map(padded).collect::<Vec<_>>().join("  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_take_two_columns() {
        let rows = [["猫".into(), "a".into()], ["e\u{301}".into(), "b".into()]];
        insta::assert_snapshot!(table(["OF", "IS"], &rows, Color::Never), @"
        OF  IS
        猫  a
        e\u{301}   b
        ");
    }

    #[test]
    fn columns_are_as_wide_as_what_is_in_them() {
        let rows =
            [["web".into(), Cell::painted("running", "32"), "".into()], ["queue".into(), "-".into(), "why".into()]];
        insta::assert_snapshot!(table(["SERVICE", "IS", "WHY"], &rows, Color::Never), @r"
        SERVICE  IS       WHY
        web      running
        queue    -        why
        ");
        insta::assert_debug_snapshot!(table(["A", "B", "C"], &rows[..1], Color::Always), @r#""\u{1b}[1mA  \u{1b}[0m  \u{1b}[1mB      \u{1b}[0m  \u{1b}[1mC\u{1b}[0m\nweb  \u{1b}[32mrunning\u{1b}[0m""#);
    }
}
