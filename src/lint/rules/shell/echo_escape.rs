use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::{at, each_shell};
use crate::lint::shell::{PartKind, Script, Word};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// `echo` may print `\\n` literally.
    ///
    /// Some shells replace `\\n` and similar escapes in the arguments of `echo`, others print the backslash. `printf` always
    /// replaces them.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// RUN echo "a\nb" > /list
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// RUN printf "a\nb\n" > /list
    /// ```
    "SC2028", Info, Dockerfile(check), OfShell
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    each_shell(subject, |script, command| {
        let is_told = command.flags().any(|flag| flag.starts_with("-e") || flag == "-ne");
        let escaped = command.arguments().iter().find(|word| has_escape(script, word));
        let escaped = escaped.filter(|_| command.is_in_any_folder("echo") && !is_told);
        let found = |word| at(script, word, "not every shell replaces these escapes").help("use `printf`");
        escaped.map(found).into_iter().collect()
    })
}

fn has_escape(script: &Script<'_>, word: &Word) -> bool {
    word.parts.iter().any(|part| {
        let is_quoted = part.quoted || part.kind == PartKind::Single;
        is_quoted && matches!(part.kind, PartKind::Literal | PartKind::Single) && is_escape(script.text(&part.span))
            || is_quoted
                && part.kind == PartKind::Escaped
                && script.text(&(part.span.end - 1..part.span.end + 1)).starts_with("\\n")
    })
}

/// Whether a text contains `\n`, `\t`, `\x1b` or the like.
fn is_escape(text: &str) -> bool {
    text.split('\\').skip(1).any(|behind| behind.starts_with(|c: char| "abefnrtvx01234567".contains(c)))
}
