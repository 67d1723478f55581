use crate::diagnostic::Fix;
use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::{at_name, shell_scripts, stops_at_errors};
use crate::lint::shell::{Joint, Script, Simple, Word};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// A `cd` may fail, and the next command then runs in another folder.
    ///
    /// `cd /data; rm -rf *` removes the wrong files if `/data` does not exist. `&&`, `|| exit` or `set -e` end the script
    /// instead.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// RUN cd /data; make
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// RUN cd /data && make
    /// ```
    "SC2164", Warning, Dockerfile(check), OfShell, Fixes
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    shell_scripts(subject).filter(|script| !stops_at_errors(script)).flat_map(unchecked).collect()
}

fn unchecked<'a>(script: &'a Script<'a>) -> impl Iterator<Item = Found> {
    let commands = script.commands().iter().filter(|command| is_change(command) && !is_checked(script, command));
    commands.map(|command| {
        at_name(script, command, "if this fails, the following commands run in another folder")
            .help("join with `&&`, or add `|| exit`")
            .fix(fix(script, command))
    })
}

/// A fix, only offered, because the script may continue on purpose.
fn fix(script: &Script<'_>, command: &Simple) -> Option<Fix> {
    let pipeline = &script.code.pipelines[command.pipeline];
    let is_alone = pipeline.commands.len() == 1 && pipeline.negation.is_none() && pipeline.after == Joint::Then;
    let end = script.place(&command.span).end;
    is_alone.then(|| Fix::offered("end the script if it fails").insert(end, " || exit 1"))
}

/// Whether the command is a `cd` to a folder that may not exist.
fn is_change(command: &Simple) -> bool {
    let is_sure = |word: &Word| word.text.bytes().all(|byte| matches!(byte, b'.' | b'/'));
    command.is(&["cd", "pushd", "popd"]) && !matches!(command.arguments(), [only] if is_sure(only))
}

fn is_checked(script: &Script<'_>, command: &Simple) -> bool {
    let pipeline = &script.code.pipelines[command.pipeline];
    pipeline.is_asked || pipeline.is_condition
}
