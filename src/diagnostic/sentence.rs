//! A diagnostic in one line: place, problem and help.

use std::fmt::{self, Display, Formatter};

use super::{Diagnostic, KeyPath, Span};

/// A place, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// The file, by the name that they know.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1; a column is a character.
    pub column: usize,
    /// The keys that lead there, if the place was found by them.
    pub keys: KeyPath,
}

impl Spot {
    /// Where a place of a text begins.
    pub fn of(file: impl Into<String>, text: &[u8], span: &Span) -> Self {
        let (line, column) = line_column(text, span.start);
        Self { file: file.into(), line, column, keys: KeyPath::default() }
    }
}

/// A line of a text whose name only the reader knows, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line(pub usize);

/// A place as it is written before a message.
pub trait Where {
    /// Writes the place and a separator; nothing if only the reader knows the place.
    fn before(&self, f: &mut Formatter<'_>) -> fmt::Result;
}

impl Where for () {
    fn before(&self, _: &mut Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

impl Where for Span {
    fn before(&self, _: &mut Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

impl Where for KeyPath {
    fn before(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, "{}: ", self.0.join(".")) }
    }
}

impl Where for Line {
    fn before(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.0)
    }
}

impl Where for Spot {
    fn before(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: ", self.file, self.line, self.column)?;
        self.keys.before(f)
    }
}

impl<T: Where> Where for Option<T> {
    fn before(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.as_ref().map_or(Ok(()), |place| place.before(f))
    }
}

struct Before<'a, P>(&'a P);

impl<P: Where> Display for Before<'_, P> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.before(f)
    }
}

impl<P: Where> Display for Diagnostic<P> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence())?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, "; {help}"))
    }
}

impl<P: Where> Diagnostic<P> {
    /// Where, and what is wrong.
    pub fn sentence(&self) -> String {
        format!("{}{}", Before(&self.place), self.message)
    }
}

impl<P: Where + fmt::Debug> std::error::Error for Diagnostic<P> {}

/// Line and column of an offset, both from 1; the column counts characters.
pub fn line_column(text: &[u8], offset: usize) -> (usize, usize) {
    let before = &text[..offset.min(text.len())];
    let start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
    let line = before.split(|&byte| byte == b'\n').count();
    let line_start = before[start..].strip_prefix("\u{feff}".as_bytes()).unwrap_or(&before[start..]);
    (line, String::from_utf8_lossy(line_start).chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_shown_as_an_editor_counts() {
        let text = "é: 1\nb: ü2".as_bytes();
        assert_eq!(line_column(text, 0), (1, 1));
        assert_eq!(line_column(text, 4), (1, 4));
        assert_eq!(line_column(text, 9), (2, 4));
        assert_eq!(line_column(text, 999), (2, 6));
    }

    #[test]
    fn the_place_comes_first_and_what_to_do_last() {
        let taken = Diagnostic::new((), "port 80 is taken");
        insta::assert_snapshot!(taken, @"port 80 is taken");
        let taken = taken.help("publish another one");
        let keys = KeyPath::of(["services", "web", "ports"]);
        insta::assert_snapshot!(taken.clone().at(keys.clone()), @"services.web.ports: port 80 is taken; publish another one");
        let spot = Spot { file: "stack.yml".to_owned(), line: 4, column: 5, keys };
        insta::assert_snapshot!(taken.clone().at(spot), @"stack.yml:4:5: services.web.ports: port 80 is taken; publish another one");
        insta::assert_snapshot!(taken.at(None::<Spot>), @"port 80 is taken; publish another one");
    }
}
