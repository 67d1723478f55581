use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::shell_scripts;
use crate::lint::shell::{ExpansionKind, Script};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// Backticks are used instead of `$(…)`.
    ///
    /// In backticks a backslash means something else, and they cannot be nested without more of them.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// RUN KERNEL=`uname -r` && echo "$KERNEL"
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// RUN KERNEL=$(uname -r) && echo "$KERNEL"
    /// ```
    "SC2006", Style, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    shell_scripts(subject).flat_map(backticks).collect()
}

fn backticks<'a>(script: &'a Script<'a>) -> impl Iterator<Item = Found> {
    let old = script.code.expansions.iter().filter(|expansion| matches!(expansion.kind, ExpansionKind::Backticks(_)));
    old.map(|expansion| Found::new(&script.place(&expansion.span), "backticks are the old form").help("write `$(…)`"))
}
