//! Build output: passed on immediately, with the last lines kept for error messages.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::text;

/// Where log lines go. It must not wait: a line that cannot be taken at once is the receiver's to drop.
pub type Log = Arc<dyn Fn(&str) + Send + Sync>;

/// The number of lines in an error message.
const KEPT: usize = 50;
/// The most characters shown of a line.
const WIDTH: usize = 500;

/// Passes lines on and keeps the last ones.
pub(super) struct Tail {
    log: Log,
    kept: VecDeque<String>,
}

impl Tail {
    pub(super) fn new(log: Log) -> Self {
        Self { log, kept: VecDeque::new() }
    }

    /// Takes a line from outside: colours are left out, control characters become marks, a long line is cut.
    pub(super) fn line(&mut self, line: &str) {
        let line = readable(line);
        (self.log)(&line);
        self.kept.push_back(line);
        if self.kept.len() > KEPT {
            self.kept.pop_front();
        }
    }

    pub(super) fn kept(&self) -> Vec<String> {
        self.kept.iter().cloned().collect()
    }
}

/// Splits pieces of bytes into lines. A carriage return also ends a line.
#[derive(Default)]
pub(super) struct Lines {
    open: Vec<u8>,
}

impl Lines {
    /// The lines completed by this piece.
    pub(super) fn push(&mut self, piece: &[u8]) -> Vec<String> {
        let mut complete = Vec::new();
        for &byte in piece {
            match byte {
                b'\n' | b'\r' => complete.extend(self.rest()),
                byte if self.open.len() < WIDTH * 4 => self.open.push(byte),
                _ => {}
            }
        }
        complete
    }

    /// The last, unterminated line.
    pub(super) fn rest(&mut self) -> Option<String> {
        let line = std::mem::take(&mut self.open);
        (!line.is_empty()).then(|| String::from_utf8_lossy(&line).into_owned())
    }
}

fn readable(line: &str) -> String {
    text::shortened(text::plain(line.trim_end()).trim_end(), WIDTH).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept_and_readable() {
        let mut tail = Tail::new(Arc::new(|_| {}));
        (0..60).for_each(|number| tail.line(&number.to_string()));
        tail.line("\u{1b}[31mred\u{1b}[0m\u{7} é \r");
        tail.line(&"x".repeat(600));
        let kept = tail.kept();
        assert_eq!((kept.len(), kept[0].as_str(), kept[48].as_str()), (KEPT, "12", "red^G é"));
        assert_eq!(kept[49].chars().count(), WIDTH + 1);
    }

    #[test]
    fn pieces_become_lines() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(b"one\ntw"), ["one"]);
        assert_eq!(lines.push(b"o\r\n10%\r20%"), ["two", "10%"]);
        assert_eq!((lines.rest().as_deref(), lines.rest()), (Some("20%"), None));
    }
}
