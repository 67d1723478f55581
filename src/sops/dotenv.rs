//! Files of variables: `NAME=value`, a line end in a value as `\n`.

use secrecy::zeroize::Zeroizing;

use super::error::{Error, Wrong, in_line};
use super::pick::plain;
use super::tree::{Branch, Entry, Value};

pub(super) fn read(text: &[u8]) -> Result<Branch, Wrong> {
    let text = std::str::from_utf8(text).map_err(|_| Wrong::new(None, "it is not UTF-8 text"))?;
    let lines = text.split('\n').enumerate().filter(|(_, line)| !line.is_empty());
    lines.map(|(number, line)| entry(line).ok_or_else(|| in_line(number + 1, "there is no `=`"))).collect()
}

fn entry(line: &str) -> Option<Entry> {
    if let Some(comment) = line.strip_prefix('#') {
        return Some(Entry::comment(comment));
    }
    let (name, value) = line.split_once('=')?;
    Some(Entry::Value(name.to_owned(), Value::text(value.replace("\\n", "\n"))))
}

pub(super) fn write(branch: &[Entry]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut text = Zeroizing::new(Vec::new());
    for entry in branch {
        match entry {
            Entry::Comment(comment) => {
                text.push(b'#');
                text.extend_from_slice(&comment.text);
            }
            Entry::Value(_, Value::List(_) | Value::Map(_)) => return Err(Error::Unwritable("a list or map")),
            Entry::Value(name, value) => {
                text.extend_from_slice(name.as_bytes());
                text.push(b'=');
                for byte in plain(value).iter() {
                    match byte {
                        b'\n' => text.extend_from_slice(b"\\n"),
                        byte => text.push(*byte),
                    }
                }
            }
        }
        text.push(b'\n');
    }
    Ok(text)
}
