use crate::lint::dockerfile::{Instruction, Keyword, Stage};
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// The last `USER` of a stage is root.
    ///
    /// A program that runs as root may change everything in the container, which makes it easier for attackers to escape from it.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// USER root
    /// RUN apt-get update
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// USER root
    /// RUN apt-get update
    /// USER 1000
    /// ```
    "DL3002", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let is_root = |stage: Stage<'_>, user: &Instruction| {
        let known = subject.file.scopes.surely(stage.index, user.span.start, user.text());
        matches!(known.as_deref().unwrap_or_default().split(':').next(), Some("root" | "0"))
    };
    let last = |stage: Stage<'_>| stage.of(Keyword::User).next_back().filter(|user| is_root(stage, user)).map(found);
    subject.file.stages().filter_map(last).collect()
}

fn found(user: &Instruction) -> Found {
    let place = user.argument().map_or(&user.span, |word| &word.span);
    Found::new(place, "the image runs as root").help("end with a `USER` without unneeded rights")
}
