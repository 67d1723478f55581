//! Whether a regular expression is one to Go, whose `regexp` Traefik compiles (the syntax is RE2's, as Go's
//! `regexp/syntax` has it). Only that is told: nothing is matched.
//!
//! Names of Unicode classes (`\p{Greek}`) are asked of the `regex` crate, which has Go's and more. Knowingly not handled: the limit
//! on the size of the compiled program.

use std::ops::Range;

/// The most that a repetition, with those inside of it, may repeat.
const MOST: u32 = 1000;
/// The deepest that groups may be nested.
const DEEPEST: usize = 999;

/// What is wrong with an expression, and where; none if Go takes it.
pub(crate) fn objection(pattern: &str) -> Option<(Range<usize>, String)> {
    Reader { text: pattern, at: 0, groups: vec![Group::default()], repeated: None }.read().err()
}

type Objection = (Range<usize>, String);

/// What was read of a group so far, the outermost being the whole expression.
#[derive(Debug, Default)]
struct Group {
    /// Where it begins.
    start: usize,
    /// How much the last item repeats in all; none if there is nothing that could be repeated.
    last: Option<u32>,
    /// How much that is at most, of any item.
    most: u32,
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    groups: Vec<Group>,
    /// Where the repetition began that ends here, if one does.
    repeated: Option<usize>,
}

