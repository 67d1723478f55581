//! From the text of a script to its commands.

use crate::diagnostic::{Diagnostic, Span};
use crate::lint::dockerfile;
use crate::lint::shell::{Code, Command, Joint, Kind, List, Part, PartKind, Pipeline, Role, Simple, Source, Word};

/// How deep a script may be nested; nobody writes deeper.
pub(super) const MAX_DEPTH: usize = 60;

/// Reads a script; what is wrong ends the reading.
pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    pub(super) end: usize,
    pub(super) depth: usize,
    pub(super) code: Code,
    pub(super) role: Role,
    pub(super) command: Option<usize>,
    pub(super) documents: Vec<(String, bool)>,
}

/// The program and the arguments of a `RUN` that is a JSON list.
pub(super) fn of_list(items: &[dockerfile::Word]) -> (Source, Code) {
    let mut source = Source::default();
    let mut words = Vec::with_capacity(items.len());
    for item in items {
        let start = source.text.len();
        // After the quote, as far as the item is written as it is read.
        source.push(item.span.start + 1, &item.text);
        let span = start..source.text.len();
        source.push(item.span.end, " ");
        let parts = vec![Part { span: span.clone(), kind: PartKind::Literal, quoted: true }];
        words.push(Word { text: item.text.clone(), span, parts });
    }
    let span = 0..source.text.len();
    let command = Command { span: span.clone(), kind: Kind::Simple(0) };
    let pipeline = Pipeline { span: span.clone(), commands: vec![command], ..Pipeline::default() };
    let commands = vec![Simple { span, words, ..Simple::default() }];
    let body = List { pipelines: vec![0] };
    (source, Code { body, pipelines: vec![pipeline], commands, ..Code::default() })
}

impl<'a> Parser<'a> {
    /// Reads a whole script.
    pub(super) fn read(text: &'a str) -> Code {
        let mut parser = Self {
            text,
            at: 0,
            end: text.len(),
            depth: 0,
            code: Code::default(),
            role: Role::default(),
            command: None,
            documents: Vec::new(),
        };
        let body = parser.list(false);
        parser.code.body = body;
        if !parser.is_at_end() {
            parser.stray();
        }
        parser.code
    }

    /// Something that no command begins with, where the script should go on or end: what stands before it counts.
    fn stray(&mut self) {
        let span = self.at..self.at + self.next_length();
        let (id, message) = match self.peek() {
            Some(b'(') => ("SC1088", "the shell cannot read on at this `(`".to_owned()),
            _ => ("SC1089", format!("the shell cannot read on at `{}`", &self.text[span.clone()])),
        };
        self.stop(span, Some(id), message);
    }

    /// Notes a problem; nothing is read after it.
    pub(super) fn stop(&mut self, span: Span, code: Option<&'static str>, message: String) {
        self.code.problem.get_or_insert(Diagnostic { code, ..Diagnostic::new(span, message) });
        (self.at, self.end) = (self.text.len(), self.text.len());
    }

    /// Notes a problem because of which nothing of the script can be relied on.
    pub(super) fn fail(&mut self, span: Span, id: &'static str, message: impl Into<String>) {
        self.stop(span, Some(id), message.into());
    }

    /// Notes that something is missing here.
    pub(super) fn missing(&mut self, what: &str) {
        if !self.has_failed() {
            let span = self.at..self.at + self.next_length();
            let found = match &self.text[span.clone()] {
                "" => "the end of the script".to_owned(),
                "\n" => "the end of the line".to_owned(),
                text => format!("`{text}`"),
            };
            self.fail(span, "SC1072", format!("{what} is missing before {found}"));
        }
    }

    pub(super) fn has_failed(&self) -> bool {
        self.code.problem.is_some()
    }

