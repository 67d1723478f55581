//! Helpful messages for the commonest mistakes in YAML: the parser names the violated rule, usually a line
//! after the mistake.

/// A better place and message for an error of the parser at `at`; `None` if there is
/// none.
pub(super) fn better(parser: &str, text: &str, at: usize) -> Option<(usize, String)> {
    let at = text.floor_char_boundary(at.min(text.len()));
    let line = Line::at(text, at);
    match parser {
        "simple key expected ':'" | "simple key expect ':'" => no_colon(&line),
        "mapping values are not allowed in this context" => unwanted_colon(text, &line, at),
        "while parsing a block mapping, did not find expected key" => {
            line.before(text).and_then(|above| no_space(&above))
        }
        "unclosed quote" => Some((at, "the quote that begins here is not closed".to_owned())),
        _ if parser.starts_with("unclosed bracket") => Some((at, unclosed(text, at))),
        _ if parser.contains("quoted scalar") => open_quote(text, at),
        _ if parser.contains("illegal placement of ':'") || parser.contains("flow") || parser.contains("',' or '") => {
            open_bracket(text, at)
        }
        _ => None,
    }
}

/// A line of a file.
struct Line<'a> {
    start: usize,
    text: &'a str,
}

impl<'a> Line<'a> {
    /// The line that holds a place.
    fn at(text: &'a str, at: usize) -> Self {
        let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[at..].find('\n').map_or(text.len(), |length| at + length);
        Self { start, text: text[start..end].trim_end() }
    }

    /// The previous line that is not empty.
    fn before(&self, text: &'a str) -> Option<Self> {
        let mut end = self.start;
        while end > 0 {
            let line = Self::at(text, end - 1);
            let said = line.said();
            if !said.is_empty() && !said.starts_with('#') {
                return Some(line);
            }
            end = line.start;
        }
        None
    }

    fn indentation(&self) -> usize {
        self.text.len() - self.text.trim_start().len()
    }

    fn said(&self) -> &'a str {
        self.text.trim()
    }

    /// The offset of its first character that is not a space.
    fn begin(&self) -> usize {
        self.start + self.indentation()
    }
}

fn no_colon(line: &Line<'_>) -> Option<(usize, String)> {
    let said = line.said();
    let (key, value) = said.split_once(char::is_whitespace).unwrap_or((said, ""));
    is_key(key).then(|| {
        let meant = if value.is_empty() { format!("{key}:") } else { format!("{key}: {}", value.trim()) };
        (line.begin(), format!("`{said}` has no colon: write `{meant}`"))
    })
}

fn unwanted_colon(text: &str, line: &Line<'_>, at: usize) -> Option<(usize, String)> {
    let before_it = &text[line.start..at];
    if let Some((key, value)) = before_it.split_once(": ")
        && let Some((_, whole)) = line.text.split_once(": ")
        && is_key(key.trim().trim_start_matches("- "))
    {
        let (key, at) = (key.trim(), line.start + before_it.len() - value.len());
        return Some((
            at,
            format!("a value with `: ` in it needs quotes: write `{key}: '{}'`", whole.replace('\'', "''")),
        ));
    }
    let above = line.before(text)?;
    if let Some(told) = no_space(&above) {
        return Some(told);
    }
    if !above.said().contains(':') && above.indentation() == line.indentation() {
        return no_colon(&above);
    }
    let has_value = above.said().split_once(": ").is_some_and(|(_, value)| !value.trim().is_empty());
    (has_value && line.indentation() > above.indentation()).then(|| {
        let message = "this line is indented deeper than the one above, which has a value already; give both the same \
                       indentation";
        (line.begin(), message.to_owned())
    })
}

/// A key whose colon is followed by its value at once.
fn no_space(line: &Line<'_>) -> Option<(usize, String)> {
    let (key, value) = line.said().split_once(':')?;
    let is_meant = !value.is_empty() && !value.starts_with(' ') && is_key(key.trim_start_matches("- "));
    is_meant.then(|| (line.begin(), format!("`{}` has no space after its colon: write `{key}: {value}`", line.said())))
}

/// The quote that is open at a place.
fn open_quote(text: &str, at: usize) -> Option<(usize, String)> {
    let (_, quote) = open(text, at);
    let (place, quote) = quote?;
    Some((place, format!("the quote {quote} that begins here is not closed")))
}

