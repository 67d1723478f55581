//! INI files, as SOPS writes them: sections of keys that are aligned, comments after `;`.

use secrecy::zeroize::Zeroizing;

use super::error::{Error, Wrong, in_line};
use super::pick::plain;
use super::tree::{Branch, Comment, Entry, Text, Value};

/// The section of what stands above all sections.
const TOP: &str = "DEFAULT";
/// Around a value of several lines.
const QUOTES: &str = "\"\"\"";

/// A branch of sections, each a branch of keys. The comment of a section is the first entry in it, that of a key
/// follows the key.
pub(super) fn read(text: &[u8]) -> Result<Branch, Wrong> {
    let text = std::str::from_utf8(text).map_err(|_| Wrong::new(None, "it is not UTF-8 text"))?;
    let mut sections = vec![(TOP.to_owned(), Branch::new())];
    let mut comments: Vec<&str> = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        if line.starts_with([';', '#']) {
            comments.push(line);
            continue;
        }
        let comment = comment(&std::mem::take(&mut comments));
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            sections.push((name.to_owned(), comment.into_iter().collect()));
            continue;
        }
        let (key, mut value) = pair(line).ok_or_else(|| in_line(number + 1, "this is no `key = value`"))?;
        if let Some(first) = value.strip_prefix(QUOTES) {
            value = rest_of(first, lines.by_ref().map(|(_, line)| line));
        }
        let Some((_, section)) = sections.last_mut() else { continue };
        section.push(Entry::Value(key, Value::text(value)));
        section.extend(comment);
    }
    Ok(sections.into_iter().map(|(name, branch)| Entry::Value(name, Value::Map(branch))).collect())
}

fn comment(lines: &[&str]) -> Option<Entry> {
    let text = lines.join("\n");
    let first = text.chars().next()?;
    Some(Entry::comment(text.trim_start_matches([first, ' '])))
}

/// A value of several lines: what follows its opening quotes, up to the closing ones.
fn rest_of<'a>(first: &str, lines: impl Iterator<Item = &'a str>) -> String {
    let mut text = first.to_owned();
    for line in lines {
        text.push('\n');
        match line.split_once(QUOTES) {
            Some((last, _)) => {
                text.push_str(last);
                break;
            }
            None => text.push_str(line),
        }
    }
    text
}

fn pair(line: &str) -> Option<(String, String)> {
    let (key, rest) = match line.strip_prefix('`') {
        Some(quoted) => quoted.split_once('`').map(|(key, rest)| (key, rest.trim_start()))?,
        None => line.split_at(line.find(['=', ':'])?),
    };
    let value = rest.strip_prefix(['=', ':'])?.trim();
    let unquoted = [QUOTES, "`", "\"", "'"].iter().find_map(|quote| {
        let inner = value.strip_prefix(quote)?.strip_suffix(quote)?;
        (value.len() >= 2 * quote.len()).then_some(inner)
    });
    Some((key.trim().to_owned(), unquoted.unwrap_or(value).to_owned()))
}

pub(super) fn write(branch: &[Entry]) -> Result<Text, Error> {
    let mut text = Zeroizing::new(Vec::new());
    let sections: Vec<(&String, &Value)> = branch.iter().filter_map(value).collect();
    for (number, (name, section)) in sections.iter().enumerate() {
        let Value::Map(entries) = section else { return Err(Error::Unwritable("a value outside of a section")) };
        let keys = match &entries[..] {
            [Entry::Comment(first), keys @ ..] => {
                write_comment(&mut text, first);
                keys
            }
            keys => keys,
        };
        if number > 0 || *name != TOP {
            text.extend_from_slice(format!("[{name}]\n").as_bytes());
        } else if keys.is_empty() {
            continue;
        }
        write_keys(&mut text, keys)?;
        if number + 1 < sections.len() {
            text.push(b'\n');
        }
    }
    Ok(text)
}

fn value(entry: &Entry) -> Option<(&String, &Value)> {
    if let Entry::Value(key, value) = entry { Some((key, value)) } else { None }
}

fn write_keys(text: &mut Text, keys: &[Entry]) -> Result<(), Error> {
    let width = keys.iter().filter_map(value).map(|(key, _)| quoted(key).len()).max().unwrap_or(0);
    for (number, entry) in keys.iter().enumerate() {
        let Some((key, value)) = value(entry) else { continue };
        if let Some(Entry::Comment(comment)) = keys.get(number + 1) {
            write_comment(text, comment);
        }
        if matches!(value, Value::List(_) | Value::Map(_)) {
            return Err(Error::Unwritable("a list or map"));
        }
        text.extend_from_slice(format!("{:width$} = ", quoted(key)).as_bytes());
        write_value(text, &plain(value));
        text.push(b'\n');
    }
    Ok(())
}

fn quoted(key: &str) -> String {
    if key.contains(['"', '=', ':']) {
        format!("`{key}`")
    } else if key.contains('`') {
        format!("{QUOTES}{key}{QUOTES}")
    } else {
        key.to_owned()
    }
}

fn write_value(text: &mut Text, value: &[u8]) {
    let has = |bytes: &[u8]| value.iter().any(|byte| bytes.contains(byte));
    let blank = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_whitespace);
    let quote: &[u8] = if has(b"\n`") {
        QUOTES.as_bytes()
    } else if has(b"#;") {
        b"`"
    } else if blank(value.first()) || blank(value.last()) {
        b"\""
    } else {
        b""
    };
    text.extend_from_slice(quote);
    text.extend_from_slice(value);
    text.extend_from_slice(quote);
}

fn write_comment(text: &mut Text, comment: &Comment) {
    for line in comment.text.split(|byte| *byte == b'\n') {
        let (sign, line) = match line {
            [sign @ (b'#' | b';'), line @ ..] => (*sign, line),
            line => (b';', line),
        };
        text.extend_from_slice(&[sign, b' ']);
        text.extend_from_slice(line.trim_ascii());
        text.push(b'\n');
    }
}
