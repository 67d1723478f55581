use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;

rule! {
    /// The `.env` file beside a stack file sets nothing.
    ///
    /// It is read as Docker Compose reads it: `NAME=value` on each line, with quotes, comments and `export` if you like. This
    /// one is not understood, is too large, or is a symbolic link, so that none of its variables is set.
    ///
    /// ```yaml bad with ->.env
    /// services:
    ///   web: { image: "shop:${TAG:-1}" }
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web: { image: "shop:${TAG:-1}" }
    /// ```
    "SK2021", Warning, Stack(check)
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    subject.file.env_files.iter().cloned().map(Found::from).collect()
}
