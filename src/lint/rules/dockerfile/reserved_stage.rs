use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;
use crate::text;

rule! {
    /// A stage has a reserved name.
    ///
    /// `scratch` is the empty image, and `context` means the build context, so a stage with such a name cannot be
    /// referenced. BuildKit: `ReservedStageName`.
    ///
    /// ```dockerfile bad
    /// FROM node:22 AS scratch
    /// ```
    ///
    /// ```dockerfile good
    /// FROM node:22 AS build
    /// ```
    "DL3063", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let names = subject.file.stages().filter_map(|stage| stage.name());
    names
        .filter(|name| ["scratch", "context"].iter().any(|reserved| name.text.eq_ignore_ascii_case(reserved)))
        .map(|name| {
            Found::new(&name.span, format!("the name `{}` is reserved", text::cut(&name.text)))
                .help("give the stage another name")
        })
        .collect()
}
