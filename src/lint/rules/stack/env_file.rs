use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;

rule! {
    /// The `.env` file beside a stack file is ignored.
    ///
    /// It is read as by Docker Compose: `NAME=value` on each line, optionally with quotes, comments and `export`. This
    /// one is invalid, too large, or a symbolic link, so none of its variables is set.
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
