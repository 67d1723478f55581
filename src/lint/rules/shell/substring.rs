use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::shell_scripts;
use crate::lint::shell::{ExpansionKind, Script};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// `${name:1:2}` is used, which `sh` does not support.
    ///
    /// Only Bash and similar shells support substrings. `sh`, the default shell of `RUN`, fails
    /// with `Bad substitution`.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// RUN VERSION=1.2.3 && echo "${VERSION:0:1}"
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// RUN VERSION=1.2.3 && echo "${VERSION%%.*}"
    /// ```
    "SC3057", Warning, Dockerfile(check), OfShell
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    shell_scripts(subject).filter(|script| script.shell.is_posix()).flat_map(substrings).collect()
}

fn substrings<'a>(script: &'a Script<'a>) -> impl Iterator<Item = Found> {
    let parts = script.code.expansions.iter().filter(|expansion| is_substring(&expansion.kind));
    parts.map(|expansion| {
        Found::new(&script.place(&expansion.span), "`sh` does not support this")
            .help("use `${name%pattern}`, `cut`, or Bash with `SHELL`")
    })
}

fn is_substring(kind: &ExpansionKind) -> bool {
    let ExpansionKind::Parameter(_, operation) = kind else { return false };
    operation.strip_prefix(':').is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['-', '=', '?', '+']))
}
