use crate::lint::dockerfile::variable::{self, Variable};
use crate::lint::dockerfile::{Instruction, Keyword, Word};
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;
use crate::text;

rule! {
    /// The name of a label does not follow the conventions.
    ///
    /// By Docker's guidelines it consists of lower-case letters and digits, separated by `.`, `-`, `_` and `/`; it
    /// begins with a letter, ends with a letter or digit, and has no `..` or `--`. `com.docker.`, `io.docker.` and
    /// `org.dockerproject.` are reserved for Docker. Tools that read labels may ignore other names.
    ///
    /// ```dockerfile bad
    /// FROM node:22
    /// LABEL Maintainer=Ada
    /// ```
    ///
    /// ```dockerfile good
    /// FROM node:22
    /// LABEL org.opencontainers.image.ref-name=shop
    /// ```
    "DL3048", Style, Dockerfile(check)
}

const RESERVED: [&str; 3] = ["com.docker.", "io.docker.", "org.dockerproject."];

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let names = subject.file.of(Keyword::Label).flat_map(Instruction::pairs).map(|pair| pair.name);
    names
        .filter_map(|name| {
            let why = why_not(name.unquoted()).or_else(|| unset(&name, subject))?;
            let message = format!("`{}` is not a valid label name: {why}", text::cut(name.unquoted()));
            Some(Found::new(&name.span, message))
        })
        .collect()
}

/// A name may contain variables, but one that is never set is probably a literal `$`.
fn unset(name: &Word, subject: &DockerfileSubject<'_>) -> Option<&'static str> {
    let variables = variable::variables(&name.text, subject.file.escape);
    let is_set =
        |variable: &Variable<'_>| subject.file.scopes.is_named_anywhere(variable.name) || variable.minds_unset();
    (name.text.contains('$') && !variables.iter().all(is_set)).then_some("its variable is never set")
}

fn why_not(name: &str) -> Option<&'static str> {
    let is_letter = |c: char| c.is_ascii_lowercase();
    let is_end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if name.is_empty() || name.contains('$') {
        None
    } else if RESERVED.iter().any(|reserved| name.starts_with(reserved)) {
        Some("its prefix is reserved for Docker")
    } else if name.contains("..") || name.contains("--") {
        Some("it contains `..` or `--`")
    } else if !name.starts_with(is_letter) || !name.ends_with(is_end) {
        Some("it must begin with a lower-case letter, and end with one or with a digit")
    } else if name.contains(|c| !is_end(c) && !".-_/".contains(c)) {
        Some("it may contain lower-case letters, digits, `.`, `-`, `_` and `/` only")
    } else {
        None
    }
}
