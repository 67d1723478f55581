use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::shell_scripts;
use crate::lint::rules::shell::splits;
use crate::lint::shell::{Command, Expansion, ExpansionKind, Kind, List, Script};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// The output of a command is not in double quotes.
    ///
    /// A shell splits it at spaces, and expands `*` and `?` in it: one argument may become several, or a different
    /// one.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// RUN cp $(find / -name app.conf) /etc
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// RUN cp "$(find / -name app.conf)" /etc
    /// ```
    "SC2046", Warning, Dockerfile(check), OfShell
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    shell_scripts(subject).flat_map(unquoted).collect()
}

fn unquoted<'a>(script: &'a Script<'a>) -> impl Iterator<Item = Found> {
    let split = script.code.expansions.iter().filter(|expansion| is_split(script, expansion));
    split.map(|expansion| {
        Found::new(&script.place(&expansion.span), "the output is split at spaces").help("put it in double quotes")
    })
}

fn is_split(script: &Script<'_>, expansion: &Expansion) -> bool {
    let (ExpansionKind::Command(list) | ExpansionKind::Backticks(list)) = &expansion.kind else { return false };
    // A comment in backticks has no output.
    !list.pipelines.is_empty() && splits::is_split(script, expansion) && !gives_words(script, list)
}

/// Programs whose output is meant to be split.
const LISTS: [&str; 2] = ["seq", "pgrep"];

fn gives_words(script: &Script<'_>, list: &List) -> bool {
    let [pipeline] = list.pipelines.as_slice() else { return false };
    let commands = script.code.pipelines[*pipeline].commands.as_slice();
    matches!(commands, [Command { kind: Kind::Simple(command), .. }] if script.commands()[*command].is(&LISTS))
}
