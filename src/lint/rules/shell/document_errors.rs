use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::{shell_scripts, stops_at_errors};
use crate::lint::shell::{Command, Joint, Kind, Pipeline, Script};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// A here-document with several commands continues after a failure.
    ///
    /// `RUN <<EOF` passes its lines to a shell as a script. Only the last command of a script decides whether the step has failed: if
    /// a download in the first line fails, the build continues without it. With `set -e` in the first line each command counts, as
    /// with `&&`.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// RUN <<EOF
    /// curl -fsSo /app.tar https://example.com/app.tar
    /// mkdir /app
    /// EOF
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// RUN <<EOF
    /// set -e
    /// curl -fsSo /app.tar https://example.com/app.tar
    /// mkdir /app
    /// EOF
    /// RUN <<EOF
    /// echo building
    /// curl -fsSo /app.tar https://example.com/app.tar && mkdir /app
    /// EOF
    /// ```
    "SK5507", Warning, Dockerfile(check)
}

/// Commands that practically never fail.
const SURE: [&str; 9] = ["echo", "printf", "export", "set", ":", "true", "umask", "alias", "shopt"];

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let documents = shell_scripts(subject).filter(|script| is_document(script) && !stops_at_errors(script));
    documents.filter_map(|script| first_unheeded(script).map(|pipeline| found(script, pipeline))).collect()
}

/// Whether the script itself is a here-document, rather than a command that reads one.
fn is_document(script: &Script<'_>) -> bool {
    let heredoc = script.instruction.heredocs.first();
    heredoc.is_some_and(|heredoc| script.place(&(0..1)).start == heredoc.body.start)
}

/// The first pipeline whose failure is ignored.
fn first_unheeded<'s>(script: &'s Script<'_>) -> Option<&'s Pipeline> {
    let (_, before) = script.code.body.pipelines.split_last()?;
    let before = before.iter().map(|index| &script.code.pipelines[*index]);
    before.into_iter().find(|pipeline| {
        let is_unheeded = pipeline.after == Joint::Then && pipeline.before != Joint::Or && pipeline.negation.is_none();
        is_unheeded && pipeline.commands.last().is_some_and(|command| may_fail(script, command))
    })
}

fn may_fail(script: &Script<'_>, command: &Command) -> bool {
    match command.kind {
        Kind::Simple(index) => {
            let simple = &script.code.commands[index];
            !simple.words.is_empty() && !simple.is(&SURE)
        }
        Kind::Subshell(_) => true,
        Kind::Compound => false,
    }
}

fn found(script: &Script<'_>, pipeline: &Pipeline) -> Found {
    let message = "if this fails, the script and the build continue";
    Found::new(&script.place(&pipeline.span), message).help("write `set -e` as the first line of the document")
}
