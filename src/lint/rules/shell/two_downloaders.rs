use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::at_name;
use crate::lint::subject::DockerfileSubject;
use std::collections::{BTreeMap, BTreeSet};

rule! {
    /// Both `wget` and `curl` are used.
    ///
    /// One of them is enough; two make the image larger, and readers must know the options of both.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// RUN curl -fsSO https://example.com/a
    /// WORKDIR /x
    /// RUN wget -q https://example.com/b
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// RUN curl -fsSO https://example.com/a
    /// WORKDIR /x
    /// RUN curl -fsSO https://example.com/b
    /// ```
    "DL4001", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let mut used: BTreeMap<usize, BTreeSet<&str>> = BTreeMap::new();
    let mut found = Vec::new();
    for script in subject.scripts {
        let names = used.entry(script.stage).or_default();
        let mut second = None;
        for command in script.commands().iter().filter(|command| command.is(&["curl", "wget"])) {
            names.insert(command.name());
            second = second.or((names.len() > 1).then_some(command));
        }
        found.extend(second.map(|command| {
            at_name(script, command, "this stage uses both `curl` and `wget`").help("use one of them for all downloads")
        }));
    }
    found
}
