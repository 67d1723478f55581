//! The words of a comment that switches rules off.

use crate::diagnostic::Span;
use crate::lint::dockerfile::Word;
use crate::lint::dockerfile::checks::Checks;
use crate::lint::settings::is_foreign;

/// A comment.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pragma {
    /// Whose words it has.
    pub(super) dialect: Dialect,
    /// What it counts for.
    pub(super) reach: Reach,
    /// Where it stands, from its `#` on.
    pub(super) span: Span,
    /// Whether something stands before it on its line.
    pub(super) trailing: bool,
    /// The rules; none if it is meant to be such a comment, but is not understood.
    pub(super) ids: Vec<Id>,
}

/// Whose words a comment has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Skep,
    Hadolint,
    /// `# check=skip=NAME`, whose names are those of BuildKit's checks.
    Buildkit,
}

/// What a comment counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// What follows, or stands before it on its line.
    Next,
    /// The stage that begins with what follows.
    Stage,
    /// The whole file.
    File,
}

/// The id of a rule and where it stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Id {
    /// In capitals where skep's own comment has it in small letters.
    pub(super) text: String,
    pub(super) span: Span,
}

/// All comments of a text that switch rules off.
pub(super) fn all(text: &[u8]) -> Vec<Pragma> {
    let mut pragmas = Vec::new();
    let mut start = 0;
    let mut is_top = true;
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        // Most lines have no comment, and a line that has one is short.
        if let Some(at) = line.iter().position(|&byte| byte == b'#') {
            pragmas.extend(on_line(line, start, at, is_top));
        }
        is_top = is_top && directive(line).is_some();
        start += line.len();
    }
    pragmas
}

/// The key and the value of a line that is a directive of BuildKit, and where the value begins in it.
fn directive(line: &[u8]) -> Option<(&str, &str, usize)> {
    let line = std::str::from_utf8(line).ok()?;
    let (key, value) = line.trim_start_matches('\u{feff}').trim_start().strip_prefix('#')?.split_once('=')?;
    let (key, begin) = (key.trim(), line.len() - value.trim_start().len());
    let is_known = ["check", "escape", "syntax"].iter().any(|known| key.eq_ignore_ascii_case(known));
    (is_known && !value.trim().is_empty()).then_some((key, value.trim(), begin))
}

/// `# check=skip=NAME`: for the file at its top, else for what follows.
fn of_buildkit(line: &[u8], start: usize, is_top: bool) -> Option<Pragma> {
    let (_, value, begin) = directive(line).filter(|(key, ..)| key.eq_ignore_ascii_case("check"))?;
    let at = start + begin;
    let checks = Checks::read(&Word { text: value.to_owned(), span: at..at + value.len() }).ok()?;
    let ids = checks.skipped.into_iter().map(|Word { text, span }| Id { text, span }).collect();
    let reach = if is_top { Reach::File } else { Reach::Next };
    Some(Pragma { dialect: Dialect::Buildkit, reach, span: at..at + value.len(), trailing: false, ids })
}

/// The comment of a line whose first `#` is at `first`; after something else, the last one that is like ours.
fn on_line(line: &[u8], start: usize, first: usize, is_top: bool) -> Option<Pragma> {
    let alone = line[..first].trim_ascii().is_empty() || line[..first] == *"\u{feff}".as_bytes();
    if alone {
        if let Some(pragma) = of_buildkit(line, start, is_top) {
            return Some(pragma);
        }
        let words = std::str::from_utf8(&line[first..]).ok()?;
        return read(words.trim_end(), start + first, false);
    }
    let text = std::str::from_utf8(line).ok()?.trim_end();
    let at = text.rfind("# skep ")?;
    let is_comment = text[..at].ends_with(char::is_whitespace);
    is_comment.then(|| read(&text[at..], start + at, true))?
}

/// Reads a comment that begins with `#` at a place of the file.
fn read(comment: &str, at: usize, trailing: bool) -> Option<Pragma> {
    let mut words = Words { text: comment, at: 1 };
    words.skip_blanks();
    let dialect = if words.take("skep") {
        Dialect::Skep
    } else if words.take("hadolint") && !trailing {
        Dialect::Hadolint
    } else {
        return None;
    };
    if !words.skip_blanks() {
        return None;
    }
    let reach = words.reach();
    if !words.take("ignore") {
        return None;
    }
    let ids = words.ids(dialect, at);
    let understood = !ids.is_empty();
    // What is said to hadolint is its own affair.
    (understood || dialect == Dialect::Skep).then(|| Pragma {
        dialect,
        reach,
        span: at..at + comment.len(),
        trailing,
        ids,
    })
}

/// The rest of a comment.
struct Words<'a> {
    text: &'a str,
    at: usize,
}

impl Words<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn take(&mut self, word: &str) -> bool {
        let is_there = self.rest().starts_with(word);
        if is_there {
            self.at += word.len();
        }
        is_there
    }

    fn skip_blanks(&mut self) -> bool {
        let before = self.at;
        self.at += self.rest().len() - self.rest().trim_start().len();
        self.at > before
    }

    fn reach(&mut self) -> Reach {
        for (word, reach) in [("global", Reach::File), ("stage", Reach::Stage)] {
            if self.take(word) {
                self.skip_blanks();
                return reach;
            }
        }
        Reach::Next
    }

    /// Whether nothing follows but a comment about the comment.
    fn is_at_comment(&self) -> bool {
        let rest = self.rest().trim_start();
        rest.is_empty() || rest.starts_with('#')
    }

    /// `= RULE, RULE`; none at all if hadolint's has something else after them.
    fn ids(&mut self, dialect: Dialect, at: usize) -> Vec<Id> {
        let mut ids = Vec::new();
        self.skip_blanks();
        let mut goes_on = self.take("=");
        while goes_on {
            self.skip_blanks();
            let length = self.rest().bytes().take_while(u8::is_ascii_alphanumeric).count();
            if length == 0 {
                return Vec::new();
            }
            let span = at + self.at..at + self.at + length;
            let text = self.rest()[..length].to_owned();
            let text = if dialect == Dialect::Skep { text.to_ascii_uppercase() } else { text };
            ids.push(Id { text, span });
            self.at += length;
            let end = self.at;
            self.skip_blanks();
            goes_on = self.take(",");
            if !goes_on {
                self.at = end;
            }
        }
        let is_understood = match dialect {
            Dialect::Skep => !self.rest().starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '='),
            // One name that is none of a rule, and hadolint takes the whole for another comment.
            Dialect::Hadolint => self.is_at_comment() && ids.iter().all(|id| is_foreign(&id.text)),
            Dialect::Buildkit => true,
        };
        if is_understood { ids } else { Vec::new() }
    }
}
