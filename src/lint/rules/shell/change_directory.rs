use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::{at_name, scripts};
use crate::lint::shell::Script;
use crate::lint::subject::DockerfileSubject;

rule! {
    /// `cd` is used instead of `WORKDIR`.
    ///
    /// `cd` applies to one `RUN` only, and readers easily overlook it. `WORKDIR` applies to all following instructions,
    /// and creates the folder.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// RUN cd /src && make
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// WORKDIR /src
    /// RUN make
    /// ```
    "DL3003", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let first = |script: &Script<'_>| {
        let change = script.commands().iter().find(|command| command.is(&["cd"]))?;
        Some(at_name(script, change, "`cd` applies to this `RUN` only").help("use `WORKDIR`"))
    };
    scripts(subject).filter_map(first).collect()
}
