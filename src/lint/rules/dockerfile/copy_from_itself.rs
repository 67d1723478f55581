use super::copy_from_unknown;
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// `COPY --from` names its own stage.
    ///
    /// A stage cannot copy from itself: the build fails with a circular dependency.
    ///
    /// ```dockerfile bad
    /// FROM node:22 AS build
    /// COPY --from=build /app /srv
    /// ```
    ///
    /// ```dockerfile good
    /// FROM node:22 AS build
    /// FROM nginx:1.27
    /// COPY --from=build /app /srv
    /// ```
    "DL3023", Error, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let stages = subject.file.stages();
    stages
        .flat_map(|stage| {
            let name = stage.name().map(|name| name.text.as_str());
            copy_from_unknown::sources(stage).filter(move |from| {
                let from = from.unquoted();
                name.is_some_and(|name| name.eq_ignore_ascii_case(from)) || from == stage.index.to_string()
            })
        })
        .map(|from| Found::new(&from.span, "this stage copies from itself").help("name an earlier stage"))
        .collect()
}
