//! Which scripts a Dockerfile has, and which shell reads each.

use crate::lint::dockerfile::scope::Base;
use crate::lint::dockerfile::{self, Arguments, Dockerfile, Instruction, Keyword, Word};
use crate::lint::shell::parser::{self, Parser};
use crate::lint::shell::{Code, Script, Shell, Source};

/// The scripts of all `RUN` in a file, which was read from these bytes. Those of PowerShell and `cmd`, which Windows has in the
/// place of `sh`, and those that are documents for another program (`#!/usr/bin/env python`), are left out.
pub(in crate::lint) fn scripts<'a>(bytes: &[u8], file: &'a Dockerfile) -> Vec<Script<'a>> {
    let text = dockerfile::readable(bytes);
    let mut shells = Shells::of(&text, file);
    file.instructions.iter().filter_map(|instruction| script(&text, file, instruction, &mut shells)).collect()
}

/// Follows which shell is in force.
struct Shells {
    /// Where comments name a shell, and which; the last first.
    pragmas: Vec<(usize, Shell)>,
    stage: Option<usize>,
    shell: Shell,
    /// What `ONBUILD SHELL` says: it counts for what stands after `ONBUILD`.
    of_triggers: Option<Shell>,
    /// Which of the stages that are built on an image run Windows.
    windows: Vec<bool>,
    /// What each stage before this one leaves to those that are built on it.
    left: Vec<Shell>,
}

impl Shells {
    fn of(text: &str, file: &Dockerfile) -> Self {
        let windows: Vec<bool> = file.stages().map(|stage| file.is_windows(stage)).collect();
        let first = if windows.first() == Some(&true) { windows_shell() } else { default_shell() };
        Self { pragmas: pragmas(text), stage: None, shell: first, of_triggers: None, windows, left: Vec::new() }
    }

    /// Goes on to the next stage: it has the shell of the stage or the image that it is built on.
    fn begin(&mut self, base: impl Fn(usize) -> Base) {
        let stage = self.stage.map_or(0, |stage| stage + 1);
        if self.stage.is_some() {
            self.left.push(self.shell.clone());
        }
        self.shell = match base(stage) {
            Base::Stage(before) => self.left.get(before).cloned().unwrap_or_else(default_shell),
            _ if self.windows.get(stage) == Some(&true) => windows_shell(),
            _ => default_shell(),
        };
        (self.stage, self.of_triggers) = (Some(stage), None);
    }

    fn pass(&mut self, file: &Dockerfile, instruction: &Instruction) {
        if instruction.begins_stage() {
            self.begin(|stage| file.scopes.base(stage));
        }
        if let (Keyword::Shell, Arguments::Json(words)) = (instruction.keyword, &instruction.arguments) {
            let shell = started(words);
            if instruction.on_build { self.of_triggers = Some(shell) } else { self.shell = shell }
        }
        while let Some((_, shell)) = self.pragmas.pop_if(|(at, _)| *at < instruction.span.end) {
            self.shell = shell;
        }
    }
}

fn script<'a>(text: &str, file: &Dockerfile, instruction: &'a Instruction, shells: &mut Shells) -> Option<Script<'a>> {
    shells.pass(file, instruction);
    if instruction.keyword != Keyword::Run {
        return None;
    }
    let of_triggers = shells.of_triggers.as_ref().filter(|_| instruction.on_build);
    let (shell, stage) = (of_triggers.unwrap_or(&shells.shell).clone(), shells.stage.unwrap_or(0));
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

/// The item after `-c`, if the list begins with a shell, and those before it.
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
    match instruction.heredocs.first().zip(reader(&word.text, &shell)) {
        Some((heredoc, shell)) => {
            let source = Source::of_lines(text, heredoc.body.clone());
            let shell = interpreter(&source.text).unwrap_or(shell);
            (shell, source)
        }
        None => (shell, with_documents(text, file, instruction, word)),
    }
}

/// What reads a document that is the whole script: `<<EOF` leaves it to the shell, `<<EOF bash` gives it to another one. None if the
/// document is only read by the script.
fn reader(script: &str, shell: &Shell) -> Option<Shell> {
    let is_opening = |word: &&str| word.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with("<<");
    let (openings, others): (Vec<&str>, Vec<&str>) = script.split_whitespace().partition(is_opening);
    match (openings.as_slice(), others.as_slice()) {
        ([_], []) => Some(shell.clone()),
        ([_], [_, flags @ ..]) if flags.iter().all(|flag| flag.starts_with('-')) => {
            Some(self::shell(others)).filter(Shell::is_known)
        }
        _ => None,
    }
}

/// A script and the documents that it reads, each with the line that ends it.
fn with_documents(text: &str, file: &Dockerfile, instruction: &Instruction, word: &Word) -> Source {
    let mut source = Source::of_line(text, word.span.clone(), file.escape);
    let (Some(first), Some(last)) = (instruction.heredocs.first(), instruction.heredocs.last()) else { return source };
    let rest = text.get(last.body.end..).unwrap_or_default();
    let end = last.body.end + rest.split_inclusive('\n').next().unwrap_or_default().len();
    source.push(first.body.start.saturating_sub(1), "\n");
    source.push(first.body.start, text.get(first.body.start..end).unwrap_or_default());
    source
}

/// What `#!` at the begin names.
fn interpreter(script: &str) -> Option<Shell> {
    let line = script.trim_start().strip_prefix("#!")?.lines().next()?;
    Some(shell(line.split_whitespace().skip_while(|word| word.ends_with("/env") || *word == "-S")))
}

/// What `SHELL` names: a shell, or what starts one, such as `["conda", "run", "-n", "base", "/bin/bash", "-c"]`. A program that is not
/// known is taken for one that leaves its scripts to `sh`.
fn started(words: &[Word]) -> Shell {
    let of = |words: &[Word]| shell(words.iter().map(|word| word.text.as_str()));
    let first = of(words);
    if first.is_known() || NO_SHELLS.iter().any(|program| first.name.starts_with(program)) {
        return first;
    }
    let inner = (1..words.len()).map(|from| of(&words[from..])).find(Shell::is_known);
    inner.unwrap_or_else(|| Shell { name: "sh".to_owned(), ..first })
}

/// What reads scripts of another language.
const NO_SHELLS: [&str; 12] =
    ["powershell", "pwsh", "cmd", "python", "node", "perl", "ruby", "php", "lua", "fish", "csh", "tcsh"];

fn default_shell() -> Shell {
    shell(["sh", "-c"])
}

/// What BuildKit gives scripts to in an image of Windows that names no other (`dockerfile2llb/defaultshell.go`).
fn windows_shell() -> Shell {
    shell(["cmd", "/S", "/C"])
}

fn shell<'a>(words: impl IntoIterator<Item = &'a str>) -> Shell {
    let mut words = words.into_iter();
    let program = words.next().unwrap_or_default();
    let name = program.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
    Shell { name: name.trim_end_matches(".exe").to_owned(), options: words.map(str::to_owned).collect() }
}

/// The comments `# hadolint shell=…`, the last first.
fn pragmas(text: &str) -> Vec<(usize, Shell)> {
    if !text.contains("hadolint") {
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
    let name = rest.trim_start().strip_prefix("shell")?.trim_start().strip_prefix('=')?;
    name.split('#').next().map(str::trim)
}
