use crate::diagnostic::Span;
use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::shell_scripts;
use crate::lint::rules::shell::globs;
use crate::lint::shell::{PartKind, Script};
use crate::lint::subject::DockerfileSubject;
use std::collections::BTreeSet;

rule! {
    /// A set of characters contains one twice.
    ///
    /// `[10-15]` matches one of the characters `1`, `0` to `1` and `5`, not a number. In brackets outside of quotes
    /// each character is a separate choice.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// RUN ls file[10-15]
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// RUN ls file1[0-5]
    /// ```
    "SC2102", Info, Dockerfile(check), OfShell
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    shell_scripts(subject).flat_map(repeated).collect()
}

fn repeated<'a>(script: &'a Script<'a>) -> impl Iterator<Item = Found> {
    let parts = globs::unquoted(script).into_iter().flat_map(|word| &word.parts);
    let plain = parts.filter(|part| part.kind == PartKind::Literal && !part.quoted);
    plain.filter_map(|part| Some((part, set(script.text(&part.span))?))).map(|(part, range)| {
        let span = part.span.start + range.start..part.span.start + range.end;
        Found::new(&script.place(&span), "this matches a single character, and contains one twice")
            .help("put it in quotes if it is literal text")
    })
}

/// The first set of characters that contains one twice.
fn set(text: &str) -> Option<Span> {
    let mut from = 0;
    while let Some(open) = text[from..].find('[').map(|at| from + at) {
        let close = open + text[open..].find(']')?;
        if is_repeated(&text[open + 1..close]) {
            return Some(open..close + 1);
        }
        from = close + 1;
    }
    None
}

fn is_repeated(set: &str) -> bool {
    let characters = set.trim_start_matches(['!', '^']);
    let mut seen = BTreeSet::new();
    !characters.starts_with([':', '[']) && !characters.chars().filter(|c| *c != '-').all(|c| seen.insert(c))
}
