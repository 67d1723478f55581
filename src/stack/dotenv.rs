//! `.env` files, parsed like by Docker Compose (`compose-go/v2.16/dotenv`): quotes, `export`, comments, multi-line
//! values, variables in values.
//!
//! Variables in values are replaced from variables set elsewhere and from earlier lines, never from skep's environment.
//! The size of the file and of the inserted values is bounded. Two differences from Compose: a name alone in the last
//! line also counts without a line end, and text that is not UTF-8 is refused.

use super::interpolate::Expansion;
use super::variables::{Set, Variables};
use crate::diagnostic::{Diagnostic, Line};

/// The most bytes that variables in the values of one file may insert.
const MAX_FILLED: usize = 1 << 20;
/// The most variables that one file may set.
const MAX_VARIABLES: usize = 10_000;

/// Parses a file. Variables in its values are first looked up in `given`, the variables set elsewhere.
pub fn parse(text: &[u8], given: &Variables) -> Result<Set, Diagnostic<Line>> {
    let mut room = MAX_FILLED;
    parse_after(text, given, Set::new(), &mut room)
}

/// Parses a file after others, adding to their variables in `set`. `room` is the number of bytes that variables may still
/// insert.
pub fn parse_after(text: &[u8], given: &Variables, set: Set, room: &mut usize) -> Result<Set, Diagnostic<Line>> {
    let Ok(text) = std::str::from_utf8(text) else {
        return Err(Diagnostic::new(Line(1), "the file is not UTF-8 text"));
    };
    let rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    Parser { given, whole: rest, rest, set, room }.file()
}

struct Parser<'a> {
    given: &'a Variables,
    whole: &'a str,
    rest: &'a str,
    set: Set,
    /// The number of bytes that variables may still insert.
    room: &'a mut usize,
}

impl<'a> Parser<'a> {
    fn file(mut self) -> Result<Set, Diagnostic<Line>> {
        while self.skip_to_statement() {
            self.skip_export();
            let Some(name) = self.name()? else { continue };
            self.skip_blanks();
            let value = self.value()?;
            // Compose accepts a line without a name, whose value cannot be referred to.
            if !name.is_empty() {
                self.set.insert(name.to_owned(), value);
            }
            if self.set.len() > MAX_VARIABLES {
                return Err(self.wrong(format!("more than {MAX_VARIABLES} variables are set up to here")));
            }
        }
        Ok(self.set)
    }

    fn wrong(&self, message: impl Into<String>) -> Diagnostic<Line> {
        Diagnostic::new(self.line(), message)
    }

    /// The line that is being read.
    fn line(&self) -> Line {
        let read = &self.whole[..self.whole.len() - self.rest.len()];
        Line(read.matches('\n').count() + 1)
    }

    /// Skips empty lines and comments. Returns whether anything follows.
    fn skip_to_statement(&mut self) -> bool {
        loop {
            self.rest = self.rest.trim_start();
            if !self.rest.starts_with('#') {
                return !self.rest.is_empty();
            }
            self.rest = self.rest.split_once('\n').map_or("", |(_, rest)| rest);
        }
    }

    fn skip_export(&mut self) {
        if let Some(rest) = self.rest.strip_prefix("export").filter(|rest| rest.starts_with(char::is_whitespace)) {
            self.rest = rest;
            self.skip_blanks();
        }
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches(is_blank);
    }

    /// The name before `=` or `:`. A name alone takes its value from elsewhere at once; then this returns `None`.
    fn name(&mut self) -> Result<Option<&'a str>, Diagnostic<Line>> {
        let is_end = |c: char| matches!(c, '=' | ':' | '\n');
        let may_be =
            |c: char| is_blank(c) || is_end(c) || matches!(c, '_' | '.' | '-' | '[' | ']') || c.is_alphanumeric();
        let end = self.rest.find(is_end).unwrap_or(self.rest.len());
        let name = self.rest[..end].trim_end();
        if let Some(other) = name.chars().find(|c| !may_be(*c)) {
            let shown = shortened(self.rest.lines().next().unwrap_or_default());
            let message = format!("`{}` in `{shown}` is not allowed in a name", other.escape_debug());
            return Err(self.wrong(message).help("write `NAME=value`"));
        }
        if name.contains(is_blank) {
            let message = format!("there is a space in the name `{}`", shortened(name));
            return Err(self.wrong(message).help("write `NAME=value`"));
        }
        let is_alone = self.rest[end..].starts_with('\n') || end == self.rest.len();
        self.rest = self.rest[end..].get(1..).unwrap_or_default();
        if !is_alone {
            return Ok(Some(name));
        }
        if let Some(value) = self.given.get(name) {
            self.set.insert(name.to_owned(), value.to_owned());
        }
        Ok(None)
    }

    fn value(&mut self) -> Result<String, Diagnostic<Line>> {
        if let Some(quote @ ('"' | '\'')) = self.rest.chars().next() {
            return self.quoted(quote);
        }
        let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
        let value = line.split(" #").next().unwrap_or_default().trim_end();
        let value = self.expanded(value)?;
        self.rest = rest;
        Ok(value)
    }

    fn quoted(&mut self, quote: char) -> Result<String, Diagnostic<Line>> {
        let mut value = String::new();
        let mut escaped = false;
        for (at, character) in self.rest.char_indices().skip(1) {
            match character {
                _ if escaped => {
                    escaped = false;
                    if character != quote {
                        value.push('\\');
                    }
                    value.push(character);
                }
                '\\' => escaped = true,
                _ if character == quote => {
                    let value = if quote == '"' { self.expanded(&unescaped(&value))? } else { value };
                    self.rest = &self.rest[at + 1..];
                    return Ok(value);
                }
                _ => value.push(character),
            }
        }
        Err(self.wrong(format!("the quote {quote} is not closed")))
    }

    /// A value with its variables replaced; an unset one is empty.
    fn expanded(&mut self, value: &str) -> Result<String, Diagnostic<Line>> {
        let own = &self.set;
        let lookup = |name: &str| self.given.get(name).or_else(|| own.get(name).map(String::as_str));
        let mut expansion = Expansion::lenient(&lookup, *self.room);
        let expanded = expansion.expand(value);
        let room = expansion.room;
        match expanded {
            Ok(expanded) => {
                *self.room = room;
                Ok(expanded)
            }
            Err(problem) => Err(problem.at(self.line())),
        }
    }
}