/// The bracket that is open at a place.
fn open_bracket(text: &str, at: usize) -> Option<(usize, String)> {
    let (brackets, quote) = open(text, at);
    if let Some((place, quote)) = quote {
        return Some((place, format!("the quote {quote} that begins here is not closed")));
    }
    let place = *brackets.last()?;
    Some((place, unclosed(text, place)))
}

/// The message about an unclosed bracket.
fn unclosed(text: &str, place: usize) -> String {
    let (bracket, end) = if text[place..].starts_with('{') { ('{', '}') } else { ('[', ']') };
    format!("the `{bracket}` that begins here is not closed: write `{end}` at its end")
}

/// The brackets and the quote that are open at a place.
fn open(text: &str, end: usize) -> (Vec<usize>, Option<(usize, char)>) {
    let (mut brackets, mut quote) = (Vec::new(), None);
    // The last character of the line that is not a space, and whether a space follows it.
    let (mut last, mut is_apart) = (None, true);
    let mut is_comment = false;
    for (place, c) in text[..end].char_indices() {
        if c == '\n' {
            (is_comment, last, is_apart) = (false, None, true);
            continue;
        }
        match quote {
            _ if is_comment => {}
            Some((_, begun)) if begun == c => quote = None,
            Some(_) => {}
            None => {
                let begins = !brackets.is_empty() && matches!(last, Some('[' | '{' | ',' | ':'))
                    || is_apart && matches!(last, None | Some(':' | '-'));
                match c {
                    '#' if is_apart => is_comment = true,
                    '"' | '\'' if begins => quote = Some((place, c)),
                    '[' | '{' if begins => brackets.push(place),
                    ']' | '}' => drop(brackets.pop()),
                    _ => {}
                }
            }
        }
        is_apart = c == ' ';
        if c != ' ' {
            last = Some(c);
        }
    }
    (brackets, quote)
}

/// Whether a text may be intended as a key.
fn is_key(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    !text.is_empty() && text.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use crate::diagnostic::line_column;
    use crate::stack::yaml::parse;

    fn told(text: &str) -> String {
        let error = parse(text.as_bytes()).unwrap_err();
        let (line, column) = line_column(text.as_bytes(), error.place.start);
        format!("{line}:{column}: {error}")
    }

    #[test]
    fn the_commonest_mistakes_are_told_where_they_are_and_with_what_to_write() {
        let all = [
            "services:\n  web:\n    image: a\n  cache\n    image: b\n",
            "services:\n  web:\n    image nginx\n    ports: [80]\n",
            "services:\n  web:\n    image:nginx:1\n\n    # a remark\n    ports: [80]\n",
            "services:\n  web:\n   image: nginx\n    ports: [80]\n",
            "services:\n  web:\n    command: echo: it's here: x\n",
            "services:\n  web:\n    command: [a, b\n  cache:\n    image: x\n",
            "services:\n  web:\n    environment: { A: b, C: [1]\n  cache:\n    image: x\n",
            "services:\n  web:\n    image: \"nginx\n    ports: [80]\n",
            "services:\n  web:\n    image: 'nginx\n",
            "services:\n  web:\n    command: [\"a, b]\n    image: x\n",
            "a: [1, 2\n",
        ];
        insta::assert_snapshot!(all.map(told).join("\n"), @r#"
        4:3: `cache` has no colon: write `cache:`
        3:5: `image nginx` has no colon: write `image: nginx`
        3:5: `image:nginx:1` has no space after its colon: write `image: nginx:1`
        4:5: this line is indented deeper than the one above, which has a value already; give both the same indentation
        3:14: a value with `: ` in it needs quotes: write `command: 'echo: it''s here: x'`
        3:14: the `[` that begins here is not closed: write `]` at its end
        3:18: the `{` that begins here is not closed: write `}` at its end
        3:12: the quote " that begins here is not closed
        3:12: the quote ' that begins here is not closed
        3:15: the quote that begins here is not closed
        1:4: the `[` that begins here is not closed: write `]` at its end
        "#);
    }

    #[test]
    fn no_text_is_too_strange_to_be_told_of() {
        for text in ["é: [é, é\né: é\n", "\u{feff}é\n é: x: y\n", ": :\n: :", "'é\n", "[é\n: é", "a\né: 'b\n c: d\n"]
        {
            drop(parse(text.as_bytes()));
        }
    }
}
