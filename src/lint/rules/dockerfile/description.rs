use crate::diagnostic::Span;
use crate::lint::dockerfile::{self, Instruction, Keyword};
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;
use crate::text;

rule! {
    /// A comment directly above an `ARG` or a named `FROM` does not begin with its name.
    ///
    /// `docker build --call=outline` and `--call=targets` show such comments as descriptions if they begin with the name. Put a blank
    /// line after a comment about something else. BuildKit: `InvalidDefinitionDescription`.
    ///
    /// ```dockerfile bad
    /// # the newest one
    /// ARG VERSION=12
    /// FROM debian:${VERSION}
    /// ```
    ///
    /// ```dockerfile good
    /// # VERSION of Debian
    /// ARG VERSION=12
    /// # app is what runs
    /// FROM debian:${VERSION} AS app
    /// # it builds the rest
    ///
    /// ARG TARGET=all
    /// ```
    "SK5020", Style, Dockerfile(check), Off
}

/// The first words of comments that are directives for programs.
const TO_PROGRAMS: [&str; 5] = ["syntax", "escape", "check", "hadolint", "skep"];

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let Some(bytes) = subject.revision.texts.get(subject.path) else { return Vec::new() };
    let text = dockerfile::readable(bytes);
    let instructions = subject.file.instructions.iter().filter(|instruction| !instruction.on_build);
    instructions.filter_map(|instruction| other(&text, instruction, &names(instruction))).collect()
}

/// The names that an instruction defines.
fn names(instruction: &Instruction) -> Vec<String> {
    match instruction.keyword {
        Keyword::Arg => instruction.pairs().into_iter().map(|pair| pair.name.text).collect(),
        Keyword::From => match instruction.words() {
            [_, keyword, name, ..] if keyword.text.eq_ignore_ascii_case("as") => vec![name.text.clone()],
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// A finding if the comment above describes none of these names.
fn other(text: &str, instruction: &Instruction, names: &[String]) -> Option<Found> {
    let (comment, span) = comment_above(text, instruction.span.start)?;
    let first = comment.split([' ', '\t', '=']).next().filter(|word| !word.is_empty())?;
    let describes = names.iter().any(|name| name == first);
    let is_meant = names.is_empty() || describes || TO_PROGRAMS.contains(&first.to_ascii_lowercase().as_str());
    let help = || format!("begin it with `{}`, or put a blank line after it", text::cut(&names[0]));
    (!is_meant).then(|| Found::new(&span, "this comment does not describe the next line").help(help()))
}

/// The text and the place of a comment in the previous line.
fn comment_above(text: &str, at: usize) -> Option<(&str, Span)> {
    let end = text[..at].rfind('\n')?;
    let line = text[..end].rsplit('\n').next()?;
    let comment = line.trim().strip_prefix('#')?.trim();
    let start = end - line.len() + (line.len() - line.trim_start().len());
    Some((comment, start..start + line.trim().len()))
}
