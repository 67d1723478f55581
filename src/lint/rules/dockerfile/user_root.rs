use crate::lint::dockerfile::{Instruction, Keyword, Stage};
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// The last `USER` of a stage is root.
    ///
    /// What runs in the container then may do everything in it, and whoever breaks in has a better start for breaking out.
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
    Found::new(place, "the image runs as root").help("end with a `USER` that has only the rights it needs")
}
