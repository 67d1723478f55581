//! Splits a command line like Docker.

/// Splits a command line by the rules of Docker's splitter (google/shlex), which differ from a
/// shell's: in double quotes a backslash escapes any character, and `#` at the start of a word begins a comment
/// until the end of the line. `None` if a quote is not closed, or nothing follows a backslash.
pub(super) fn split(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut rest = line.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            ' ' | '\t' | '\r' | '\n' => {}
            '#' => drop(rest.by_ref().find(|&character| character == '\n')),
            first => words.push(word(first, &mut rest)?),
        }
    }
    Some(words)
}

fn word(first: char, rest: &mut impl Iterator<Item = char>) -> Option<String> {
    let mut word = String::new();
    let mut next = Some(first);
    while let Some(character) = next {
        match character {
            ' ' | '\t' | '\r' | '\n' => break,
            '\\' => word.push(rest.next()?),
            '\'' => quoted(&mut word, rest)?,
            '"' => escaped(&mut word, rest)?,
            other => word.push(other),
        }
        next = rest.next();
    }
    Some(word)
}

fn quoted(word: &mut String, rest: &mut impl Iterator<Item = char>) -> Option<()> {
    loop {
        match rest.next()? {
            '\'' => return Some(()),
            other => word.push(other),
        }
    }
}

fn escaped(word: &mut String, rest: &mut impl Iterator<Item = char>) -> Option<()> {
    loop {
        match rest.next()? {
            '"' => return Some(()),
            '\\' => word.push(rest.next()?),
            other => word.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_docker() {
        let table: [(&str, &[&str]); 9] = [
            ("", &[]),
            ("serve  --port 80\n", &["serve", "--port", "80"]),
            (r#"sh -c "echo \"a\" \n""#, &["sh", "-c", "echo \"a\" n"]),
            (r"a\ b 'c\d'", &["a b", r"c\d"]),
            ("a # b\nc", &["a", "c"]),
            ("a#b", &["a#b"]),
            (r#""" ''"#, &["", ""]),
            (r#"a"b"'c'"#, &["abc"]),
            ("--x='a b' y", &["--x=a b", "y"]),
        ];
        for (line, words) in table {
            assert_eq!(split(line).unwrap(), words, "{line}");
        }
        for open in ["a 'b", "a \"b", "a\\", "\"a\\"] {
            assert_eq!(split(open), None, "{open}");
        }
    }
}
