use crate::diagnostic::{Severity, suggest};
use crate::lint::dockerfile::{Stage, Word, variable};
use crate::lint::rule::{Found, MAX_FOUND, rule};
use crate::lint::subject::DockerfileSubject;
use crate::name::ImageReference;
use crate::text;

rule! {
    /// `FROM` uses an argument that is not declared.
    ///
    /// Only an `ARG` before the first `FROM` applies there. Without one the variable is empty, and `--build-arg` has
    /// no effect. BuildKit: `UndefinedArgInFrom`.
    ///
    /// ```dockerfile bad
    /// ARG NODE_VERSION=22
    /// FROM node:${NODE_VERSOIN}
    /// ```
    ///
    /// ```dockerfile good
    /// ARG NODE_VERSION=22
    /// FROM --platform=$BUILDPLATFORM node:${NODE_VERSION}
    /// ```
    "SK5015", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let words = subject.file.stages().flat_map(words);
    words.flat_map(|word| undeclared(word, subject)).take(MAX_FOUND + 1).collect()
}

/// The image and the platform.
fn words(stage: Stage<'_>) -> impl Iterator<Item = &'_ Word> {
    let platform = stage.from().and_then(|from| from.flag("platform")).and_then(|flag| flag.value.as_ref());
    stage.image().into_iter().chain(platform)
}

fn undeclared(word: &Word, subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let scopes = &subject.file.scopes;
    let variables = variable::variables(&word.text, subject.file.escape);
    // With undeclared variables only, the value does not depend on build arguments.
    let is_sure = variables.iter().all(|variable| !scopes.is_global(variable.name));
    let is_refused = is_sure
        && scopes.of_from(&word.text).is_some_and(|name| name != "scratch" && ImageReference::parse(&name).is_err());
    variables
        .into_iter()
        .filter(|variable| !scopes.is_global(variable.name))
        .take(MAX_FOUND + 1)
        .map(|variable| {
            let message = format!("`{}` is not declared before the first `FROM`", text::cut(variable.name));
            let help = suggest::did_you_mean(variable.name, scopes.globals())
                .unwrap_or_else(|| format!("add `ARG {}` there", text::cut(variable.name)));
            let found = Found::new(&word.part(variable.range), message).help(help);
            if is_refused { found.severity(Severity::Error) } else { found }
        })
        .collect()
}