    /// Goes one level deeper, if it may.
    pub(super) fn deeper(&mut self) -> bool {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            self.stop(self.at..self.at, None, "the script is nested too deep to be read".into());
        }
        !self.has_failed()
    }

    /// Commands up to something that ends them.
    pub(super) fn list(&mut self, is_condition: bool) -> List {
        let mut list = List::default();
        if !self.deeper() {
            return list;
        }
        let mut before = Joint::None;
        loop {
            self.blank_lines();
            if self.is_at_end() || self.is_at_closer() {
                break;
            }
            let pipeline = self.pipeline(before, is_condition);
            list.pipelines.push(pipeline);
            before = self.joint();
            self.joined(pipeline, before);
            if before == Joint::None {
                break;
            }
        }
        self.depth -= 1;
        list
    }

    /// Commands of which there must be at least one.
    pub(super) fn commands(&mut self, is_condition: bool) -> List {
        let list = self.list(is_condition);
        if list.pipelines.is_empty() {
            self.missing("a command");
        }
        list
    }

    /// What follows a pipeline.
    fn joint(&mut self) -> Joint {
        self.blanks();
        if self.peek() == Some(b'#') {
            self.comment();
        }
        if self.starts_with(";;") || self.starts_with(";&") {
            return Joint::None;
        }
        if self.take("&&") {
            return self.needing_command(Joint::And);
        }
        if self.take("||") {
            return self.needing_command(Joint::Or);
        }
        match self.peek() {
            Some(b'\n') => Joint::Then,
            Some(b';') => self.separator(Joint::Then),
            Some(b'&') => self.separator(Joint::Background),
            _ => Joint::None,
        }
    }

    /// Notes what stands after a pipeline; what is nested in it is asked, too, if it is.
    fn joined(&mut self, pipeline: usize, after: Joint) {
        self.code.pipelines[pipeline].after = after;
        if matches!(after, Joint::And | Joint::Or) {
            self.code.pipelines[pipeline..].iter_mut().for_each(|nested| nested.is_asked = true);
        }
    }

    fn separator(&mut self, joint: Joint) -> Joint {
        self.at += 1;
        self.blanks();
        if matches!(self.peek(), Some(b';' | b'&' | b'|')) && !self.starts_with(";;") {
            let span = self.at..self.at + self.next_length();
            self.fail(span, "SC1070", "two separators follow each other, without a command between them");
        }
        joint
    }

    fn needing_command(&mut self, joint: Joint) -> Joint {
        self.blank_lines();
        if self.is_at_end() || self.is_at_closer() || matches!(self.peek(), Some(b';' | b'&' | b'|')) {
            self.missing("a command");
        }
        joint
    }

    fn pipeline(&mut self, before: Joint, is_condition: bool) -> usize {
        let (start, index) = (self.at, self.code.pipelines.len());
        self.code.pipelines.push(Pipeline { before, is_condition, ..Pipeline::default() });
        let negation = self.negation();
        let mut commands = Vec::new();
        loop {
            commands.push(self.command(index));
            self.blanks();
            if self.has_failed() || self.starts_with("||") || !(self.take("|&") || self.take("|")) {
                break;
            }
            self.needing_command(Joint::None);
        }
        let end = commands.last().map_or(start, |command: &Command| command.span.end);
        let pipeline = &mut self.code.pipelines[index];
        (pipeline.span, pipeline.negation, pipeline.commands) = (start..end, negation, commands);
        index
    }

    fn negation(&mut self) -> Option<Span> {
        let mut negation = None;
        while self.next_word() == "!" {
            negation = Some(self.at..self.at + 1);
            self.at += 1;
            self.blanks();
        }
        negation
    }

    pub(super) fn command(&mut self, pipeline: usize) -> Command {
        let start = self.at;
        let kind = match self.next_word() {
            "" if self.starts_with("((") && self.arithmetic_end(self.at + 2).is_some() => self.arithmetic(),
            "" if self.peek() == Some(b'(') => self.subshell(),
            "{" => self.group(),
            "if" => self.conditional(),
            "while" | "until" => self.repetition(),
            "for" | "select" => self.iteration(),
            "case" => self.case(),
            "function" => self.function(),
            "[[" => self.test(),
            _ => return self.simple(pipeline),
        };
        self.blanks();
        while self.redirection() {
            self.blanks();
        }
        self.behind_compound();
        Command { span: start..self.at, kind }
    }

    /// Takes a word or a bracket that must come next.
    pub(super) fn expect(&mut self, text: &str) {
        let is_next = if text == ")" { self.peek() == Some(b')') } else { self.next_word() == text };
        if is_next {
            self.at += text.len();
        } else {
            self.missing(&format!("`{text}`"));
        }
    }
}

/// What ends a word outside of quotes.
pub(super) fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>')
}
