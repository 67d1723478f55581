//! From granit-parser's events, comments among them, to branches; within a budget.
//!
//! SOPS writes every file anew, in blocks and with comments at the column of what they belong to. So the column tells
//! where a comment that ends a block belongs.

use std::collections::{HashSet, VecDeque};
use std::ops::RangeInclusive;

use granit_parser::{Event, Parser, Placement, ScalarStyle, Span, StrInput, options};
use secrecy::zeroize::Zeroizing;

use super::scalar;
use crate::sops::error::{Wrong, in_line};
use crate::sops::tree::{Branch, Comment, Entry, Value};

/// How many values a file may have.
const MAX_VALUES: usize = 100_000;
/// How deeply lists and maps may be nested.
const MAX_DEPTH: usize = 64;
/// How many lines of comment may follow each other.
const MAX_COMMENTS: usize = 10_000;

/// The documents of a file, each a map.
pub(in crate::sops) fn read(text: &[u8]) -> Result<Vec<Branch>, Wrong> {
    let text = std::str::from_utf8(text).map_err(|_| Wrong::new(None, "it is not UTF-8 text"))?;
    let mut options = options! { emit_comments: true };
    options.max_buffered_comment_events = MAX_COMMENTS;
    let mut reader = Reader {
        events: Parser::new_from_str_with_options(text, options),
        ahead: None,
        comments: VecDeque::new(),
        values: 0,
        depth: 0,
    };
    reader.documents()
}

/// A comment that was met and belongs nowhere yet.
struct Note {
    text: String,
    line: usize,
    column: usize,
    /// Whether something else stands before it on its line.
    right: bool,
}

impl Note {
    fn comment(self, inline: bool) -> Comment {
        Comment { text: Zeroizing::new(self.text.into_bytes()), inline }
    }

    fn entry(self) -> Entry {
        Entry::Comment(self.comment(false))
    }
}

