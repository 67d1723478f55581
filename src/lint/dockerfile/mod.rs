//! A Dockerfile as it was written: its instructions with their places, and what is wrong with its syntax.
//!
//! Any bytes give a [`Dockerfile`]; what cannot be understood becomes a [`Diagnostic`] and reading goes on after it, so
//! that one push shows all mistakes. Time and memory grow linearly with the text. The language is BuildKit's
//! (`frontend/dockerfile/parser` and `instructions`): continuation lines with comments and blank lines inside,
//! the `syntax`, `escape` and `check` directives, heredocs, JSON forms, flags, `ONBUILD`. The scripts of `RUN` are not
//! read. Words are kept as they are written; [`scope`] says what the variables in them are.

pub mod checks;
mod flags;
mod heredoc;
mod keyword;
mod lines;
mod pairs;
mod read;
mod refusal;
pub mod scope;
mod shape;
pub mod variable;
mod windows;
mod words;

use std::collections::BTreeSet;

use crate::diagnostic::{Diagnostic, Severity, Span};

pub use keyword::Keyword;
pub use pairs::Pair;
pub(super) use read::readable;
pub(in crate::lint) use words::bare;

/// A Dockerfile: as much of it as could be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dockerfile {
    /// The character that continues a line: `\`, or a backtick if the file says so.
    pub escape: char,
    /// What `# check=` at the top says about BuildKit's own checks.
    pub checks: checks::Checks,
    /// The instructions in the order of the file.
    pub instructions: Vec<Instruction>,
    /// What keeps it from being read, in the order of the file; a hundred at most.
    pub problems: Vec<Diagnostic<Span>>,
    /// What keeps it from being built, though it can be read; a hundred at most.
    pub refused: Vec<Diagnostic<Span>>,
    /// The stages that are built: the last, and those that it needs.
    pub needed: BTreeSet<usize>,
    /// The blank lines inside of continued instructions; a hundred at most.
    pub blanks: Vec<Span>,
    /// What variables are, where.
    pub scopes: scope::Scopes,
}

impl Dockerfile {
    /// The most problems that are kept: who has so many reads no more of them.
    pub const MAX_PROBLEMS: usize = 100;

    /// The most instructions that are read.
    pub const MAX_INSTRUCTIONS: usize = 10_000;

    /// Reads the bytes of a Dockerfile. A byte that is not UTF-8 is read as `?`.
    pub fn parse(bytes: &[u8]) -> Self {
        read::dockerfile(bytes)
    }

    /// A Dockerfile that is not read, and why not.
    pub(super) fn unread(message: String, help: String) -> Self {
        Self { problems: vec![problem(&(0..0), message, help)], ..Self::parse(b"") }
    }

    /// The instructions from one `FROM` to the next, without what comes before the first. Where there is no `FROM`, all of them:
    /// they are meant to be a stage.
    pub fn stages(&self) -> impl Iterator<Item = Stage<'_>> {
        let has_stage = self.instructions.iter().any(Instruction::begins_stage);
        self.instructions
            .chunk_by(|_, next| !next.begins_stage())
            .filter(move |chunk| chunk[0].begins_stage() || !has_stage)
            .enumerate()
            .map(|(index, instructions)| Stage { index, instructions })
    }

    /// The instructions before the first `FROM`; all of them if there is none.
    pub fn preamble(&self) -> &[Instruction] {
        let end = self.instructions.iter().position(Instruction::begins_stage);
        &self.instructions[..end.unwrap_or(self.instructions.len())]
    }

    /// The instructions of one kind that are carried out in this build, so without those after `ONBUILD`.
    pub fn of(&self, keyword: Keyword) -> impl Iterator<Item = &Instruction> {
        self.instructions.iter().filter(move |instruction| instruction.keyword == keyword && !instruction.on_build)
    }
}

/// A stage: a `FROM` and what follows it.
#[derive(Debug, Clone, Copy)]
pub struct Stage<'a> {
    /// Its number, from 0, by which `--from` may name it.
    pub index: usize,
    /// Its instructions; the first is the `FROM`, if there is one in the file.
    pub instructions: &'a [Instruction],
}

