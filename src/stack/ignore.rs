//! `.dockerignore`: which files of a folder stay out of a build.
//!
//! The rules are those of moby/patternmatcher (`MatchesOrParentMatches`) over lines read as its `ignorefile` package
//! does: patterns count from the top of the context, `**` spans folders, a pattern that matches a folder takes what is
//! below it, `!` brings back, and the last line that matches decides. Knowingly different: a character after a
//! backslash, and any within `[…]`, always stands for itself; there, it may reach Go's regular expressions.

use regex::Regex;

/// The patterns of an ignore file, in order.
#[derive(Debug, Default)]
pub struct Ignore {
    patterns: Vec<Pattern>,
}

#[derive(Debug)]
struct Pattern {
    /// Whether what matches is brought back.
    exception: bool,
    matches: Regex,
}

/// A line that is not a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: `{pattern}` is not a pattern: {reason}")]
pub struct Invalid {
    /// The line, counted from 1.
    pub line: usize,
    /// What it says.
    pub pattern: String,
    /// What is wrong with it.
    pub reason: String,
}

impl Ignore {
    /// Reads an ignore file.
    pub fn read(text: &str) -> Result<Self, Invalid> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines = text.lines().enumerate().filter(|(_, line)| !line.starts_with('#') && !line.trim().is_empty());
        let patterns = lines.map(|(number, line)| {
            let pattern = line.trim();
            Pattern::read(pattern).map_err(|reason| Invalid { line: number + 1, pattern: pattern.to_owned(), reason })
        });
        Ok(Self { patterns: patterns.collect::<Result<_, _>>()? })
    }

    /// Whether the file at this path, counted from the top of the context, stays out.
    pub fn ignores(&self, path: &str) -> bool {
        let folders = path.match_indices('/').map(|(end, _)| &path[..end]);
        let candidates: Vec<&str> = std::iter::once(path).chain(folders).collect();
        self.patterns.iter().fold(false, |ignored, pattern| {
            let decides = pattern.exception == ignored && candidates.iter().any(|path| pattern.matches.is_match(path));
            if decides { !pattern.exception } else { ignored }
        })
    }
}

impl Pattern {
    fn read(line: &str) -> Result<Self, String> {
        let (exception, glob) = match line.strip_prefix('!') {
            Some(rest) => (true, rest.trim()),
            None => (false, line),
        };
        if glob.is_empty() {
            return Err("there is nothing after the `!`".into());
        }
        let glob = cleaned(glob);
        let matches = Regex::new(&expression(&glob)?).map_err(|_| "it is too long".to_owned())?;
        Ok(Self { exception, matches })
    }
}

/// The path without empty parts, `.`, resolvable `..` and the slash at its beginning, as Go's `filepath.Clean` does.
fn cleaned(glob: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in glob.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if glob.starts_with('/') => {}
            part => parts.push(part),
        }
    }
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}

/// The regular expression that a glob means.
fn expression(glob: &str) -> Result<String, String> {
    if let Some(ending) = plain_ending(glob) {
        return Ok(format!("(?s)(?:^{}|{})$", regex::escape(ending.trim_start_matches('/')), regex::escape(ending)));
    }
    let mut expression = "(?s)^".to_owned();
    let mut rest = glob;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        let (meaning, left) = match c {
            '*' => stars(after),
            '?' => ("[^/]".to_owned(), after),
            '[' => class(after)?,
            '\\' => escaped(after)?,
            c => (literal(c), after),
        };
        expression += &meaning;
        rest = left;
    }
    Ok(expression + "$")
}

/// What follows `**` at the beginning, if nothing in it is special: then any path that ends so matches.
fn plain_ending(glob: &str) -> Option<&str> {
    glob.strip_prefix("**").filter(|ending| !ending.is_empty() && !ending.contains(['*', '?', '[', ']', '\\']))
}

fn stars(after: &str) -> (String, &str) {
    let Some(after) = after.strip_prefix('*') else { return ("[^/]*".into(), after) };
    match after.strip_prefix('/').unwrap_or(after) {
        "" => (".*".into(), ""),
        after => ("(?:.*/)?".into(), after),
    }
}

fn escaped(after: &str) -> Result<(String, &str), String> {
    let c = after.chars().next().ok_or("nothing follows its last `\\`")?;
    Ok((literal(c), &after[c.len_utf8()..]))
}

fn literal(c: char) -> String {
    regex::escape(c.encode_utf8(&mut [0; 4]))
}

