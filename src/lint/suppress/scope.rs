//! What a comment counts for.

use crate::diagnostic::Span;
use crate::lint::dockerfile::{Dockerfile, Instruction, Keyword};
use crate::lint::suppress::pragma::{Dialect, Pragma, Reach};

/// The lines and instructions of a file.
pub(super) struct Scopes<'a> {
    text: &'a [u8],
    /// The instructions with their documents, in the order of the file; none in a YAML file.
    instructions: Vec<Span>,
    /// Where stages begin.
    froms: Vec<usize>,
    /// The lines that have something else than a comment in them.
    lines: Vec<Span>,
}

impl<'a> Scopes<'a> {
    pub(super) fn of_dockerfile(text: &'a [u8], file: &Dockerfile) -> Self {
        let froms = file.instructions.iter().filter(|instruction| instruction.keyword == Keyword::From);
        let froms = froms.map(|from| from.span.start).collect();
        Self { text, instructions: file.instructions.iter().map(whole).collect(), froms, lines: lines(text) }
    }

    pub(super) fn of_yaml(text: &'a [u8]) -> Self {
        Self { text, instructions: Vec::new(), froms: Vec::new(), lines: lines(text) }
    }

    /// The bytes that a comment counts for.
    pub(super) fn of(&self, pragma: &Pragma) -> Option<Span> {
        match pragma.reach {
            Reach::File => Some(0..self.text.len() + 1),
            Reach::Stage => self.stage(pragma),
            Reach::Next if pragma.trailing => Some(self.line(pragma.span.start)),
            Reach::Next => self.next(pragma),
        }
    }

    fn next(&self, pragma: &Pragma) -> Option<Span> {
        if self.instructions.is_empty() || self.is_inside(pragma) {
            return if pragma.dialect == Dialect::Skep { self.next_line(pragma.span.end) } else { None };
        }
        self.next_instruction(pragma).map(|index| self.instructions[index].clone())
    }

    /// Whether a comment stands between the lines of an instruction.
    fn is_inside(&self, pragma: &Pragma) -> bool {
        let behind = self.instructions.partition_point(|span| span.start <= pragma.span.start);
        behind > 0 && self.instructions[behind - 1].contains(&pragma.span.start)
    }

    /// The instruction that follows; for hadolint only if it is on the next line.
    fn next_instruction(&self, pragma: &Pragma) -> Option<usize> {
        let next = self.instructions.partition_point(|span| span.start < pragma.span.end);
        let between = self.text.get(pragma.span.end..self.instructions.get(next)?.start)?;
        (pragma.dialect == Dialect::Skep || is_one_line_end(between)).then_some(next)
    }

    fn stage(&self, pragma: &Pragma) -> Option<Span> {
        let next = self.next_instruction(pragma)?;
        let first = &self.instructions[next];
        let following = self.froms.partition_point(|&from| from <= first.start);
        let is_from = following > 0 && self.froms[following - 1] == first.start;
        is_from.then(|| first.start..self.froms.get(following).map_or(self.text.len() + 1, |end| *end))
    }

    /// The line that a place is in.
    fn line(&self, at: usize) -> Span {
        let start = self.text[..at].iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        start..self.line_end(at)
    }

    fn line_end(&self, at: usize) -> usize {
        self.text[at..].iter().position(|&byte| byte == b'\n').map_or(self.text.len(), |length| at + length) + 1
    }

    /// The next line with something else than a comment in it.
    fn next_line(&self, at: usize) -> Option<Span> {
        self.lines.get(self.lines.partition_point(|line| line.start <= at)).cloned()
    }
}

/// The lines of a text that have something else than a comment in them.
fn lines(text: &[u8]) -> Vec<Span> {
    let mut lines = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        if !matches!(line.trim_ascii(), [] | [b'#', ..]) {
            lines.push(start..start + line.len() + usize::from(!line.ends_with(b"\n")));
        }
        start += line.len();
    }
    lines
}

/// Whether a text is the end of a line and nothing else.
fn is_one_line_end(text: &[u8]) -> bool {
    let mut ends = 0;
    text.iter().all(|byte| {
        ends += usize::from(*byte == b'\n');
        byte.is_ascii_whitespace() && ends < 2
    }) && ends == 1
}

/// An instruction from its first character to the end of its last document.
fn whole(instruction: &Instruction) -> Span {
    let end = instruction.heredocs.last().map_or(0, |heredoc| heredoc.body.end);
    instruction.span.start..instruction.span.end.max(end).max(instruction.span.start + 1)
}
