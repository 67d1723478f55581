use crate::diagnostic::Fix;
use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::{at_name, each_shell};
use crate::lint::shell::{Script, Simple};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// `egrep` is deprecated.
    ///
    /// GNU grep warns about it since 3.8 and may remove it. `grep -E` is equivalent.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// RUN egrep "a|b" /etc/passwd
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// RUN grep -E "a|b" /etc/passwd
    /// ```
    "SC2196", Info, Dockerfile(check), OfShell, Fixes
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    each_shell(subject, |script, command| {
        let found = || at_name(script, command, "`egrep` is deprecated").help("use `grep -E`");
        command.is_in_any_folder("egrep").then(|| found().fix(fix(script, command))).into_iter().collect()
    })
}

/// A fix, unless the script defines its own `egrep`.
fn fix(script: &Script<'_>, command: &Simple) -> Option<Fix> {
    let name = command.name_word();
    let is_own = script.code.functions.iter().any(|name| ["egrep", "grep"].contains(&name.as_str()));
    (name.is_plain() && name.text == "egrep" && !is_own)
        .then(|| Fix::safe("write `grep -E`").replace(&script.place(&name.span), "grep -E"))
}
