//! Writes values as YAML in block style for Docker: `$` is doubled, ambiguous texts are quoted.

use std::fmt::Write as _;

use serde_json::Value;

/// Writes a value after its key, in block style.
pub(super) fn write(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            text.push('\n');
            for (key, value) in entries {
                let _ = write!(text, "{:width$}{}:", "", quoted(key), width = depth * 2);
                write(text, value, depth + 1);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            text.push('\n');
            for item in items {
                let _ = write!(text, "{:width$}-", "", width = depth * 2);
                write_item(text, item, depth + 1);
            }
        }
        Value::String(content) => {
            let _ = writeln!(text, " {}", quoted(&content.replace('$', "$$")));
        }
        other => {
            let _ = writeln!(text, " {other}");
        }
    }
}

/// Writes an item after its dash; the first key of a map is on the same line.
fn write_item(text: &mut String, item: &Value, depth: usize) {
    let mut lines = String::new();
    write(&mut lines, item, depth);
    match lines.strip_prefix('\n') {
        Some(block) => {
            text.push(' ');
            text.push_str(block.trim_start_matches(' '));
        }
        None => text.push_str(&lines),
    }
}

/// A text in YAML, without quotes if it is unambiguous.
fn quoted(content: &str) -> String {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '-' | '@');
    let plain = content.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && content.chars().all(|c| word(c) || c == ':')
        && !content.ends_with(':')
        && !matches!(
            content.to_ascii_lowercase().as_str(),
            "y" | "n" | "yes" | "no" | "on" | "off" | "true" | "false" | "null"
        );
    if plain { content.to_owned() } else { Value::from(content).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::yaml;

    #[test]
    fn a_text_is_read_back_as_it_was() {
        for text in
            ["plain", "a b", "yes", "1.10", "~", "", "a: b", "#", "'", "\"", "é\n\t", "-", "null", "a:", "http://x:80/"]
        {
            let node = yaml::parse(format!("k: {}", quoted(text)).as_bytes()).unwrap();
            assert_eq!(node.get("k").unwrap().as_str(), Some(text));
        }
    }

    #[test]
    fn lists_and_maps_are_nested() {
        let mut text = String::new();
        write(&mut text, &serde_json::json!({ "a": [{ "b": 1, "c": ["$d"] }, []], "e": {} }), 0);
        insta::assert_snapshot!(text, @r#"
        a:
          - b: 1
            c:
              - "$$d"
          - []
        e: {}
        "#);
    }
}
