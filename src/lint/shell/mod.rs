//! The scripts inside of a Dockerfile's `RUN`, as far as a rule must know them.
//!
//! Any text gives a [`Script`]: reading never fails, never goes deeper than [`parser::MAX_DEPTH`], and takes time that
//! grows with the length of the text. All places are in the text of the script; [`Script::place`] leads back to the bytes
//! of the Dockerfile, through continuation lines, the comments between them, and documents (`RUN <<EOF`).
//!
//! An own reader, because rules point at a variable inside of a word: `brush-parser`, which reads more of Bash, has words as
//! plain text, ends at the first mistake, and brings eighty crates.
//! What an arithmetic expression or a document inside of a script says is not looked at; aliases and `eval` are not followed.

mod arguments;
mod compound;
mod cursor;
mod parser;
mod scripts;
mod simple;
mod source;
mod test_command;
mod variables;
mod words;

use crate::diagnostic::{Diagnostic, Span};
use crate::lint::dockerfile::{Instruction, Keyword};

pub(super) use scripts::scripts;
pub(super) use source::Source;
pub(super) use variables::Variables;

/// The script of a `RUN`.
#[derive(Debug)]
pub(super) struct Script<'a> {
    /// The instruction.
    pub(super) instruction: &'a Instruction,
    /// Which stage it is in, from 0, where what stands before the first `FROM` has none to be in.
    pub(super) stage: usize,
    /// What carries it out: the words of `SHELL`.
    pub(super) shell: Shell,
    /// Whether it is a JSON list, which no shell reads.
    pub(super) is_list: bool,
    /// Its text.
    pub(super) source: Source,
    /// What was understood of it.
    pub(super) code: Code,
}

impl Script<'_> {
    /// The place in the Dockerfile of a range of the text.
    pub(super) fn place(&self, range: &Span) -> Span {
        self.source.place(range)
    }

    /// Its commands in the order of the text, those of substitutions and subshells.
    pub(super) fn commands(&self) -> &[Simple] {
        &self.code.commands
    }

    /// The text of a range.
    pub(super) fn text(&self, range: &Span) -> &str {
        self.source.text.get(range.clone()).unwrap_or_default()
    }

    /// Whether it is carried out when this image is built.
    pub(super) fn is_of_build(&self) -> bool {
        self.instruction.keyword == Keyword::Run && !self.instruction.on_build
    }
}

/// The program that reads a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shell {
    /// Its name without the folder: `sh`, `bash`.
    pub(super) name: String,
    /// What else `SHELL` says: `-o`, `pipefail`, `-c`.
    pub(super) options: Vec<String>,
}

impl Shell {
    /// Whether it knows no more than POSIX asks for.
    pub(super) fn is_posix(&self) -> bool {
        matches!(self.name.as_str(), "sh" | "dash" | "ash")
    }

    /// Whether its scripts are in the language that is read here.
    pub(super) fn is_known(&self) -> bool {
        self.is_posix() || matches!(self.name.as_str(), "bash" | "ksh" | "zsh" | "mksh" | "busybox" | "ksh93")
    }
}

/// What a script says.
#[derive(Debug, Default)]
pub(super) struct Code {
    /// What it consists of.
    pub(super) body: List,
    /// All pipelines; a command that stands alone is one.
    pub(super) pipelines: Vec<Pipeline>,
    /// All simple commands.
    pub(super) commands: Vec<Simple>,
    /// All variables and substitutions.
    pub(super) expansions: Vec<Expansion>,
    /// All `for`.
    pub(super) loops: Vec<For>,
    /// The names of its functions.
    pub(super) functions: Vec<String>,
    /// Its comments, from their `#` on.
    pub(super) comments: Vec<Span>,
    /// What keeps a shell from reading it, with the id that `ShellCheck` has for it; without one, a limit of this reader.
    pub(super) problem: Option<Diagnostic<Span>>,
}

/// Pipelines one after the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct List {
    /// Their numbers in [`Code::pipelines`].
    pub(super) pipelines: Vec<usize>,
}

/// What stands between two pipelines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Joint {
    /// Nothing: the list begins or ends.
    #[default]
    None,
    /// `;` or the end of a line.
    Then,
    /// `&`
    Background,
    /// `&&`
    And,
    /// `||`
    Or,
}

