use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::{at_name, first_in_each};
use crate::lint::rules::shell::packages;
use crate::lint::shell::Simple;
use crate::lint::subject::DockerfileSubject;

rule! {
    /// `apt-get install` asks a question.
    ///
    /// Nobody can answer during a build, so the build fails.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// RUN apt-get install --no-install-recommends curl=8.5.0
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// RUN apt-get install -y --no-install-recommends curl=8.5.0
    /// ```
    "DL3014", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    first_in_each(subject, |script, command| {
        packages::apt(command).filter(|_| !assumes_yes(command))?;
        Some(at_name(script, command, "`apt-get install` waits for an answer").help("add `-y`"))
    })
}

fn assumes_yes(command: &Simple) -> bool {
    let level = command.has(&["-q=2", "--quiet=2"]);
    level || command.has_flag("yes", 'y') || command.has_long("assume-yes") || quiets(command) > 1
}

/// The number of quiet flags; two also imply yes.
fn quiets(command: &Simple) -> usize {
    let letters =
        |flag: &str| if flag.starts_with("--") { usize::from(flag == "--quiet") } else { flag.matches('q').count() };
    command.flags().map(letters).sum()
}
