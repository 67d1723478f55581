use crate::lint::dockerfile::Keyword;
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// `ONBUILD` is followed by `ONBUILD`, `FROM` or `MAINTAINER`.
    ///
    /// These instructions cannot be deferred: the build fails.
    ///
    /// ```dockerfile bad
    /// FROM node:22
    /// ONBUILD FROM nginx:1.27
    /// ```
    ///
    /// ```dockerfile good
    /// FROM node:22
    /// ONBUILD COPY . /app
    /// ```
    "DL3043", Error, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let later = subject.file.instructions.iter().filter(|instruction| instruction.on_build);
    later
        .filter(|instruction| matches!(instruction.keyword, Keyword::Onbuild | Keyword::From | Keyword::Maintainer))
        .map(|instruction| {
            let message = format!("`{}` must not follow `ONBUILD`", instruction.keyword);
            Found::new(&instruction.keyword_span, message)
        })
        .collect()
}
