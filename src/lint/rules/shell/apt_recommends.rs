use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::{at_name, first_in_each};
use crate::lint::rules::shell::packages;
use crate::lint::shell::Word;
use crate::lint::subject::DockerfileSubject;

rule! {
    /// `apt-get install` also installs recommended packages.
    ///
    /// Recommended packages make the image larger, and add unneeded software with its vulnerabilities.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// RUN apt-get install -y curl=8.5.0
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// RUN apt-get install -y --no-install-recommends curl=8.5.0
    /// ```
    "DL3015", Info, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    first_in_each(subject, |script, command| {
        packages::apt(command)?;
        if command.has_long("no-install-recommends") || command.arguments().iter().any(is_switched_off) {
            return None;
        }
        Some(at_name(script, command, "recommended packages are also installed").help("add `--no-install-recommends`"))
    })
}

/// `-o APT::Install-Recommends=false`
fn is_switched_off(word: &Word) -> bool {
    let option = word.text.rsplit_once("APT::Install-Recommends=").map(|(_, value)| value);
    option.is_some_and(|value| ["0", "false", "no", "off"].contains(&value))
}
