use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::{at, each_shell};
use crate::lint::shell::{PartKind, Script, Word};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// A pattern may match names that begin with a dash.
    ///
    /// A file named `-rf` would become an option of the command. With `./` before the pattern it stays a file name.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// WORKDIR /data
    /// RUN rm *.log
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// WORKDIR /data
    /// RUN rm ./*.log
    /// ```
    "SC2035", Info, Dockerfile(check), OfShell
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    each_shell(subject, |script, command| {
        let arguments = command.arguments().iter().take_while(|word| word.text != "--");
        let arguments = arguments.filter(|_| !command.is(&["echo", "printf"]));
        arguments
            .filter(|word| is_bare(script, word))
            .map(|word| {
                at(script, word, "a name that begins with `-` would be taken as an option").help("write `./` before it")
            })
            .collect()
    })
}

fn is_bare(script: &Script<'_>, word: &Word) -> bool {
    let first = word.parts.first().filter(|part| part.kind == PartKind::Literal && !part.quoted);
    first.is_some_and(|part| part.span.start == word.span.start && script.text(&part.span).starts_with(['*', '?']))
}
