use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::{at_name, each_shell};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// `egrep` is deprecated.
    ///
    /// GNU grep warns of it since 3.8, and its next release may be without it. `grep -E` is the same.
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
    "SC2196", Info, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    each_shell(subject, |script, command| {
        let is_one = command.is(&["egrep"]);
        is_one.then(|| at_name(script, command, "`egrep` is deprecated").help("use `grep -E`")).into_iter().collect()
    })
}
