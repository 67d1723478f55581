use crate::diagnostic::Span;
use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::half_read;
use crate::lint::shell::Script;
use crate::lint::subject::DockerfileSubject;
use crate::text;

rule! {
    /// A comment hides the rest of a `RUN`.
    ///
    /// Docker joins continued lines before a shell reads them. A comment after a command then extends to the end of all
    /// lines, and the commands below it never run. A line that consists of a comment only is removed by Docker, and does
    /// no harm.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// RUN mkdir /app \
    ///  && touch /app/a # the first \
    ///  && touch /app/b
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// RUN mkdir /app \
    ///  # the first
    ///  && touch /app/a \
    ///  && touch /app/b # the last
    /// ```
    "SK5506", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let Some(text) = subject.revision.texts.get(subject.path) else { return Vec::new() };
    half_read(subject).filter_map(|script| lost(script, text)).collect()
}

/// The first comment of a script that extends beyond the end of its line.
fn lost(script: &Script<'_>, text: &[u8]) -> Option<Found> {
    script.code.comments.iter().find_map(|comment| {
        let place = script.place(comment);
        let line = text.get(place.clone())?.iter().position(|byte| *byte == b'\n')?;
        let shown = hidden(script, comment, place.start + line)?;
        let message = format!("this comment hides the following lines: `{}` is never run", text::cut(shown));
        let found = Found::new(&(place.start..place.start + line), message);
        Some(found.help("put the comment on a separate line above the command"))
    })
}

/// The text of a comment after the end of its line, unless it is empty.
fn hidden<'s>(script: &'s Script<'_>, comment: &Span, line_end: usize) -> Option<&'s str> {
    let behind = |at: &usize| script.place(&(*at..*at + 1)).start > line_end;
    let from = comment.clone().filter(|at| script.source.text.is_char_boundary(*at)).find(behind)?;
    Some(script.text(&(from..comment.end)).trim()).filter(|text| !text.is_empty())
}
