//! From bytes to instructions.

use std::collections::BTreeSet;

use crate::diagnostic::suggest::did_you_mean;
use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::lint::dockerfile::checks::Checks;
use crate::lint::dockerfile::lines::{Lines, Logical};
use crate::lint::dockerfile::scope::Scopes;
use crate::lint::dockerfile::words::Json;
use crate::lint::dockerfile::{
    Arguments, Dockerfile, Heredoc, Instruction, Keyword, Word, heredoc, problem, refusal, shape, words,
};
use crate::text;

/// Reads a whole file.
pub(super) fn dockerfile(bytes: &[u8]) -> Dockerfile {
    let mut reader = Reader::default();
    let text = readable(bytes);
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        reader.problem(0..0, "it is encoded as UTF-16".into(), Some("save the file as UTF-8".into()));
    } else {
        reader.read(&text);
    }
    let Reader { escape, checks, instructions, mut problems, blanks } = reader;
    problems.truncate(Dockerfile::MAX_PROBLEMS);
    let file = Dockerfile {
        escape,
        checks,
        instructions,
        problems,
        refused: Vec::new(),
        needed: BTreeSet::new(),
        blanks,
        scopes: Scopes::default(),
    };
    let file = Dockerfile { scopes: Scopes::of(&file), ..file };
    let file = Dockerfile { needed: refusal::needed(&file), ..file };
    let mut refused = refusal::problems(&file, &text);
    refused.truncate(Dockerfile::MAX_PROBLEMS);
    Dockerfile { refused, ..file }
}

/// The bytes as text of the same length: each byte that is not UTF-8 becomes `?`.
pub(in crate::lint) fn readable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '?'));
    }
    text
}

struct Reader {
    escape: char,
    checks: Checks,
    instructions: Vec<Instruction>,
    problems: Vec<Diagnostic<Span>>,
    blanks: Vec<Span>,
}

impl Default for Reader {
    fn default() -> Self {
        let (instructions, problems, blanks) = (Vec::new(), Vec::new(), Vec::new());
        Self { escape: '\\', checks: Checks::default(), instructions, problems, blanks }
    }
}

/// How an instruction begins.
struct Begin {
    keyword: Keyword,
    /// The keyword as it is written.
    text: String,
    /// Where the keyword stands.
    span: Span,
    /// Where what follows it begins in the logical line.
    rest: usize,
}

impl Reader {
    fn read(&mut self, text: &str) {
        let mut lines = Lines::new(text);
        let mut seen = BTreeSet::new();
        while let Some((key, value)) = lines.directive() {
            let key = key.to_ascii_lowercase();
            match key.as_str() {
                _ if !seen.insert(key.clone()) => {
                    self.problem(
                        value.span,
                        format!("the directive `{key}` is given twice"),
                        Some("remove one".into()),
                    );
                }
                "escape" => self.set_escape(&value, &mut lines),
                "check" => self.set_checks(&value),
                _ => {}
            }
        }
        while self.problems.len() < Dockerfile::MAX_PROBLEMS
            && let Some(line) = lines.logical()
        {
            if self.instructions.len() == Dockerfile::MAX_INSTRUCTIONS {
                self.too_many(&line);
                break;
            }
            self.instruction(&line, &mut lines);
        }
        self.blanks = lines.blanks;
        if let Some(span) = lines.too_long {
            let help = "split it with continuation characters, or COPY a file instead".into();
            self.problem(span, "the line is longer than the 65535 bytes that Docker reads".into(), Some(help));
        }
    }

    fn too_many(&mut self, line: &Logical) {
        let most = Dockerfile::MAX_INSTRUCTIONS;
        let message = format!("the Dockerfile has more than {most} instructions, and the rest of it is not read");
        let help = "split it, or COPY a script that does the same".into();
        self.problem(line.place(line.trimmed(0..line.text.len())), message, Some(help));
    }

    fn set_checks(&mut self, value: &Word) {
        match Checks::read(value) {
            Ok(checks) => self.checks = checks,
            Err(problem) => self.problems.push(*problem),
        }
    }

    fn set_escape(&mut self, value: &Word, lines: &mut Lines<'_>) {
        match value.text.as_str() {
            "\\" => self.escape = '\\',
            "`" => self.escape = '`',
            _ => self.problem(value.span.clone(), "the escape character is neither `\\` nor a backtick".into(), None),
        }
        lines.escape = self.escape;
    }

