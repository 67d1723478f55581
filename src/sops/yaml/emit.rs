//! Nodes as text, byte for byte as go.yaml.in/yaml/v3 writes them with an indentation of four: in blocks, never folded.
//!
//! That emitter keeps a comment until there is a place to write it, and a later one takes an earlier one's place. The
//! fields of [`Emitter`] are what it keeps, because the bytes that come out depend on it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::zeroize::Zeroizing;

use super::scalar::needs_quotes;
use super::style::{Looks, Style};
use super::write::{Content, Node, Scalar};
use crate::sops::tree::Text;

/// How far a block is indented.
const STEP: usize = 4;
/// The longest key that is written without a `?`.
const LONGEST_KEY: usize = 128;
/// How many digits of a value that is no text stand in one line.
const BASE64_LINE: usize = 70;

#[derive(Default)]
pub(super) struct Emitter {
    out: Text,
    column: usize,
    /// None outside of all blocks.
    indent: Option<usize>,
    /// Whether a space was written last.
    whitespace: bool,
    /// Whether the line has nothing but indentation yet.
    indention: bool,
    /// The indentation of a comment that ended a block: what comes next at the same one is set off by an empty line.
    foot_indent: Option<usize>,
    head: Text,
    line: Text,
    foot: Text,
    tail: Text,
    key_line: Text,
}

impl Emitter {
    /// Writes a document.
    pub(super) fn document(&mut self, node: &Node<'_>, first: bool) {
        if first {
            (self.whitespace, self.indention) = (true, true);
        } else {
            self.write_indent();
            self.indicator(b"---", true, false, false);
            self.write_indent();
        }
        keep(&mut self.head, &node.head);
        self.process_head();
        self.node(node, false);
        self.foot_indent = Some(0);
        self.process_foot();
        self.foot_indent = None;
        self.write_indent();
    }

    /// The text.
    pub(super) fn finish(self) -> Text {
        self.out
    }

    /// A value after its key or dash, with the comments that are kept for it.
    fn node(&mut self, node: &Node<'_>, in_sequence: bool) {
        if let Content::Scalar(scalar) = &node.content {
            self.scalar(scalar, false, in_sequence);
        }
        self.process_line();
        self.process_foot();
        match &node.content {
            Content::Scalar(_) => {}
            Content::Mapping(entries) if entries.is_empty() => self.empty_mapping(node, in_sequence),
            Content::Mapping(entries) => self.mapping(node, entries, in_sequence),
            Content::Sequence(items) if items.is_empty() => self.empty_sequence(node, in_sequence),
            Content::Sequence(items) => self.sequence(node, items, in_sequence),
        }
    }

    fn empty_mapping(&mut self, node: &Node<'_>, in_sequence: bool) {
        self.indicator(b"{", true, true, false);
        let outer = self.increase_indent(true, in_sequence);
        self.keep_end(node);
        self.process_head();
        self.indent = outer;
        self.indicator(b"}", false, false, false);
        self.process_line();
        self.process_foot();
    }

    fn empty_sequence(&mut self, node: &Node<'_>, in_sequence: bool) {
        self.indicator(b"[", true, true, false);
        let outer = self.increase_indent(true, in_sequence);
        self.keep_end(node);
        self.indent = outer;
        self.indicator(b"]", false, false, false);
        self.process_line();
        self.process_foot();
    }

    fn mapping(&mut self, node: &Node<'_>, entries: &[(Node<'_>, Node<'_>)], in_sequence: bool) {
        let outer = self.increase_indent(false, in_sequence);
        for (key, value) in entries {
            self.key(key);
            self.value(value);
            keep(&mut self.tail, &key.foot);
        }
        self.keep_end(node);
        self.process_head();
        self.indent = outer;
    }

    fn key(&mut self, key: &Node<'_>) {
        keep(&mut self.head, &key.head);
        self.process_head();
        self.write_indent();
        if !self.line.is_empty() {
            self.key_line = std::mem::take(&mut self.line);
        }
        let Content::Scalar(scalar) = &key.content else { return };
        if is_simple(scalar) {
            self.scalar(scalar, true, false);
        } else {
            self.indicator(b"?", true, false, true);
            self.scalar(scalar, false, false);
            self.write_indent();
            self.indicator(b":", true, false, true);
            return;
        }
        self.indicator(b":", false, false, false);
    }