/// Whether a character is white space other than a line end.
fn is_blank(character: char) -> bool {
    matches!(character, '\t' | '\u{b}' | '\u{c}' | '\r' | ' ' | '\u{85}' | '\u{a0}')
}

/// Replaces the escapes of a value in double quotes. `\$` becomes `$$`, which is a dollar sign once variables are
/// replaced.
fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let next = after.chars().next();
        let meant = match next {
            Some('a') => '\u{7}',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('v') => '\u{b}',
            Some(same @ ('\\' | '"')) => same,
            Some('$') => {
                out.push('$');
                '$'
            }
            Some('0') => {
                rest = octal(&after[1..], &mut out);
                continue;
            }
            _ => {
                out.push('\\');
                rest = after;
                continue;
            }
        };
        out.push(meant);
        rest = &after[1..];
    }
    out.push_str(rest);
    out
}

/// Writes the character of `\0` and up to three digits; returns the rest.
fn octal<'t>(text: &'t str, out: &mut String) -> &'t str {
    let digits = text.bytes().take(3).take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at(digits);
    match u8::from_str_radix(digits, 8) {
        Ok(code) if digits.len() == 3 => out.push(char::from(code)),
        _ => {
            out.push('\\');
            out.push_str(digits);
        }
    }
    rest
}

fn shortened(text: &str) -> String {
    let shown = |character: char| if character.is_control() { ' ' } else { character };
    let start: String = text.chars().take(40).map(shown).collect();
    if text.chars().nth(40).is_some() { format!("{start}…") } else { start }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::variables::Origin;

    fn parsed(text: &str) -> String {
        let given = [("GIVEN".to_owned(), "g".to_owned()), ("BOTH".to_owned(), "mine".to_owned())];
        let given = Variables::of([(Origin::Settings, given.into())]);
        match parse(text.as_bytes(), &given) {
            Ok(set) => set.iter().map(|(name, value)| format!("{name}={value:?}")).collect::<Vec<_>>().join(" "),
            Err(error) => error.to_string(),
        }
    }

    /// The results of compose-go 2.16.2 for each line.
    #[test]
    fn a_file_means_what_it_means_to_compose() {
        let table = include_str!("dotenv.cases");
        for case in table.split("\n----\n").filter(|case| !case.trim().is_empty()) {
            let (text, meant) = case.split_once("\n==> ").unwrap();
            let text = text.replace("<r>", "\r").replace("<t>", "\t").replace("<bom>", "\u{feff}");
            assert_eq!(parsed(&text), meant.trim_end(), "{text}");
        }
    }

    #[test]
    fn what_is_no_file_of_variables_is_told_with_its_line() {
        insta::assert_snapshot!(parsed("A=1\n\nB C=2"), @"line 3: there is a space in the name `B C`; write `NAME=value`");
        insta::assert_snapshot!(parsed("A=1\n{ \"a\": 1 }"), @r#"line 2: `{` in `{ "a": 1 }` is not allowed in a name; write `NAME=value`"#);
        insta::assert_snapshot!(parsed("A='x\n\ny"), @"line 1: the quote ' is not closed");
        insta::assert_snapshot!(parsed("A=${"), @"line 1: `${` is not a variable; write $$ for a dollar sign, or ${NAME}");
        insta::assert_snapshot!(parsed("A=${X?say so}"), @"line 1: the variable X must be set: say so; set X");
        let error = parse(b"A=\xff", &Variables::default()).unwrap_err().to_string();
        insta::assert_snapshot!(error, @"line 1: the file is not UTF-8 text");
    }

    #[test]
    fn a_file_that_doubles_itself_is_refused() {
        let doubling =
            (1..60).fold("A0=xxxxxxxxxxxxxxxx\n".to_owned(), |text, n| text + &format!("A{n}=$A{0}$A{0}\n", n - 1));
        insta::assert_snapshot!(parsed(&doubling), @"line 17: the variables here insert too many bytes; give them shorter values, or use them less often");
    }
}
