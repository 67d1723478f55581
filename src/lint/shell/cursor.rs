//! Where the reading of a script is, and what comes next.

use crate::lint::shell::parser::{Parser, is_delimiter};

/// The words that end a list of commands.
pub(super) const CLOSERS: [&str; 8] = ["then", "else", "elif", "fi", "do", "done", "esac", "}"];

impl<'a> Parser<'a> {
    pub(super) fn is_at_end(&self) -> bool {
        self.at >= self.end
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.peek_at(0)
    }

    pub(super) fn peek_at(&self, ahead: usize) -> Option<u8> {
        (self.at + ahead < self.end).then(|| self.text.as_bytes()[self.at + ahead])
    }

    pub(super) fn starts_with(&self, text: &str) -> bool {
        self.text.as_bytes()[self.at.min(self.end)..self.end].starts_with(text.as_bytes())
    }

    /// Takes a text, if it comes next.
    pub(super) fn take(&mut self, text: &str) -> bool {
        let found = self.starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    /// Passes spaces and continued lines.
    pub(super) fn blanks(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\r') => self.at += 1,
                Some(b'\\') if self.peek_at(1) == Some(b'\n') => self.at += 2,
                Some(b'\\') if self.peek_at(1) == Some(b'\r') && self.peek_at(2) == Some(b'\n') => self.at += 3,
                _ => return,
            }
        }
    }

    /// Passes spaces, comments and the ends of lines.
    pub(super) fn blank_lines(&mut self) {
        loop {
            self.blanks();
            match self.peek() {
                Some(b'#') => self.comment(),
                Some(b'\n') => self.line_end(),
                _ => return,
            }
        }
    }

    pub(super) fn comment(&mut self) {
        let (start, rest) = (self.at, &self.text.as_bytes()[self.at..self.end]);
        self.at += rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
        self.code.comments.push(start..self.at);
    }

    /// Passes the end of a line, and the documents that begin after it.
    fn line_end(&mut self) {
        self.at += 1;
        for (name, chomp) in std::mem::take(&mut self.documents) {
            self.document(&name, chomp);
        }
    }

    fn document(&mut self, name: &str, chomp: bool) {
        while self.at < self.end {
            let rest = &self.text[self.at..self.end];
            let line = rest.split('\n').next().unwrap_or_default();
            self.at = (self.at + line.len() + 1).min(self.end);
            let line = line.trim_end_matches('\r');
            if (if chomp { line.trim_start_matches('\t') } else { line }) == name {
                return;
            }
        }
    }

    /// The word that comes next, if no quote or variable is in it, without taking it.
    pub(super) fn next_word(&self) -> &'a str {
        let rest = &self.text[self.at.min(self.end)..self.end];
        // No reserved word is longer: a long text must not be looked through again and again.
        let length = rest.bytes().take(12).position(is_delimiter).unwrap_or(rest.len().min(12));
        rest.get(..length).unwrap_or_default()
    }

    /// How long that is which comes next.
    pub(super) fn next_length(&self) -> usize {
        match self.next_word().len() {
            0 if self.starts_with(";;") || self.starts_with("&&") || self.starts_with("||") => 2,
            0 => self.text[self.at.min(self.text.len())..].chars().next().map_or(0, char::len_utf8),
            length => length,
        }
    }

    pub(super) fn is_at_closer(&self) -> bool {
        self.peek() == Some(b')') || self.starts_with(";;") || CLOSERS.contains(&self.next_word())
    }
}
