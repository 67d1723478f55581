use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::{at_name, shell_scripts};
use crate::lint::shell::{ExpansionKind, Kind, PartKind, Script, Simple, Word};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// A pipeline ends in a command that ignores its input.
    ///
    /// `rm`, `cp` and others take their files as arguments and ignore standard input.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// SHELL ["/bin/bash", "-o", "pipefail", "-c"]
    /// RUN find /tmp -name core | rm
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// SHELL ["/bin/bash", "-o", "pipefail", "-c"]
    /// RUN find /tmp -name core -print0 | xargs -0 rm
    /// ```
    "SC2216", Warning, Dockerfile(check), OfShell
}

/// Programs that ignore standard input.
const DEAF: [&str; 31] = [
    "alias", "basename", "bg", "cd", "chgrp", "chmod", "chown", "cp", "du", "echo", "export", "fg", "jobs", "kill",
    "ln", "ls", "mv", "printf", "ps", "pwd", "renice", "rm", "rmdir", "set", "sleep", "touch", "uname", "unalias",
    "unset", "wait", "trap",
];

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    shell_scripts(subject).flat_map(into_deaf).collect()
}

fn into_deaf<'a>(script: &'a Script<'a>) -> impl Iterator<Item = Found> {
    let behind = script.code.pipelines.iter().flat_map(|pipeline| pipeline.commands.iter().skip(1));
    let simple = behind.filter_map(|command| match command.kind {
        Kind::Simple(command) => Some(&script.commands()[command]),
        _ => None,
    });
    simple.filter(|command| is_deaf(script, command)).map(|command| {
        let message = format!("`{}` does not read standard input", command.name());
        at_name(script, command, message).help("use `xargs`, or remove the pipe")
    })
}

fn is_deaf(script: &Script<'_>, command: &Simple) -> bool {
    let asks = command.is(&["rm", "cp", "mv"]) && command.has_flag("interactive", 'i');
    let reads = command.arguments().iter().any(|word| has_output(script, word));
    command.is(&DEAF) && !asks && !reads
}

/// Whether a command inside the word may read the input.
fn has_output(script: &Script<'_>, word: &Word) -> bool {
    word.parts.iter().any(|part| {
        let PartKind::Expansion(index) = part.kind else { return false };
        !matches!(script.code.expansions[index].kind, ExpansionKind::Parameter(..) | ExpansionKind::Arithmetic)
    })
}
