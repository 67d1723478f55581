//! Commands that consist of commands: `if`, `for`, `case`, `{ … }`, functions.

use crate::lint::shell::cursor::CLOSERS;
use crate::lint::shell::parser::{Parser, is_delimiter};
use crate::lint::shell::{For, Kind, Pipeline, Role, Word};

impl Parser<'_> {
    pub(super) fn behind_compound(&mut self) {
        let next = self.peek();
        let ends = next.is_none_or(is_delimiter) || next == Some(b'#') || CLOSERS.contains(&self.next_word());
        if !ends {
            let span = self.at..self.at + self.next_length();
            self.stop(span, Some("SC1141"), "a separator is missing before this".to_owned());
        }
    }

    pub(super) fn arithmetic(&mut self) -> Kind {
        self.at = self.arithmetic_end(self.at + 2).unwrap_or(self.end);
        Kind::Compound
    }

    pub(super) fn subshell(&mut self) -> Kind {
        self.at += 1;
        let list = self.commands(false);
        self.expect(")");
        Kind::Subshell(list)
    }

    pub(super) fn group(&mut self) -> Kind {
        self.at += 1;
        self.commands(false);
        self.expect("}");
        Kind::Compound
    }

    pub(super) fn conditional(&mut self) -> Kind {
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

    pub(super) fn repetition(&mut self) -> Kind {
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

    pub(super) fn iteration(&mut self) -> Kind {
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

    pub(super) fn case(&mut self) -> Kind {
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

    pub(super) fn function(&mut self) -> Kind {
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

    pub(super) fn function_body(&mut self) {
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
    pub(super) fn test(&mut self) -> Kind {
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
}
