//! Programs with their arguments, assignments and redirections.

use crate::diagnostic::Span;
use crate::lint::shell::parser::Parser;
use crate::lint::shell::{Assignment, Command, Kind, Part, PartKind, Role, Simple, Word, test_command};

/// The commands that take assignments as arguments.
const DECLARING: [&str; 5] = ["export", "declare", "local", "readonly", "typeset"];

impl Parser<'_> {
    pub(super) fn simple(&mut self, pipeline: usize) -> Command {
        let (start, index) = (self.at, self.code.commands.len());
        self.code.commands.push(Simple { pipeline, ..Simple::default() });
        let outer = self.command.replace(index);
        let mut simple = Simple { pipeline, ..Simple::default() };
        let mut end = start;
        while self.part_of_simple(&mut simple) {
            end = self.at;
            self.blanks();
        }
        self.command = outer;
        if self.peek() == Some(b'(') && is_name(&simple, start..end) {
            return self.definition(start, &simple);
        }
        simple.span = start..end;
        if start == end {
            self.missing("a command");
        }
        test_command::check(self, &simple);
        self.code.commands[index] = simple;
        Command { span: start..end, kind: Kind::Simple(index) }
    }

    /// `name() { … }`
    fn definition(&mut self, start: usize, simple: &Simple) -> Command {
        self.at += 1;
        self.blanks();
        self.expect(")");
        self.code.functions.push(simple.name().to_owned());
        self.code.commands.pop();
        self.function_body();
        Command { span: start..self.at, kind: Kind::Compound }
    }

    /// Takes a redirection, an assignment or a word of a command; says whether there was one.
    fn part_of_simple(&mut self, simple: &mut Simple) -> bool {
        if self.peek() == Some(b'#') {
            self.comment();
            return false;
        }
        if self.redirection() {
            return true;
        }
        let is_declaring = DECLARING.contains(&simple.name());
        if (simple.words.is_empty() || is_declaring)
            && let Some(length) = self.assignment_length()
        {
            let (start, assignment) = (self.at, self.assignment(length));
            if is_declaring {
                simple.words.push(self.as_word(start));
            }
            simple.assignments.push(assignment);
            return true;
        }
        let role = if simple.words.is_empty() { Role::Name } else { Role::Argument };
        let word = self.word(role);
        let found = word.is_some();
        simple.words.extend(word);
        found
    }

    fn as_word(&self, start: usize) -> Word {
        let span = start..self.at;
        // What stands in it is looked at where the assignment is.
        let parts = vec![Part { span: span.clone(), kind: PartKind::Literal, quoted: true }];
        Word { text: self.text[span.clone()].to_owned(), span, parts }
    }

    /// How long `NAME=` or `NAME[…]+=` is, if it comes next.
    fn assignment_length(&self) -> Option<usize> {
        let rest = &self.text.as_bytes()[self.at..self.end];
        let mut length = rest.iter().position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_')?;
        if length == 0 || rest[0].is_ascii_digit() {
            return None;
        }
        if rest[length] == b'[' {
            length += rest[length..].iter().take(200).position(|&byte| byte == b']')? + 1;
        }
        length += usize::from(rest.get(length) == Some(&b'+'));
        (rest.get(length) == Some(&b'=')).then_some(length + 1)
    }

    fn assignment(&mut self, length: usize) -> Assignment {
        let start = self.at;
        let name = self.text[start..start + length].trim_end_matches(['=', '+']);
        let name = name.split('[').next().unwrap_or_default().to_owned();
        self.at += length;
        let value = if self.peek() == Some(b'(') { self.array() } else { self.word(Role::Value) };
        let value = value.unwrap_or_else(|| Word { span: self.at..self.at, ..Word::default() });
        Assignment { name, span: start..self.at, value }
    }

    /// `( words )`
    fn array(&mut self) -> Option<Word> {
        self.at += 1;
        loop {
            self.blank_lines();
            if self.word(Role::Item).is_none() {
                break;
            }
        }
        self.expect(")");
        None
    }

    /// Passes `>file`, `2>&1` or `<<END`; says whether there was one.
    pub(super) fn redirection(&mut self) -> bool {
        let start = self.at;
        let digits =
            self.text.as_bytes()[start..self.end].iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
        let known = ["<<<", "<<-", "<<", "<&", "<>", "<", ">>", ">&", ">|", ">", "&>>", "&>"];
        self.at += digits;
        let is_process = self.starts_with("<(") || self.starts_with(">(");
        let operator = known
            .into_iter()
            .find(|operator| !is_process && (digits == 0 || !operator.starts_with('&')) && self.starts_with(operator));
        let Some(operator) = operator else {
            self.at = start;
            return false;
        };
        self.at += operator.len();
        self.blanks();
        let target = self.word(Role::Target);
        if target.is_none() {
            self.missing("a file");
        }
        let target = target.unwrap_or_default();
        if operator.starts_with("<<") && operator != "<<<" {
            self.documents.push((target.text.clone(), operator == "<<-"));
        }
        true
    }
}

/// Whether a command is nothing but a word that a function can be called: nothing else is in it, no expansion and no other
/// command.
fn is_name(simple: &Simple, span: Span) -> bool {
    matches!(simple.words.as_slice(), [name] if name.span == span && name.is_plain())
}
