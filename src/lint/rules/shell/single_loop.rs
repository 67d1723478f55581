use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::{at, shell_scripts};
use crate::lint::shell::{PartKind, Script, Word};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// A loop iterates over a single word.
    ///
    /// It runs once. Perhaps a `$` or a pattern is missing: `for file in files` iterates over the word `files`.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// RUN for file in files; do cat "$file"; done
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// RUN for file in files/*; do cat "$file"; done
    /// ```
    "SC2043", Warning, Dockerfile(check), OfShell
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    shell_scripts(subject).flat_map(single).collect()
}

fn single<'a>(script: &'a Script<'a>) -> impl Iterator<Item = Found> {
    let words = script.code.loops.iter().filter_map(|one| one.words.as_deref());
    words.filter_map(move |words| match words {
        [word] if is_constant(word) => {
            Some(at(script, word, "this loop runs once").help("loop over a variable, a pattern or several words"))
        }
        _ => None,
    })
}

fn is_constant(word: &Word) -> bool {
    let is_single = word.parts.iter().any(|part| part.kind == PartKind::Single);
    !word.has_expansion() && !is_single && !word.text.contains(['*', '?', '[', '{', ','])
}
