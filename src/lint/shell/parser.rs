//! From the text of a script to its commands.

use crate::lint::dockerfile;
use crate::lint::shell::{
    Assignment, Code, Command, For, Joint, Kind, List, Part, PartKind, Pipeline, Problem, Role, Simple, Source, Word,
    test_command,
};
use crate::stack::yaml::Span;

/// How deep a script may be nested; nobody writes deeper.
pub(super) const MAX_DEPTH: usize = 60;

/// The commands that take assignments as arguments.
const DECLARING: [&str; 5] = ["export", "declare", "local", "readonly", "typeset"];

/// The words that end a list of commands.
const CLOSERS: [&str; 8] = ["then", "else", "elif", "fi", "do", "done", "esac", "}"];

/// Reads a script; what is wrong ends the reading.
pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    pub(super) end: usize,
    pub(super) depth: usize,
    pub(super) code: Code,
    pub(super) role: Role,
    pub(super) command: Option<usize>,
    documents: Vec<(String, bool)>,
}

/// The program and the arguments of a `RUN` that is a JSON list.
pub(super) fn of_list(items: &[dockerfile::Word]) -> (Source, Code) {
    let mut source = Source::default();
    let mut words = Vec::with_capacity(items.len());
    for item in items {
        let start = source.text.len();
        // Behind the quote, as far as the item is written as it is read.
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

    /// Notes a problem; nothing is read behind it.
    fn stop(&mut self, span: Span, id: Option<&'static str>, message: String) {
        self.code.problem.get_or_insert(Problem { span, id, message });
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

    pub(super) fn is_at_end(&self) -> bool {
        self.at >= self.end
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.peek_at(0)
    }

    pub(super) fn peek_at(&self, ahead: usize) -> Option<u8> {
        (self.at + ahead < self.end).then(|| self.text.as_bytes()[self.at + ahead])
    }

    pub(super) fn starts_with(&self, text: &str) -> bool {
        self.text.as_bytes()[self.at.min(self.end)..self.end].starts_with(text.as_bytes())
    }

    /// Takes a text, if it comes next.
    pub(super) fn take(&mut self, text: &str) -> bool {
        let found = self.starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    /// Passes blanks and continued lines.
    pub(super) fn blanks(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\r') => self.at += 1,
                Some(b'\\') if self.peek_at(1) == Some(b'\n') => self.at += 2,
                Some(b'\\') if self.peek_at(1) == Some(b'\r') && self.peek_at(2) == Some(b'\n') => self.at += 3,
                _ => return,
            }
        }
    }

    /// Passes blanks, comments and the ends of lines.
    fn blank_lines(&mut self) {
        loop {
            self.blanks();
            match self.peek() {
                Some(b'#') => self.comment(),
                Some(b'\n') => self.line_end(),
                _ => return,
            }
        }
    }

    fn comment(&mut self) {
        let rest = &self.text.as_bytes()[self.at..self.end];
        self.at += rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
    }

    /// Passes the end of a line, and the documents that begin behind it.
    fn line_end(&mut self) {
        self.at += 1;
        for (name, chomp) in std::mem::take(&mut self.documents) {
            self.document(&name, chomp);
        }
    }

    fn document(&mut self, name: &str, chomp: bool) {
        while self.at < self.end {
            let rest = &self.text[self.at..self.end];
            let line = rest.split('\n').next().unwrap_or_default();
            self.at = (self.at + line.len() + 1).min(self.end);
            let line = line.trim_end_matches('\r');
            if (if chomp { line.trim_start_matches('\t') } else { line }) == name {
                return;
            }
        }
    }

    /// The word that comes next, if no quote or variable is in it, without taking it.
    fn next_word(&self) -> &'a str {
        let rest = &self.text[self.at.min(self.end)..self.end];
        // No reserved word is longer: a long text must not be looked through again and again.
        let length = rest.bytes().take(12).position(is_delimiter).unwrap_or(rest.len().min(12));
        rest.get(..length).unwrap_or_default()
    }

    /// How long that is which comes next.
    fn next_length(&self) -> usize {
        match self.next_word().len() {
            0 if self.starts_with(";;") || self.starts_with("&&") || self.starts_with("||") => 2,
            0 => self.text[self.at.min(self.text.len())..].chars().next().map_or(0, char::len_utf8),
            length => length,
        }
    }

    fn is_at_closer(&self) -> bool {
        self.peek() == Some(b')') || self.starts_with(";;") || CLOSERS.contains(&self.next_word())
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
    fn commands(&mut self, is_condition: bool) -> List {
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

    /// Notes what stands behind a pipeline; what is nested in it is asked, too, if it is.
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

    fn command(&mut self, pipeline: usize) -> Command {
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

    fn behind_compound(&mut self) {
        let next = self.peek();
        let ends = next.is_none_or(is_delimiter) || next == Some(b'#') || CLOSERS.contains(&self.next_word());
        if !ends {
            let span = self.at..self.at + self.next_length();
            self.stop(span, Some("SC1141"), "a separator is missing before this".to_owned());
        }
    }

    fn arithmetic(&mut self) -> Kind {
        self.at = self.arithmetic_end(self.at + 2).unwrap_or(self.end);
        Kind::Compound
    }

    fn subshell(&mut self) -> Kind {
        self.at += 1;
        let list = self.commands(false);
        self.expect(")");
        Kind::Subshell(list)
    }

    fn group(&mut self) -> Kind {
        self.at += 1;
        self.commands(false);
        self.expect("}");
        Kind::Compound
    }

    fn conditional(&mut self) -> Kind {
        loop {
            self.at += self.next_word().len();
            self.commands(true);
            self.expect("then");
            self.commands(false);
            if self.next_word() != "elif" || self.has_failed() {
                break;
            }
        }
        if self.next_word() == "else" {
            self.at += 4;
            self.commands(false);
        }
        self.expect("fi");
        Kind::Compound
    }

    fn repetition(&mut self) -> Kind {
        self.at += 5;
        self.commands(true);
        self.body();
        Kind::Compound
    }

    /// `do … done`
    fn body(&mut self) {
        self.expect("do");
        self.commands(false);
        self.expect("done");
    }

    fn iteration(&mut self) -> Kind {
        self.at += self.next_word().len();
        self.blanks();
        if self.starts_with("((") {
            self.arithmetic();
        } else {
            self.each();
        }
        self.blanks();
        self.take(";");
        self.blank_lines();
        if self.next_word() == "{" {
            return self.group();
        }
        self.body();
        Kind::Compound
    }

    /// `name in words`
    fn each(&mut self) {
        let start = self.at;
        self.name();
        let name = self.text[start..self.at].to_owned();
        let name_span = start..self.at;
        if name.is_empty() {
            self.missing("the name of a variable");
        }
        self.blank_lines();
        let words = (self.next_word() == "in").then(|| {
            self.at += 2;
            self.items()
        });
        self.code.loops.push(For { name, name_span, words });
    }

    /// Words up to the end of a command.
    fn items(&mut self) -> Vec<Word> {
        let mut words = Vec::new();
        loop {
            self.blanks();
            match self.word(Role::Item) {
                Some(word) => words.push(word),
                None => return words,
            }
        }
    }

    fn case(&mut self) -> Kind {
        self.at += 4;
        self.blanks();
        if self.word(Role::Whole).is_none() {
            self.missing("a word");
        }
        self.blank_lines();
        self.expect("in");
        loop {
            self.blank_lines();
            if self.is_at_end() || self.next_word() == "esac" {
                break;
            }
            self.arm();
        }
        self.expect("esac");
        Kind::Compound
    }

    /// `pattern | pattern) commands ;;`
    fn arm(&mut self) {
        self.take("(");
        loop {
            self.blanks();
            if self.word(Role::Whole).is_none() {
                self.missing("a pattern");
            }
            self.blanks();
            if !self.take("|") {
                break;
            }
        }
        self.expect(")");
        self.list(false);
        let ends = self.take(";;&") || self.take(";;") || self.take(";&");
        if !ends && self.next_word() != "esac" && !self.has_failed() {
            let span = self.at..self.at + self.next_length();
            let id = if self.is_at_end() { "SC1072" } else { "SC1074" };
            self.fail(span, id, "`;;` is missing before the next pattern");
        }
    }

    fn function(&mut self) -> Kind {
        self.at += 8;
        self.blanks();
        let start = self.at;
        self.word(Role::Whole);
        self.code.functions.push(self.text[start..self.at].to_owned());
        self.blanks();
        if self.take("(") {
            self.blanks();
            self.expect(")");
        }
        self.function_body();
        Kind::Compound
    }

    fn function_body(&mut self) {
        self.blank_lines();
        let is_compound = self.peek() == Some(b'(')
            || matches!(self.next_word(), "{" | "if" | "while" | "until" | "for" | "case" | "[[");
        if !is_compound {
            self.missing("`{`");
        } else if self.deeper() {
            let index = self.code.pipelines.len();
            self.code.pipelines.push(Pipeline::default());
            let command = self.command(index);
            self.code.pipelines[index].commands.push(command);
            self.depth -= 1;
        }
    }

    /// `[[ … ]]`
    fn test(&mut self) -> Kind {
        self.at += 2;
        while !self.is_at_end() {
            self.blank_lines();
            if self.next_word() == "]]" {
                self.at += 2;
                return Kind::Compound;
            }
            if self.word(Role::Whole).is_none() && !self.is_at_end() {
                self.at += 1;
            }
        }
        self.missing("`]]`");
        Kind::Compound
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

    fn simple(&mut self, pipeline: usize) -> Command {
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
        if self.peek() == Some(b'(') && simple.words.len() == 1 && simple.assignments.is_empty() {
            return self.definition(start, index, &simple);
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
    fn definition(&mut self, start: usize, index: usize, simple: &Simple) -> Command {
        self.at += 1;
        self.blanks();
        self.expect(")");
        self.code.functions.push(simple.name().to_owned());
        if self.code.commands.len() == index + 1 {
            self.code.commands.pop();
        }
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
        let parts = vec![Part { span: span.clone(), kind: PartKind::Literal, quoted: false }];
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
    fn redirection(&mut self) -> bool {
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

/// What ends a word outside of quotes.
pub(super) fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>')
}
