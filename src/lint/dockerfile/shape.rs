//! What each instruction must look like: which flags it knows, how many arguments it needs.
//!
//! After BuildKit's `frontend/dockerfile/instructions/parse.go`. An instruction with a document (`COPY <<EOF /x`)
//! has the document's opening among its words, so it is counted as Docker counts it.

use crate::diagnostic::{Diagnostic, Span};
use crate::lint::dockerfile::{Arguments, Instruction, Keyword, OF_OTHERS, Word, flags, heredoc, problem};
use crate::text;

/// Everything about one instruction that keeps it from being carried out.
pub(super) fn problems(instruction: &Instruction, escape: char) -> Vec<Diagnostic<Span>> {
    let mut problems = flags::problems(instruction, escape);
    problems.extend(arguments(instruction));
    let is_later = |problem: &Diagnostic<Span>| instruction.on_build && !is_pair(instruction, problem);
    problems.into_iter().map(|problem| if is_later(&problem) { problem.rated(OF_OTHERS) } else { problem }).collect()
}

/// Whether it is about `name=value`, which is taken apart after `ONBUILD`.
fn is_pair(instruction: &Instruction, problem: &Diagnostic<Span>) -> bool {
    matches!(instruction.keyword, Keyword::Env | Keyword::Label)
        && instruction.flags.iter().all(|flag| flag.span != problem.place)
}

fn arguments(instruction: &Instruction) -> Option<Diagnostic<Span>> {
    match instruction.keyword {
        Keyword::Add | Keyword::Copy => transfer(instruction),
        Keyword::From => from(instruction),
        Keyword::Env | Keyword::Label => pairs(instruction),
        Keyword::Healthcheck => healthcheck(instruction),
        Keyword::Shell => shell(instruction),
        Keyword::Run => empty_list(instruction),
        Keyword::Arg => nameless(instruction),
        Keyword::Volume | Keyword::Expose => {
            instruction.words().is_empty().then(|| missing(instruction, "at least one argument"))
        }
        Keyword::Maintainer | Keyword::Stopsignal | Keyword::User | Keyword::Workdir => {
            is_blank(&instruction.arguments).then(|| missing(instruction, "an argument"))
        }
        Keyword::Cmd | Keyword::Entrypoint | Keyword::Onbuild => None,
    }
}

fn transfer(instruction: &Instruction) -> Option<Diagnostic<Span>> {
    let words = instruction.words();
    if words.len() < 2 {
        return Some(missing(instruction, "a source and a destination"));
    }
    let last = words.last().filter(|last| heredoc::is_opening(&last.text))?;
    let help = "write the destination behind it".to_owned();
    Some(problem(&last.span, "a document cannot be the destination".to_owned(), Some(help)))
}

fn nameless(instruction: &Instruction) -> Option<Diagnostic<Span>> {
    let words = instruction.words();
    if words.is_empty() {
        return Some(missing(instruction, "at least one argument"));
    }
    let wrong = words.iter().find(|word| word.text.starts_with('='))?;
    Some(problem(&wrong.span, "there is no name before `=`".to_owned(), None))
}

fn from(instruction: &Instruction) -> Option<Diagnostic<Span>> {
    match instruction.words() {
        [_] => None,
        [] => Some(missing(instruction, "an image")),
        [_, keyword, name] if keyword.text.eq_ignore_ascii_case("as") => stage_name(name),
        [_, second, ..] => {
            let help = "write `FROM image` or `FROM image AS name`".to_owned();
            Some(problem(&second.span, "`FROM` takes an image and, behind `AS`, a name", Some(help)))
        }
    }
}

fn stage_name(name: &Word) -> Option<Diagnostic<Span>> {
    let mut characters = name.text.chars().map(|c| c.to_ascii_lowercase());
    let begins = characters.next().is_some_and(|c| c.is_ascii_lowercase());
    let valid = begins && characters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c));
    (!valid).then(|| {
        let message = format!("`{}` cannot be the name of a stage", text::cut(&name.text));
        let help = "begin with a letter; letters, digits, `-`, `_` and `.` may follow".to_owned();
        problem(&name.span, message, Some(help))
    })
}

/// `name=value …`, or the old form `name value`.
fn pairs(instruction: &Instruction) -> Option<Diagnostic<Span>> {
    let words = instruction.words();
    let Some(first) = words.first() else { return Some(missing(instruction, "at least one `name=value`")) };
    if !first.text.contains('=') {
        return (words.len() < 2).then(|| missing(instruction, "a name and a value"));
    }
    let wrong = words.iter().find(|word| !word.text.contains('=') || word.text.starts_with('='))?;
    let message = if wrong.text.starts_with('=') {
        "there is no name before `=`".to_owned()
    } else {
        format!("`{}` is not `name=value`", text::cut(&wrong.text))
    };
    Some(problem(&wrong.span, message, Some("put a value with blanks in it in quotes: `name=\"a value\"`".into())))
}

fn healthcheck(instruction: &Instruction) -> Option<Diagnostic<Span>> {
    let Some((kind, rest)) = instruction.words().split_first() else {
        return Some(missing(instruction, "`CMD` and a command, or `NONE`"));
    };
    match kind.text.to_ascii_uppercase().as_str() {
        "NONE" if !rest.is_empty() => Some(problem(&rest[0].span, "nothing may follow `HEALTHCHECK NONE`", None)),
        "CMD" if rest.is_empty() || is_empty_list(rest) => Some(missing(instruction, "a command behind `CMD`")),
        "NONE" | "CMD" => None,
        _ => {
            let message = format!("`HEALTHCHECK` is followed by `CMD` or `NONE`, not by `{}`", text::cut(&kind.text));
            Some(problem(&kind.span, message, Some("write `HEALTHCHECK CMD …`".into())))
        }
    }
}

fn shell(instruction: &Instruction) -> Option<Diagnostic<Span>> {
    match &instruction.arguments {
        Arguments::Json(words) if !words.is_empty() => None,
        _ => Some(missing(instruction, "a JSON list, such as `[\"/bin/bash\", \"-c\"]`")),
    }
}

fn empty_list(instruction: &Instruction) -> Option<Diagnostic<Span>> {
    matches!(&instruction.arguments, Arguments::Json(words) if words.is_empty())
        .then(|| missing(instruction, "a command"))
}

/// `[]`, with spaces inside or without.
fn is_empty_list(words: &[Word]) -> bool {
    words.iter().flat_map(|word| word.text.chars()).eq("[]".chars())
}

fn is_blank(arguments: &Arguments) -> bool {
    matches!(arguments, Arguments::Text(word) if word.text.is_empty())
}

fn missing(instruction: &Instruction, what: &str) -> Diagnostic<Span> {
    problem(&instruction.span, format!("`{}` needs {what}", instruction.keyword), None)
}
