use crate::diagnostic::Fix;
use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::shell_scripts;
use crate::lint::shell::{Command, Kind, Script};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// A test is in a needless subshell.
    ///
    /// `( [ -f x ] )` starts another shell without need. Group commands with `{ …; }`.
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
    "SC2234", Style, Dockerfile(check), OfShell, Fixes
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    shell_scripts(subject).flat_map(needless).collect()
}

fn needless<'a>(script: &'a Script<'a>) -> impl Iterator<Item = Found> {
    let commands =
        script.code.pipelines.iter().filter(|pipeline| !pipeline.is_condition).flat_map(|pipeline| &pipeline.commands);
    let needless = commands.filter(|command| is_needless(script, command));
    needless.map(|command| {
        let found = Found::new(&script.place(&command.span), "this needs no subshell");
        found.help("remove the parentheses").fix(fix(script, command))
    })
}

/// A fix that removes the parentheses, replacing them by spaces if words would otherwise merge. There is no fix if the test
/// might set a variable, whose effect would then last.
fn fix(script: &Script<'_>, command: &Command) -> Option<Fix> {
    let (start, text) = (command.span.start, script.text(&command.span).trim_end());
    let close = start + text.find(')').filter(|at| text[*at..].len() == 1)?;
    let behind = script.text(&(close + 1..script.source.text.len()));
    let without = |is_apart: bool| if is_apart { "" } else { " " };
    let begins = without(script.text(&(0..start)).ends_with([' ', '\t', '\n']) || start == 0);
    let ends = without(behind.is_empty() || behind.starts_with([' ', '\t', '\n', ';']));
    let place = |at: usize| script.place(&(at..at + 1));
    (!text.contains("${") && !text.contains('`') && !text.contains("$("))
        .then(|| Fix::safe("remove the parentheses").replace(&place(start), begins).replace(&place(close), ends))
}

fn is_needless(script: &Script<'_>, command: &Command) -> bool {
    let Kind::Subshell(list) = &command.kind else { return false };
    let [pipeline] = list.pipelines.as_slice() else { return false };
    let commands = script.code.pipelines[*pipeline].commands.as_slice();
    matches!(commands, [Command { kind: Kind::Simple(only), .. }] if script.commands()[*only].is(&["[", "test"]))
}