    fn instruction(&mut self, line: &Logical, lines: &mut Lines<'_>) {
        let Some(outer) = self.keyword(line, 0) else { return };
        let on_build = outer.keyword == Keyword::Onbuild;
        let inner = if on_build { self.trigger(line, &outer) } else { Some(outer) };
        let Some(Begin { keyword, text: keyword_text, span: keyword_span, rest }) = inner else { return };
        let heredocs = self.heredocs(keyword, line, lines);
        let (flags, rest) = words::flags(line, rest, self.escape);
        let arguments = self.arguments(keyword, line, rest);
        let span = line.place(line.trimmed(0..line.text.len()));
        let instruction =
            Instruction { span, keyword, keyword_text, keyword_span, on_build, flags, arguments, heredocs };
        self.problems.extend(shape::problems(&instruction, self.escape));
        self.instructions.push(instruction);
    }

    /// The instruction that begins at `start`.
    fn keyword(&mut self, line: &Logical, start: usize) -> Option<Begin> {
        let start = line.trimmed(start..line.text.len()).start;
        let rest = line.text[start..].find(char::is_whitespace).map_or(line.text.len(), |at| start + at);
        let Word { text, span } = line.word(start..rest);
        if let Some(keyword) = Keyword::of(&text) {
            return Some(Begin { keyword, text, span, rest });
        }
        let known = Keyword::ALL.iter().map(|keyword| keyword.as_str());
        let help = did_you_mean(&text, known).unwrap_or_else(|| not_an_instruction(&text));
        self.problem(span, format!("`{}` is not an instruction", text::cut(&text)), Some(help));
        None
    }

    /// The instruction after `ONBUILD`.
    fn trigger(&mut self, line: &Logical, onbuild: &Begin) -> Option<Begin> {
        if line.trimmed(onbuild.rest..line.text.len()).is_empty() {
            self.problem(onbuild.span.clone(), "`ONBUILD` needs an instruction behind it".into(), None);
            return None;
        }
        let before = self.problems.len();
        let keyword = self.keyword(line, onbuild.rest);
        self.problems.iter_mut().skip(before).for_each(|problem| problem.severity = Severity::Warning);
        keyword
    }

    fn heredocs(&mut self, keyword: Keyword, line: &Logical, lines: &mut Lines<'_>) -> Vec<Heredoc> {
        if !keyword.takes_heredocs() {
            return Vec::new();
        }
        let openings = heredoc::openings(&line.text);
        let mut heredocs = Vec::with_capacity(openings.len());
        for opening in openings {
            let heredoc = heredoc::read(opening, lines).unwrap_or_else(|unended| {
                let message = format!("the document `{}` never ends", text::cut(&unended.name));
                let help = format!("write `{}` alone on the line behind it", text::cut(&unended.name));
                self.problem(line.place(line.trimmed(0..line.text.len())), message, Some(help));
                unended
            });
            heredocs.push(heredoc);
        }
        heredocs
    }

    fn arguments(&mut self, keyword: Keyword, line: &Logical, rest: usize) -> Arguments {
        use Keyword::{Add, Arg, Cmd, Copy, Entrypoint, Env, Expose, From, Healthcheck, Label, Run, Shell, Volume};
        let text = |line: &Logical| Arguments::Text(line.word(rest..line.text.len()));
        match keyword {
            Cmd | Entrypoint | Run | Shell => self.list(line, rest).unwrap_or_else(|| text(line)),
            Add | Copy | Volume => self.list(line, rest).unwrap_or_else(|| Arguments::Words(words::plain(line, rest))),
            From | Expose | Healthcheck => Arguments::Words(words::plain(line, rest)),
            Env | Label | Arg => Arguments::Words(words::quoted(line, rest, self.escape)),
            _ => text(line),
        }
    }

    /// The rest as a JSON list, if it is one.
    fn list(&mut self, line: &Logical, rest: usize) -> Option<Arguments> {
        match words::json(line, rest) {
            Json::Strings(words) => Some(Arguments::Json(words)),
            Json::No => None,
            Json::Others => {
                let place = line.place(line.trimmed(rest..line.text.len()));
                let help = "put every item in double quotes".into();
                self.problem(place, "the JSON list has something else than strings in it".into(), Some(help));
                Some(Arguments::Json(Vec::new()))
            }
        }
    }

    fn problem(&mut self, span: Span, message: String, help: Option<String>) {
        if self.problems.len() < Dockerfile::MAX_PROBLEMS {
            self.problems.push(problem(&span, message, help));
        }
    }
}

/// What to do about a word that is not even like an instruction.
fn not_an_instruction(word: &str) -> String {
    if word.starts_with("//") || word.starts_with("--") {
        "a comment begins with `#`".into()
    } else {
        "if it belongs to the line above, end that line with `\\`".into()
    }
}
