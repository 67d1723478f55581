//! The file of variables that an `include` names (`.env`): `NAME=value`, with quotes and comments as a shell has them.

/// The variables of a file, in order. Nothing is filled into them.
pub(super) fn parse(text: &[u8]) -> Result<Vec<(String, String)>, String> {
    let text = std::str::from_utf8(text).map_err(|_| "it is not UTF-8 text".to_owned())?;
    let mut variables = Vec::new();
    for (number, line) in text.strip_prefix('\u{feff}').unwrap_or(text).lines().enumerate() {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = |what: &str| format!("line {}: {what}", number + 1);
        let (name, value) = line.split_once('=').ok_or_else(|| wrong("there is no `=`; write `NAME=value`"))?;
        let name = name.trim_end();
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err(wrong("there is no name before `=`; write `NAME=value`"));
        }
        let value = unquoted(value.trim()).ok_or_else(|| wrong("a quote is not closed"))?;
        variables.push((name.to_owned(), value));
    }
    Ok(variables)
}

/// A value without its quotes, or without the comment behind it.
fn unquoted(value: &str) -> Option<String> {
    match value.chars().next() {
        Some(quote @ ('"' | '\'')) => {
            let inside = &value[1..];
            let end = closing(inside, quote)?;
            Some(if quote == '"' { unescaped(&inside[..end]) } else { inside[..end].to_owned() })
        }
        Some('#') | None => Some(String::new()),
        Some(_) => Some(value.split(" #").next().unwrap_or_default().trim_end().to_owned()),
    }
}

fn closing(inside: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, character) in inside.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quote == '"' => escaped = true,
            character if character == quote => return Some(at),
            _ => {}
        }
    }
    None
}

fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (character, character == '\\') {
            (_, true) => match characters.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('r') => out.push('\r'),
                other => out.extend(other),
            },
            (character, false) => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_read_as_a_shell_does() {
        let text = "# no\nexport A = 1 \nB='x # y'\nC=\"a\\\"b\\n\" # no\nD=v # no\nE=\nF=a#b\n";
        let shown: Vec<String> =
            parse(text.as_bytes()).unwrap().into_iter().map(|(name, value)| format!("{name}={value:?}")).collect();
        assert_eq!(shown, ["A=\"1\"", "B=\"x # y\"", "C=\"a\\\"b\\n\"", "D=\"v\"", "E=\"\"", "F=\"a#b\""]);
        assert_eq!(parse(b"A=\"x").unwrap_err(), "line 1: a quote is not closed");
        assert_eq!(parse(b"\nA").unwrap_err(), "line 2: there is no `=`; write `NAME=value`");
    }
}
