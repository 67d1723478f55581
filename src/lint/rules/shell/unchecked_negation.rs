use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::{shell_scripts, stops_at_errors};
use crate::lint::shell::{Joint, Pipeline, Script};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// `set -e` ignores commands with `!`.
    ///
    /// A script with `set -e` ends when a command fails, but never because of a command with `!` before it.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// RUN set -e; ! grep -q debug /etc/app.conf; make
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// RUN set -e; if grep -q debug /etc/app.conf; then exit 1; fi; make
    /// ```
    "SC2251", Info, Dockerfile(check), OfShell
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    shell_scripts(subject).filter(|script| stops_at_errors(script)).flat_map(unseen).collect()
}

fn unseen<'a>(script: &'a Script<'a>) -> impl Iterator<Item = Found> {
    let negated = script.code.pipelines.iter().filter(|pipeline| is_unseen(pipeline));
    negated.filter_map(|pipeline| pipeline.negation.as_ref()).map(|negation| {
        Found::new(&script.place(negation), "`set -e` ignores the result of this command")
            .help("use `if command; then exit 1; fi`")
    })
}

fn is_unseen(pipeline: &Pipeline) -> bool {
    let is_alone = matches!(pipeline.before, Joint::None | Joint::Then) && pipeline.after == Joint::Then;
    is_alone && !pipeline.is_condition && !pipeline.is_asked
}