/// A class such as `a-z]`, what follows its `[`.
fn class(after: &str) -> Result<(String, &str), String> {
    let (negated, mut rest) = after.strip_prefix('^').map_or(("", after), |rest| ("^", rest));
    let mut members = String::new();
    while !rest.starts_with(']') || members.is_empty() {
        let (first, left) = member(rest)?;
        let (last, left) = match left.strip_prefix('-') {
            Some(left) => member(left)?,
            None => (first, left),
        };
        if last < first {
            return Err(format!("the range `{first}-{last}` is the wrong way round"));
        }
        members.extend([literal(first), "-".to_owned(), literal(last)]);
        rest = left;
    }
    Ok((format!("[{negated}{members}]"), &rest[1..]))
}

fn member(rest: &str) -> Result<(char, &str), String> {
    let mut chars = rest.chars();
    let c = match chars.next() {
        Some('\\') => chars.next(),
        Some('-' | ']') => return Err("a `-` or `]` in `[…]` needs a `\\` before it".into()),
        c => c,
    };
    c.map(|c| (c, chars.as_str())).ok_or_else(|| "its `[` is not closed".into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_are_ignored_as_docker_ignores_them() {
        let table: [(&str, &[&str], &[&str]); 31] = [
            ("", &[], &["a"]),
            ("a", &["a", "a/b/c"], &["b/a", "ab"]),
            ("/a", &["a", "a/b"], &["b/a"]),
            ("a/", &["a", "a/b"], &["b/a"]),
            ("./a//b/../c", &["a/c", "a/c/d"], &["a/b", "c"]),
            ("../a", &[], &["a"]),
            ("*", &["a", "a/b", ".git"], &[]),
            (".", &[], &["a", "a/b"]),
            ("*.md", &["a.md", ".md"], &["a/b.md", "a.mdx"]),
            ("*/b", &["a/b", "a/b/c"], &["b", "x/a/b"]),
            ("*/*/b", &["x/a/b"], &["a/b"]),
            ("?.c", &["a.c"], &["ab.c", "/.c"]),
            ("**", &["a", "a/b/c"], &[]),
            ("**/b", &["b", "a/b", "x/a/b/c"], &["ab", "a/xb"]),
            ("**b", &["b", "xb", "a/xb"], &["bx"]),
            ("**/*.md", &["a.md", "a/b.md"], &["a.mdx"]),
            ("a/**", &["a/b", "a/b/c"], &["a", "ab"]),
            ("a**", &["a", "ab", "a/b"], &["b"]),
            ("a/**/b", &["a/b", "a/x/b", "a/x/y/b/c"], &["a/xb", "ab"]),
            ("**/a/**", &["a/b", "x/a/b"], &["a", "x/a"]),
            ("[a-c]x", &["ax", "cx"], &["dx", "x"]),
            ("[^a]x", &["bx"], &["ax"]),
            ("[!a]x", &["!x", "ax"], &["bx"]),
            ("a\\*", &["a*"], &["ab"]),
            ("a.b+(c)|{d}$^", &["a.b+(c)|{d}$^"], &["axb"]),
            ("*\n!a", &["b"], &["a", "a/b"]),
            ("*.md\n!README*.md\nREADME-secret.md", &["a.md", "README-secret.md"], &["README.md"]),
            ("*.md\nREADME-secret.md\n!README*.md", &["a.md"], &["README.md", "README-secret.md"]),
            ("a\n!a/b\n! /a/c", &["a/d"], &["a/b", "a/b/x", "a/c"]),
            ("!a", &[], &["a"]),
            ("\u{feff}# no\n#a\n\n  b  \r\n #c", &["b", "#c"], &["a", "#a"]),
        ];
        for (text, ignored, kept) in table {
            let ignore = Ignore::read(text).unwrap();
            for path in ignored {
                assert!(ignore.ignores(path), "{text:?} ignores {path}");
            }
            for path in kept {
                assert!(!ignore.ignores(path), "{text:?} keeps {path}");
            }
        }
    }

    #[test]
    fn what_is_not_a_pattern_says_where() {
        let shown = ["a\n!", "[a", "[]", "[z-a]", "a\\"].map(|text| Ignore::read(text).unwrap_err().to_string());
        insta::assert_snapshot!(shown.join("\n"), @r"
        line 2: `!` is not a pattern: there is nothing after the `!`
        line 1: `[a` is not a pattern: its `[` is not closed
        line 1: `[]` is not a pattern: a `-` or `]` in `[…]` needs a `\` before it
        line 1: `[z-a]` is not a pattern: the range `z-a` is the wrong way round
        line 1: `a\` is not a pattern: nothing follows its last `\`
        ");
    }

    proptest! {
        #[test]
        fn the_last_line_decides(text in "[a!*?/\\\\.\\[\\]\\-^# \n]{0,30}", path in "[a-c]{1,3}(/[a-c]{1,3}){0,3}") {
            if Ignore::read(&text).is_ok() {
                let ignores = |last: &str| Ignore::read(&[&text, last].join("\n")).unwrap().ignores(&path);
                prop_assert!(ignores("**") && !ignores("!**"));
            }
        }
    }
}