struct Reader<'a> {
    events: Parser<'a, StrInput<'a>>,
    /// An event that was looked at, and not taken.
    ahead: Option<(Event<'a>, Span)>,
    comments: VecDeque<Note>,
    values: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn documents(&mut self) -> Result<Vec<Branch>, Wrong> {
        let mut documents = Vec::new();
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => break,
                (Event::MappingStart(..), span) => documents.push(self.map(&span, 0)?),
                (Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd, _) => {}
                _ => return Err(Wrong::new(None, "it is no map")),
            }
        }
        // What stands after the last value.
        if let Some(last) = documents.last_mut() {
            last.extend(self.comments.drain(..).map(Note::entry));
        }
        Ok(documents)
    }

    /// The next event; comments on the way to it are kept.
    fn next(&mut self) -> Result<(Event<'a>, Span), Wrong> {
        if let Some(event) = self.ahead.take() {
            return Ok(event);
        }
        loop {
            match self.events.next_event() {
                Some(Ok((Event::Comment(text, placement), span))) => self.comments.push_back(Note {
                    text: text.into_owned(),
                    line: span.start.line(),
                    column: span.start.col(),
                    right: placement == Placement::Right,
                }),
                Some(Ok(event)) => return Ok(event),
                Some(Err(error)) => {
                    return Err(in_line(error.marker().line(), "it is no YAML from here on"));
                }
                None => return Ok((Event::StreamEnd, Span::default())),
            }
        }
    }

    fn spend(&mut self, span: &Span) -> Result<(), Wrong> {
        self.values += 1;
        let line = span.start.line();
        if self.values > MAX_VALUES {
            return Err(Wrong::new(None, format!("it has more than {MAX_VALUES} values")));
        }
        if self.depth > MAX_DEPTH {
            return Err(in_line(line, format!("lists and maps are nested more than {MAX_DEPTH} deep")));
        }
        Ok(())
    }

    /// What belongs to a map whose opening was taken. `column` is that of the block it is in.
    fn map(&mut self, span: &Span, column: usize) -> Result<Branch, Wrong> {
        self.spend(span)?;
        self.depth += 1;
        let mut branch = Branch::new();
        let (mut keys, mut own) = (HashSet::new(), None);
        loop {
            let (event, at) = self.next()?;
            if event == Event::MappingEnd {
                self.depth -= 1;
                branch.extend(self.trailing(own.unwrap_or(column)).map(Note::entry));
                return Ok(branch);
            }
            let own = *own.get_or_insert(at.start.col());
            branch.extend(self.comments.drain(..).map(Note::entry));
            let key = key(event, &at)?;
            if !keys.insert(key.clone()) {
                return Err(in_line(at.start.line(), "this key is there twice"));
            }
            self.entry(key, at.end.line(), own, &mut branch)?;
        }
    }

    fn entry(&mut self, key: String, line: usize, column: usize, branch: &mut Branch) -> Result<(), Wrong> {
        let (event, at) = self.next()?;
        let value = match event {
            Event::MappingStart(..) => {
                branch.extend(self.on_lines(line..=line).map(Note::entry));
                Value::Map(self.map(&at, column)?)
            }
            Event::SequenceStart(..) => {
                branch.extend(self.on_lines(line..=line).map(Note::entry));
                Value::List(self.list(&at)?)
            }
            event => {
                let value = self.scalar(event, &at)?;
                self.look()?;
                branch.extend(self.on_lines(line..=at.end.line()).map(|note| Entry::Comment(note.comment(true))));
                value
            }
        };
        branch.push(Entry::Value(key, value));
        Ok(())
    }

    fn list(&mut self, span: &Span) -> Result<Vec<Value>, Wrong> {
        self.spend(span)?;
        self.depth += 1;
        let column = span.start.col();
        let mut items = Vec::new();
        loop {
            let (event, at) = self.next()?;
            if event == Event::SequenceEnd {
                self.depth -= 1;
                items.extend(self.trailing(column).map(|note| Value::Comment(note.comment(false))));
                return Ok(items);
            }
            items.extend(self.comments.drain(..).map(|note| Value::Comment(note.comment(false))));
            let item = match event {
                Event::MappingStart(..) => Value::Map(self.map(&at, at.start.col())?),
                Event::SequenceStart(..) => Value::List(self.list(&at)?),
                event => {
                    let value = self.scalar(event, &at)?;
                    self.look()?;
                    items.extend(
                        self.on_lines(at.start.line()..=at.end.line()).map(|note| Value::Comment(note.comment(true))),
                    );
                    value
                }
            };
            items.push(item);
        }
    }

    fn scalar(&mut self, event: Event<'a>, at: &Span) -> Result<Value, Wrong> {
        self.spend(at)?;
        let line = at.start.line();
        match event {
            Event::Scalar(text, ScalarStyle::Plain, _, None) => {
                scalar::meant(&text).ok_or_else(|| in_line(line, "this number is too large"))
            }
            Event::Scalar(text, _, _, None) => Ok(Value::text(text.into_owned())),
            // SOPS itself marks the text `<<` so.
            Event::Scalar(text, _, _, Some(tag)) if tag.core_suffix() == Some("merge") => {
                Ok(Value::text(text.into_owned()))
            }
            Event::Alias(_) => Err(in_line(line, "there is an alias, which SOPS does not write")),
            _ => Err(in_line(line, "there is a tag that is not understood")),
        }
    }

    /// Sees to it that the comments in front of the next event are known.
    fn look(&mut self) -> Result<(), Wrong> {
        if self.ahead.is_none() {
            self.ahead = Some(self.next()?);
        }
        Ok(())
    }

    /// The comments after what stands on these lines.
    fn on_lines(&mut self, lines: RangeInclusive<usize>) -> impl Iterator<Item = Note> + use<> {
        let count = self.comments.iter().take_while(|note| note.right && lines.contains(&note.line)).count();
        self.comments.drain(..count).collect::<Vec<_>>().into_iter()
    }

    /// The comments at the end of a block that are indented at least as far as it is.
    fn trailing(&mut self, column: usize) -> impl Iterator<Item = Note> + use<> {
        let count = self.comments.iter().take_while(|note| note.column >= column && column > 0).count();
        self.comments.drain(..count).collect::<Vec<_>>().into_iter()
    }
}

fn key(event: Event<'_>, at: &Span) -> Result<String, Wrong> {
    match event {
        Event::Scalar(text, _, _, Some(tag)) if tag.core_suffix() == Some("merge") => Ok(text.into_owned()),
        Event::Scalar(text, style, _, None) => {
            let plain = style == ScalarStyle::Plain;
            if plain && !matches!(scalar::meant(&text), Some(Value::Text(_))) {
                return Err(in_line(at.start.line(), "the key is no text"));
            }
            Ok(text.into_owned())
        }
        _ => Err(in_line(at.start.line(), "the key is no text")),
    }
}
