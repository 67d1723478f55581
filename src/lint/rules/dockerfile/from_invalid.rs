use crate::diagnostic::Severity;
use crate::lint::dockerfile::{Stage, Word};
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;
use crate::name::ImageReference;
use crate::text;

rule! {
    /// `FROM` does not name an image.
    ///
    /// With the defaults of its arguments the name is empty or invalid, so a `docker build` without arguments
    /// fails. Without a variable every build fails, and this is an error. BuildKit:
    /// `InvalidDefaultArgInFrom`.
    ///
    /// ```dockerfile bad
    /// ARG VERSION
    /// FROM node:${VERSION}
    /// ```
    ///
    /// ```dockerfile bad
    /// FROM Node:22
    /// ```
    ///
    /// ```dockerfile good
    /// ARG VERSION=22
    /// FROM node:${VERSION}
    /// ```
    "SK5016", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    subject.file.stages().filter_map(|stage| invalid(stage, subject)).collect()
}

fn invalid(stage: Stage<'_>, subject: &DockerfileSubject<'_>) -> Option<Found> {
    let word = stage.image()?;
    let name = subject.file.scopes.of_from(&word.text)?;
    let variable = word.text.contains('$');
    if name == "scratch" || ImageReference::can_be_pulled(&name) || variable && undeclared(word, subject) {
        return None;
    }
    let message = if variable {
        format!("with the defaults of its arguments this is `{}`, which is not the name of an image", text::cut(&name))
    } else {
        format!("`{}` is not the name of an image", text::cut(&name))
    };
    let help = if variable { "give the argument a default" } else { "write it in lower case: `registry/name:version`" };
    let found = Found::new(&word.span, message).help(help);
    Some(if variable { found } else { found.severity(Severity::Error) })
}

/// Whether a variable is undeclared, which another rule reports.
fn undeclared(word: &Word, subject: &DockerfileSubject<'_>) -> bool {
    let variables = crate::lint::dockerfile::variable::variables(&word.text, subject.file.escape);
    variables.iter().any(|variable| !subject.file.scopes.is_global(variable.name))
}