/// Commands with `|` between them.
#[derive(Debug, Default)]
pub(super) struct Pipeline {
    pub(super) span: Span,
    /// The `!` before it.
    pub(super) negation: Option<Span>,
    /// At least one, if the script could be read.
    pub(super) commands: Vec<Command>,
    /// What stands before it.
    pub(super) before: Joint,
    /// What stands after it.
    pub(super) after: Joint,
    /// Whether it is what `if`, `while` or `until` ask.
    pub(super) is_condition: bool,
    /// Whether it stands before `&&` or `||`, or in a group that does.
    pub(super) is_asked: bool,
}

/// A command of a pipeline.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) span: Span,
    pub(super) kind: Kind,
}

/// What a command is.
#[derive(Debug)]
pub(super) enum Kind {
    /// A program with its arguments: its number in [`Code::commands`].
    Simple(usize),
    /// `( … )`
    Subshell(List),
    /// `if`, `for`, `while`, `case`, `{ … }`, `[[ … ]]`, a function.
    Compound,
}

/// A program with its arguments.
#[derive(Debug, Clone, Default)]
pub(super) struct Simple {
    pub(super) span: Span,
    /// `NAME=value` before the name.
    pub(super) assignments: Vec<Assignment>,
    /// Its name and its arguments.
    pub(super) words: Vec<Word>,
    /// The number of its pipeline.
    pub(super) pipeline: usize,
}

/// `NAME=value`
#[derive(Debug, Clone)]
pub(super) struct Assignment {
    pub(super) name: String,
    pub(super) span: Span,
    /// What stands after `=`; empty for a list.
    pub(super) value: Word,
}

/// A word.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) span: Span,
    /// Without its quotes and backslashes; variables stay as they are written.
    pub(super) text: String,
    /// What it consists of; what stands in double quotes is marked so.
    pub(super) parts: Vec<Part>,
}

impl Word {
    /// Whether any of it is a variable or a substitution.
    pub(super) fn has_expansion(&self) -> bool {
        self.parts.iter().any(|part| matches!(part.kind, PartKind::Expansion(_)))
    }

    /// Whether it is written without quotes and variables.
    pub(super) fn is_plain(&self) -> bool {
        self.parts.iter().all(|part| part.kind == PartKind::Literal && !part.quoted)
            && self.text.len() == self.span.len()
    }
}

/// A part of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) span: Span,
    pub(super) kind: PartKind,
    /// Whether it stands in double quotes.
    pub(super) quoted: bool,
}

/// What a part of a word is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PartKind {
    /// Text.
    Literal,
    /// A character after a backslash.
    Escaped,
    /// `'…'`, with its quotes.
    Single,
    /// `$'…'`
    Ansi,
    /// The number of an expansion in [`Code::expansions`].
    Expansion(usize),
}

/// What a word is for: whether a shell splits it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Role {
    /// The name of a program.
    #[default]
    Name,
    /// An argument of a program.
    Argument,
    /// The value of an assignment.
    Value,
    /// An item of `for x in …`, or of a list `x=(…)`.
    Item,
    /// The target of a redirection.
    Target,
    /// Anything that is not split: `case`, `[[`, the inside of `${…}` and of arithmetic.
    Whole,
}

/// A variable or a substitution.
#[derive(Debug, Clone)]
pub(super) struct Expansion {
    pub(super) span: Span,
    pub(super) kind: ExpansionKind,
    /// What the word is for that it stands in.
    pub(super) role: Role,
    /// Whether it stands in double quotes.
    pub(super) quoted: bool,
    /// The number of the command whose word it stands in.
    pub(super) command: Option<usize>,
}

/// What is filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ExpansionKind {
    /// `$name`, `${name…}`: the name, and what follows it inside of the braces.
    Parameter(String, String),
    /// `$( … )`
    Command(List),
    /// `` `…` ``
    Backticks(List),
    /// `$(( … ))`
    Arithmetic,
    /// `<( … )`
    Process(List),
}

/// `for name in words`
#[derive(Debug)]
pub(super) struct For {
    pub(super) name: String,
    /// Where the name stands.
    pub(super) name_span: Span,
    /// None without `in`.
    pub(super) words: Option<Vec<Word>>,
}

#[cfg(test)]
mod tests;