    fn value(&mut self, value: &Node<'_>) {
        self.keep_start(value);
        if !self.key_line.is_empty() {
            if let Content::Scalar(_) = value.content {
                if self.line.is_empty() {
                    self.line = std::mem::take(&mut self.key_line);
                }
            } else {
                std::mem::swap(&mut self.line, &mut self.key_line);
                self.process_line();
                std::mem::swap(&mut self.line, &mut self.key_line);
            }
        }
        self.node(value, false);
    }

    fn sequence(&mut self, node: &Node<'_>, items: &[Node<'_>], in_sequence: bool) {
        let outer = self.increase_indent(false, in_sequence);
        for item in items {
            self.keep_start(item);
            self.process_head();
            self.write_indent();
            self.indicator(b"-", true, false, true);
            self.node(item, true);
        }
        self.keep_end(node);
        self.indent = outer;
    }

    /// Keeps the comments that a node begins with: a scalar ends where it begins.
    fn keep_start(&mut self, node: &Node<'_>) {
        keep(&mut self.head, &node.head);
        if let Content::Scalar(_) = node.content {
            self.keep_end(node);
        }
    }

    fn keep_end(&mut self, node: &Node<'_>) {
        keep(&mut self.line, &node.line);
        keep(&mut self.foot, &node.foot);
    }

    fn scalar(&mut self, scalar: &Scalar<'_>, key: bool, in_sequence: bool) {
        let outer = self.increase_indent(true, in_sequence);
        match scalar {
            Scalar::Plain(text) => self.plain(text),
            Scalar::Text(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => self.text(text, key),
                Err(_) => self.binary(bytes),
            },
        }
        self.indent = outer;
    }

    fn text(&mut self, text: &str, key: bool) {
        if text == "<<" {
            self.tag(b"!!merge");
            return self.plain(text.as_bytes());
        }
        match Looks::of(text).style(wanted(text), key) {
            Style::Plain => self.plain(text.as_bytes()),
            Style::Single => self.single(text),
            Style::Double => self.double(text),
            Style::Literal => self.literal(text),
        }
    }

    fn tag(&mut self, tag: &[u8]) {
        if !self.whitespace {
            self.put(b' ');
        }
        self.put_all(tag);
        (self.whitespace, self.indention) = (false, false);
    }

    /// Bytes that are no text.
    fn binary(&mut self, bytes: &[u8]) {
        self.tag(b"!!binary");
        let digits = Zeroizing::new(STANDARD.encode(bytes));
        if digits.len() < BASE64_LINE {
            return self.plain(digits.as_bytes());
        }
        let mut lines = Zeroizing::new(String::new());
        for (number, digit) in digits.chars().enumerate() {
            lines.push(digit);
            if (number + 1) % BASE64_LINE == 0 || number + 1 == digits.len() {
                lines.push('\n');
            }
        }
        self.literal(&lines);
    }

    fn plain(&mut self, text: &[u8]) {
        if !text.is_empty() && !self.whitespace {
            self.put(b' ');
        }
        self.put_all(text);
        (self.whitespace, self.indention) = (false, false);
    }

    fn single(&mut self, text: &str) {
        self.indicator(b"'", true, false, false);
        for byte in text.bytes() {
            if byte == b'\'' {
                self.put(byte);
            }
            self.put(byte);
        }
        self.indicator(b"'", false, false, false);
        (self.whitespace, self.indention) = (false, false);
    }

    fn double(&mut self, text: &str) {
        self.indicator(b"\"", true, false, false);
        for character in text.chars() {
            match super::style::escaped(character) {
                Some(escaped) => self.put_all(escaped.as_bytes()),
                None => self.put_all(character.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        self.indicator(b"\"", false, false, false);
        (self.whitespace, self.indention) = (false, false);
    }

    fn literal(&mut self, text: &str) {
        self.indicator(b"|", true, false, false);
        if text.starts_with([' ', '\n']) {
            self.indicator(b"4", false, false, false);
        }
        if !text.ends_with('\n') {
            self.indicator(b"-", false, false, false);
        } else if text == "\n" || text.ends_with("\n\n") {
            self.indicator(b"+", false, false, false);
        }
        if self.line.is_empty() {
            self.put_break();
        } else {
            self.process_line();
        }
        self.whitespace = true;
        for line in text.split_inclusive('\n') {
            let (content, ends) = line.strip_suffix('\n').map_or((line, false), |content| (content, true));
            if !content.is_empty() {
                self.write_indent();
                self.put_all(content.as_bytes());
                self.indention = false;
            }
            if ends {
                self.put_break();
            }
        }
    }

    fn process_head(&mut self) {
        if !self.tail.is_empty() {
            let tail = std::mem::take(&mut self.tail);
            self.write_indent();
            self.comment(&tail);
            self.foot_indent = Some(self.indent.unwrap_or(0));
        }
        if !self.head.is_empty() {
            let head = std::mem::take(&mut self.head);
            self.write_indent();
            self.comment(&head);
        }
    }

    fn process_line(&mut self) {
        if self.line.is_empty() {
            return;
        }
        if !self.whitespace {
            self.put(b' ');
        }
        let line = std::mem::take(&mut self.line);
        self.comment(&line);
    }

    fn process_foot(&mut self) {
        if !self.foot.is_empty() {
            let foot = std::mem::take(&mut self.foot);
            self.write_indent();
            self.comment(&foot);
            self.foot_indent = Some(self.indent.unwrap_or(0));
        }
    }

    fn comment(&mut self, text: &[u8]) {
        for (number, line) in text.split(|byte| *byte == b'\n').enumerate() {
            if number > 0 {
                self.put_break();
                self.write_indent();
            }
            self.put_all(line);
            self.indention = false;
        }
        self.put_break();
        self.whitespace = true;
    }

    /// Goes one block deeper; the indentation to come back to.
    fn increase_indent(&mut self, flow: bool, in_sequence: bool) -> Option<usize> {
        let outer = self.indent;
        self.indent = Some(match outer {
            None if flow => STEP,
            None => 0,
            // What follows a dash stands after it.
            Some(indent) if in_sequence => indent + 2,
            Some(indent) => (indent + STEP) / STEP * STEP,
        });
        outer
    }

    fn write_indent(&mut self) {
        let indent = self.indent.unwrap_or(0);
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.put_break();
        }
        if self.foot_indent == Some(indent) {
            self.put_break();
        }
        while self.column < indent {
            self.put(b' ');
        }
        self.whitespace = true;
        self.foot_indent = None;
    }

    fn indicator(&mut self, text: &[u8], needs_whitespace: bool, is_whitespace: bool, is_indention: bool) {
        if needs_whitespace && !self.whitespace {
            self.put(b' ');
        }
        self.put_all(text);
        self.whitespace = is_whitespace;
        self.indention &= is_indention;
    }

    fn put(&mut self, byte: u8) {
        self.out.push(byte);
        self.column += 1;
    }

    fn put_all(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
        self.column += bytes.len();
    }

    fn put_break(&mut self) {
        self.out.push(b'\n');
        self.column = 0;
        self.indention = true;
    }
}

/// Keeps a comment, in the place of one that was never written.
fn keep(place: &mut Text, comment: &Text) {
    if !comment.is_empty() {
        place.clone_from(comment);
    }
}

fn wanted(text: &str) -> Style {
    if text.contains('\n') {
        Style::Literal
    } else if needs_quotes(text) {
        Style::Double
    } else {
        Style::Plain
    }
}

/// Whether a key stands in one line with its colon.
fn is_simple(scalar: &Scalar<'_>) -> bool {
    match scalar {
        Scalar::Text(text) => text.len() <= LONGEST_KEY && !text.contains(&b'\n'),
        Scalar::Plain(_) => true,
    }
}
