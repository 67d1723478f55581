//! What a comment counts for.

use crate::lint::dockerfile::{Dockerfile, Instruction, Keyword};
use crate::lint::suppress::pragma::{Dialect, Pragma, Reach};
use crate::stack::yaml::Span;

/// The lines and instructions of a file.
pub(super) struct Scopes<'a> {
    text: &'a [u8],
    /// The instructions with their documents, in the order of the file; none in a YAML file.
    instructions: Vec<(Span, bool)>,
}

impl<'a> Scopes<'a> {
    pub(super) fn of_dockerfile(text: &'a [u8], file: &Dockerfile) -> Self {
        let whole = |instruction: &Instruction| (whole(instruction), instruction.keyword == Keyword::From);
        Self { text, instructions: file.instructions.iter().map(whole).collect() }
    }

    pub(super) fn of_yaml(text: &'a [u8]) -> Self {
        Self { text, instructions: Vec::new() }
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
        self.next_instruction(pragma).map(|index| self.instructions[index].0.clone())
    }

    /// Whether a comment stands between the lines of an instruction.
    fn is_inside(&self, pragma: &Pragma) -> bool {
        let behind = self.instructions.partition_point(|(span, _)| span.start <= pragma.span.start);
        behind > 0 && self.instructions[behind - 1].0.contains(&pragma.span.start)
    }

    /// The instruction that follows; for hadolint only if it is on the next line.
    fn next_instruction(&self, pragma: &Pragma) -> Option<usize> {
        let next = self.instructions.partition_point(|(span, _)| span.start < pragma.span.end);
        let between = self.text.get(pragma.span.end..self.instructions.get(next)?.0.start)?;
        let is_next_line = between.trim_ascii().is_empty() && between.split(|&byte| byte == b'\n').count() == 2;
        (pragma.dialect == Dialect::Skep || is_next_line).then_some(next)
    }

    fn stage(&self, pragma: &Pragma) -> Option<Span> {
        let next = self.next_instruction(pragma)?;
        let (first, is_from) = &self.instructions[next];
        let end = self.instructions[next + 1..].iter().find(|(_, is_from)| *is_from);
        is_from.then(|| first.start..end.map_or(self.text.len() + 1, |(end, _)| end.start))
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
        let mut start = self.line_end(at);
        while start < self.text.len() {
            let end = self.line_end(start);
            let line = self.text[start..(end - 1).min(self.text.len())].trim_ascii();
            if !line.is_empty() && !line.starts_with(b"#") {
                return Some(start..end);
            }
            start = end;
        }
        None
    }
}

/// An instruction from its first character to the end of its last document.
fn whole(instruction: &Instruction) -> Span {
    let end = instruction.heredocs.last().map_or(0, |heredoc| heredoc.body.end);
    instruction.span.start..instruction.span.end.max(end).max(instruction.span.start + 1)
}
