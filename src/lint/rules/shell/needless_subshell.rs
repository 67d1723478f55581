use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::shell_scripts;
use crate::lint::shell::{Command, Kind, Script};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// A test stands in a subshell of its own.
    ///
    /// `( [ -f x ] )` starts another shell for nothing. Groups of commands are written with `{ …; }`.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// RUN ([ -f /key ]) || exit 1
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// RUN [ -f /key ] || exit 1
    /// ```
    "SC2234", Style, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    shell_scripts(subject).flat_map(needless).collect()
}

fn needless<'a>(script: &'a Script<'a>) -> impl Iterator<Item = Found> {
    let commands =
        script.code.pipelines.iter().filter(|pipeline| !pipeline.is_condition).flat_map(|pipeline| &pipeline.commands);
    let needless = commands.filter(|command| is_needless(script, command));
    needless.map(|command| {
        Found::new(&script.place(&command.span), "this needs no shell of its own").help("leave the parentheses out")
    })
}

fn is_needless(script: &Script<'_>, command: &Command) -> bool {
    let Kind::Subshell(list) = &command.kind else { return false };
    let [pipeline] = list.pipelines.as_slice() else { return false };
    let commands = script.code.pipelines[*pipeline].commands.as_slice();
    matches!(commands, [Command { kind: Kind::Simple(only), .. }] if script.commands()[*only].is(&["[", "test"]))
}