impl Reader<'_> {
    fn read(&mut self) -> Result<(), Objection> {
        while let Some(next) = self.peek() {
            let (start, repeated) = (self.at, self.repeated.take());
            match next {
                '(' => self.open()?,
                ')' => self.close()?,
                '|' => {
                    self.at += 1;
                    self.group().last = None;
                }
                '[' => self.class()?,
                '*' | '+' | '?' => {
                    self.at += 1;
                    self.repeat(start, repeated, 1)?;
                }
                '{' => match self.counts() {
                    Some((least, most)) => self.repeat_counted(start, repeated, least, most)?,
                    None => self.literal(),
                },
                '\\' => self.escape()?,
                _ => self.literal(),
            }
        }
        let open = self.groups.last().filter(|_| self.groups.len() > 1).map(|group| group.start);
        open.map_or(Ok(()), |start| Err((start..start + 1, "this parenthesis is not closed".to_owned())))
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn group(&mut self) -> &mut Group {
        self.groups.last_mut().expect("the outermost group stays")
    }

    /// Notes an item that may be repeated, and that repeats so much within itself.
    fn item(&mut self, weight: u32) {
        let group = self.group();
        group.last = Some(weight);
        group.most = group.most.max(weight);
    }

    fn literal(&mut self) {
        self.at += self.peek().map_or(0, char::len_utf8);
        self.item(1);
    }

    fn open(&mut self) -> Result<(), Objection> {
        let start = self.at;
        if self.groups.len() > DEEPEST {
            return Err((start..start + 1, "it is nested too deeply".to_owned()));
        }
        let opens = if self.text[start..].starts_with("(?") { self.options()? } else { true };
        self.at += usize::from(self.at == start);
        if opens {
            self.groups.push(Group { start, ..Group::default() });
        }
        Ok(())
    }

    /// What follows `(?`: a name or flags; whether a group begins with it.
    fn options(&mut self) -> Result<bool, Objection> {
        let start = self.at;
        let rest = &self.text[start..];
        if let Some(name) = ["(?P<", "(?<"].iter().find_map(|begin| rest.strip_prefix(begin)) {
            let end = name.find('>').unwrap_or(name.len());
            let is_name = end > 0 && name[..end].chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            self.at = start + (rest.len() - name.len() + end + 1).min(rest.len());
            let wrong = || (start..self.at, "a name of letters, digits and `_` is wanted here".to_owned());
            return if is_name && end < name.len() { Ok(true) } else { Err(wrong()) };
        }
        let (mut is_negated, mut has_flag) = (false, false);
        for (at, character) in rest.char_indices().skip(2) {
            let end = start + at + character.len_utf8();
            match character {
                'i' | 'm' | 's' | 'U' => has_flag = true,
                '-' if !is_negated => (is_negated, has_flag) = (true, false),
                ':' | ')' if !is_negated || has_flag => {
                    self.at = end;
                    return Ok(character == ':');
                }
                _ => return Err((start..end, "Go's regular expressions have no such group".to_owned())),
            }
        }
        Err((start..self.text.len(), "Go's regular expressions have no such group".to_owned()))
    }

    fn close(&mut self) -> Result<(), Objection> {
        if self.groups.len() == 1 {
            return Err((self.at..self.at + 1, "this parenthesis closes nothing".to_owned()));
        }
        let weight = self.groups.pop().map_or(1, |group| group.most.max(1));
        self.at += 1;
        self.item(weight);
        Ok(())
    }

    /// `{2}`, `{2,}` or `{2,3}`: the least and the most, if it is one; else the brace is a character as any other.
    fn counts(&mut self) -> Option<(u32, Option<u32>)> {
        let inner = self.text[self.at..].strip_prefix('{')?;
        let end = inner.find('}')?;
        let number = |text: &str| {
            let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            (is_number && (text.len() == 1 || !text.starts_with('0'))).then(|| text.parse().unwrap_or(u32::MAX))
        };
        let counts = match inner[..end].split_once(',') {
            None => number(&inner[..end]).map(|count| (count, Some(count))),
            Some((least, "")) => number(least).map(|least| (least, None)),
            Some((least, most)) => Some((number(least)?, Some(number(most)?))),
        }?;
        self.at += end + 2;
        Some(counts)
    }

    fn repeat_counted(
        &mut self,
        start: usize,
        repeated: Option<usize>,
        least: u32,
        most: Option<u32>,
    ) -> Result<(), Objection> {
        if least > MOST || most.is_some_and(|most| most > MOST || most < least) {
            return Err((start..self.at, format!("it repeats too often, or from more to less: {MOST} is the most")));
        }
        self.repeat(start, repeated, most.unwrap_or(least.max(1)))
    }

    /// Reads the rest of a repetition, up to `times`.
    fn repeat(&mut self, start: usize, repeated: Option<usize>, times: u32) -> Result<(), Objection> {
        let end = self.at;
        self.at += usize::from(self.peek() == Some('?'));
        if let Some(first) = repeated {
            return Err((first..end, "a repetition cannot be repeated".to_owned()));
        }
        let Some(weight) = self.group().last else {
            return Err((start..end, "there is nothing before it to repeat".to_owned()));
        };
        // Go counts only numbers that are at least 2; no repetition at all makes what it repeats count for nothing.
        let weight = if times == 0 { 1 } else { weight.saturating_mul(times) };
        if weight > MOST && times >= 2 {
            return Err((start..end, format!("with the repetitions in it, it repeats more than {MOST} times")));
        }
        self.item(weight);
        self.repeated = Some(start);
        Ok(())
    }

    /// What follows a backslash outside of brackets.
    fn escape(&mut self) -> Result<(), Objection> {
        let rest = &self.text[self.at + 1..];
        match rest.chars().next() {
            Some('A' | 'b' | 'B' | 'z') => self.at += 2,
            Some('Q') => {
                let end = rest.find("\\E");
                let is_empty = rest.len() == 1 || end == Some(1);
                self.at += 1 + end.map_or(rest.len(), |end| end + 2);
                if is_empty {
                    return Ok(());
                }
            }
            _ => self.character().map(drop)?,
        }
        self.item(1);
        Ok(())
    }

    /// A character that may be escaped, as in brackets; none if it is a class such as `\d`.
    fn character(&mut self) -> Result<Option<u32>, Objection> {
        let start = self.at;
        let Some(rest) = self.text[start..].strip_prefix('\\') else {
            let plain = self.peek();
            self.at += plain.map_or(0, char::len_utf8);
            return Ok(plain.map(u32::from));
        };
        let Some(escaped) = rest.chars().next() else {
            return Err((start..start + 1, "nothing stands behind the backslash".to_owned()));
        };
        self.at = start + 1 + escaped.len_utf8();
        match escaped {
            'd' | 'D' | 's' | 'S' | 'w' | 'W' => Ok(None),
            'p' | 'P' => self.unicode_class(start).map(|()| None),
            'a' => Ok(Some(7)),
            't' => Ok(Some(9)),
            'n' => Ok(Some(10)),
            'v' => Ok(Some(11)),
            'f' => Ok(Some(12)),
            'r' => Ok(Some(13)),
            'x' => self.hexadecimal(start).map(Some),
            '0'..='7' => self.octal(start, escaped).map(Some),
            other if other.is_ascii() && !other.is_ascii_alphanumeric() => Ok(Some(u32::from(other))),
            _ => Err(self.no_escape(start)),
        }
    }

    fn no_escape(&self, start: usize) -> Objection {
        let message = format!("Go's regular expressions have no `{}`", &self.text[start..self.at]);
        (start..self.at, message)
    }

    fn unicode_class(&mut self, start: usize) -> Result<(), Objection> {
        let rest = &self.text[self.at..];
        match rest.chars().next() {
            Some('{') => {
                let Some(end) = rest.find('}') else {
                    return Err((start..self.text.len(), "the name of the class is not closed".to_owned()));
                };
                self.at += end + 1;
                let name = rest[1..end].strip_prefix('^').unwrap_or(&rest[1..end]);
                if !may_be_class(name) {
                    return Err(self.no_escape(start));
                }
            }
            Some(letter) => {
                self.at += letter.len_utf8();
                if !may_be_class(letter.encode_utf8(&mut [0; 4])) {
                    return Err(self.no_escape(start));
                }
            }
            None => return Err(self.no_escape(start)),
        }
        Ok(())
    }

    /// `\x41` or `\x{10FFFF}`.
    fn hexadecimal(&mut self, start: usize) -> Result<u32, Objection> {
        let rest = &self.text[self.at..];
        let (digits, length) = match rest.strip_prefix('{') {
            Some(inner) => inner.find('}').map_or(("", rest.len()), |end| (&inner[..end], end + 2)),
            None => (rest.get(..2).unwrap_or_default(), 2.min(rest.len())),
        };
        let are_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let value = u32::from_str_radix(digits.trim_start_matches('0'), 16);
        let value = if digits.bytes().all(|byte| byte == b'0') { Ok(0) } else { value };
        self.at = (start + 2 + length).min(self.text.len());
        while !self.text.is_char_boundary(self.at) {
            self.at += 1;
        }
        match value {
            Ok(value) if are_digits && value <= u32::from(char::MAX) => Ok(value),
            _ => Err(self.no_escape(start)),
        }
    }

    /// `\012`: two or three digits, of which the first may stand alone only if it is 0.
    fn octal(&mut self, start: usize, first: char) -> Result<u32, Objection> {
        let more = self.text[self.at..].bytes().take(2).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
        if more == 0 && first != '0' {
            return Err(self.no_escape(start));
        }
        self.at += more;
        Ok(u32::from_str_radix(&self.text[start + 1..self.at], 8).unwrap_or_default())
    }

    /// `[…]`.
    fn class(&mut self) -> Result<(), Objection> {
        let start = self.at;
        self.at += 1;
        self.at += usize::from(self.peek() == Some('^'));
        let mut is_first = true;
        while is_first || self.peek() != Some(']') {
            is_first = false;
            if self.peek().is_none() {
                return Err((start..self.text.len(), "this bracket is not closed".to_owned()));
            }
            if !self.named_class()? {
                self.range(start)?;
            }
        }
        self.at += 1;
        self.item(1);
        Ok(())
    }

    /// `[:alpha:]`, whether it is one.
    fn named_class(&mut self) -> Result<bool, Objection> {
        const NAMES: [&str; 14] = [
            "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper",
            "word", "xdigit",
        ];
        let start = self.at;
        let Some(inner) = self.text[start..].strip_prefix("[:") else { return Ok(false) };
        let Some(end) = inner.find(":]") else { return Ok(false) };
        self.at += end + 4;
        let name = inner[..end].strip_prefix('^').unwrap_or(&inner[..end]);
        if NAMES.contains(&name) { Ok(true) } else { Err((start..self.at, "there is no such class".to_owned())) }
    }

    /// A character, or two with a hyphen between them.
    fn range(&mut self, class: usize) -> Result<(), Objection> {
        let start = self.at;
        let Some(low) = self.character()? else { return Ok(()) };
        let rest = &self.text[self.at..];
        if rest.len() < 2 || !rest.starts_with('-') || rest.starts_with("-]") {
            return Ok(());
        }
        self.at += 1;
        if self.peek().is_none() {
            return Err((class..self.text.len(), "this bracket is not closed".to_owned()));
        }
        let end = self.at;
        match self.character()? {
            Some(high) if high >= low => Ok(()),
            Some(_) => Err((start..self.at, "the range goes from more to less".to_owned())),
            None => {
                self.at = (end + 2).min(self.text.len());
                Err((start..self.at, "a range ends with a character".to_owned()))
            }
        }
    }
}

/// Whether Unicode may have a class of this name: a general category, or something longer such as a script.
fn may_be_class(name: &str) -> bool {
    const CATEGORIES: &str = "C Cc Cf Cn Co Cs L LC Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps S Sc Sk Sm So \
                              Z Zl Zp Zs";
    let name = name.replace(['_', '-', ' '], "");
    match name.len() {
        0 => false,
        1 | 2 => CATEGORIES.split(' ').any(|category| category.eq_ignore_ascii_case(&name)),
        _ => name.chars().all(|c| c.is_ascii_alphabetic()) && regex::Regex::new(&format!("\\p{{{name}}}")).is_ok(),
    }
}

#[cfg(test)]
mod tests;
