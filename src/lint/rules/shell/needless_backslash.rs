use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::half_read;
use crate::lint::shell::{Part, PartKind, Script, Word};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// A backslash has no effect.
    ///
    /// Outside of quotes `\\d` is the letter `d`: the program does not get the backslash. In quotes it would.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// RUN grep \d /etc/passwd
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// RUN grep "[0-9]" /etc/passwd
    /// ```
    "SC1001", Info, Dockerfile(check), OfShell
}

/// Includes the readable part of scripts that cannot be parsed completely, which may be scripts for Windows.
fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let is_begun =
        |script: &&Script<'_>| script.code.problem.as_ref().is_none_or(|problem| problem.code != Some("SC1072"));
    half_read(subject)
        .filter(is_begun)
        .flat_map(|script| words(script).flat_map(|word| needless(script, word)))
        .collect()
}

/// The arguments, the values of assignments, and the words of loops.
fn words<'a>(script: &'a Script<'a>) -> impl Iterator<Item = &'a Word> {
    let of_commands = script.commands().iter().flat_map(|command| {
        command.words.iter().skip(1).chain(command.assignments.iter().map(|assigned| &assigned.value))
    });
    of_commands.chain(script.code.loops.iter().filter_map(|one| one.words.as_ref()).flatten())
}

fn needless(script: &Script<'_>, word: &Word) -> Vec<Found> {
    let parts = word.parts.iter().filter(|part| is_needless(script, part));
    parts
        .map(|part| {
            Found::new(&script.place(&part.span), "the backslash has no effect")
                .help("put the word in single quotes if the backslash is intended")
        })
        .collect()
}

fn is_needless(script: &Script<'_>, part: &Part) -> bool {
    let escaped = script.text(&part.span).chars().nth(1);
    let is_plain = |c: char| c.is_alphanumeric() && !"ntr".contains(c) || "%:/_=^-".contains(c);
    part.kind == PartKind::Escaped && !part.quoted && escaped.is_some_and(is_plain)
}
