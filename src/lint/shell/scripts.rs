//! Which scripts a Dockerfile has, and which shell reads each.

use crate::lint::dockerfile::{self, Arguments, Dockerfile, Instruction, Keyword, Word};
use crate::lint::shell::parser::{self, Parser};
use crate::lint::shell::{Code, Script, Shell, Source};

/// The scripts of all `RUN` in a file, which was read from these bytes. Those of PowerShell and `cmd`, and those that are
/// documents for another program (`#!/usr/bin/env python`), are left out.
pub(in crate::lint) fn scripts<'a>(bytes: &[u8], file: &'a Dockerfile) -> Vec<Script<'a>> {
    let text = dockerfile::readable(bytes);
    let mut shells = Shells { pragmas: pragmas(&text), stage: None, shell: default_shell() };
    file.instructions.iter().filter_map(|instruction| script(&text, file, instruction, &mut shells)).collect()
}

/// Follows which shell is in force.
struct Shells {
    /// Where comments name a shell, and which; the last first.
    pragmas: Vec<(usize, Shell)>,
    stage: Option<usize>,
    shell: Shell,
}

impl Shells {
    fn pass(&mut self, instruction: &Instruction) {
        match &instruction.arguments {
            _ if instruction.on_build => {}
            _ if instruction.keyword == Keyword::From => {
                self.stage = Some(self.stage.map_or(0, |stage| stage + 1));
                self.shell = default_shell();
            }
            Arguments::Json(words) if instruction.keyword == Keyword::Shell => {
                self.shell = shell(words.iter().map(|word| word.text.as_str()));
            }
            _ => {}
        }
        while let Some((_, shell)) = self.pragmas.pop_if(|(at, _)| *at < instruction.span.end) {
            self.shell = shell;
        }
    }
}

fn script<'a>(text: &str, file: &Dockerfile, instruction: &'a Instruction, shells: &mut Shells) -> Option<Script<'a>> {
    shells.pass(instruction);
    if instruction.keyword != Keyword::Run {
        return None;
    }
    let (shell, stage) = (shells.shell.clone(), shells.stage);
    let (shell, source, code, is_list) = match &instruction.arguments {
        Arguments::Json(words) => list_script(words, shell),
        Arguments::Text(word) => {
            let (shell, source) = shell_script(text, file, instruction, word, shell);
            let code = Parser::read(&source.text);
            (shell, source, code, false)
        }
        Arguments::Words(_) => return None,
    };
    shell.is_known().then_some(Script { instruction, stage, shell, is_list, source, code })
}

/// A JSON list is a command, or a shell and the script that it is given.
fn list_script(items: &[Word], shell: Shell) -> (Shell, Source, Code, bool) {
    if let Some((script, before)) = after_c(items) {
        let source = Source::of_item(script);
        let code = Parser::read(&source.text);
        return (self::shell(before.iter().map(|word| word.text.as_str())), source, code, true);
    }
    let (source, code) = parser::of_list(items);
    (shell, source, code, true)
}

/// The item behind `-c`, if the list begins with a shell, and those before it.
fn after_c(items: &[Word]) -> Option<(&Word, &[Word])> {
    let program = self::shell(items.first().map(|word| word.text.as_str()));
    let at = items.iter().position(|word| word.text.starts_with('-') && word.text.ends_with('c'))?;
    let script = items.get(at + 1).filter(|_| program.is_known())?;
    Some((script, &items[..=at]))
}

/// The text of a script, and the shell that reads it: a document may name its own.
fn shell_script(
    text: &str,
    file: &Dockerfile,
    instruction: &Instruction,
    word: &Word,
    shell: Shell,
) -> (Shell, Source) {
    let is_document = word.text.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with("<<")
        && !word.text.contains(char::is_whitespace);
    match instruction.heredocs.first().filter(|_| is_document) {
        Some(heredoc) => {
            let source = Source::of_lines(text, heredoc.body.clone());
            let shell = interpreter(&source.text).unwrap_or(shell);
            (shell, source)
        }
        None => (shell, Source::of_line(text, word.span.clone(), file.escape)),
    }
}

/// What `#!` at the begin names.
fn interpreter(script: &str) -> Option<Shell> {
    let line = script.trim_start().strip_prefix("#!")?.lines().next()?;
    Some(shell(line.split_whitespace().skip_while(|word| word.ends_with("/env") || *word == "-S")))
}

fn default_shell() -> Shell {
    shell(["sh", "-c"])
}

fn shell<'a>(words: impl IntoIterator<Item = &'a str>) -> Shell {
    let mut words = words.into_iter();
    let program = words.next().unwrap_or_default();
    let name = program.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
    Shell { name: name.trim_end_matches(".exe").to_owned(), options: words.map(str::to_owned).collect() }
}

/// The comments `# hadolint shell=…`, the last first.
fn pragmas(text: &str) -> Vec<(usize, Shell)> {
    if !text.contains("shell=") {
        return Vec::new();
    }
    let mut pragmas = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        pragmas.extend(pragma(line).map(|name| (at, shell([name]))));
        at += line.len();
    }
    pragmas.reverse();
    pragmas
}

fn pragma(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix('#')?.trim_start().strip_prefix("hadolint")?;
    rest.trim_start().strip_prefix("shell=").map(str::trim)
}
