use crate::diagnostic::Fix;
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;
use crate::text;

rule! {
    /// The name of a stage has capital letters.
    ///
    /// Docker converts it to lower case, but a `FROM` with capital letters does not find the stage: it is taken for an image, whose
    /// name cannot have any. BuildKit: `StageNameCasing`.
    ///
    /// ```dockerfile bad
    /// FROM node:22 AS Build
    /// ```
    ///
    /// ```dockerfile good
    /// FROM node:22 AS build
    /// ```
    "SK5010", Style, Dockerfile(check), Fixes
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let names = subject.file.stages().filter_map(|stage| stage.name());
    names
        .filter(|name| name.text.contains(|c: char| c.is_ascii_uppercase()))
        .map(|name| {
            let small = name.text.to_ascii_lowercase();
            Found::new(&name.span, format!("the name of the stage `{}` has capital letters", text::cut(&name.text)))
                .help(format!("write `{}`", text::cut(&small)))
                .fix(Fix::offered("write it in lower case").replace(&name.span, small))
        })
        .collect()
}
