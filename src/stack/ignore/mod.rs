//! `.dockerignore`: the files that are excluded from a build context.
//!
//! The rules are those of moby/patternmatcher (`MatchesOrParentMatches`) over lines read as its `ignorefile` package
//! does: patterns are relative to the top of the context, `**` spans folders, a pattern that matches a folder excludes
//! everything below it, `!` includes again, and the last matching line decides. Deliberately different: a character
//! after a backslash, and any within `[…]`, is always literal; in Go it may reach the regular expression.
//!
//! Patterns and paths come from anyone who may push: the steps of comparing them are counted and bounded. The `globset`
//! crate, which reads patterns in the linter's settings, counts none, and its `**` spans folders only as a whole
//! component, here anywhere (`a**b`).

use crate::diagnostic::{Diagnostic, Line};

/// The most patterns in an ignore file.
const MAX_PATTERNS: usize = 10_000;
/// The most steps for all paths of a build context: each compares a pattern, or a part of one with a character.
pub const MAX_STEPS: u64 = 500_000_000;

/// The patterns of an ignore file, in order.
#[derive(Debug, Default)]
pub struct Ignore {
    patterns: Vec<Pattern>,
}

#[derive(Debug)]
struct Pattern {
    /// Whether matching paths are included again.
    exception: bool,
    form: Form,
}

/// The form of a pattern.
#[derive(Debug)]
enum Form {
    /// Every path with this suffix, and the path without the leading slash.
    Ending(String),
    /// Paths that match these parts in order.
    Parts {
        parts: Vec<Part>,
        /// The characters that such a path begins with.
        prefix: String,
        /// The characters that such a path ends with.
        suffix: String,
    },
}

/// A part of a pattern.
#[derive(Debug, PartialEq)]
enum Part {
    /// This character.
    Is(char),
    /// `?`: any character but a slash.
    One,
    /// `[a-z]`, or `[^a-z]`.
    Class { negated: bool, ranges: Vec<(char, char)> },
    /// `*`: any characters but slashes.
    Name,
    /// `**/`: nothing, or whole folders.
    Folders,
    /// `**` at the end: anything.
    Rest,
}

/// Why a line is not a pattern.
#[derive(Debug, thiserror::Error)]
enum Reason {
    #[error("a file has {MAX_PATTERNS} patterns at most")]
    TooMany,
    #[error("there is nothing after the `!`")]
    Nothing,
    #[error("nothing follows its last `\\`")]
    Backslash,
    #[error("the range `{0}-{1}` is the wrong way round")]
    Range(char, char),
    #[error("a `-` or `]` in `[…]` needs a `\\` before it")]
    Bare,
    #[error("its `[` is not closed")]
    Open,
}

/// The error if comparing patterns and paths takes too many steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("comparing its patterns with the files of the context takes too long; write fewer and simpler patterns")]
pub struct TooLong;

/// Decides for paths in turn whether they are excluded.
///
/// Matches of a folder are cached for the paths below it, so pass the paths in order.
#[derive(Debug)]
pub struct Filter<'a> {
    ignore: &'a Ignore,
    /// The folders above the last path, outermost first, and for each pattern whether it matches one of them.
    folders: Vec<(String, Vec<bool>)>,
    steps: u64,
    most: u64,
}

impl Ignore {
    /// Reads an ignore file.
    pub fn read(text: &str) -> Result<Self, Diagnostic<Line>> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines = text.lines().enumerate().filter(|(_, line)| !line.starts_with('#') && !line.trim().is_empty());
        let mut patterns = Vec::new();
        for (number, line) in lines {
            let pattern = line.trim();
            let invalid =
                |reason: Reason| Diagnostic::new(Line(number + 1), format!("`{pattern}` is not a pattern: {reason}"));
            if patterns.len() == MAX_PATTERNS {
                return Err(invalid(Reason::TooMany));
            }
            patterns.push(Pattern::read(pattern).map_err(invalid)?);
        }
        Ok(Self { patterns })
    }

    /// A filter of these patterns with a limit on steps.
    pub fn filter(&self, steps: u64) -> Filter<'_> {
        Filter { ignore: self, folders: Vec::new(), steps: 0, most: steps }
    }
}

impl Filter<'_> {
    /// Whether the file at this path, relative to the top of the context, is excluded.
    pub fn ignores(&mut self, path: &str) -> Result<bool, TooLong> {
        self.folders.retain(|(folder, _)| path.strip_prefix(folder.as_str()).is_some_and(|rest| rest.starts_with('/')));
        let known = self.folders.last().map_or(0, |(folder, _)| folder.len() + 1);
        for (end, _) in path.match_indices('/').filter(|(end, _)| *end >= known) {
            self.enter(&path[..end])?;
        }
        let mut ignored = false;
        for (number, pattern) in self.ignore.patterns.iter().enumerate() {
            if pattern.exception == ignored && self.is_match(number, path)? {
                ignored = !ignored;
            }
        }
        Ok(ignored)
    }

    /// Compares all patterns with a folder below the last one.
    fn enter(&mut self, folder: &str) -> Result<(), TooLong> {
        let matches = (0..self.ignore.patterns.len()).map(|number| self.is_match(number, folder));
        let matches = matches.collect::<Result<_, _>>()?;
        self.folders.push((folder.to_owned(), matches));
        Ok(())
    }

    /// Whether a pattern matches a path or a folder above it.
    fn is_match(&mut self, number: usize, path: &str) -> Result<bool, TooLong> {
        let above = self.folders.last().is_some_and(|(_, matches)| matches[number]);
        let is_match = above || self.ignore.patterns[number].form.matches(path, &mut self.steps);
        if self.steps > self.most { Err(TooLong) } else { Ok(is_match) }
    }
}

