use crate::lint::dockerfile::variable::{self, Variable};
use crate::lint::dockerfile::{Instruction, Keyword, Word};
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;
use crate::text;

rule! {
    /// The name of a label is not as names of labels are.
    ///
    /// By Docker's own guidelines it is written in small letters and digits, with `.`, `-`, `_` and `/` between them; it
    /// begins with a letter and ends with a letter or a digit, and has no `..` and no `--`. `com.docker.`, `io.docker.` and
    /// `org.dockerproject.` are Docker's own. Tools that read labels may pass over others.
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
            let message = format!("`{}` is not the name of a label: {why}", text::cut(name.unquoted()));
            Some(Found::new(&name.span, message))
        })
        .collect()
}

/// A variable may stand in a name, but one that nothing sets is a mistake for a plain `$`.
fn unset(name: &Word, subject: &DockerfileSubject<'_>) -> Option<&'static str> {
    let variables = variable::variables(&name.text, subject.file.escape);
    let is_set =
        |variable: &Variable<'_>| subject.file.scopes.is_named_anywhere(variable.name) || variable.minds_unset();
    (name.text.contains('$') && !variables.iter().all(is_set)).then_some("nothing sets the variable in it")
}

fn why_not(name: &str) -> Option<&'static str> {
    let is_letter = |c: char| c.is_ascii_lowercase();
    let is_end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if name.is_empty() || name.contains('$') {
        None
    } else if RESERVED.iter().any(|reserved| name.starts_with(reserved)) {
        Some("it begins with what is reserved for Docker")
    } else if name.contains("..") || name.contains("--") {
        Some("two points or dashes follow each other")
    } else if !name.starts_with(is_letter) || !name.ends_with(is_end) {
        Some("it begins with a small letter, and ends with one or with a digit")
    } else if name.contains(|c| !is_end(c) && !".-_/".contains(c)) {
        Some("it has small letters, digits, `.`, `-`, `_` and `/` in it")
    } else {
        None
    }
}
