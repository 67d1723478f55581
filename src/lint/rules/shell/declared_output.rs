use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::each_shell;
use crate::lint::shell::{ExpansionKind, PartKind, Script, Word};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// A declaration hides the failure of a command.
    ///
    /// `export NAME="$(command)"` succeeds even if the command fails, so `set -e` and `&&` do not notice it.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// RUN export KEY="$(cat /key)" && make
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// RUN KEY="$(cat /key)" && export KEY && make
    /// ```
    "SC2155", Warning, Dockerfile(check), OfShell
}

/// The commands that declare variables.
const DECLARING: [&str; 5] = ["export", "declare", "local", "readonly", "typeset"];

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    each_shell(subject, |script, command| {
        let declared = command.assignments.iter().filter(|_| command.is(&DECLARING));
        declared
            .filter(|assignment| has_output(script, &assignment.value))
            .map(|assignment| {
                let span = assignment.span.start..assignment.span.start + assignment.name.len();
                Found::new(&script.place(&span), "a failure of the command is ignored here")
                    .help("set the variable first, and declare it in a separate command")
            })
            .collect()
    })
}

fn has_output(script: &Script<'_>, word: &Word) -> bool {
    word.parts.iter().any(|part| {
        let PartKind::Expansion(index) = part.kind else { return false };
        matches!(script.code.expansions[index].kind, ExpansionKind::Command(_) | ExpansionKind::Backticks(_))
    })
}
