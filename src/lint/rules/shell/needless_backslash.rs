use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::each_shell;
use crate::lint::shell::{Part, PartKind, Script};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// A backslash does nothing.
    ///
    /// Outside of quotes `\\d` is the letter `d`: the program sees no backslash. In quotes it would.
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
    "SC1001", Info, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    each_shell(subject, |script, command| {
        let arguments = command.words.iter().skip(1).chain(command.assignments.iter().map(|assigned| &assigned.value));
        let parts = arguments.flat_map(|word| &word.parts).filter(|part| is_needless(script, part));
        parts
            .map(|part| {
                Found::new(&script.place(&part.span), "the backslash does nothing")
                    .help("put the word in single quotes, if it is meant")
            })
            .collect()
    })
}

fn is_needless(script: &Script<'_>, part: &Part) -> bool {
    let escaped = script.text(&part.span).chars().nth(1);
    let is_plain = |c: char| c.is_alphanumeric() && !"ntr".contains(c) || "%:/_=^-".contains(c);
    part.kind == PartKind::Escaped && !part.quoted && escaped.is_some_and(is_plain)
}