impl<'a> Stage<'a> {
    /// What it is built on, if it says so.
    pub fn image(&self) -> Option<&'a Word> {
        self.from()?.words().first()
    }

    /// The `FROM` that it begins with.
    pub fn from(&self) -> Option<&'a Instruction> {
        self.instructions.first().filter(|first| first.begins_stage())
    }

    /// Its instructions of one kind that are carried out in this build, so without those after `ONBUILD`.
    pub fn of(&self, keyword: Keyword) -> impl DoubleEndedIterator<Item = &'a Instruction> + use<'a> {
        self.instructions.iter().filter(move |instruction| instruction.keyword == keyword && !instruction.on_build)
    }

    /// What follows `AS`, if anything does.
    pub fn name(&self) -> Option<&'a Word> {
        match self.from()?.words() {
            [_, keyword, name, ..] if keyword.text.eq_ignore_ascii_case("as") => Some(name),
            _ => None,
        }
    }
}

/// One instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    /// From its first to its last character, heredocs left out.
    pub span: Span,
    /// Which one it is.
    pub keyword: Keyword,
    /// The keyword as it is written.
    pub keyword_text: String,
    /// Where the keyword stands.
    pub keyword_span: Span,
    /// Whether it stands after `ONBUILD`, and so is carried out only in images built from this one.
    pub on_build: bool,
    /// `--name=value`, in order.
    pub flags: Vec<Flag>,
    /// What follows the flags.
    pub arguments: Arguments,
    /// The documents that it is followed by.
    pub heredocs: Vec<Heredoc>,
}

impl Instruction {
    /// The first flag of this name, without its dashes.
    pub fn flag(&self, name: &str) -> Option<&Flag> {
        self.flags.iter().find(|flag| flag.name == name)
    }

    /// Whether a stage begins with it.
    pub fn begins_stage(&self) -> bool {
        self.keyword == Keyword::From && !self.on_build
    }

    /// The text of its arguments, if they are one; empty if they are words.
    pub fn text(&self) -> &str {
        match &self.arguments {
            Arguments::Text(word) => &word.text,
            Arguments::Words(_) | Arguments::Json(_) => "",
        }
    }

    /// Its arguments, if they are one text and there is one.
    pub fn argument(&self) -> Option<&Word> {
        match &self.arguments {
            Arguments::Text(word) => Some(word).filter(|word| !word.text.is_empty()),
            Arguments::Words(_) | Arguments::Json(_) => None,
        }
    }

    /// Whether its command is a JSON list, and so needs no shell.
    pub fn has_list(&self) -> bool {
        match (&self.arguments, self.keyword) {
            (Arguments::Json(_), _) => true,
            (Arguments::Words(words), Keyword::Healthcheck) => {
                let texts: Vec<&str> = words.iter().skip(1).map(|word| word.text.as_str()).collect();
                serde_json::from_str::<Vec<String>>(&texts.join(" ")).is_ok()
            }
            _ => false,
        }
    }

    /// The words of its arguments; none if they are one text for a shell.
    pub fn words(&self) -> &[Word] {
        match &self.arguments {
            Arguments::Words(words) | Arguments::Json(words) => words,
            Arguments::Text(_) => &[],
        }
    }
}

/// What follows the flags of an instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arguments {
    /// Words between spaces, with their quotes.
    Words(Vec<Word>),
    /// A JSON list of strings, unescaped.
    Json(Vec<Word>),
    /// One text, such as the script of a `RUN`; empty if there is none.
    Text(Word),
}

/// A piece of text and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The text, without continuation characters.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

impl Word {
    /// The place of a part of the text; of the whole word if there are other characters in it, where a line is continued.
    pub fn part(&self, range: Span) -> Span {
        if self.span.len() == self.text.len() {
            self.span.start + range.start..self.span.start + range.end
        } else {
            self.span.clone()
        }
    }

    /// The text without quotes around it.
    pub fn unquoted(&self) -> &str {
        let inside = |quote| self.text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
        inside('"').or_else(|| inside('\'')).unwrap_or(&self.text)
    }
}

/// `--name=value`, or `--name` alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// Its name, without the dashes.
    pub name: String,
    /// What stands after `=`.
    pub value: Option<Word>,
    /// Where it stands.
    pub span: Span,
}

/// A document inside of a Dockerfile: `<<NAME`, the lines of it, `NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heredoc {
    /// The word that ends it.
    pub name: String,
    /// Whether variables in it are filled in: its name stands without quotes.
    pub expands: bool,
    /// Its lines.
    pub body: Span,
}

/// How bad is what keeps only another build from going on: one of another stage, or of an image that is made from this one. What no
/// build can come past is an error.
const OF_OTHERS: Severity = Severity::Warning;

/// Something that every build stops at.
fn problem(span: &Span, message: impl Into<String>, help: impl Into<Option<String>>) -> Diagnostic<Span> {
    Diagnostic { help: help.into(), ..Diagnostic::new(span.clone(), message) }
}

#[cfg(test)]
mod tests;