impl Pattern {
    fn read(line: &str) -> Result<Self, Reason> {
        let (exception, glob) = match line.strip_prefix('!') {
            Some(rest) => (true, rest.trim()),
            None => (false, line),
        };
        if glob.is_empty() {
            return Err(Reason::Nothing);
        }
        Ok(Self { exception, form: Form::of(&cleaned(glob))? })
    }
}

impl Form {
    fn of(glob: &str) -> Result<Self, Reason> {
        if let Some(ending) = plain_ending(glob) {
            return Ok(Self::Ending(ending.to_owned()));
        }
        let parts = parts(glob)?;
        let literal = |part: &Part| if let Part::Is(c) = part { Some(*c) } else { None };
        let prefix = parts.iter().map_while(literal).collect();
        let suffix: Vec<char> = parts.iter().rev().map_while(literal).collect();
        Ok(Self::Parts { parts, prefix, suffix: suffix.into_iter().rev().collect() })
    }

    fn matches(&self, path: &str, steps: &mut u64) -> bool {
        *steps += 1;
        match self {
            Self::Ending(ending) => path.ends_with(ending.as_str()) || path == ending.trim_start_matches('/'),
            Self::Parts { parts, prefix, suffix } => {
                path.starts_with(prefix.as_str()) && path.ends_with(suffix.as_str()) && all_match(parts, path, steps)
            }
        }
    }
}

/// Whether parts match a path, by following all alternatives at once.
fn all_match(parts: &[Part], path: &str, steps: &mut u64) -> bool {
    let mut states = vec![false; parts.len() + 1];
    begin(parts, &mut states, 0);
    for c in path.chars() {
        let mut next = vec![false; parts.len() + 1];
        for (at, part) in parts.iter().enumerate().filter(|(at, _)| states[*at]) {
            match part {
                Part::Is(_) | Part::One | Part::Class { .. } if part.takes(c) => begin(parts, &mut next, at + 1),
                Part::Name if c != '/' => begin(parts, &mut next, at),
                Part::Rest => begin(parts, &mut next, at),
                // Inside of a folder's name: what follows the part begins only after its slash.
                Part::Folders => {
                    next[at] = true;
                    if c == '/' {
                        begin(parts, &mut next, at + 1);
                    }
                }
                _ => {}
            }
        }
        *steps += parts.len() as u64;
        states = next;
        if !states.contains(&true) {
            return false;
        }
    }
    states[parts.len()]
}

/// Marks that a part may come next, and those after it if it may match nothing.
fn begin(parts: &[Part], states: &mut [bool], at: usize) {
    states[at] = true;
    let optional = parts[at..].iter().take_while(|part| matches!(part, Part::Name | Part::Folders | Part::Rest));
    states[at..=at + optional.count()].fill(true);
}

impl Part {
    /// Whether it is one character, and this is one for it.
    fn takes(&self, c: char) -> bool {
        match self {
            Self::Is(own) => *own == c,
            Self::One => c != '/',
            Self::Class { negated, ranges } => {
                ranges.iter().any(|(first, last)| (first..=last).contains(&&c)) != *negated
            }
            Self::Name | Self::Folders | Self::Rest => false,
        }
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

/// The parts of a glob.
fn parts(glob: &str) -> Result<Vec<Part>, Reason> {
    let mut parts = Vec::new();
    let mut rest = glob;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        let (part, left) = match c {
            '*' => stars(after),
            '?' => (Part::One, after),
            '[' => class(after)?,
            '\\' => escaped(after)?,
            c => (Part::Is(c), after),
        };
        if part != Part::Folders || parts.last() != Some(&part) {
            parts.push(part);
        }
        rest = left;
    }
    Ok(parts)
}

/// What follows `**` at the beginning, if nothing in it is special: then any path that ends so matches.
fn plain_ending(glob: &str) -> Option<&str> {
    glob.strip_prefix("**").filter(|ending| !ending.is_empty() && !ending.contains(['*', '?', '[', ']', '\\']))
}

fn stars(after: &str) -> (Part, &str) {
    let Some(after) = after.strip_prefix('*') else { return (Part::Name, after) };
    match after.strip_prefix('/').unwrap_or(after) {
        "" => (Part::Rest, ""),
        after => (Part::Folders, after),
    }
}

fn escaped(after: &str) -> Result<(Part, &str), Reason> {
    let c = after.chars().next().ok_or(Reason::Backslash)?;
    Ok((Part::Is(c), &after[c.len_utf8()..]))
}

/// A class such as `a-z]`, what follows its `[`.
fn class(after: &str) -> Result<(Part, &str), Reason> {
    let (negated, mut rest) = after.strip_prefix('^').map_or((false, after), |rest| (true, rest));
    let mut ranges = Vec::new();
    while !rest.starts_with(']') || ranges.is_empty() {
        let (first, left) = member(rest)?;
        let (last, left) = match left.strip_prefix('-') {
            Some(left) => member(left)?,
            None => (first, left),
        };
        if last < first {
            return Err(Reason::Range(first, last));
        }
        ranges.push((first, last));
        rest = left;
    }
    Ok((Part::Class { negated, ranges }, &rest[1..]))
}

fn member(rest: &str) -> Result<(char, &str), Reason> {
    let mut chars = rest.chars();
    let c = match chars.next() {
        Some('\\') => chars.next(),
        Some('-' | ']') => return Err(Reason::Bare),
        c => c,
    };
    c.map(|c| (c, chars.as_str())).ok_or(Reason::Open)
}

#[cfg(test)]
mod tests;
