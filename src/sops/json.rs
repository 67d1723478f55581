//! JSON, as Go writes it: indented with tabs, the order kept. A binary file is the text `data` of such a file.

use secrecy::zeroize::Zeroizing;
use serde_json::Value as Json;

use super::error::{Error, Wrong, in_line};
use super::tree::{Branch, Entry, Text, Value};

pub(super) fn read(text: &[u8]) -> Result<Branch, Wrong> {
    match serde_json::from_slice(text) {
        Ok(Json::Object(entries)) => {
            Ok(entries.into_iter().map(|(key, json)| Entry::Value(key, value(json))).collect())
        }
        Ok(_) => Err(Wrong::new(None, "it is no JSON object")),
        // Not serde's message, which may quote what it did not expect.
        Err(error) => Err(in_line(error.line(), format!("it is no JSON from column {} on", error.column()))),
    }
}

fn value(json: Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(value),
        Json::Number(number) => match number.as_i64() {
            Some(number) => Value::Int(number),
            None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::text(text),
        Json::Array(items) => Value::List(items.into_iter().map(value).collect()),
        Json::Object(entries) => {
            Value::Map(entries.into_iter().map(|(key, json)| Entry::Value(key, value(json))).collect())
        }
    }
}

/// The text of a binary file.
pub(super) fn binary(branch: &[Entry]) -> Result<Text, Error> {
    let data = branch.iter().find_map(|entry| match entry {
        Entry::Value(key, Value::Text(text)) if key == "data" => Some(text.clone()),
        _ => None,
    });
    data.ok_or(Error::Unwritable("no `data`"))
}

pub(super) fn write(branch: &[Entry]) -> Text {
    let mut text = Zeroizing::new(Vec::new());
    write_branch(&mut text, branch, 1);
    text.push(b'\n');
    text
}

fn write_branch(text: &mut Text, branch: &[Entry], depth: usize) {
    let entries = branch.iter().filter_map(|entry| match entry {
        Entry::Value(key, value) => Some((key, value)),
        Entry::Comment(_) => None,
    });
    write_all(text, [b'{', b'}'], depth, entries, |text, (key, value)| {
        write_text(text, key.as_bytes());
        text.extend_from_slice(b": ");
        write_value(text, value, depth + 1);
    });
}

/// What stands between two brackets, each on a line of its own.
fn write_all<T>(
    text: &mut Text,
    [open, close]: [u8; 2],
    depth: usize,
    items: impl Iterator<Item = T>,
    write: impl Fn(&mut Text, T),
) {
    text.push(open);
    let mut empty = true;
    for item in items {
        if !std::mem::take(&mut empty) {
            text.push(b',');
        }
        line(text, depth);
        write(text, item);
    }
    if !empty {
        line(text, depth - 1);
    }
    text.push(close);
}

fn line(text: &mut Text, depth: usize) {
    text.push(b'\n');
    text.extend(std::iter::repeat_n(b'\t', depth));
}

fn write_value(text: &mut Text, value: &Value, depth: usize) {
    match value {
        Value::Null => text.extend_from_slice(b"null"),
        Value::Bool(value) => text.extend_from_slice(value.to_string().as_bytes()),
        Value::Int(value) => text.extend_from_slice(value.to_string().as_bytes()),
        Value::Float(value) => text.extend_from_slice(float(*value).as_bytes()),
        Value::Text(value) | Value::Time(value) => write_text(text, value),
        Value::Map(branch) => write_branch(text, branch, depth),
        Value::List(items) => {
            let items = items.iter().filter(|item| !matches!(item, Value::Comment(_)));
            write_all(text, [b'[', b']'], depth, items, |text, item| write_value(text, item, depth + 1));
        }
        Value::Comment(_) => {}
    }
}

/// A number as Go's encoder writes it: with an exponent only where it is very small or large.
fn float(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{value:e}");
        let Some((digits, exponent)) = text.split_once('e') else { return text };
        let sign = if exponent.starts_with('-') { '-' } else { '+' };
        return format!("{digits}e{sign}{}", exponent.trim_start_matches('-'));
    }
    value.to_string()
}

/// A text with what Go escapes: also what could end a script in a web page.
fn write_text(text: &mut Text, value: &[u8]) {
    text.push(b'"');
    for chunk in value.utf8_chunks() {
        for character in chunk.valid().chars() {
            write_character(text, character);
        }
        // Go puts one such sign for each byte that is no text.
        for _ in chunk.invalid() {
            text.extend_from_slice(b"\\ufffd");
        }
    }
    text.push(b'"');
}

fn write_character(text: &mut Text, character: char) {
    match character {
        '"' => text.extend_from_slice(b"\\\""),
        '\\' => text.extend_from_slice(b"\\\\"),
        '\n' => text.extend_from_slice(b"\\n"),
        '\r' => text.extend_from_slice(b"\\r"),
        '\t' => text.extend_from_slice(b"\\t"),
        '\u{8}' => text.extend_from_slice(b"\\b"),
        '\u{c}' => text.extend_from_slice(b"\\f"),
        '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
            text.extend_from_slice(format!("\\u{:04x}", u32::from(character)).as_bytes());
        }
        other => text.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}
